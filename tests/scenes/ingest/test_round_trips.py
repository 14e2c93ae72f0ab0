"""Random scenes, written by other hands than the readers', come back equal from every format."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin
from scipy.io import netcdf_file, savemat

from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene
from bdgf.scenes.scene import georeference, valid_mask

AXES = ("y", "x", "band")
ORDERS = [("y", "x", "band"), ("band", "y", "x"), ("band", "x", "y"), ("x", "y", "band")]
NODATA = -99
ENVI_TYPES = {"u1": 1, "i2": 2, "i4": 3, "f4": 4, "f8": 5, "u2": 12}


@dataclass(frozen=True)
class Written:
    """A cube as a writer gets it, (y, x, band), and what is to be told beside it."""

    stored: np.ndarray
    scale: np.ndarray
    offset: np.ndarray
    masked: np.ndarray
    order: tuple[str, ...]
    upwards: bool


def in_order(cube: np.ndarray, order: tuple[str, ...]) -> np.ndarray:
    return np.ascontiguousarray(cube.transpose([AXES.index(axis) for axis in order]))


def write_envi(path: Path, cube: Written) -> dict[str, Any]:
    order = {0: ("bsq", ("band", "y", "x")), 1: ("bil", ("y", "band", "x")), 2: ("bip", AXES)}
    interleave, axes = order[ORDERS.index(cube.order) % 3]
    (path / "c.img").write_bytes(b"#" * 7 + in_order(cube.stored, axes).tobytes())
    lists = {"data gain values": cube.scale, "data offset values": cube.offset}
    rows, columns, bands = cube.stored.shape
    header = f"ENVI\nsamples={columns}\nlines = {rows}\nbands = {bands}\nheader offset = 7\n"
    header += f"data type = {ENVI_TYPES[cube.stored.dtype.str[1:]]}\ninterleave = {interleave}\n"
    header += f"byte order = {int(cube.stored.dtype.str[0] == '>')}\ndata ignore value = {NODATA}\n"
    for name, numbers in lists.items():
        header += f"{name} = {{{', '.join(map(repr, numbers.tolist()))}}}\n"
    (path / "c.hdr").write_text(header)
    return {"file": "c.hdr"}


def write_geotiff(path: Path, cube: Written) -> dict[str, Any]:
    rows, columns, bands = cube.stored.shape
    profile = {"driver": "GTiff", "height": rows, "width": columns, "count": bands}
    profile["dtype"] = cube.stored.dtype.newbyteorder("=").name
    profile["transform"] = from_origin(500, 800, 10, 10)
    with rasterio.open(path / "c.tif", "w", **profile, nodata=NODATA) as file:
        file.write(cube.stored.transpose(2, 0, 1))
        file.scales, file.offsets = cube.scale.tolist(), cube.offset.tolist()
        file.write_mask(~cube.masked)
    return {"file": "c.tif"}


def write_netcdf(path: Path, cube: Written) -> dict[str, Any]:
    turned = cube.stored[::-1] if cube.upwards else cube.stored
    with netcdf_file(path / "c.nc", "w") as file:
        for axis, size in zip(AXES, cube.stored.shape, strict=True):
            file.createDimension(axis, size)
        dtype = turned.dtype.newbyteorder(">")
        variable = file.createVariable("refl", dtype, cube.order)
        variable[:] = in_order(turned, cube.order)
        variable.scale_factor, variable.add_offset = cube.scale[0], cube.offset[0]
        variable._FillValue = dtype.type(NODATA)
        y = 795.0 - 10 * np.arange(cube.stored.shape[0])
        for name, places in {
            "y": y[::-1] if cube.upwards else y,
            "x": 505.0 + 10 * np.arange(cube.stored.shape[1]),
        }.items():
            coordinate = file.createVariable(name, ">f8", (name,))
            coordinate[:] = places
    return {"file": "c.nc", "variable": "refl"}


def write_hdf5(path: Path, cube: Written) -> dict[str, Any]:
    with h5py.File(path / "c.h5", "w") as file:
        data = file.create_dataset("a/refl", data=in_order(cube.stored, cube.order))
        data.attrs["scale_factor"], data.attrs["add_offset"] = cube.scale, cube.offset
        data.attrs["_FillValue"] = np.array([NODATA], cube.stored.dtype)
    return {"file": "c.h5", "variable": "a.refl", "axes": list(cube.order)}


def write_pages(path: Path, cube: Written) -> dict[str, Any]:
    tifffile.imwrite(path / "c.tif", in_order(cube.stored, cube.order), photometric="minisblack")
    return {"file": "c.tif", "axes": list(cube.order), "nodata": NODATA}


def write_mat(path: Path, cube: Written) -> dict[str, Any]:
    savemat(path / "c.mat", {"refl": in_order(cube.stored, cube.order)})
    return {"file": "c.mat", "axes": list(cube.order), "nodata": NODATA}


def write_npy(path: Path, cube: Written) -> dict[str, Any]:
    np.save(path / "c.npy", in_order(cube.stored, cube.order))
    return {"file": "c.npy", "axes": list(cube.order), "nodata": NODATA}


FORMATS = {
    "envi": (write_envi, "scales by band", "u1 <i2 >i2 <i4 >f4 <f8 >u2"),
    "geotiff": (write_geotiff, "scales by band, mask", "i2 i4 f4 f8"),
    "netcdf": (write_netcdf, "one scale, orientation", "i2 i4 f4 f8"),
    "hdf5": (write_hdf5, "scales by band", "<i2 >i2 <i4 >f4 <f8"),
    "pages": (write_pages, "", "<i2 >i2 <i4 >f4"),
    "mat": (write_mat, "", "i2 i4 f4 f8"),
    "npy": (write_npy, "", "<i2 >i2 <i4 >f4 >f8"),
}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_random_scene_comes_back_equal(name, data):
    write, can, dtypes = FORMATS[name]
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    dtype = np.dtype(data.draw(st.sampled_from(dtypes.split())))
    rows, columns, bands = (data.draw(st.integers(2, 9)) for _ in AXES)
    stored = rng.integers(0, 100, (rows, columns, bands)).astype(dtype)
    gaps = (rng.random(stored.shape) < 0.05) & (dtype.kind != "u")
    stored[gaps] = NODATA if dtype.kind != "u" else 0
    scale, offset = np.ones(bands), np.zeros(bands)
    if can:
        scale, offset = rng.uniform(0.001, 0.9, bands), rng.uniform(-5, 5, bands)
    if "one scale" in can:
        scale[:], offset[:] = scale[0], offset[0]
    masked = (rng.random((rows, columns)) < 0.1) & ("mask" in can)
    upwards = data.draw(st.booleans()) and "orientation" in can
    cube = Written(stored, scale, offset, masked, data.draw(st.sampled_from(ORDERS)), upwards)
    channels = data.draw(st.permutations(range(bands)))
    with tempfile.TemporaryDirectory() as folder:
        source = write(Path(folder), cube)
        np.save(Path(folder) / "height.npy", rng.random((rows, columns)))
        np.save(Path(folder) / "labels.npy", rng.integers(1, 3, (rows, columns)))
        modalities = {"hsi": {"kind": "spectral", "channels": list(channels), **source}}
        modalities["height"] = {"kind": "auxiliary", "file": "height.npy"}
        config = {"modalities": modalities, "labels": {"file": "labels.npy"}}
        config["require"] = "all"
        missing = gaps.any(axis=2) | masked
        if missing.all() or gaps.all(axis=(0, 1)).any():
            return  # nothing to read
        scene = read_scene("mine", parse_scene_config("mine", config), [Path(folder)])
    right = (stored * scale + offset)[..., channels]
    if upwards:  # the file's rows are kept as they lie, and its transform says so
        right, missing = right[::-1], missing[::-1]
        assert georeference(scene)[1].e == 10
    np.testing.assert_array_equal(valid_mask(scene), ~missing)
    np.testing.assert_allclose(
        scene["hsi"].to_numpy()[~missing], right[~missing], rtol=1e-6, atol=1e-6
    )
