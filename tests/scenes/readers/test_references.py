from pathlib import Path

import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.reading_limits import ReadingLimits, reading_limits
from bdgf.scenes.readers.references import check_inside, shortened


def inside(path: Path, name: str) -> Path:
    return check_inside(path, name, path.parent, "it")


def test_names_within_the_folder_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.vrt"
    assert inside(path, "b.tif") == tmp_path / "b.tif"
    assert inside(path, "tiles/b.tif") == tmp_path / "tiles/b.tif"
    assert inside(path, str(tmp_path / "b.tif")) == tmp_path / "b.tif"
    assert inside(path, f"../{tmp_path.name}/b.tif") == tmp_path / "b.tif"


@pytest.mark.parametrize("name", ["../b", "/etc/passwd", "", ".", "x/../../b", "a\0b", "/vsi/x"])
def test_names_that_lead_elsewhere_are_not(tmp_path: Path, name: str) -> None:
    with pytest.raises(SceneError, match="no file in the scene's folders"):
        inside(tmp_path / "a.vrt", name)


def test_every_folder_of_the_scene_counts(tmp_path: Path) -> None:
    other = tmp_path / "other"
    limits = ReadingLimits(1, 1.0, folders=(other,))
    with reading_limits(limits):
        assert inside(tmp_path / "mine" / "a.vrt", "../other/b.tif") == other / "b.tif"


def test_a_folder_that_is_a_link_is_followed_but_not_out_of_it(tmp_path: Path) -> None:
    real, mine = tmp_path / "disk" / "real", tmp_path / "mine"
    real.mkdir(parents=True)
    mine.symlink_to(real)
    assert inside(mine / "a.vrt", "b.tif") == mine / "b.tif"
    assert inside(mine / "a.vrt", str(real / "b.tif")) == real / "b.tif"
    (real / "sub").symlink_to(tmp_path)
    with pytest.raises(SceneError):
        inside(mine / "a.vrt", "sub/../b.tif")  # the folder above the link's target


def test_names_are_shown_short_and_in_one_line() -> None:
    assert shortened("a\nb") == "a?b"
    assert len(shortened("x" * 500)) < 110
