from pathlib import Path

from bdgf.core.own_cgroups import own_cgroups


def test_the_root_comes_first_and_nothing_lies_outside_it(tmp_path: Path) -> None:
    found = own_cgroups(tmp_path)
    assert found[0] == tmp_path
    assert all(folder.is_relative_to(tmp_path) and ".." not in folder.parts for folder in found)
