"""Statistics of another raster's bands."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.inference.adaptation import band_statistics
from bdgf.scenes.scene import VALID
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.small_models import small_model, small_scene


def test_in_the_scene_of_the_fit_they_are_those_of_the_fit(monkeypatch):
    monkeypatch.setattr("bdgf.inference.adaptation._SIDE", 13)
    preparation = small_model("svm").preparation
    found = band_statistics(DatasetWindows(small_scene()), preparation)
    for name, transform in preparation.modalities.items():
        np.testing.assert_allclose(found[name][0], transform.band_mean, rtol=1e-9)
        np.testing.assert_allclose(found[name][1], transform.band_sigma, rtol=1e-9)


def test_a_raster_without_data_is_refused():
    scene = small_scene()
    empty = scene.assign({VALID: scene[VALID] * 0})
    with pytest.raises(SceneError, match="has no pixel with data"):
        band_statistics(DatasetWindows(empty), small_model("svm").preparation)
