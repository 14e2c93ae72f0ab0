"""Runs beside one another on one scene: each works on its own versions."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset, Version
from kedro_datasets.json import JSONDataset

from bdgf.framework.hooks.versions import VersionHooks


def catalog(folder: Path, version: str) -> DataCatalog:
    def dataset(name: str) -> JSONDataset:
        return JSONDataset(filepath=str(folder / f"{name}.json"), version=Version(None, version))

    entries = {name: dataset(name) for name in ("scene", "denoiser", "metrics")}
    return DataCatalog({**entries, "seed": MemoryDataset(version)})


class Run:
    """What a session does: hooks around the loading and saving of its catalog."""

    def __init__(self, folder: Path, version: str) -> None:
        self.catalog, self.hooks = catalog(folder, version), VersionHooks()
        self.hooks.after_catalog_created(self.catalog)

    def save(self, name: str, data: Any) -> None:
        self.hooks.before_dataset_saved(name)
        self.catalog.save(name, data)

    def load(self, name: str) -> Any:
        self.hooks.before_dataset_loaded(name)
        return self.catalog.load(name)


def test_a_run_loads_what_it_saved_although_another_saved_since(tmp_path: Path) -> None:
    slow, fast = Run(tmp_path, "2026-01-01"), Run(tmp_path, "2026-01-02")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Kedro's "did not match load version" among them
        fast.save("denoiser", "fast")
        slow.save("denoiser", "slow")
        assert slow.load("denoiser") == "slow"
        assert fast.load("denoiser") == "fast"
    assert Run(tmp_path, "2026-01-03").load("denoiser") == "fast"


def test_a_run_keeps_to_what_it_first_read(tmp_path: Path) -> None:
    Run(tmp_path, "2026-01-01").save("scene", "first")
    reading, writing = Run(tmp_path, "2026-01-02"), Run(tmp_path, "2026-01-03")
    assert reading.load("scene") == "first"
    writing.save("scene", "second")
    reading.save("metrics", "of the first")
    assert reading.load("scene") == "first"
    assert writing.load("scene") == "second"


def test_what_is_not_versioned_or_not_there_is_left_to_kedro(tmp_path: Path) -> None:
    run = Run(tmp_path, "2026-01-01")
    assert run.load("seed") == "2026-01-01"
    run.save("seed", 3)
    with pytest.raises(DatasetError, match="any versions"):
        run.load("scene")
    run.save("scene", "made")
    assert run.load("scene") == "made"
