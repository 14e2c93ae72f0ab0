"""MapModels in the catalog."""

import numpy as np
from kedro.io import Version

from bdgf.datasets.map_model import MapModelDataset
from tests.inference.small_models import small_model, small_scene


def test_the_folder_of_the_version_is_the_model(tmp_path):
    version = Version(None, "2026-01-01T00.00.00.000Z")
    dataset = MapModelDataset(filepath=str(tmp_path / "map_model.json"), version=version)
    model = small_model("random_forest")
    dataset.save(model)
    loaded = MapModelDataset(
        filepath=str(tmp_path / "map_model.json"), version=Version(None, None)
    ).load()
    np.testing.assert_array_equal(
        loaded.predict(small_scene()).class_map, model.predict(small_scene()).class_map
    )
    assert loaded.digest == loaded.stored
    files = dataset.companions(tmp_path / "map_model.json" / version.save / "map_model.json")
    assert {path.name for path in files} == {
        *("map_model.json", "preparation.safetensors", "preparation.json", "classifier.skops"),
    }
