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
    assert read.axes == ("y", "x")
    assert read.regions == ("class_1", "class_2", "class_3")


def test_an_empty_region_keeps_its_number(tmp_path):
    write_regions(tmp_path / "a.txt", np.where(LABELS == 2, 0, LABELS))
    assert set(np.unique(read_array(tmp_path / "a.txt").values)) == {0, 1, 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "hello", "not an ENVI text file"),
        (lambda text: "\n".join(text.splitlines()[:-3]), "damaged: . points of the 7"),
        (lambda text: text.replace("4 x 3", "3 x 3"), "2 points lie outside its image of 3x3"),
        (
            lambda text: text.replace("     4     2", "     4     q"),
            "line 24: 'q' is not a pixel position",
        ),
    ],
)
def test_damaged_files(tmp_path, change, message):
    write_regions(tmp_path / "a.txt", LABELS)
    changed = change((tmp_path / "a.txt").read_text())
    (tmp_path / "a.txt").write_text(changed)
    with pytest.raises(SceneError, match=message):
        read_array(tmp_path / "a.txt")


def _write(path, blocks, shape=(3, 4), heading="ID X Y B1", encoding="utf-8", before=False):
    """Blocks of (name, lines of points); the heading stands before each, or once before all."""
    lines = ["; ENVI Output of ROIs (5.6)", f"; Number of ROIs: {len(blocks)}"]
    lines += [f"; File Dimension: {shape[1]} x {shape[0]}"]
    heads = [[f"; ROI name: {name}", f"; ROI npts: {len(points)}"] for name, points in blocks]
    title = [f"; {heading}"] if heading else []
    if before:
        lines += [line for head in heads for line in head] + title
        lines += [line for _, points in blocks for line in (*points, "")]
    else:
        for head, (_, points) in zip(heads, blocks, strict=True):
            lines += [*head, *title, *points, ""]
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("heading", "point"),
    [
        ("ID X Y B1", "{id} {x} {y} 7"),
        ("X Y B1", "{x} {y} 7"),
        ("x, y", "{x}, {y}"),
        ("Y  X", "{y}  {x}"),
        ("ID   X   Y   Map X   Map Y   Lat   Lon   B1", "{id} {x} {y} 5e5 54e5 48.1 11.2 7"),
        ("ID MAP X MAP Y X Y", "{id} 500000.5 5400000 {x} {y}"),
        ("", "{id} {x} {y} 7"),
    ],
)
def test_columns_are_found_by_the_heading(tmp_path, heading, point, before):
    blocks = []
    for number in (1, 2, 3):
        places = np.argwhere(number == LABELS) + 1
        points = [point.format(id=i, x=x, y=y) for i, (y, x) in enumerate(places, start=1)]
        blocks.append((f"r{number}", points))
    read = read_array(_write(tmp_path / "a.txt", blocks, heading=heading, before=before))
    np.testing.assert_array_equal(read.values, LABELS)
    assert not read.doubts


@pytest.mark.parametrize(
    ("heading", "points", "message"),
    [
        (
            "",
            ["5 1 7", "2 1 7"],
            "no header that names its columns .* first column does not count",
        ),
        ("", ["1 2", "2 2"], "no header that names its columns"),
        ("ID Map X Map Y", ["1 5e5 5e6"], "map coordinates only .*export the regions again"),
        ("Lat Lon", ["48.1 11.2"], "map coordinates only"),
        ("ID X Y", ["1 2"], r"line 7: 2 columns, but the header names 3 \(id, x, y\)"),
        ("ID X Y", ["1 2 2", "2 2 2 9"], r"line 8: 4 columns"),
        ("ID X Y", ["1 2.5 2"], r"line 7: '2\.5' is not a pixel position"),
        ("ID X Y", ["1 nan 2"], r"line 7: 'nan' is not a pixel position"),
        ("ID X Y", ["1 0 2"], "1 points lie outside"),
    ],
)
def test_columns_that_give_no_positions(tmp_path, heading, points, message):
    path = _write(tmp_path / "a.txt", [("water", points)], heading=heading)
    with pytest.raises(SceneError, match=message):
        read_array(path)


def test_blocks_of_one_name_are_one_region(tmp_path):
    blocks = [("water", ["1 1 1"]), ("forest", ["1 2 1"]), ("water", ["1 3 1", "2 1 1"])]
    read = read_array(_write(tmp_path / "a.txt", blocks, heading="ID X Y"))
    assert read.regions == ("water", "forest")
    assert read.values[0].tolist() == [1, 2, 1, 0]
    assert not read.doubts


def test_a_pixel_of_two_regions_is_unlabelled(tmp_path):
    blocks = [("water", ["1 1 1", "2 2 1"]), ("wood", ["1 2 1", "2 3 1"]), ("crop", ["1 3 1"])]
    read = read_array(_write(tmp_path / "a.txt", blocks, heading="ID X Y"))
    assert read.values[0].tolist() == [1, 0, 0, 0]
    assert "2 pixels lie in several regions (water 1, wood 2, crop 1)" in read.doubts[0]


def test_a_region_without_a_name_and_one_without_points(tmp_path):
    blocks = [("", ["1 1 1"]), ("empty", []), ("last", ["1 2 1"])]
    read = read_array(_write(tmp_path / "a.txt", blocks, heading="ID X Y"))
    assert read.regions == ("region 1", "empty", "last")
    assert read.values[0].tolist() == [1, 3, 0, 0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_names_in_any_encoding(tmp_path, encoding):
    blocks = [("Gehölz", ["1 1 1"])]
    read = read_array(_write(tmp_path / "a.txt", blocks, heading="ID X Y", encoding=encoding))
    assert read.regions == ("Gehölz",)


def test_a_file_that_ends_between_regions_is_cut_short(tmp_path):
    path = _write(tmp_path / "a.txt", [("a", ["1 1 1"]), ("b", ["1 2 1"])], heading="ID X Y")
    path.write_text(path.read_text().split("; ROI name: b")[0])
    with pytest.raises(SceneError, match="damaged: 1 regions of the 2"):
        read_array(path)


def test_more_regions_than_labels(tmp_path):
    path = _write(tmp_path / "a.txt", [(f"r{i}", []) for i in range(256)])
    with pytest.raises(SceneError, match="has 256 regions, more than 255"):
        read_array(path)


def test_regions_have_no_variables(tmp_path):
    with pytest.raises(SceneError, match="leave out `variable`"):
        read_array(_write(tmp_path / "a.txt", []), "v")
