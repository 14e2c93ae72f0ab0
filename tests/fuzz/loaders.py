"""What reads each kind of file in the project; a loader reads all that the project would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bdgf.scenes.readers.isolation import read_raw
from bdgf.scenes.readers.reading_limits import ReadingSettings

Loader = Callable[[Path, str | None], Any]

_READING = ReadingSettings(most_gib=0.125, most_seconds=10.0)


def _reader(path: Path, variable: str | None) -> None:
    values = read_raw(path, variable, _READING, [path.parent]).values
    values.sum()


def _scene_file(path: Path, variable: str | None) -> None:
    import fsspec

    from bdgf.framework.scene_files import read_scene_files
    from bdgf.scenes.config import parse_scene_config

    found = read_scene_files(fsspec.filesystem("file"), str(path.parent))
    assert all("\n" not in line for line in found.refused.values())
    for name, parameters in found.scenes.items():
        parse_scene_config(name, parameters)


def _record(path: Path, variable: str | None) -> None:
    from bdgf.experiments.records import RecordFolder, outcome

    if (found := RecordFolder(path.parent).read(path.stem)) is not None:
        outcome("ours", *found)


def _published(path: Path, variable: str | None) -> None:
    from bdgf.experiments.published import published_runs

    list(published_runs(path.parent))


def _cube(path: Path, variable: str | None) -> None:
    from bdgf.features.cube import FeatureCube

    cube = FeatureCube(path)
    _ = cube.fingerprint, cube.scene, cube.timesteps, cube.shape
    for level in cube.levels:
        cube.read(level)
        cube.moments(level)


def _scene(path: Path, variable: str | None) -> None:
    from bdgf.datasets.netcdf import NetCDFDataset
    from bdgf.scenes.scene import check_scene, class_table, georeference

    scene = NetCDFDataset(filepath=str(path)).load()
    check_scene(scene)
    class_table(scene)
    georeference(scene)


def _map(path: Path, variable: str | None) -> None:
    from bdgf.datasets.raster_map import RasterMapDataset

    RasterMapDataset(filepath=str(path)).load()


def _preparation(path: Path, variable: str | None) -> None:
    from bdgf.core.weights import read_weights
    from bdgf.preprocessing.preparation import Preparation

    Preparation.from_weights(read_weights(path))


def _denoiser(path: Path, variable: str | None) -> None:
    from bdgf.core.weights import read_weights
    from bdgf.diffusion.unet import load_denoiser

    load_denoiser(read_weights(path))


def _checkpoint(path: Path, variable: str | None) -> None:
    from bdgf.training.checkpoint import load_checkpoint
    from tests.fuzz.artifacts import MARK

    load_checkpoint(path, MARK)


def _classifier(name: str) -> Loader:
    def load(path: Path, variable: str | None) -> None:
        from bdgf.models.registry import model_entry

        trained: Any = model_entry(name).model().load(path)
        if hasattr(trained, "rebuild"):
            trained.rebuild(trained.weights)

    return load


LOADERS: dict[str, Loader] = {
    "reader": _reader,
    "scene_file": _scene_file,
    "record": _record,
    "published": _published,
    "cube": _cube,
    "scene": _scene,
    "map": _map,
    "preparation": _preparation,
    "denoiser": _denoiser,
    "checkpoint": _checkpoint,
    **{name: _classifier(name) for name in ("random_forest", "svm", "mft")},
}
"""Name -> what reads the file, as `Seed.loader` names it."""
