import numpy as np
import pytest

from tests.evaluation.scene_check.planted import demo, kinds, text, with_modality


def test_reflectance_as_a_fraction_beside_a_multiplied_one():
    scene = demo()
    rng = np.random.default_rng(0)
    values = scene["optical"].to_numpy()[..., :6] * 10_000 + rng.normal(0, 60, (96, 96, 6))
    other = {"kind": "spectral", "units": "reflectance x 10000", "scale": "linear"}
    scene = with_modality(scene, "swir", np.maximum(values, 1).astype(np.float32), **other)
    assert kinds(scene) == {"units"}
    assert "modality optical reach" in text(scene, "units")
    assert "`scale`" in text(scene, "units")


def test_bands_of_two_scales_in_one_modality():
    scene = demo()
    scene["optical"].attrs["units"] = ""
    scene["optical"][..., 10:13] *= 10_000
    assert kinds(scene) == {"units"}
    assert "bands 10, 11, 12 (counted from 0) are of another scale" in text(scene, "units")


@pytest.mark.parametrize(
    ("units", "factor", "words"),
    [
        ("reflectance", 10_000, "its units are 'reflectance', but its values reach"),
        ("reflectance x 10000", 1, "its values reach only"),
    ],
)
def test_units_that_the_values_are_not(units, factor, words):
    scene = demo()
    scene["optical"] *= factor
    scene["optical"].attrs["units"] = units
    assert kinds(scene) == {"units"}
    assert words in text(scene, "units")


def test_negative_reflectance_is_told_with_its_band():
    scene = demo()
    scene["optical"][..., 7] -= 0.2
    assert kinds(scene) == {"negative_reflectance"}
    assert "band 7" in text(scene, "negative_reflectance")


def test_a_few_negative_pixels_are_noise():
    scene = demo()
    scene["optical"][40, :5] -= 0.5
    assert not kinds(scene)


def test_decibels_that_are_to_be_taken_to_decibels():
    scene = demo()
    scene["sar"][:] = 10 * np.log10(np.maximum(scene["sar"].to_numpy(), 1e-5))
    assert "decibels" in kinds(scene)
    assert "look like decibels already" in text(scene, "decibels")
    scene = demo()
    scene["sar"].attrs["units"] = "dB"
    assert "once more" in text(scene, "decibels")


@pytest.mark.parametrize(
    ("units", "words"), [("intensity", "set `to_decibels: true`"), ("dB", "no value is negative")]
)
def test_intensities_that_nobody_takes_to_decibels(units, words):
    scene = demo()
    scene["sar"].attrs.update(scale="linear", units=units)
    assert "decibels" in kinds(scene)
    assert words in text(scene, "decibels")


def test_decibels_as_they_should_be_are_no_finding():
    scene = demo()
    scene["sar"][:] = 10 * np.log10(np.maximum(scene["sar"].to_numpy(), 1e-5))
    scene["sar"].attrs.update(scale="linear", units="dB")
    assert not kinds(scene)


def test_heights_that_are_none():
    scene = demo()
    scene["height"][10:20, 10:14] = -9999
    assert kinds(scene) >= {"units", "wild_pixels"}
    assert "-9999" in text(scene, "wild_pixels")
    assert "beyond any height on Earth" in text(scene, "units")
