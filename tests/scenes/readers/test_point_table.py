import pytest
import shapely

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.point_table import read_point_table

COLUMNS = {"x": "east", "y": "north", "class": "crop"}


def read(tmp_path, text, columns=COLUMNS):
    path = tmp_path / "points.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_point_table(path, columns)


@pytest.mark.parametrize(
    "text",
    [
        'id,east,crop,north\n1,1.5,"wheat, winter",2\n2,-3,NA,4e1\n',
        '\ufeffid;east;crop;north\r\n1;1,5;"wheat, winter";2\r\n\r\n2;-3;NA;40\r\n',
        "id\teast\tcrop\tnorth\n1\t1.5\twheat, winter\t2\n2\t-3\tNA\t40",
    ],
)
def test_separators_quotes_and_decimal_commas(tmp_path, text):
    table = read(tmp_path, text)
    assert [shapely.from_wkb(s).coords[0] for s in table.shapes] == [(1.5, 2.0), (-3.0, 40.0)]
    assert table.classes == ("wheat, winter", "NA")


def test_an_empty_class_is_none_and_a_mask_needs_none(tmp_path):
    text = "east,north,crop\n1,2, \n"
    assert read(tmp_path, text).classes == (None,)
    assert read(tmp_path, text, {"x": "east", "y": "north"}).classes == (None,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no points"),
        ("east,north,crop\n", "holds no points"),
        ("east,crop\n1,2\n", "no column 'north'; its header is: east, crop"),
        ("east,north,crop,east\n1,2,a,3\n", "several columns 'east'"),
        ("east,north,crop\n1,2,a\n1,x,b\n", "line 3: 'x' in the column 'north' is not a number"),
        ("east,north,crop\n1,inf,a\n", "line 2: 'inf' in"),
        ("east,north,crop\n1,2\n", "line 2: 2 columns, but the header has 3"),
        ('east,north,crop\n1,2,"a\n', "line 2: .*; correct the table"),
        (b"east,north,crop\n1,2,ma\xefs\n", "byte 22 is not UTF-8"),
    ],
)
def test_wrong_tables_are_one_line(tmp_path, text, words):
    with pytest.raises(SceneError, match=words) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
