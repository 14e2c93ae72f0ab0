"""A scene by the YAML file that describes it."""

import numpy as np
import pytest
import yaml

import bdgf
from bdgf.core.errors import SettingsError

CONFIG = {
    "modalities": {
        "optical": {"kind": "spectral", "file": "optical.npy"},
        "height": {"kind": "auxiliary", "file": "height.npy"},
    },
    "labels": {"file": "labels.npy"},
}


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "optical.npy", rng.random((12, 14, 3)).astype(np.float32))
    np.save(tmp_path / "height.npy", rng.random((12, 14)).astype(np.float32))
    np.save(tmp_path / "labels.npy", rng.integers(0, 3, (12, 14)).astype(np.uint8))
    return tmp_path


def test_files_lie_beside_it_or_in_the_folder_of_its_name(folder):
    (folder / "scene.yml").write_text(yaml.safe_dump({"field": CONFIG}))
    beside = bdgf.open_scene(folder / "scene.yml")
    assert beside.attrs["scene"] == "field"
    (folder / "field").mkdir()
    for path in folder.glob("*.npy"):
        path.rename(folder / "field" / path.name)
    assert bdgf.open_scene(str(folder / "scene.yml")).equals(beside)


def test_of_several_scenes_one_is_named(folder):
    path = folder / "scenes.yml"
    path.write_text(yaml.safe_dump({"one": CONFIG, "two": CONFIG}))
    with pytest.raises(SettingsError, match="holds one, two; say which with `name`"):
        bdgf.open_scene(path)
    assert bdgf.open_scene(path, name="two").attrs["scene"] == "two"
    with pytest.raises(SettingsError, match="does not describe 'three', only one, two"):
        bdgf.open_scene(path, name="three")


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "3"])
def test_what_describes_no_scene_is_told_in_one_line(tmp_path, text):
    path = tmp_path / "scene.yml"
    path.write_text(text)
    with pytest.raises(SettingsError) as error:
        bdgf.open_scene(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read as a scene's file"):
        bdgf.open_scene(tmp_path / "none.yml")
