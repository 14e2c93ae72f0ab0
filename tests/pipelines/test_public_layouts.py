"""Public scenes as they lie on people's disks, fabricated at true size."""

import re

import numpy as np
import pytest
import xarray as xr

from tests.data.fabricate import write_augsburg, write_muufl
from tests.pipelines.project import Project


def counts(path) -> dict[str, dict[int, int]]:  # type: ignore[no-untyped-def]
    with xr.open_dataset(path, engine="h5netcdf") as scene:
        return {
            name: dict(
                zip(
                    *map(np.ndarray.tolist, np.unique(scene[name], return_counts=True)), strict=True
                )
            )
            for name in ("labels", "official_train", "official_test")
            if name in scene
        }


@pytest.mark.slow
def test_augsburg_gives_the_published_counts(tmp_path) -> None:  # type: ignore[no-untyped-def]
    project = Project.create(tmp_path / "project")
    write_augsburg(project.folder / "data" / "01_raw" / "augsburg")
    project.done("ingest", dataset="augsburg")
    (scene,) = project.versions("02_intermediate/augsburg/scene.nc")
    found = counts(scene)
    assert found["official_train"] == {
        0: 332 * 485 - 761,
        **dict(enumerate([146, 264, 21, 248, 52, 7, 23], 1)),
    }
    assert found["official_test"] == {
        0: 332 * 485 - 77533,
        **dict(enumerate([13361, 30065, 3830, 26609, 523, 1638, 1507], 1)),
    }
    with xr.open_dataset(scene, engine="h5netcdf") as dataset:
        assert {name: dataset[name].shape for name in ("hsi", "sar", "dsm")} == {
            "hsi": (332, 485, 180),
            "sar": (332, 485, 4),
            "dsm": (332, 485, 1),
        }


@pytest.mark.slow
def test_muufl_runs_the_whole_way_at_true_size(tmp_path) -> None:  # type: ignore[no-untyped-def]
    project = Project.create(tmp_path / "project")
    write_muufl(project.folder / "data" / "01_raw" / "muufl")
    printed = project.done("full", dataset="muufl", train__classifier__patch=5)  # soon mapped
    (scene,) = project.versions("02_intermediate/muufl/scene.nc")
    assert sum(n for c, n in counts(scene)["labels"].items() if c) == 53687
    metrics = project.metrics("muufl")
    assert metrics["split"]["name"] == "per_class"
    assert len(metrics["per_class"]) == 11
    assert metrics["leakage"] > 0.01
    assert re.search("training or validation pixel.* 5 px patch", printed)


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["coast", pytest.param("pines", marks=pytest.mark.slow)])
def test_real_scenes_are_found_by_the_environment_variable(
    scene: str, data_folder, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    project = Project.create(tmp_path / "project")
    project.done("ingest", dataset=scene, data=data_folder, below="conf")
    assert len(project.versions(f"02_intermediate/{scene}/scene.nc")) == 1
