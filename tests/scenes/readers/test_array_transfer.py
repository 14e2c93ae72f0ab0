import io
import json
import tempfile
from typing import IO

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from bdgf.scenes.readers.array_transfer import (
    TransferError,
    read_header,
    read_written,
    write_array,
    write_header,
)
from bdgf.scenes.readers.raw_array import RawArray

CUBE = np.arange(60, dtype=">i2").reshape(3, 4, 5)
FULL = RawArray(
    CUBE.transpose(1, 2, 0),
    axes=("y", "x", "band"),
    masked=np.eye(4, 5, dtype=bool),
    nodata=((-9999.0, 2**60), ()),
    valid_range=(0, 1e308),
    scale=(float(np.float32(1e-42)), 1e-310),
    offset=(0.0, -0.0),
    units="m\ud800",
    wavelengths=(0.4, 0.5),
    bad_bands=frozenset({2}),
    alpha=1,
    crs=CRS.from_epsg(32632),
    transform=Affine(10, 0, 5e5, 0, -10, 5e6),
    regions=("a", "b"),
    value_names={1: "water"},
    palette={1: (0, 0, 255)},
    notes=("n",),
)


def handed_over(array: RawArray) -> RawArray:
    with tempfile.TemporaryFile() as file:
        write_array(array, file)
        return read_written(file, read_header(file))


def test_all_of_an_array_arrives() -> None:
    came = handed_over(FULL)
    for name, value in vars(FULL).items():
        other = getattr(came, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(other, value)
            assert (other.dtype, other.strides) == (value.dtype, value.strides)
        else:
            assert other == value, name
            assert type(other) is type(value), name


@pytest.mark.parametrize("epsg", [4326, 3857, 31287, 27700, 5514, 2193, 32761, 3035])
def test_reference_systems_arrive_as_they_are(epsg: int) -> None:
    crs = CRS.from_epsg(epsg)
    assert handed_over(RawArray(CUBE, crs=crs)).crs == crs


def test_order_in_memory_and_the_smallest_arrays_are_kept() -> None:
    small = np.zeros((0, 3)), np.float32(3)[None]
    for values in (np.asfortranarray(CUBE), CUBE[::2, ::-1], CUBE * 1j, *small):
        came = handed_over(RawArray(values)).values
        np.testing.assert_array_equal(came, values)
    fortran = handed_over(RawArray(np.asfortranarray(CUBE))).values
    assert fortran.flags.f_contiguous


def forged(file: IO[bytes], **part: object) -> RawArray:
    write_array(RawArray(CUBE), file)
    said = read_header(file)
    said["parts"]["values"] |= part
    file.seek(0)
    file.truncate()
    write_header(file, said)
    return read_written(file, read_header(file))


@pytest.mark.parametrize(
    "part",
    [
        {"dtype": "|O8"},
        {"dtype": "<i"},
        {"shape": [1 << 40]},
        {"shape": [-3, -4, 5]},
        {"order": [0, 0, 1]},
        {"shape": [True]},
        {"shape": "x"},
        {"dtype": 3},
    ],
)
def test_what_does_not_fit_is_refused(part: dict[str, object]) -> None:
    with tempfile.TemporaryFile() as file, pytest.raises(TransferError):
        forged(file, **part)


@pytest.mark.parametrize("content", [b"", b"x" * 9, b"\xff" * 64, b"\x02" + b"\0" * 7 + b"[]"])
def test_what_is_no_header_is_refused(content: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        with pytest.raises(TransferError):
            read_header(file)


def test_the_header_is_plain_json() -> None:
    file = io.BytesIO()
    write_header(file, {"array": {"scale": np.float32(2)}})
    assert json.loads(file.getvalue()[8:]) == {"array": {"scale": 2.0}}
