"""A scene in its files is, window by window, the scene that is read whole."""

import os

import numpy as np
import pytest
import rasterio
import shapely
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin

from bdgf.core.errors import SceneError
from bdgf.raster.windows import Window
from bdgf.scenes.ingest.file_windows import FileWindows
from bdgf.scenes.ingest.open_scene import open_scene
from bdgf.scenes.ingest.read_scene import IngestSettings
from bdgf.scenes.scene import VALID
from bdgf.scenes.scene_windows import DatasetWindows
from tests.data.vectors import write_vectors
from tests.pipelines.project import ROOT

SHAPE = (40, 53)
REAL = ("coast", "gulfport", "pines", "potsdam", "slovenia", "village", "zion")


def write(path, values, **more):
    values = values if values.ndim == 3 else values[None]
    profile = {
        "driver": "GTiff",
        "count": len(values),
        "dtype": values.dtype,
        "height": values.shape[1],
        "width": values.shape[2],
        "crs": "EPSG:32632",
        "transform": from_origin(500_000, 5_000_000, 10, 10),
    }
    scales = more.pop("scales", None)
    mask = more.pop("mask", None)
    with rasterio.open(path, "w", **{**profile, **more}) as target:
        target.write(values)
        if scales:
            target.scales = scales
        if mask is not None:
            target.write_mask(mask)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw") / "field"
    folder.mkdir()
    rng = np.random.default_rng(0)
    bands = rng.integers(1, 9000, (4, *SHAPE)).astype(np.int16)
    bands[:, :6, :9] = -999
    write(folder / "optical.tif", bands, nodata=-999, scales=(1e-4,) * 4)
    height = rng.normal(200, 20, SHAPE).astype(np.float32)
    height[20:25, 40:] = np.nan
    mask = np.full(SHAPE, 255, np.uint8)
    mask[30:, :4] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write(folder / "height.tif", height, mask=mask)
    write(folder / "labels.tif", rng.integers(0, 4, SHAPE).astype(np.uint8))
    return folder


CONFIG = {
    "modalities": {
        "height": {"kind": "auxiliary", "units": "m", "file": "height.tif"},
        "optical": {"kind": "spectral", "units": "1", "file": "optical.tif"},
    },
    "labels": {"file": "labels.tif"},
}


def opened(raw, gib, **more):
    settings = IngestSettings(folders=(str(raw.parent),))
    return open_scene("field", {**CONFIG, **more}, settings, gib)


@pytest.fixture
def both(raw):
    """The scene in memory and by windows, opened once for all examples."""
    return opened(raw, 1.0), opened(raw, 0.0)


def assert_same(one, other, window):
    a, b = one.read(window), other.read(window)
    for name in (*one.modalities, VALID):
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
        assert a[name].attrs == b[name].attrs


@pytest.mark.slow
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.tuples(st.integers(0, 39), st.integers(1, 40)),
    columns=st.tuples(st.integers(0, 52), st.integers(1, 53)),
)
def test_any_window_is_that_of_the_whole_scene(both, rows, columns):
    whole, streamed = both
    assert isinstance(whole, DatasetWindows)
    assert isinstance(streamed, FileWindows)
    window = Window(
        slice(rows[0], min(rows[0] + rows[1], SHAPE[0])),
        slice(columns[0], min(columns[0] + columns[1], SHAPE[1])),
    )
    assert_same(whole, streamed, window)


def test_all_else_is_that_of_the_whole_scene(raw):
    whole, streamed = opened(raw, 1.0), opened(raw, 0.0)
    assert streamed.shape == whole.shape
    assert streamed.modalities == whole.modalities
    assert list(streamed.modalities) == ["optical", "height"]
    assert (streamed.crs, streamed.transform) == (whole.crs, whole.transform)
    (labels, classes), (expected, table) = streamed.labels(), whole.labels()
    np.testing.assert_array_equal(labels, expected)
    assert classes == table


def test_labels_that_are_polygons_are_those_of_the_whole_scene(raw):
    a, e = 10, -10
    shapes = [shapely.box(3, 2, 9, 8), shapely.box(20, 11, 50, 39)]
    there = [shapely.transform(s, lambda xy: xy * [a, e] + [500_000, 5_000_000]) for s in shapes]
    write_vectors(raw / "fields.gpkg", there, ["wheat", "maize"])
    source = {"file": "fields.gpkg"}
    in_files, in_memory = (opened(raw, gib, labels=source) for gib in (0, 1))
    assert isinstance(in_files, FileWindows)
    (ids, classes), (whole, table) = in_files.labels(), in_memory.labels()
    np.testing.assert_array_equal(ids, whole)
    assert classes == table
    assert (ids == 2).sum() == 36


@pytest.mark.parametrize("name", ["height.tif", "labels.tif", "optical.tif.aux.xml"])
def test_the_digest_changes_with_each_file_and_warns_of_nothing(raw, name, recwarn):
    (raw / "optical.tif.aux.xml").write_text("<PAMDataset/>")
    before = opened(raw, 0.0).digest()
    assert opened(raw, 0.0).digest() == before
    os.utime(raw / name, (1, 1))
    assert opened(raw, 0.0).digest() != before
    assert not [str(told.message) for told in recwarn if "serializ" in str(told.message).lower()]


@pytest.mark.parametrize("file", ["optical.nc", "optical.zarr"])
def test_netcdf_and_zarr_are_read_in_windows_too(raw, file):
    import rioxarray  # noqa: F401 - gives datasets a reference system
    import xarray as xr

    rng = np.random.default_rng(3)
    values = rng.integers(0, 900, (3, *SHAPE)).astype(np.int16)
    values[:, 4:9, 7] = -1
    dataset = xr.Dataset(
        {"bands": (("band", "y", "x"), values, {"scale_factor": 1e-3, "_FillValue": -1})},
        {
            "y": 5_000_000 - 10 * (np.arange(SHAPE[0]) + 0.5),
            "x": 500_000 + 10 * (np.arange(SHAPE[1]) + 0.5),
        },
    ).rio.write_crs("EPSG:32632")
    chunks = (1, 16, 16)
    if file.endswith(".nc"):
        encoding = {"bands": {"chunksizes": chunks}}
        dataset.to_netcdf(raw / file, engine="h5netcdf", encoding=encoding)
    else:
        pytest.importorskip("zarr")
        encoding = {"bands": {"chunks": chunks}}
        dataset.to_zarr(raw / file, zarr_format=3, consolidated=False, encoding=encoding)
    optical = {"kind": "spectral", "file": file, "variable": "bands"}
    modalities = {**CONFIG["modalities"], "optical": optical}
    whole, streamed = (opened(raw, gib, modalities=modalities) for gib in (1.0, 0.0))
    assert isinstance(streamed, FileWindows)
    assert streamed.modalities == whole.modalities
    assert streamed.transform == whole.transform
    for window in (
        Window(slice(0, 40), slice(0, 53)),
        Window(slice(3, 20), slice(5, 30)),
        Window(slice(4, 5), slice(7, 8)),
    ):
        assert_same(whole, streamed, window)


def test_files_on_other_grids_are_refused(raw):
    write(
        raw / "moved.tif",
        np.random.default_rng(2).random(SHAPE).astype(np.float32),
        transform=from_origin(500_055, 5_000_000, 10, 10),
    )
    moved = {**CONFIG["modalities"], "height": {"kind": "auxiliary", "file": "moved.tif"}}
    with pytest.raises(SceneError, match=r"grids of .* lie up to .* pixels apart"):
        opened(raw, 0.0, modalities=moved)


@pytest.mark.parametrize("name", REAL)
def test_real_scenes_are_the_same_by_both_roads(name):
    data = ROOT.parent / "shared" / "data"
    if not (data / name).is_dir():
        pytest.skip(f"the scene {name} is not in {data}")
    path = ROOT / "conf" / "base" / "parameters_scenes" / f"{name}.yml"
    configuration = yaml.safe_load(path.read_text())[name]
    settings = IngestSettings(folders=(str(data),))
    whole = open_scene(name, configuration, settings, 100.0)
    streamed = open_scene(name, configuration, settings, 0.0)
    assert isinstance(streamed, FileWindows)
    height, width = whole.shape
    for window in (
        Window(slice(0, min(90, height)), slice(0, min(70, width))),
        Window(slice(height // 2, height), slice(width // 3, width)),
    ):
        assert_same(whole, streamed, window)
