import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.declared import check_lists, is_nodata, nodata_table, scale_and_offset
from tests.scenes.ingest.raw_arrays import cube, image

ZEROS = np.zeros((2, 2, 3))


@given(
    dtype=st.sampled_from(["u1", "i2", "i4", "f4", "f8"]),
    numbers=st.lists(st.lists(st.integers(0, 9), max_size=2), min_size=3, max_size=3),
)
def test_numbers_count_for_their_bands_alone(dtype, numbers):
    stored = np.arange(10)[:, None].repeat(3, axis=1).astype(dtype)
    table = np.full((2, 3), np.nan)
    for band, found in enumerate(numbers):
        table[: len(found), band] = found
    right = np.stack([np.isin(np.arange(10), found) for found in numbers], axis=1)
    np.testing.assert_array_equal(is_nodata(stored, table), right)


def test_the_table_joins_what_file_and_scene_file_say():
    found, modality = image(cube(ZEROS, nodata=((1.0,), (), (2.0, 3.0))), nodata=7)
    table = nodata_table(found.arrays[0], modality.nodata, 3)
    assert [sorted(column[~np.isnan(column)]) for column in table.T] == [[1, 7], [7], [2, 3, 7]]
    found, modality = image(cube(ZEROS, nodata=((1.0,),)), nodata="none")
    assert np.isnan(nodata_table(found.arrays[0], modality.nodata, 3)).all()


@pytest.mark.parametrize(
    ("setting", "scale", "offset"),
    [("stored", [2, 3, 4], [1, 1, 1]), ("none", [1] * 3, [0] * 3), (0.5, [0.5] * 3, [0] * 3)],
)
def test_scale_and_offset_as_the_scene_file_wants_them(setting, scale, offset):
    raw = cube(ZEROS, scale=(2.0, 3.0, 4.0), offset=(1.0,))
    found = scale_and_offset(raw, setting, 3)
    np.testing.assert_array_equal(found, [scale, offset])


@pytest.mark.parametrize(
    ("said", "way_out"),
    [
        ({"scale": (1.0, 2.0)}, {"scale": "none"}),
        ({"offset": (1.0, 2.0)}, {"scale": 1.0}),
        ({"nodata": ((1.0,), ())}, {"nodata": "none"}),
    ],
)
def test_lists_along_another_axis_are_refused_with_a_way_out(said, way_out):
    found, modality = image(cube(ZEROS, **said))
    with pytest.raises(SceneError, match=r"has 3 bands, but the file gives 2 numbers.*`axes:`"):
        check_lists(found, modality, found.arrays[0])
    found, modality = image(cube(ZEROS, **said), **way_out)
    check_lists(found, modality, found.arrays[0])
