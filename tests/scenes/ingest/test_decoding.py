import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.decoding import decode_image
from tests.scenes.ingest.raw_arrays import cube, image

VALUES = np.arange(4 * 5 * 3, dtype=np.int16).reshape(4, 5, 3)


def decoded(*arrays, **said):
    found, modality = image(*arrays, **said)
    return decode_image(found, modality, arrays[0].values.shape[:2])


def missing(result):
    return [tuple(place) for place in np.argwhere(~result.has_data).tolist()]


def test_values_as_they_are():
    result = decoded(cube(VALUES))
    np.testing.assert_array_equal(result.values, VALUES)
    assert result.values.dtype == np.float32
    assert result.has_data.all()


@settings(max_examples=50, deadline=None)
@given(
    dtype=st.sampled_from(["u1", ">i2", "<u2", "<i4", ">f4", "f8"]),
    by_band=st.booleans(),
    data=st.data(),
)
def test_every_declaration_counts_for_its_bands_alone(dtype, by_band, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    stored = rng.integers(0, 50, (6, 7, 3)).astype(dtype)
    count = 3 if by_band else 1
    number = st.floats(-3, 3).map(lambda n: round(n, 3))
    scale = data.draw(st.lists(number.filter(bool), min_size=count, max_size=count))
    offset = data.draw(st.lists(number, min_size=count, max_size=count))
    nodata = data.draw(
        st.lists(
            st.lists(st.sampled_from([7.0, 9.0, -9999.0]), max_size=2),
            min_size=count,
            max_size=count,
        )
    )
    masked = rng.random(stored.shape) < 0.1
    raw = cube(
        stored,
        scale=tuple(scale),
        offset=tuple(offset),
        nodata=tuple(map(tuple, nodata)),
        masked=masked,
    )
    result = decoded(raw)
    right = stored * np.array(scale) + np.array(offset)
    hidden = masked.copy()
    for band in range(3):
        hidden[..., band] |= np.isin(stored[..., band], nodata[band if by_band else 0])
    np.testing.assert_array_equal(result.has_data, ~hidden.any(axis=2))
    np.testing.assert_allclose(result.values, right, rtol=1e-6, atol=1e-6)


def test_nodata_of_the_scene_file_adds_to_that_of_the_raw_file():
    stored = VALUES.copy()
    stored[0, 0, 0], stored[1, 1, 1] = -9999, -1
    raw = cube(stored, nodata=((-9999.0,), (), ()))
    assert missing(decoded(raw)) == [(0, 0)]
    assert missing(decoded(raw, nodata=-1)) == [(0, 0), (1, 1)]
    assert missing(decoded(raw, nodata=[-1, 5])) == [(0, 0), (0, 1), (1, 1)]
    assert missing(decoded(raw, nodata="none")) == []


def test_nodata_is_compared_as_stored():
    huge = np.float32(-3.4028235e38)
    stored = VALUES.astype(np.float32)
    stored[0, 0, 0], stored[0, 1, 0], stored[0, 2, 0] = huge, 0.1, np.nan
    raw = cube(stored, nodata=((-3.40282e38, 0.1),), scale=(2.0,))
    assert missing(decoded(raw)) == [(0, 0), (0, 1), (0, 2)]


def test_the_scene_file_overrules_the_scale():
    raw = cube(VALUES, scale=(0.5,), offset=(1.0,))
    np.testing.assert_array_equal(decoded(raw).values, VALUES * 0.5 + 1)
    np.testing.assert_array_equal(decoded(raw, scale="none").values, VALUES)
    np.testing.assert_array_equal(decoded(raw, scale=0.25).values, VALUES * 0.25)


def test_masks_and_alpha_hide_pixels_unless_overruled():
    hidden = VALUES[..., 0] % 7 == 0
    places = [tuple(p) for p in np.argwhere(hidden).tolist()]
    assert missing(decoded(cube(VALUES, masked=hidden))) == places
    assert missing(decoded(cube(VALUES, masked=hidden), mask="none")) == []
    alpha = np.dstack([VALUES, np.where(hidden, 0, 255)]).astype(np.int16)
    result = decoded(cube(alpha, alpha=3))
    assert missing(result) == places
    assert result.values.shape == (4, 5, 3)


def test_values_outside_the_valid_range_are_no_data():
    assert missing(decoded(cube(VALUES, valid_range=(3.0, 56.0)))) == [(0, 0), (3, 4)]


def test_files_are_stacked_each_with_its_own_declarations():
    one = cube(VALUES[..., :1], nodata=((0.0,),))
    other = cube(VALUES[..., 1:], scale=(10.0, 1.0))
    result = decoded(one, other, channels=[1, 0, 2])
    assert missing(result) == [(0, 0)]
    np.testing.assert_array_equal(result.values, VALUES[..., [1, 0, 2]] * [10, 1, 1])


def test_one_line_a_file_says_what_was_applied(caplog):
    caplog.set_level(logging.INFO)
    hidden = np.zeros((4, 5), bool)
    hidden[0] = True
    raw = cube(VALUES, scale=(1e-4,), masked=hidden, bad_bands=frozenset({1}), notes=("so it is",))
    decoded(raw)
    assert caplog.messages == [
        "mine: hsi0.dat: so it is, 1 of 3 bands marked bad and left out (1), scale 0.0001, "
        "25 % masked"
    ]


def test_empty_bands_are_all_named_as_the_settings_count_them():
    stored = np.full((4, 5, 30), -1)
    stored[..., [0, 1, 29]] = np.arange(20).reshape(4, 5, 1)
    with pytest.raises(SceneError, match=r"bands 2-28 \(counted from 0\) .*`exclude: 2-28`"):
        decoded(cube(stored, nodata=((-1.0,),)))
    assert decoded(cube(stored, nodata=((-1.0,),)), exclude="2-28").values.shape == (4, 5, 3)
    with pytest.raises(SceneError, match=r"bands 3-29 \(counted from 0\)"):
        decoded(cube(VALUES[..., :1]), cube(stored, nodata=((-1.0,),)))


@pytest.mark.parametrize(
    ("raw", "said", "message"),
    [
        (cube(VALUES + 1j), {}, "complex"),
        (cube(np.full((4, 5, 3), 7)), {}, "is 7 everywhere"),
    ],
)
def test_what_is_no_image(raw, said, message):
    with pytest.raises(SceneError, match=message):
        decoded(raw, **said)


def test_whole_numbers_that_no_float_holds_are_told_apart():
    stored = VALUES.astype(np.int64) + 2**60
    stored[3, 4, 2] = 0
    assert missing(decoded(cube(stored, nodata=((2**60 + 1,),)))) == [(0, 0)]
