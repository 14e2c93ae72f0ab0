"""A flipped bit or a cut in any kind of artifact gives its content or a word, never another one."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
import yaml
from kedro.io import DatasetError

from bdgf.core.errors import ArtifactError
from bdgf.core.fingerprint import content_digest
from bdgf.core.weights import Weights
from bdgf.datasets.feature_cube import FeatureCubeDataset
from bdgf.datasets.kedro_file import CSVDataset, JSONDataset
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.datasets.raster_map import RasterMapDataset
from bdgf.datasets.trained_model import TrainedModelDataset
from bdgf.datasets.weights import WeightsDataset
from bdgf.features.external import write_feature_cube
from bdgf.models.bdgf.model import BDGF
from bdgf.models.patch.model import TrainedNetwork
from bdgf.models.registry import MODELS
from bdgf.models.sklearn.estimator import TrainedEstimator
from bdgf.models.sklearn.presets import RANDOM_FOREST
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene

CATALOG = Path(__file__).resolve().parents[2] / "conf" / "base"
FLIPS, CUTS = 12, 4


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def scene() -> xr.Dataset:
    return xr.Dataset(
        {"optical": (("band", "y", "x"), noise(3, 20, 30), {"kind": "spectral"})},
        attrs={"scene": "small"},
    )


def of_scene(found: xr.Dataset) -> Any:
    with found:
        return [found.attrs, found["optical"].attrs, found["optical"].to_numpy()]


def weights() -> Weights:
    return Weights({"a": torch.from_numpy(noise(20, 30))}, {"seed": 3, "note": "small"})


def forest() -> TrainedEstimator:
    from sklearn.ensemble import RandomForestClassifier

    prepared = make_demo_scene(DemoSettings(size=48, bands=8))
    prepared = fit_preparation(prepared, PreparationSettings()).apply(prepared)
    own = RANDOM_FOREST.settings(trees=2)
    estimator = RandomForestClassifier(2, random_state=0).fit(noise(20, 3), np.arange(20) % 2)
    config = {"baselines": {"random_forest": own.model_dump(mode="json")}, "classes": 2}
    return TrainedEstimator(
        RANDOM_FOREST, estimator, RANDOM_FOREST.fit_features(prepared, own), config
    )


def of_forest(found: TrainedEstimator) -> Any:
    trees = [tree.tree_ for tree in found.estimator.estimators_]
    return [found.config, [[tree.threshold, tree.feature, tree.value] for tree in trees]]


def cube(folder: Path) -> Any:
    valid = np.ones((20, 30), bool)
    return write_feature_cube(folder / "made.h5", {0: noise(4, 20, 30)}, valid, "small")


# Kind -> (dataset, what it holds, what of it must not change).
KINDS: dict[str, Any] = {
    "scene": (
        lambda folder: NetCDFDataset(filepath=f"{folder}/scene.nc"),
        lambda folder: scene(),
        of_scene,
    ),
    "scene that is read lazily": (
        lambda folder: NetCDFDataset(filepath=f"{folder}/scene.nc", lazy=True),
        lambda folder: scene(),
        of_scene,
    ),
    "map": (
        lambda folder: RasterMapDataset(filepath=f"{folder}/map.tif"),
        lambda folder: xr.DataArray(
            (noise(20, 30) > 0).astype(np.uint8), dims=("y", "x"), attrs={"seed": 3}
        ),
        lambda found: [found.attrs["seed"], found.to_numpy()],
    ),
    "numbers": (
        lambda folder: JSONDataset(filepath=f"{folder}/metrics.json"),
        lambda folder: {"accuracy": 0.9, "names": ["a", "b"]},
        lambda found: found,
    ),
    "table": (
        lambda folder: CSVDataset(filepath=f"{folder}/table.csv", save_args={"index": False}),
        lambda folder: pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        lambda found: found.to_dict("list"),
    ),
    "weights": (
        lambda folder: WeightsDataset(filepath=f"{folder}/net.safetensors"),
        lambda folder: weights(),
        lambda found: [found.tensors, found.config],
    ),
    "network": (
        lambda folder: TrainedModelDataset(model="bdgf", filepath=f"{folder}/classifier"),
        lambda folder: TrainedNetwork(weights(), BDGF.rebuild),
        lambda found: [found.weights.tensors, found.config],
    ),
    "estimator": (
        lambda folder: TrainedModelDataset(model="random_forest", filepath=f"{folder}/classifier"),
        lambda folder: forest(),
        of_forest,
    ),
    "cube": (
        lambda folder: FeatureCubeDataset(filepath=f"{folder}/cube.h5"),
        cube,
        lambda found: [found.fingerprint, found.shape, found.read(0), *found.moments(0)],
    ),
}


@pytest.fixture(params=KINDS)
def saved(request, tmp_path):
    """A dataset with an artifact, its files, and what it gives."""
    make, content, told = KINDS[request.param]
    folder = tmp_path / "saved"
    dataset = make(folder)
    dataset.save(content(tmp_path))
    return dataset, sorted(folder.iterdir()), lambda: content_digest(told(dataset.load()))


def test_damage_is_told_or_changes_nothing(saved):
    _, files, told = saved
    intact, rng = told(), np.random.default_rng(0)
    assert told() == intact
    noticed = 0
    for file in files:
        content = file.read_bytes()
        for number in range(FLIPS + CUTS):
            damaged, place = bytearray(content), int(rng.integers(len(content)))
            damaged[place] ^= 1 << rng.integers(8)
            # Another file, as copying would make it: the cube's is a link to the one it is from.
            file.unlink()
            file.write_bytes(damaged if number < FLIPS else content[:place])
            try:
                assert told() == intact
            except (ArtifactError, DatasetError) as error:
                known = error if isinstance(error, ArtifactError) else error.__cause__
                assert isinstance(known, ArtifactError)
                assert str(files[0].parent) in str(known)
                assert "\n" not in str(known)
                noticed += 1
        file.write_bytes(content)
    assert noticed == len(files) * (FLIPS + CUTS)
    assert told() == intact


def test_a_version_of_damage_is_never_made(saved, tmp_path):
    """What is saved again is the content in memory, or nothing."""
    dataset, files, told = saved
    intact, content = told(), dataset.load()
    main = next(file for file in files if file.with_name(f"{file.name}.sha256") in files)
    damaged = bytearray(main.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    main.write_bytes(damaged)  # in place: links and mappings see it
    if isinstance(dataset, FeatureCubeDataset) or getattr(dataset, "lazy", False):
        with pytest.raises(DatasetError):  # nothing of these is in memory
            dataset.save(dataset.load())
    else:
        dataset.save(content)
        assert told() == intact


def test_every_kind_of_the_catalog_is_here():
    entries = [
        entry
        for path in CATALOG.glob("catalog_*.yml")
        for entry in yaml.safe_load(path.read_text()).values()
        if isinstance(entry, dict)
    ]
    makers = [make("somewhere") for make, _, _ in KINDS.values()]
    known = {f"{type(dataset).__module__}.{type(dataset).__name__}" for dataset in makers}
    own = {e["type"] for e in entries if e["type"].startswith("bdgf.")}
    written_only = {f"bdgf.datasets.kedro_file.{kind}Dataset" for kind in ("Figure", "Text")}
    # Of several files each: their own tests damage every one of them.
    elsewhere = {
        "bdgf.datasets.cog_map.CogMapDataset",
        "bdgf.datasets.map_model.MapModelDataset",
    }
    assert own <= known | written_only | elsewhere
    assert all(isinstance(dataset, LocalVersionedDataset) for dataset in makers)
    assert {entry.suffix for entry in MODELS.values()} == {".safetensors", ".skops"}
