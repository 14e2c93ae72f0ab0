import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.registry import read_array

CUBE = np.arange(24).reshape(2, 3, 4)


def test_npy(tmp_path):
    np.save(tmp_path / "a.npy", CUBE)
    read = read_array(tmp_path / "a.npy")
    np.testing.assert_array_equal(read.values, CUBE)
    assert read.axes is None
    with pytest.raises(SceneError, match="leave out 'variable: x'"):
        read_array(tmp_path / "a.npy", "x")


def test_npz(tmp_path):
    np.savez(tmp_path / "a.npz", hsi=CUBE, gt=CUBE[0])
    np.testing.assert_array_equal(read_array(tmp_path / "a.npz", "hsi").values, CUBE)
    with pytest.raises(SceneError, match=r"did you mean 'hsi'.*it holds: hsi, gt"):
        read_array(tmp_path / "a.npz", "HSI")
    with pytest.raises(SceneError, match="holds 2 variables"):
        read_array(tmp_path / "a.npz")


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from([">u1", "<i2", ">i2", ">f4", "<f8", "?"]), st.booleans())
def test_every_type_and_order_comes_back(tmp_path_factory, data, dtype, fortran):
    array = data.draw(arrays(dtype, array_shapes(min_dims=2, max_dims=3, max_side=4)))
    path = tmp_path_factory.mktemp("npy") / "a.npy"
    np.save(path, np.asfortranarray(array) if fortran else array)
    read = read_array(path).values
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype


def test_records_texts_and_nothing_are_refused_in_a_line(tmp_path):
    np.savez(tmp_path / "a.npz", r=np.zeros((2, 3), [("red", "f4"), ("nir", "f4")]), t=["a"], n=[])
    with pytest.raises(SceneError, match=r"'r' holds records \(red, nir\), not numbers; save the"):
        read_array(tmp_path / "a.npz", "r")
    for name in "tn":
        with pytest.raises(SceneError, match=f"'{name}' holds no numbers"):
            read_array(tmp_path / "a.npz", name)
    np.save(tmp_path / "a.npy", np.array(["a"]))
    with pytest.raises(SceneError, match=r"a\.npy: holds no numbers; save"):
        read_array(tmp_path / "a.npy")


def test_pickled_objects_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SceneError, match="holds Python objects"):
        read_array(tmp_path / "a.npy")


def test_pickled_objects_beside_an_array_do_no_harm(tmp_path):
    np.savez(tmp_path / "a.npz", v=np.ones((2, 3)), meta=np.array({"a": 1}, object))
    assert read_array(tmp_path / "a.npz").values.shape == (2, 3)
    with pytest.raises(SceneError, match="'meta' holds Python objects"):
        read_array(tmp_path / "a.npz", "meta")
