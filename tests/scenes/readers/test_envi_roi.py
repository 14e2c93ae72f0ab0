import numpy as np
import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.registry import read_array
from tests.data.fabricate import write_regions

LABELS = np.array([[0, 1, 1, 0], [2, 2, 0, 3], [0, 0, 3, 1]], np.uint8)


@pytest.mark.parametrize("headers_first", [True, False])
def test_regions_are_numbered_in_order(tmp_path, headers_first):
    write_regions(tmp_path / "a.txt", LABELS, headers_first=headers_first)
    read = read_array(tmp_path / "a.txt")
    np.testing.assert_array_equal(read.values, LABELS)
    assert read.values.dtype == np.uint8


def test_an_empty_region_keeps_its_number(tmp_path):
    write_regions(tmp_path / "a.txt", np.where(LABELS == 2, 0, LABELS))
    assert set(np.unique(read_array(tmp_path / "a.txt").values)) == {0, 1, 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "hello", "no ENVI text file"),
        (lambda text: "\n".join(text.splitlines()[:-3]), "damaged: . points of the 7"),
        (lambda text: text.replace("4 x 3", "3 x 3"), "2 points lie outside its image of 3x3"),
        (lambda text: text.replace("     4     2", "     4     q"), "cannot read"),
    ],
)
def test_damaged_files(tmp_path, change, message):
    write_regions(tmp_path / "a.txt", LABELS)
    changed = change((tmp_path / "a.txt").read_text())
    (tmp_path / "a.txt").write_text(changed)
    with pytest.raises(SceneError, match=message):
        read_array(tmp_path / "a.txt")
