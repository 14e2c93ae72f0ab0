"""Runs beside one another on one scene: each works on its own versions."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset, Version
from kedro.pipeline import Node

from bdgf.datasets.kedro_file import JSONDataset
from bdgf.framework.hooks.versions import VersionHooks
from bdgf.framework.made_from import MadeFrom


def catalog(folder: Path, version: str) -> DataCatalog:
    def dataset(name: str) -> JSONDataset:
        return JSONDataset(filepath=str(folder / f"{name}.json"), version=Version(None, version))

    entries = {name: dataset(name) for name in ("scene", "denoiser", "metrics")}
    parameters = {"params:seed": 3, "params:devices": {"accelerator": "cpu"}, "params:model": "svm"}
    memory = {"baseline_settings": {"svm": {"C": 1}, "mft": {"depth": 2}}, "seed": version}
    return DataCatalog(
        {**entries, **{k: MemoryDataset(v) for k, v in {**parameters, **memory}.items()}}
    )


NODES = {
    "scene": Node(lambda seed: 0, "params:seed", "scene", name="s"),
    "seed": Node(lambda seed: 0, "params:seed", "seed", name="n"),
    "denoiser": Node(lambda scene, how: 0, ["scene", "params:devices"], "denoiser", name="d"),
    "metrics": Node(
        lambda denoiser, settings: 0, ["denoiser", "baseline_settings"], "metrics", name="m"
    ),
}


class Run:
    """What a session does: hooks around the loading and saving of its catalog."""

    def __init__(self, folder: Path, version: str) -> None:
        self.catalog, self.hooks = catalog(folder, version), VersionHooks()
        self.hooks.after_catalog_created(self.catalog)

    def save(self, name: str, data: Any) -> None:
        self.hooks.before_dataset_saved(name, NODES[name])
        self.catalog.save(name, data)

    def load(self, name: str) -> Any:
        self.hooks.before_dataset_loaded(name)
        return self.catalog.load(name)


def test_a_run_loads_what_it_saved_although_another_saved_since(tmp_path: Path) -> None:
    slow, fast = Run(tmp_path, "2026-01-01"), Run(tmp_path, "2026-01-02")
    slow.save("scene", "one for both")
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
    reading.save("denoiser", "of the first")
    assert reading.load("scene") == "first"
    assert writing.load("scene") == "second"


def test_what_is_saved_knows_the_files_that_it_was_made_from(tmp_path: Path) -> None:
    Run(tmp_path, "2026-01-01").save("scene", "earlier")
    run = Run(tmp_path, "2026-01-02")
    run.load("scene")
    Run(tmp_path, "2026-01-03").save("scene", "later")
    run.save("denoiser", "made")
    dataset: Any = run.catalog.get("denoiser")
    assert dataset.sources == [tmp_path / "scene.json" / "2026-01-01" / "scene.json"]


def test_what_is_not_versioned_or_not_there_is_left_to_kedro(tmp_path: Path) -> None:
    run = Run(tmp_path, "2026-01-01")
    assert run.load("seed") == "2026-01-01"
    run.save("seed", 3)
    with pytest.raises(DatasetError, match="any versions"):
        run.load("scene")
    run.save("scene", "made")
    assert run.load("scene") == "made"


def test_beside_each_version_stands_what_it_was_made_from(tmp_path: Path) -> None:
    Run(tmp_path, "2026-01-01").save("scene", "first")
    run = Run(tmp_path, "2026-01-02")
    run.load("scene")
    run.save("denoiser", "made")
    other = Run(tmp_path, "2026-01-03")
    other.save("scene", "second")
    run.save("metrics", "of the first scene, through the denoiser")

    def made(name: str, version: str) -> MadeFrom:
        return MadeFrom.read(tmp_path / f"{name}.json" / version)

    assert made("scene", "2026-01-01") == MadeFrom({}, {"seed": 3})
    assert made("denoiser", "2026-01-02") == MadeFrom({"scene": "2026-01-01"}, {"seed": 3})
    assert made("metrics", "2026-01-02") == MadeFrom(
        {"scene": "2026-01-01", "denoiser": "2026-01-02"}, {"seed": 3, "baselines.svm": {"C": 1}}
    )


def test_two_runs_of_the_same_millisecond_take_two_versions(tmp_path: Path) -> None:
    one, other = Run(tmp_path, "2026-01-01"), Run(tmp_path, "2026-01-01")
    one.save("scene", "one")
    other.save("scene", "other")
    assert (one.load("scene"), other.load("scene")) == ("one", "other")
    assert Run(tmp_path, "2026-01-02").load("scene") == "other"
