import pytest

from bdgf.scenes.readers.axis_names import (
    are_numbered,
    are_phony,
    band_lengths,
    degrees,
    is_band,
    is_degree_name,
    name_axes,
    single_axes,
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("y x band", "y x band"),
        ("band lat lon", "band y x"),
        ("time Latitude Longitude", "time y x"),
        ("row column", "y x"),
        ("lines samples bands", "y x bands"),
        ("downtrack crosstrack bands", "y x bands"),
        ("along_track across_track", "y x"),
        ("number_of_lines pixels_per_line wavelength_3d", "y x wavelength_3d"),
        ("time scanline ground_pixel", "time y x"),
        ("bands number_of_scans ccd_pixels", "bands y x"),
        ("nrows ncols", "y x"),
        ("northing easting", "y x"),
        ("south_north west_east", "y x"),
        ("YDim:grid XDim:grid", "y x"),
        ("/GRID/lon /GRID/lat", "x y"),
        ("a b c", None),
        ("y b", None),
        ("y lat x", None),
        ("bands pixels", None),
    ],
)
def test_names(names, expected):
    found = name_axes(names.split(), {})
    assert found == (expected and tuple(expected.split()))


@pytest.mark.parametrize(
    ("y", "x"),
    [
        ({"axis": "Y"}, {"axis": b"X"}),
        ({"standard_name": "latitude"}, {"standard_name": "longitude"}),
        ({"standard_name": "projection_y_coordinate"}, {"axis": "x"}),
        ({"units": "degrees_north"}, {"units": "degree_east"}),
    ],
)
def test_what_cf_says_of_the_coordinates(y, x):
    assert name_axes(["c", "a", "b"], {"a": y, "b": x}) == ("c", "y", "x")


def test_cf_counts_more_than_a_name():
    assert name_axes(["lat", "v", "x"], {"v": {"axis": "Y"}}) == ("lat", "y", "x")
    assert name_axes(["y", "v", "x"], {"v": {"axis": "Y"}}) is None  # two axes called y


def test_the_rest():
    assert are_phony(["phony_dim_0", "", "fakeDim3"])
    assert not are_phony(["phony_dim_0", "a"])
    assert degrees("degrees_north") == "y"
    assert degrees("degreeE") == "x"
    assert degrees("m") is None
    assert is_band("wavelength_3d")
    assert is_band("nbands") or is_band("bands")
    assert not is_band("time")
    assert band_lengths((4, 5, 3), ("y", "x", "b")) == (3,)
    assert band_lengths((1, 4, 5, 3), ("time", "y", "x", "b")) == (3,)
    assert band_lengths((4, 5), ("y", "x")) == (1,)
    assert band_lengths((4, 5, 3), None) == (1, 4, 5, 3)
    assert band_lengths((4, 5), None) == (1,)


@pytest.mark.parametrize(
    ("shape", "axes", "dropped"),
    [
        ((1, 4, 5), "time y x", [0]),
        ((1, 4, 5), "band y x", []),
        ((1, 1, 4, 5), "time band y x", [0]),
        ((1, 1, 4, 5, 3), "time level y x band", [0, 1]),
        ((2, 4, 5), "time y x", []),
        ((1, 5), "y x", []),
        ((1, 4, 5, 3), None, [0]),
        ((1, 4, 5), None, []),
    ],
)
def test_axes_that_say_nothing(shape, axes, dropped):
    assert single_axes(shape, axes and axes.split()) == dropped


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("c h w", "c y x"),
        ("band width height", "band x y"),
        ("b c r", "b x y"),
        ("height lat lon", "height y x"),
        ("height b", None),
        ("p q", None),
    ],
)
def test_names_that_say_it_in_pairs_alone(names, expected):
    found = name_axes(names.split(), {})
    assert found == (expected and tuple(expected.split()))


def test_numbered_by_xarray():
    assert are_numbered(["dim_0", "dim_1"])
    assert not are_numbered(["dim_0", "b"])
    assert is_degree_name("group/Latitude")
    assert not is_degree_name("y")
