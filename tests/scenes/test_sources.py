import pytest
from pydantic import ValidationError

from bdgf.scenes.sources import ImageSource, LabelSource


@pytest.mark.parametrize(
    ("given", "bands"),
    [
        (3, (3,)),
        ("0-2, 7", (0, 1, 2, 7)),
        (["0-1", 5, "7 - 8"], (0, 1, 5, 7, 8)),
        ([4, 1], (4, 1)),
        ([], ()),
    ],
)
def test_bands_as_numbers_and_ranges(given, bands):
    source = ImageSource(file="a.tif", channels=given, exclude=given)
    assert source.channels == source.exclude == bands


@pytest.mark.parametrize("given", ["3-1", "a", -1, "1-", 1.5])
def test_what_is_no_band_is_refused(given):
    with pytest.raises(ValidationError):
        ImageSource(file="a.tif", channels=given)


@pytest.mark.parametrize(
    ("given", "axes"),
    [
        (["band", "y", "x"], ("band", "y", "x")),
        ("bands, rows, columns", ("band", "y", "x")),
        ("x y", ("x", "y")),
        (["Line", "Sample", "band", "band"], ("y", "x", "band", "band")),
    ],
)
def test_axes_by_their_usual_names(given, axes):
    assert ImageSource(file="a.h5", axes=given).axes == axes


@pytest.mark.parametrize("given", [["y", "y", "x"], ["y", "band"], ["y", "x", "time"]])
def test_axes_need_y_and_x_once(given):
    with pytest.raises(ValidationError):
        ImageSource(file="a.h5", axes=given)


@pytest.mark.parametrize("scale", ["stored", "none", 0.0001])
def test_scale(scale):
    assert LabelSource(file="a.h5", scale=scale).scale == scale
