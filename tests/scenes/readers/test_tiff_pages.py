import struct
import warnings

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image, TiffImagePlugin

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.registry import read_array
from bdgf.scenes.readers.tiff_directories import directories
from tests.data.raw_rasters import write_tif

CUBE = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
SHOWN = np.ones((4, 5), bool)
SHOWN[1, 2] = False
PLACE = {"crs": "EPSG:32632", "transform": Affine(10, 0, 5e5, 0, -10, 5.4e6)}


def _pillow(path, pages, description=None):
    """Pages by Pillow; the first one may carry a description."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if description is not None:
        info[270] = description
    first, *others = [Image.fromarray(np.ascontiguousarray(page)) for page in pages]
    first.save(path, save_all=True, append_images=others, tiffinfo=info)


def _gdal(path, pages, **options):
    """Pages by GDAL; each option gives one value a page."""
    for i, page in enumerate(pages):
        append = {"APPEND_SUBDATASET": "YES"} if i else {}
        write_tif(path, page, **append, **{name: value[i] for name, value in options.items()})


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_plain_pages_are_one_array_of_unknown_axes(tmp_path, dtype):
    pages = CUBE.transpose(2, 0, 1).astype(dtype)
    _pillow(tmp_path / "a.tif", pages)
    with Image.open(tmp_path / "a.tif") as file:  # the independent reading
        assert file.n_frames == 3
    read = read_array(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.values, pages)
    assert read.values.dtype == dtype
    assert read.axes is None
    assert read.notes == ("3 pages of 4x5 as one array",)


def test_many_pages_keep_their_order(tmp_path):
    pages = np.random.default_rng(0).random((23, 4, 5)).astype(np.float32)
    _pillow(tmp_path / "a.tif", pages)
    np.testing.assert_array_equal(read_array(tmp_path / "a.tif").values, pages)


def test_pages_of_several_bands(tmp_path):
    pages = [CUBE, CUBE + 100]
    _pillow(tmp_path / "a.tif", pages)
    read = read_array(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.values, np.concatenate(pages, axis=2))
    assert read.axes == ("y", "x", "band")
    assert read.notes == ("2 pages of 3 bands as bands",)


@pytest.mark.parametrize("placed", [3, 1])
def test_pages_with_a_place_are_bands(tmp_path, placed):
    places = [PLACE if i < placed else {"crs": None, "transform": None} for i in range(3)]
    options = {name: [place[name] for place in places] for name in PLACE}
    _gdal(tmp_path / "a.tif", CUBE.transpose(2, 0, 1), **options)
    read = read_array(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.values, CUBE)
    assert read.transform == PLACE["transform"]
    assert read.crs.to_epsg() == 32632


def test_pages_in_different_places(tmp_path):
    moved = Affine(10, 0, 6e5, 0, -10, 5.4e6)
    _gdal(
        tmp_path / "a.tif",
        CUBE.transpose(2, 0, 1)[:2],
        crs=["EPSG:32632"] * 2,
        transform=[PLACE["transform"], moved],
    )
    with pytest.raises(SceneError, match="2 pages that lie in different places"):
        read_array(tmp_path / "a.tif")


def test_declarations_and_masks_of_each_page(tmp_path):
    masks = [[], [SHOWN], []]
    scales, offsets = [(0.5,), (1.0,), (2.0,)], [(0.0,), (1.0,), (0.0,)]
    _gdal(
        tmp_path / "a.tif",
        CUBE.transpose(2, 0, 1),
        nodata=[0, None, 2],
        masks=masks,
        scales=scales,
        offsets=offsets,
    )
    read = read_array(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.values, CUBE)
    assert read.nodata == ((0,), (), (2,))
    assert read.scale == (0.5, 1.0, 2.0)
    assert read.offset == (0.0, 1.0, 0.0)
    np.testing.assert_array_equal(read.masked, np.stack([~SHOWN & False, ~SHOWN] * 2, 2)[..., :3])


def test_a_mask_of_the_first_page(tmp_path):
    _gdal(tmp_path / "a.tif", CUBE.transpose(2, 0, 1), masks=[[SHOWN], [], []])
    masked = read_array(tmp_path / "a.tif").masked
    np.testing.assert_array_equal(masked[..., 0], ~SHOWN)
    assert not masked[..., 1:].any()


@pytest.mark.parametrize("small", [(2, 3), (5, 4)])
def test_pages_of_different_sizes(tmp_path, small):
    _pillow(tmp_path / "a.tif", [CUBE[..., 0], np.zeros(small, np.uint8)])
    with pytest.raises(SceneError, match=r"2 pages of different sizes or types .*gdal_translate"):
        read_array(tmp_path / "a.tif")


def test_pages_of_different_types(tmp_path):
    _pillow(tmp_path / "a.tif", [CUBE[..., 0], CUBE[..., 0].astype(np.float32)])
    with pytest.raises(SceneError, match="pages of different sizes or types"):
        read_array(tmp_path / "a.tif")


def test_overviews_and_masks_are_no_pages(tmp_path):
    values = np.random.default_rng(0).integers(0, 255, (128, 192, 2), np.uint8)
    shown = values[..., 0] > 9
    write_tif(tmp_path / "a.tif", values, [shown])
    with (
        warnings.catch_warnings(action="ignore"),
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(tmp_path / "a.tif", "r+") as file,
    ):
        file.build_overviews([2, 4])
    assert [(d.rows, d.reduced, d.mask) for d in directories(tmp_path / "a.tif")][:2] == [
        (128, False, False),
        (128, False, True),
    ]
    read = read_array(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.values, values)
    np.testing.assert_array_equal(read.masked, ~shown)


def test_a_preview_in_front(tmp_path):
    small, large = np.zeros((2, 3), np.uint8), CUBE[..., 0]
    _pillow(tmp_path / "a.tif", [small, large])
    content = bytearray((tmp_path / "a.tif").read_bytes())
    # The first tag of each page is the width (256); the first page's becomes its kind (254).
    first = struct.unpack_from("<I", content, 4)[0] + 2
    assert struct.unpack_from("<H", content, first)[0] == 256
    (count,) = struct.unpack_from("<H", content, first - 2)
    fields = bytes(content[first : first + 12 * count])
    kept = [fields[i : i + 12] for i in range(0, len(fields), 12)]
    kept = [field for field in kept if struct.unpack_from("<H", field)[0] != 296]
    end = content[first + 12 * count :][:4]
    directory = struct.pack("<H", len(kept) + 1) + struct.pack("<HHII", 254, 4, 1, 1)
    directory += b"".join(kept) + end
    struct.pack_into("<I", content, 4, len(content))
    (tmp_path / "a.tif").write_bytes(bytes(content) + directory)
    assert [d.reduced for d in directories(tmp_path / "a.tif")] == [True, False]
    message = r"starts with a page that is a preview \(2x3\) of another one \(4x5\).*GTIFF_DIR:2"
    with pytest.raises(SceneError, match=message):
        read_array(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("description", "axes"),
    [
        ('{"shape": [3, 4, 5]}', None),
        ('{"shape": [3, 4, 5], "axes": "CYX"}', ("band", "y", "x")),
        ('{"shape": [3, 4, 5], "axes": "YXS"}', ("y", "x", "band")),
        ('{"shape": [3, 4, 9], "axes": "YXS"}', None),  # of another array: a copy of a part
        ('{"shape": "three"}', None),
        ("{broken", None),
    ],
)
def test_axes_that_the_writer_gives(tmp_path, description, axes):
    _pillow(tmp_path / "a.tif", CUBE.transpose(2, 0, 1), description)
    read = read_array(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.values, CUBE.transpose(2, 0, 1))
    assert read.axes == axes


@pytest.mark.parametrize("description", ["ImageJ=1.54f\nimages=3\n", '<?xml?><OME xmlns="x"/>'])
def test_writers_whose_pages_are_images(tmp_path, description):
    _pillow(tmp_path / "a.tif", CUBE.transpose(2, 0, 1), description)
    read = read_array(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.values, CUBE)
    assert read.axes == ("y", "x", "band")


@pytest.mark.parametrize("description", ["ImageJ=1.54f\nimages=3\n", '{"shape": [3, 40, 50]}'])
def test_a_stack_in_one_page(tmp_path, description):
    _pillow(tmp_path / "a.tif", [np.zeros((40, 50), np.uint8)], description)
    assert read_array(tmp_path / "a.tif").values.shape == (40, 50, 1)  # a copy of one page
    with (tmp_path / "a.tif").open("ab") as file:
        file.write(bytes(4000))
    with pytest.raises(SceneError, match="only the first 2000 of 6000 numbers"):
        read_array(tmp_path / "a.tif")
