"""Statistics of another raster's bands."""

import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.inference.adaptation import band_statistics
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import VALID
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.heavy_tailed_scene import heavy_tailed_scene
from tests.inference.small_models import small_model, small_scene


def test_powers_of_the_scene_of_the_fit_are_about_its_own_medians(monkeypatch):
    monkeypatch.setattr("bdgf.inference.adaptation._SIDE", 13)
    scene = heavy_tailed_scene()
    preparation = fit_preparation(scene, PreparationSettings())
    found, fitted = band_statistics(DatasetWindows(scene), preparation), preparation.modalities
    for key in ("center", "spread", "power"):
        one, other = (getattr(p, key) for p in (found["height"].powers, fitted["height"].powers))
        np.testing.assert_allclose(one, other, rtol=1e-12)
    np.testing.assert_allclose(found["height"].mean, fitted["height"].band_mean, atol=1e-12)


def test_medians_of_a_large_raster_are_those_of_pixels_drawn_in_every_block(monkeypatch):
    scene = heavy_tailed_scene()
    preparation = fit_preparation(scene, PreparationSettings())
    whole = band_statistics(DatasetWindows(scene), preparation)["height"]
    monkeypatch.setattr("bdgf.inference.adaptation._SIDE", 13)
    monkeypatch.setattr("bdgf.inference.adaptation.SAMPLE", 400)
    drawn = band_statistics(DatasetWindows(scene), preparation)["height"]
    assert drawn.powers.center != whole.powers.center
    np.testing.assert_allclose(drawn.powers.center, whole.powers.center, rtol=0.5)


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
