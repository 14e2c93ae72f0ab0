from bdgf.training.metric_logger import LoggerGroup, MemoryLogger, NullLogger


def test_a_group_passes_records_on_and_memory_keeps_them():
    one, other = MemoryLogger(), MemoryLogger()
    group = LoggerGroup(one, NullLogger(), other)
    group.log({"fit/loss": 0.5}, 10)
    group.log({"fit/loss": 0.25, "fit/rate": 1.0}, 20)
    assert one.records == other.records
    assert one.series("fit/loss") == [(10, 0.5), (20, 0.25)]
    assert one.series("fit/rate") == [(20, 1.0)]
    assert one.names() == ["fit/loss", "fit/rate"]
    restored = MemoryLogger()
    restored.load_state_dict(one.state_dict())
    assert restored.records == one.records
