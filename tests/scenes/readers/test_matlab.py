import h5py
import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.registry import read_array
from tests.data.matlab_v73 import StructArray, write_matlab_v73

CUBE = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
FLIGHTS = [{"z": CUBE[..., :2], "name": "one"}, {"z": CUBE[..., 1:], "name": "two"}]


def write_v5(path, tree):
    def as_matlab(value):
        if isinstance(value, StructArray):
            records = np.empty((1, len(value)), dtype=[(field, object) for field in value[0]])
            for i, item in enumerate(value):
                for field, inner in item.items():
                    records[0, i][field] = inner
            return records
        if isinstance(value, list):
            cell = np.empty((1, len(value)), dtype=object)
            cell[0, :] = [as_matlab(item) for item in value]
            return cell
        if isinstance(value, dict):
            return {field: as_matlab(inner) for field, inner in value.items()}
        return value

    savemat(path, as_matlab(tree))


@pytest.fixture(params=[write_v5, write_matlab_v73], ids=["v5", "v7.3"])
def scene_file(request, tmp_path):
    path = tmp_path / "scene.mat"
    tree = {
        "hsi": {
            "Data": CUBE,
            "Cell": FLIGHTS,
            "Array": StructArray(FLIGHTS),
            "One": [{"z": CUBE}],
            "sceneLabels": {"labels": CUBE[..., 0]},
        },
        "other": CUBE[..., 0],
    }
    request.param(path, tree)
    return path


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("hsi.Data", CUBE),
        ("hsi.sceneLabels.labels", CUBE[..., 0]),
        ("hsi.One.z", CUBE),
        ("hsi.Cell.z", FLIGHTS[0]["z"]),
        ("hsi.Cell[1].z", FLIGHTS[1]["z"]),
        ("hsi.Array.z", FLIGHTS[0]["z"]),
        ("hsi.Array[1].z", FLIGHTS[1]["z"]),
        ("other", CUBE[..., 0]),
    ],
)
def test_nested_variables_are_read_in_matlab_order(scene_file, variable, expected):
    np.testing.assert_array_equal(read_array(scene_file, variable).values, expected)


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("hsi.data", r"no variable 'hsi\.data', did you mean 'hsi\.Data'\?"),
        ("hsj.Data", r"no variable 'hsj', did you mean 'hsi'\?; it holds: hsi, other"),
        ("other.z", r"no variable 'other\.z'; it holds: nothing"),
        ("hsi.sceneLabels", r"'hsi\.sceneLabels' is a struct; choose one of hsi\.sceneLabels\.lab"),
        ("hsi.Cell[7].z", r"'hsi\.Cell' has 2 elements, none 7"),
        ("hsi.Cell.name", r"'hsi\.Cell\.name' is not an array of numbers"),
        ("hsi.Data[1]", r"'hsi\.Data' is not a cell or struct array; leave out \[1\]"),
        ("hsi..Data", "is not a variable path"),
        (None, r"holds 2 variables \(hsi 1x1, other 5x4\); choose one"),
    ],
)
def test_wrong_variables_are_named_with_what_is_there(scene_file, variable, message):
    with pytest.raises(VariableError, match=message) as caught:
        read_array(scene_file, variable)
    assert str(scene_file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("write", [write_v5, write_matlab_v73])
def test_only_variable_needs_no_name(tmp_path, write):
    write(tmp_path / "gt.mat", {"gt": CUBE[..., 0]})
    assert read_array(tmp_path / "gt.mat").values.shape == (5, 4)


def test_only_the_variable_asked_for_is_read(tmp_path, monkeypatch):
    import scipy.io

    savemat(tmp_path / "two.mat", {"big": CUBE, "small": CUBE[..., 0]})
    asked, loadmat = [], scipy.io.loadmat

    def spy(path, variable_names):
        asked.append(list(variable_names))
        return loadmat(path, variable_names=variable_names)

    monkeypatch.setattr(scipy.io, "loadmat", spy)
    read_array(tmp_path / "two.mat", "small")
    assert asked == [["small"]]


def test_sparse_label_map(tmp_path):
    labels = np.eye(4)
    savemat(tmp_path / "gt.mat", {"gt": csc_matrix(labels), "s": {"gt": csc_matrix(labels)}})
    for variable in ("gt", "s.gt"):
        np.testing.assert_array_equal(read_array(tmp_path / "gt.mat", variable).values, labels)


@pytest.mark.parametrize("index", [1000, -1])
def test_sparse_indices_that_point_outside_are_refused(tmp_path, index):
    matrix = csc_matrix(np.diag([3.0, 5.0, 7.0, 9.0])[[1, 3, 0, 2]])
    savemat(tmp_path / "gt.mat", {"gt": matrix})
    raw = (tmp_path / "gt.mat").read_bytes()
    rows = matrix.indices.astype("<i4").tobytes()
    assert raw.count(rows) == 1
    damaged = np.array([0, 1, 3, index], "<i4").tobytes()
    (tmp_path / "gt.mat").write_bytes(raw.replace(rows, damaged))
    with pytest.raises(SceneError, match=r"gt\.mat: the sparse matrix 'gt' is damaged .*copy or"):
        read_array(tmp_path / "gt.mat", "gt")


def test_hdf5_that_matlab_did_not_write_is_read_as_it_lies(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["scene/hsi"] = CUBE
        file["scene/hsi"].attrs["_FillValue"] = np.float32(-1)
        file["scene/gt"] = CUBE[..., 0]
    for variable in ("scene.hsi", "scene/hsi"):
        read = read_array(tmp_path / "a.mat", variable)
        np.testing.assert_array_equal(read.values, CUBE)
        assert read.axes is None
        assert read.maybe_reversed
        assert read.nodata == ((-1.0,),)
        assert read.notes == ("not written by MATLAB: its axes are read as they lie",)
    with pytest.raises(VariableError, match=r"did you mean 'scene\.hsi'"):
        read_array(tmp_path / "a.mat", "scene.hsl")
    with pytest.raises(VariableError, match=r"holds 2 variables \(scene\.gt 5x4, scene\.hsi 5x4x3"):
        read_array(tmp_path / "a.mat")


@pytest.mark.parametrize("variable", ["hsi", None])
def test_matlabs_attribute_is_enough(tmp_path, variable):
    with h5py.File(tmp_path / "a.mat", "w") as file:  # without the header
        file.create_dataset("hsi", data=CUBE.T).attrs["MATLAB_class"] = np.bytes_("single")
    read = read_array(tmp_path / "a.mat", variable)
    np.testing.assert_array_equal(read.values, CUBE)
    assert not read.maybe_reversed


def test_matlabs_header_is_enough(tmp_path):
    write_matlab_v73(tmp_path / "a.mat", {"hsi": CUBE})
    read = read_array(tmp_path / "a.mat")
    np.testing.assert_array_equal(read.values, CUBE)
    assert not read.maybe_reversed


def test_a_web_page_saved_as_mat_is_refused(tmp_path):
    (tmp_path / "HSI.mat").write_text("<!DOCTYPE html><html>please sign in</html>" * 10)
    with pytest.raises(SceneError, match=r"cannot read .*HSI\.mat: it is a web page"):
        read_array(tmp_path / "HSI.mat", "HSI")


def test_a_name_below_what_holds_nothing_is_told(tmp_path, monkeypatch):
    cells = np.empty(2, object)
    cells[0] = {"x": np.ones(3)}
    savemat(tmp_path / "a.mat", {"s": np.zeros((1, 2)), "text": "words"})
    # SciPy gives None for a cell whose element has no bytes, which it does not write itself.
    monkeypatch.setattr("scipy.io.loadmat", lambda *_, **__: {"s": cells, "text": "words"})
    for variable in ("s[1].x", "text.x"):
        with pytest.raises(VariableError, match=r"a\.mat"):
            read_array(tmp_path / "a.mat", variable)
