import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import shift as shifted

from bdgf.evaluation.scene_check.edges import edge_image
from bdgf.evaluation.scene_check.registration import LEAST_SHIFT, edge_shift, modality_shifts
from tests.evaluation.scene_check.planted import demo, kinds, look

PIXELS = st.floats(-6, 6)


def moved(modality, down, right):
    """The modality as if it lay so many pixels further down and to the right."""
    values = shifted(modality.to_numpy(), (down, right, 0), order=1, mode="nearest")
    return modality.copy(data=values)


def shift_between(first, second):
    mask = np.ones(first.shape[:2], bool)
    return edge_shift("first", "second", edge_image(first, mask), edge_image(second, mask))


@settings(max_examples=25, deadline=None)
@given(PIXELS, PIXELS)
def test_a_planted_shift_is_found_within_half_a_pixel(down, right):
    scene = demo()
    shift = shift_between(scene["optical"], moved(scene["sar"], down, right))
    assert shift.is_measured
    assert abs(shift.down - down) < 0.5
    assert abs(shift.right - right) < 0.5


@pytest.mark.parametrize(("down", "right"), [(2, 0), (0, -3), (-4, 4)])
def test_a_shift_is_told_and_which_way(down, right):
    scene = demo()
    scene["sar"][:] = moved(scene["sar"], down, right).to_numpy()
    assert kinds(scene) == {"misregistration"}
    line = look_line(scene)
    assert "sar lies off optical" in line
    for size, after, before in ((down, "down", "up"), (right, "to the right", "to the left")):
        if size:
            assert f" px {after if size > 0 else before}" in line
        else:
            assert f" px {after}" not in line
            assert f" px {before}" not in line
            assert f"{before} or {after} it may lie as it should" in line


def look_line(scene):
    return next(f.text for f in look(scene).findings if "sar lies off optical" in f.text)


@pytest.mark.parametrize("seed", range(6))
def test_what_lies_well_is_not_told(seed):
    assert "misregistration" not in kinds(demo(seed))


@pytest.mark.parametrize("seed", range(8))
def test_noise_is_no_shift(seed):
    rng = np.random.default_rng(seed)
    noise = xr.DataArray(rng.gamma(2, size=(128, 128, 2)), dims=("y", "x", "band"))
    other = xr.DataArray(rng.gamma(2, size=(128, 128, 2)), dims=("y", "x", "band"))
    assert not shift_between(noise, other).is_told


@pytest.mark.parametrize("seed", range(4))
def test_scenes_of_different_places_have_no_shift(seed):
    assert not shift_between(demo(seed)["optical"], demo(seed + 4)["sar"]).is_told


def test_holes_are_no_edges():
    rng = np.random.default_rng(0)
    mask = np.ones((128, 128), bool)
    mask[30:60, 40:90] = False
    values = xr.DataArray(rng.normal(5, 1, (128, 128, 1)), dims=("y", "x", "band"))
    values = values.where(xr.DataArray(mask, dims=("y", "x")), 0)
    edges, known = edge_image(values, mask)
    assert not edges[~mask].any()
    assert not known[29, 50]
    rim = edges[24:27, 40:90].mean()
    assert rim == pytest.approx(edges[80:120, 10:110].mean(), rel=0.35)


def test_too_small_a_scene_says_nothing():
    scene = demo().isel(y=slice(0, 20), x=slice(0, 20))
    names = ("optical", "sar")
    masks = {name: np.ones((20, 20), bool) for name in names}
    assert modality_shifts({name: scene[name] for name in names}, masks) == []


def test_a_flat_modality_says_nothing():
    scene = demo()
    flat = scene["height"].copy(data=np.full((96, 96, 1), 3, np.float32))
    mask = np.ones((96, 96), bool)
    assert modality_shifts({"a": scene["optical"], "b": flat}, {"a": mask, "b": mask}) == []


def test_heights_are_told_from_further_off():
    scene = demo()
    mask = np.ones((96, 96), bool)
    pair = {"optical": scene["optical"], "height": moved(scene["height"], 2, 2)}
    masks = dict.fromkeys(pair, mask)
    assert modality_shifts(pair, masks)[0].is_told
    assert not modality_shifts(pair, masks, ["height"])[0].is_told


def test_the_radar_of_coast_lies_off_its_optics(data_folder):
    def read(name):
        with rasterio.open(data_folder / "coast" / name) as file:
            values = np.moveaxis(file.read().astype(np.float32), 0, -1)
        return xr.DataArray(values, dims=("y", "x", "band"))

    shift = shift_between(read("sentinel2_l2a.tif"), read("sentinel1_rtc_db.tif"))
    assert shift.is_told
    # The shore runs from north to south: across it, more is known.
    assert shift.errors[1] < shift.errors[0]
    assert -4.5 < shift.right < -LEAST_SHIFT


def test_wild_pixels_do_not_rule_the_edges():
    scene = demo()
    clean = shift_between(scene["optical"], scene["sar"])
    scene["optical"][20, 20] = 1e20
    wild = shift_between(scene["optical"], scene["sar"])
    assert abs(wild.down - clean.down) < 0.1
    assert abs(wild.right - clean.right) < 0.1
