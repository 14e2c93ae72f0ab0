import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import Resampling, reproject, transform_bounds

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.grid import PixelGrid
from bdgf.scenes.ingest.resampling import nearest_cells, resampled
from bdgf.scenes.scene import ModalityArray

UTM = CRS.from_epsg(32632)
TARGET = PixelGrid((24, 20), UTM, Affine(10, 0, 500_000, 0, -10, 5_000_000))


def source_grid(crs, rows, columns, rotation=0.0, margin=0.2):
    west, south, east, north = transform_bounds(UTM, crs, 500_000, 4_999_760, 500_200, 5_000_000)
    width, height = east - west, north - south
    west, north = west - margin * width, north + margin * height
    cell = Affine.scale((1 + 2 * margin) * width / columns, -(1 + 2 * margin) * height / rows)
    return PixelGrid(
        (rows, columns), crs, Affine.translation(west, north) @ Affine.rotation(rotation) @ cell
    )


@settings(max_examples=25, deadline=None)
@given(
    code=st.sampled_from([32632, 32633, 4326, 3035]),
    rows=st.integers(3, 40),
    columns=st.integers(3, 40),
    rotation=st.sampled_from([0.0, 12.0]),
    method=st.sampled_from(["bilinear", "average", "nearest"]),
    seed=st.integers(0, 99),
)
def test_as_rasterio_does_with_cells_without_data_left_out(
    code, rows, columns, rotation, method, seed
):
    source = source_grid(CRS.from_epsg(code), rows, columns, rotation)
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns, 2)).astype(np.float32)
    has_data = rng.random((rows, columns)) < 0.8
    values[~has_data] = 1e9  # must not be seen in any pixel
    placed = resampled(
        ModalityArray(values, "auxiliary", has_data=has_data), source, TARGET, method, "mine"
    )
    for band in range(2):
        stored = np.where(has_data, values[..., band], -9999).astype(np.float64)
        expected = np.full(TARGET.shape, -9999.0)
        reproject(
            stored,
            expected,
            src_transform=source.transform,
            src_crs=source.crs,
            src_nodata=-9999,
            dst_transform=TARGET.transform,
            dst_crs=UTM,
            dst_nodata=-9999,
            resampling=Resampling[method],
        )
        np.testing.assert_array_equal(placed.has_data, expected != -9999)
        there = placed.values[..., band]
        np.testing.assert_allclose(
            there[placed.has_data], expected[placed.has_data], rtol=1e-5, atol=1e-5
        )
        assert not there[~placed.has_data].any()
    assert np.abs(placed.values).max(initial=0) < 100


@pytest.mark.parametrize("size", [2, 3])
def test_averages_of_whole_cells_are_means_of_those_with_data(size):
    shape = (24 * size, 20 * size)
    source = PixelGrid(shape, UTM, TARGET.transform @ Affine.scale(1 / size))
    rng = np.random.default_rng(size)
    values = rng.normal(size=(*shape, 1)).astype(np.float32)
    has_data = rng.random(shape) < 0.3
    placed = resampled(
        ModalityArray(values, "auxiliary", has_data=has_data), source, TARGET, "average", "mine"
    )
    blocks = np.where(has_data, values[..., 0], np.nan).reshape(24, size, 20, size)
    data = np.isfinite(blocks).any(axis=(1, 3))
    np.testing.assert_array_equal(placed.has_data, data)
    means = np.nansum(blocks, axis=(1, 3)) / np.maximum(np.isfinite(blocks).sum(axis=(1, 3)), 1)
    np.testing.assert_allclose(placed.values[..., 0], means, atol=1e-5)


def test_nearest_is_the_cell_of_the_pixels_centre():
    source = PixelGrid((7, 9), UTM, Affine(25, 0, 500_013, 0, -25, 4_999_993))
    numbers = nearest_cells(source, TARGET, "mine")
    rows, columns = np.mgrid[:24, :20]
    x, y = TARGET.transform @ (columns + 0.5, rows + 0.5)
    c, r = ~source.transform @ (x, y)
    r, c = np.floor(r).astype(int), np.floor(c).astype(int)
    inside = (r >= 0) & (r < 7) & (c >= 0) & (c < 9)
    np.testing.assert_array_equal(numbers, np.where(inside, r * 9 + c, -1))
    assert not inside.all()


@pytest.mark.parametrize(("here", "there"), [(None, None), (UTM, None), (None, UTM)])
def test_a_system_that_is_not_known_is_that_of_the_other(here, there):
    source = PixelGrid((12, 10), here, TARGET.transform @ Affine.scale(2))
    target = PixelGrid(TARGET.shape, there, TARGET.transform)
    expected = np.arange(120).reshape(12, 10).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(nearest_cells(source, target, "mine"), expected)


@pytest.mark.parametrize("down", [1, -1])
def test_a_place_that_gdal_takes_for_none_is_one(down):
    target = PixelGrid((4, 5), UTM, Affine(1, 0, 0, 0, down, 0))
    source = PixelGrid((4, 5), UTM, Affine(1, 0, 2, 0, down, down))
    expected = np.full((4, 5), -1)
    expected[1:, 2:] = np.arange(20).reshape(4, 5)[:3, :3]
    np.testing.assert_array_equal(nearest_cells(source, target, "mine"), expected)
    back = nearest_cells(target, source, "mine")
    np.testing.assert_array_equal(back[:3, :3], np.arange(20).reshape(4, 5)[1:, 2:])


def test_systems_that_nothing_leads_between_are_told():
    here = CRS.from_wkt('LOCAL_CS["here",UNIT["metre",1]]')
    with pytest.raises(SceneError, match=r"^mine cannot be resampled: .* here to the .*32632"):
        nearest_cells(PixelGrid((3, 3), here, Affine(1, 0, 0, 0, -1, 0)), TARGET, "mine")
