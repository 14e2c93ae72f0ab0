"""Arrays in, arrays out: the same map as that of the scene that they are."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.inference.array_model import (
    FOLDER,
    ArrayModel,
    _load_pyfunc,
    arrays_of_scene,
    example_arrays,
)
from bdgf.inference.settings import InferenceSettings
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.small_models import MODELS, small_model, small_scene
from tests.models.layered_scenes import scene_of

LAYERS = ("class_map", "uncertainty_map", "probabilities")


@pytest.mark.parametrize("name", MODELS)
def test_it_draws_what_the_model_draws_of_the_scene(name, tmp_path):
    model, scene = small_model(name), small_scene()
    model.save(tmp_path / FOLDER / "map_model.json")
    drawn = _load_pyfunc(str(tmp_path)).predict(arrays_of_scene(scene))
    wanted = model.predict(scene)
    assert set(drawn) == set(LAYERS)
    for layer in LAYERS:
        np.testing.assert_array_equal(drawn[layer], wanted[layer].to_numpy(), strict=True)


def test_a_modality_without_any_data_is_a_missing_one():
    model, scene = small_model("random_forest"), small_scene()
    arrays = arrays_of_scene(scene)
    arrays["sar"] = np.full_like(arrays["sar"], np.nan)
    wanted = model.predict(scene, InferenceSettings(hide=("sar",)))
    drawn = ArrayModel(model).predict(arrays)
    np.testing.assert_array_equal(drawn["probabilities"], wanted.probabilities.to_numpy())


def test_where_nothing_has_data_the_map_is_empty():
    arrays = {n: np.full_like(v, np.nan) for n, v in arrays_of_scene(small_scene()).items()}
    drawn = ArrayModel(small_model("random_forest")).predict(arrays)
    assert not drawn["class_map"].any()
    assert np.isnan(drawn["uncertainty_map"]).all()
    assert drawn["probabilities"].shape == (6, 56, 56)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {**arrays, "sar": arrays["sar"][:1]},
        lambda arrays: {**arrays, "thermal": arrays["height"]},
        lambda arrays: {name: values for name, values in arrays.items() if name != "sar"},
        lambda arrays: {**arrays, "sar": arrays["sar"][:, 1:]},
    ],
)
def test_other_arrays_are_refused_in_one_line(change):
    with pytest.raises(SceneError) as error:
        ArrayModel(small_model("random_forest")).predict(change(arrays_of_scene(small_scene())))
    assert "\n" not in str(error.value)


def test_holes_of_each_modality_are_its_own():
    scene = scene_of("optical", "height", "sar", holes=True)
    arrays = arrays_of_scene(scene)
    gaps = {name: np.isnan(values[0]) for name, values in arrays.items()}
    assert (gaps["optical"] != gaps["sar"]).any()
    assert all((np.isnan(values) == gaps[name]).all() for name, values in arrays.items())


def test_the_example_is_a_small_window_with_data_that_can_be_mapped():
    scene = small_scene()
    arrays = example_arrays(DatasetWindows(scene))
    assert {values.shape[1:] for values in arrays.values()} == {(8, 8)}
    assert not any(np.isnan(values).any() for values in arrays.values())
    for name in ("random_forest", "bdgf"):
        assert ArrayModel(small_model(name)).predict(arrays)["class_map"].all()
    tiny = example_arrays(DatasetWindows(scene.isel(y=slice(20, 25), x=slice(20, 60))))
    assert {values.shape[1:] for values in tiny.values()} == {(5, 8)}
