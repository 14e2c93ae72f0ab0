from pathlib import Path

from bdgf.core.machine_memory import GIB, machine_memory


def test_a_container_has_less_than_its_machine(tmp_path: Path) -> None:
    whole = machine_memory(tmp_path)  # where no limit is told
    assert whole > GIB / 4
    (tmp_path / "memory.max").write_text("max\n")
    assert machine_memory(tmp_path) == whole
    (tmp_path / "memory.max").write_text("1048576\n")
    assert machine_memory(tmp_path) == 1048576


def test_the_older_kind_of_containers_counts_too(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/memory.limit_in_bytes").write_text("2097152\n")
    assert machine_memory(tmp_path) == 2097152
    (tmp_path / "memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert machine_memory(tmp_path) == machine_memory(tmp_path / "nowhere")
