"""A scene that does not fit into memory gives what it gives in memory: ingest to report."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

from bdgf.datasets.netcdf import NetCDFDataset
from tests.pipelines.project import Project
from tests.pipelines.test_predict import project

__all__ = ["project"]

NOTHING_RESIDENT = {"devices__resident_gib": 0, "ingest__resident_gib": 0}


def made(project: Project, name: str) -> Path:
    found = (project.folder / "data").glob(f"0*/elsewhere@test/**/{name}/*/{name}")
    return sorted(found, key=lambda path: path.parent.name)[-1]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["random_forest", "bdgf"])
def test_the_whole_way(project: Project, model: str) -> None:
    raw = project.folder.parent / "raw"
    given = {"dataset": "elsewhere", "model": model, "split__name": "per_class"}
    if model == "random_forest":
        given |= {"baselines__random_forest__trees": 5}
    found = []
    for seed, how in enumerate(({}, NOTHING_RESIDENT)):
        # Another folder of caches, or the second run would take what the first one made.
        place = {"cache__folder": f"data/working_{seed}", "working_folder": f"data/working_{seed}"}
        result = project.run("full", raw, **given, **how, **place)
        assert result.code == 0, result.printed
        assert ("read from its files, some rows at a time" in result.printed) == bool(how)
        assert ("mapping the scene: 3,600 pixels" in result.printed) == bool(how)
        report = made(project, "report.html").read_text(encoding="utf-8")
        assert ("agreement of the branches" in report) == (model == "bdgf" and not how)
        assert "optical, bands" in report
        with rasterio.open(made(project, "class_map.tif")) as opened:
            classes = opened.read(1)
        names = ("scene.nc", "prepared_scene.nc", "predictions.nc")
        scenes = [made(project, name) for name in names]
        read = [NetCDFDataset(filepath=str(path)).load() for path in scenes]
        found.append((classes, *read))
    (classes, scene, prepared, drawn), (streamed, *others) = found
    np.testing.assert_array_equal(streamed, classes)
    xr.testing.assert_equal(others[0], scene)
    xr.testing.assert_equal(others[1], prepared)
    np.testing.assert_allclose(others[2].probabilities, drawn.probabilities, atol=2**-11)
