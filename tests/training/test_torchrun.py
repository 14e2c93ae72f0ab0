"""What torchrun says by variables of the environment; a whole run is in tests/pipelines."""

import pytest

from bdgf.training.torchrun import is_torchrun_helper, torchrun_count


def started(monkeypatch, rank, count):
    own = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": count}
    for name, value in {**own, "TORCHELASTIC_RUN_ID": "none"}.items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.parametrize(("rank", "count", "helps"), [(0, 1, False), (0, 2, False), (1, 2, True)])
def test_all_but_the_first_help(monkeypatch, rank, count, helps):
    started(monkeypatch, rank, count)
    assert torchrun_count() == count
    assert is_torchrun_helper() is helps


def test_variables_of_another_launcher_are_not_torchrun(monkeypatch):
    started(monkeypatch, 1, 2)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    assert torchrun_count() == 1
    assert not is_torchrun_helper()
