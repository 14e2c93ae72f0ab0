import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.registry import read_array

CUBE = np.arange(24).reshape(2, 3, 4)


def test_npy(tmp_path):
    np.save(tmp_path / "a.npy", CUBE)
    np.testing.assert_array_equal(read_array(tmp_path / "a.npy").values, CUBE)
    with pytest.raises(SceneError, match="leave out 'variable: x'"):
        read_array(tmp_path / "a.npy", "x")


def test_npz(tmp_path):
    np.savez(tmp_path / "a.npz", hsi=CUBE, gt=CUBE[0])
    np.testing.assert_array_equal(read_array(tmp_path / "a.npz", "hsi").values, CUBE)
    with pytest.raises(SceneError, match=r"did you mean 'hsi'.*it holds: gt, hsi"):
        read_array(tmp_path / "a.npz", "HSI")
    with pytest.raises(SceneError, match="holds 2 variables"):
        read_array(tmp_path / "a.npz")


def test_pickled_objects_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SceneError, match="cannot read"):
        read_array(tmp_path / "a.npy")
