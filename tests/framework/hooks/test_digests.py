"""Whether a run compares what it reads with its digests."""

from pathlib import Path

import pytest
from kedro.io import DataCatalog, MemoryDataset

from bdgf.core.digests import DigestError, check_digests, write_digests
from bdgf.core.errors import SettingsError
from bdgf.framework.hooks.digests import DigestHooks


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "scene.nc"
    path.write_bytes(b"damaged")
    write_digests(path, {path.name: "0" * 64})
    return path


def started(wanted: object) -> DigestHooks:
    hooks = DigestHooks()
    hooks.before_pipeline_run({}, DataCatalog({"params:check_digests": MemoryDataset(wanted)}))
    return hooks


def test_a_run_compares_with_digests(damaged: Path) -> None:
    started(True)
    with pytest.raises(DigestError):
        check_digests([damaged])


@pytest.mark.parametrize("end", ["after_pipeline_run", "on_pipeline_error"])
def test_a_run_that_does_not_is_the_only_one(damaged: Path, end: str) -> None:
    hooks = started(False)
    check_digests([damaged])
    getattr(hooks, end)()
    with pytest.raises(DigestError):
        check_digests([damaged])


def test_what_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(SettingsError, match="check_digests"):
        started("sometimes")
