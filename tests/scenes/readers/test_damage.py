import io
import pickle

import numpy as np
import pytest
from scipy.io import savemat

from bdgf.core.errors import SceneError
from bdgf.scenes.readers import registry
from bdgf.scenes.readers.damage import another_content, is_own_fault
from bdgf.scenes.readers.registry import read_array


def _npz():
    file = io.BytesIO()
    np.savez(file, v=np.ones((2, 3)))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.mat", b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\n", "git lfs pull"),
        ("a.h5", b"\n <!DOCTYPE html><html>404</html>", "a web page"),
        ("a.tif", b"<?xml version='1.0'?><Error>no</Error>", "a web page"),
        ("a.mat", b"", "it is empty"),
        ("a.h5", b"II*\x00" + bytes(60), r"a TIFF; name it \.tif"),
        ("a.h5", b"CDF\x01" + bytes(60), r"NetCDF 3; name it \.nc"),
        ("a.nc", b"\x0e\x03\x13\x01" + bytes(60), "HDF4"),
        ("a.mat", _npz(), "zip archive"),
        ("a.npy", _npz(), "zip archive"),
        ("a.npy", pickle.dumps(np.ones((2, 3))), "pickled"),
        ("a.npz", b"\x1f\x8b" + bytes(60), "gzip"),
        ("a.npy", b"nothing of the kind", "damaged or cut short"),
    ],
)
def test_what_a_file_really_is_is_told(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SceneError, match=said) as caught:
        read_array(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_file_under_its_own_name_is_not_told_to_be_another(tmp_path):
    savemat(tmp_path / "a.mat", {"v": np.ones((2, 3))})
    (tmp_path / "a.vrt").write_text("<?xml version='1.0'?><VRTDataset>")
    np.save(tmp_path / "a.npy", np.ones(3))
    for name in ("a.mat", "a.vrt", "a.npy", "nowhere.mat"):
        assert another_content(tmp_path / name) is None


def _raised(function):
    try:
        function()
    except Exception as error:
        return error
    return None


def test_faults_of_ours_are_told_from_damage():
    assert is_own_fault(_raised(lambda: another_content("no path")))
    assert not is_own_fault(_raised(lambda: np.load(io.BytesIO(b"garbage"))))
    assert not is_own_fault(_raised(lambda: savemat(io.BytesIO(), None)))  # in SciPy's code
    assert is_own_fault(ModuleNotFoundError("h5py"))


def _wrong_call(path, variable):
    return another_content(variable)  # None is no path


def _too_big(path, variable):
    raise MemoryError("Unable to allocate 8 TiB")


def test_a_fault_of_ours_is_raised_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "a.npy").write_bytes(b"")
    monkeypatch.setitem(registry.READERS, ".npy", _wrong_call)
    with pytest.raises(AttributeError):
        read_array(tmp_path / "a.npy")


def test_an_array_that_is_too_big_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.READERS, ".npy", _too_big)
    with pytest.raises(SceneError, match="8 TiB; the array does not fit into memory"):
        read_array(tmp_path / "a.npy")
