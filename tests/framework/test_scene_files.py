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

SOUND = "mine:\n  title: Gewässer\n  modalities: {}\n"


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


@pytest.mark.parametrize(
    "name",
    [
        "2013",
        "010",
        "0x10",
        "1e3",
        "1_000",
        "1:30",
        "1.50",
        "on",
        "no",
        "Yes",
        "null",
        "~",
        "2013-05-01",
        "true",
        "-1",
        "=",
        "<",
        "1e400",
    ],
)
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_name_that_yaml_takes_for_something_else_is_a_name(
    tmp_path: Path, name: str, quote: str
) -> None:
    key = f"{quote}{name}{quote}"
    assert read(tmp_path, **{name: f"{key}:\n  title: x\n"}).scenes[name] == {"title": "x"}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"], ids=lambda name: str(name)
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_unicode_that_says_so_is_read(tmp_path: Path, encoding: str, end: str) -> None:
    data = SOUND.replace("\n", end).encode(encoding)
    assert read(tmp_path, mine=data).scenes["mine"]["title"] == "Gewässer"


@pytest.mark.parametrize("endian", ["le", "be"])
def test_either_order_of_utf_16_is_read(tmp_path: Path, endian: str) -> None:
    data = f"\ufeff{SOUND}".encode(f"utf-16-{endian}")
    assert read(tmp_path, mine=data).scenes["mine"]["title"] == "Gewässer"


BROKEN: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "cp1252": (SOUND.encode("cp1252"), ("line 2, column 13", "0xe4", "'ä'", "save it as UTF-8")),
    "cp1252_at_the_end": (b"mine: {title: Gew\xe4", ("cut short",)),
    "utf_16_without_a_mark": (SOUND.encode("utf-16-le"), ("UTF-16 without", "save it as")),
    "utf_16_cut_within_a_letter": (SOUND.encode("utf-16")[:-1], ("cut short",)),
    "tab": ("mine:\n\tmodalities: {}\n", ("line 2, column 1", "tab", "spaces")),
    "tab_behind_spaces": ("mine:\n  a: 1\n \tb: 2\n", ("line 3, column 2", "tab", "spaces")),
    "tab_told_later": ("mine:\n  a: x\n\tb: y\n", ("line 3", "tab", "spaces")),
    "windows_path": (
        'mine:\n  modalities: {a: {file: "C:\\data\\optical.tif"}}\n',
        ("line 2", "single quotes", "forward slashes"),
    ),
    "windows_path_of_known_escapes": (
        'mine:\n  modalities: {a: {file: ["C:\\new\\tiles.tif"]}}\n',
        ("line 2, column 27", "single quotes"),
    ),
    "list": ("- mine\n", ("line 1", "a list")),
    "text": ("mine\n", ("line 1", "plain text")),
    "number": ("3\n", ("line 1", "plain text")),
    "empty": ("", ("is empty",)),
    "comments_only": ("# to do\n", ("is empty",)),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0\0", ("UTF-8",)),
    "zeros": (b"\0" * 50, ("no text at all",)),
    "control_character": ("mine: {title: \x08}\n", ("line 1, column 15", "U+0008")),
    "no_settings": ("mine:\n", ("no settings below 'mine:'",)),
    "text_for_settings": ("mine: x\n", ("no settings below 'mine:'",)),
    "key_twice": ("mine:\n  a: 1\n  a: 2\n", ("line 3, column 3", "'a'", "line 2")),
    "number_twice": ("mine:\n  1: 1\n  1: 2\n", ("line 3", "'1'")),
    "scene_twice": ("mine: {a: 1}\nmine: {b: 1}\n", ("line 2", "'mine'")),
    "cut_in_a_list": ("mine:\n  a: {kind: spectr", ("line 2", "too early")),
    "cut_in_quotes": ("mine:\n  a: 'spectr", ("line 2", "too early")),
    "two_documents": ("mine: {}\n---\nmine: {}\n", ("line 2",)),
    "bad_indentation": ("mine:\n  a:\n    b: 1\n   c: 2\n", ("line 4",)),
    "missing_colon": ("mine:\n  a 1\n  b: 2\n", ("line 3",)),
    "unknown_anchor": ("mine: *there\n", ("line 1", "there")),
    "own_anchor": ("mine: &a [*a]\n", ("mine.yml",)),
    "python_object": ("mine: !!python/object:os.system {}\n", ("line 1",)),
    "list_as_key": ("? [a]\n: 1\n", ("line 1", "no name")),
    "deep": ("mine: " + "[" * 400, ("mine.yml",)),
    "interpolation": ("mine: {title: '${nothing.there}'}\n", ("'${...}'", "nothing.there")),
    "half_an_interpolation": ("mine: {title: '${nothing'}\n", ("mine.yml",)),
    "bad_number": ("mine: {title: 0b}\nmine2: [0x]", ("mine.yml",)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_alone_and_in_one_line(tmp_path: Path, case: str) -> None:
    data, words = BROKEN[case]
    line = read(tmp_path, mine=data).refused["mine"]
    assert "\n" not in line
    assert line.startswith(f"{tmp_path.as_posix()}/mine.yml")
    assert [word for word in words if word not in line] == [], line


def test_a_quoted_path_that_is_escaped_rightly_is_read(tmp_path: Path) -> None:
    text = 'mine: {file: "C:\\\\new\\\\Gew\\u00e4sser.tif", title: "one\\ntwo"}\n'
    scene = read(tmp_path, mine=text).scenes["mine"]
    assert scene == {"file": "C:\\new\\Gewässer.tif", "title": "one\ntwo"}


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
