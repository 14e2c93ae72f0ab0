"""Scene files as users write them: read, or refused in one line that says where and what to do."""

import logging
from pathlib import Path

import fsspec
import pytest

from bdgf.core.errors import SettingsError
from bdgf.framework import scene_files
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.framework.scene_files import SceneFiles, read_scene_files
from tests.messages import telling


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_files, "_left_out", set())


def read(folder: Path, **files: str | bytes) -> SceneFiles:
    """The scenes of a folder with these files and a sound one, `neighbour`."""
    for name, text in {"neighbour": "neighbour: {title: Sound}\n", **files}.items():
        data = text.encode() if isinstance(text, str) else text
        (folder / f"{name}.yml").write_bytes(data)
    found = read_scene_files(fsspec.filesystem("file"), str(folder))
    assert found.scenes.get("neighbour") == {"title": "Sound"}
    return found


@pytest.mark.parametrize("name", ["2013", "1e3", "on", "2013-05-01"])
def test_the_name_of_the_file_as_a_bare_key_is_its_scene(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, **{name: f"{name}: {{title: x}}\n"}).scenes[name] == {"title": "x"}


BROKEN: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "cp1252": ("mine: Gewässer".encode("cp1252"), ("mine.yml, line 1", "save it as UTF-8")),
    "tab": ("mine:\n\tmodalities: {}\n", ("mine.yml, line 2", "tab", "spaces")),
    "empty": ("", ("mine.yml is empty",)),
    "no_settings": ("mine:\n", ("no settings below 'mine:'",)),
    "text_for_settings": ("mine: x\n", ("no settings below 'mine:'",)),
    "own_anchor": ("mine: &a [*a]\n", ("mine.yml",)),
    "interpolation": ("mine: {title: '${nothing.there}'}\n", ("'${...}'", "nothing.there")),
    "half_an_interpolation": ("mine: {title: '${nothing'}\n", ("mine.yml",)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_alone_and_in_one_line(tmp_path: Path, case: str) -> None:
    data, words = BROKEN[case]
    line = read(tmp_path, mine=data).refused["mine"]
    assert "\n" not in line
    assert line.startswith(f"{tmp_path.as_posix()}/mine.yml")
    assert [word for word in words if word not in line] == [], line


def test_a_link_to_nothing_and_what_cannot_be_opened_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.yml").symlink_to(tmp_path / "gone.yml")
    (tmp_path / "loop.yml").symlink_to(tmp_path / "loop.yml")
    (tmp_path / "folder.yml").mkdir()
    (tmp_path / ".#mine.yml").write_text("an editor's lock")
    refused = read(tmp_path).refused
    assert set(refused) == {"mine", "loop"}
    assert "link to a file that is not there" in refused["mine"]

    def denied(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    files = fsspec.filesystem("file")
    monkeypatch.setattr(files, "open", denied)
    told = read_scene_files(files, str(tmp_path)).refused["neighbour"]
    assert "neighbour.yml cannot be opened: permission denied" in told


@pytest.mark.parametrize(
    ("text", "names", "words"),
    [
        ("myscene: {}\n", ("mine", "myscene"), ("'myscene'", "'mine:'", "myscene.yml")),
        ("mine: {}\nother: {}\n", ("mine", "other"), ("'mine', 'other'", "a file of its own")),
        ("modalities: {}\nlabels: {}\n", ("mine", "labels"), ("'modalities', 'labels'", "'mine'")),
        ("neighbour: {}\n", ("mine",), ("'neighbour'", "'mine:'")),
        ("Mine: {}\n", ("mine", "Mine"), ("'Mine'", "'mine:'")),
        ("_part: {}\n", ("mine",), ("no scene", "'mine:'")),
    ],
)
def test_another_key_than_the_files_name_is_told_under_either_name(
    tmp_path: Path, text: str, names: tuple[str, ...], words: tuple[str, ...]
) -> None:
    (tmp_path / "mine.yml").write_text(text)
    found = read_scene_files(fsspec.filesystem("file"), str(tmp_path))
    for name in names:
        line = found.refused[name]
        assert line.startswith(f"{tmp_path.as_posix()}/mine.yml")
        assert [word for word in words if word not in line] == [], line


def test_a_key_that_another_file_has_refuses_both(tmp_path: Path) -> None:
    (tmp_path / "copy.yml").write_text("mine: {}\n")
    (tmp_path / "mine.yml").write_text("mine: {}\n")
    found = read_scene_files(fsspec.filesystem("file"), str(tmp_path))
    assert not found.scenes
    assert found.refused["mine"] == found.refused["copy"]
    (tmp_path / "copy.yml").rename(tmp_path / "mine.yaml")
    refused = read_scene_files(fsspec.filesystem("file"), str(tmp_path)).refused
    assert "mine.yaml and " in refused["mine"]


def test_a_scene_may_take_a_part_of_another_and_of_a_template(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        mine="_part: &part {a: 1}\nmine: {<<: *part, title: '${neighbour.title}'}\n",
        other="other: {title: '${broken.title}'}\n",
        broken="broken:\n\ttitle: x\n",
    )
    assert found.scenes["mine"] == {"a": 1, "title": "Sound"}
    assert set(found.refused) == {"other", "broken"}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    files = {
        "base/parameters.yml": "dataset: one\nseed: 0\n",
        "base/parameters_scenes/one.yml": "one: {title: One}\n",
        "base/parameters_scenes/two.yml": "two: {title: Two}\n",
        "local/parameters_scenes/two.yml": "two:\n\ttitle: Mine\n",
        "local/parameters_scenes/2013.yml": "2013: {title: Houston}\n",
        "local/parameters_scenes/copy.yml": "three: {title: Three}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def loader(conf: Path, **runtime: object) -> SceneConfigLoader:
    return SceneConfigLoader(
        str(conf),
        base_env="base",
        default_run_env="local",
        runtime_params=runtime,
        config_patterns={"parameters": ["parameters*.yml"]},
    )


def test_other_scenes_run_at_the_cost_of_one_warning_a_file(
    conf: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert loader(conf)["parameters"]["scene"] == {"title": "One"}
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert all(line.startswith("left out: ") for line in told)
    assert ["copy.yml" in told[0], "two.yml, line 2" in told[1]] == [True, True]


@pytest.mark.parametrize(("name", "file"), [("two", "two.yml"), ("three", "copy.yml")])
def test_the_file_of_the_scene_asked_for_is_refused_not_replaced(
    conf: Path, caplog: pytest.LogCaptureFixture, name: str, file: str
) -> None:
    with pytest.raises(SettingsError, match=telling(f"local/parameters_scenes/{file}")):
        _ = loader(conf, dataset=name)["parameters"]
    assert not caplog.records


def test_a_file_of_ones_own_stands_above_a_broken_one_of_the_project(conf: Path) -> None:
    (conf / "local/parameters_scenes/one.yml").write_text("one: {title: Mine}\n")
    (conf / "base/parameters_scenes/one.yml").write_text("")
    assert loader(conf)["parameters"]["scene"] == {"title": "Mine"}


def test_a_number_as_a_scene_is_text_everywhere(conf: Path) -> None:
    parameters = loader(conf, dataset=2013)["parameters"]
    assert (parameters["dataset"], parameters["scene"]["title"]) == ("2013", "Houston")


def test_a_broken_file_is_proposed_for_a_name_like_its_own(conf: Path) -> None:
    with pytest.raises(SettingsError, match=telling("'twoo'", "did you mean 'two'?")):
        _ = loader(conf, dataset="twoo")["parameters"]


def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    for name in ("a:b", "a\\b", "x" * 101):
        found = read(tmp_path, **{name: f"'{name}': {{title: x}}\n".replace("\\", "\\")})
        assert name not in found.scenes
        assert "call the file and its key otherwise" in found.refused[name]
