"""Which process of torchrun runs a pipeline; a whole run is in tests/pipelines."""

import pytest

from bdgf.framework import cli
from bdgf.framework.torchrun import helpers_released, is_helper
from bdgf.training import torchrun


def started(monkeypatch: pytest.MonkeyPatch, rank: int) -> None:
    own = {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": 2}
    for name, value in {**own, "TORCHELASTIC_RUN_ID": "none"}.items():
        monkeypatch.setenv(name, str(value))


def test_without_torchrun_every_process_runs_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    started(monkeypatch, rank=1)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    monkeypatch.setattr(torchrun, "release_torchrun_helpers", pytest.fail)
    assert not is_helper()
    with helpers_released():
        pass


def test_a_helper_runs_no_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    helped: list[bool] = []
    monkeypatch.setattr(cli, "help_pipeline", lambda: helped.append(True))
    monkeypatch.setattr(cli.kedro_run, "callback", pytest.fail)
    started(monkeypatch, rank=1)
    cli._run(pipeline="pretrain")
    assert helped == [True]


def test_rank_processs_are_released_also_where_the_pipeline_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released: list[bool] = []
    monkeypatch.setattr(torchrun, "release_torchrun_helpers", lambda: released.append(True))
    started(monkeypatch, rank=0)
    with pytest.raises(ZeroDivisionError), helpers_released():
        raise ZeroDivisionError
    assert released == [True]
