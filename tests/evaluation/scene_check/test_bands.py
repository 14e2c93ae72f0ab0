import numpy as np

from bdgf.evaluation.scene_check.bands import duplicate_bands
from tests.evaluation.scene_check.planted import demo, kinds, text, with_modality


def test_a_constant_band():
    scene = demo()
    scene["optical"][..., 4] = 0.25
    assert kinds(scene) == {"constant_band"}
    assert "band 4" in text(scene, "constant_band")


def test_a_band_that_is_there_twice_in_a_modality():
    scene = demo()
    scene["optical"][..., 9] = scene["optical"][..., 2] * 1.5 + 0.01
    assert kinds(scene) == {"duplicate_band"}
    assert "band 9 of optical as band 2 of optical" in text(scene, "duplicate_band")


def test_a_band_that_is_there_in_two_modalities():
    scene = demo()
    values = scene["height"].to_numpy() + 3
    scene = with_modality(scene, "dsm", values, kind="auxiliary", units="m", scale="linear")
    assert "band 0 of dsm as band 0 of height" in text(scene, "duplicate_band")


def test_bands_that_correlate_but_have_noise_of_their_own_are_no_copies():
    rng = np.random.default_rng(0)
    scene = demo()
    field = np.cumsum(rng.normal(size=(96, 96)), axis=0).cumsum(axis=1)
    values = np.stack([field + rng.normal(0, field.std() / 500, field.shape) for _ in range(4)], -1)
    assert np.corrcoef(values.reshape(-1, 4).T).min() > 0.9999
    modality = scene["optical"][..., :4].copy(data=values.astype(np.float32))
    assert not duplicate_bands({"m": modality}, {"m": np.ones((96, 96), bool)}, {"m": range(4)})


def test_wild_pixels():
    scene = demo()
    scene["optical"][30, 30, 3] = 1e20
    assert "wild_pixels" in kinds(scene)
    assert "band 3" in text(scene, "wild_pixels")
