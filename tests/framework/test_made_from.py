"""What a version was made from, written beside it and compared with what is asked."""

from pathlib import Path

import pytest

from bdgf.core.errors import ArtifactError
from bdgf.framework.made_from import FILE, MadeFrom, parameter_names

MADE = MadeFrom(
    {"scene": "1", "split": "2"},
    {
        "split": {"name": "blocks", "buffer": None, "parts": [1, 2]},
        "train.classifier.patch": 9,
        "seed": 0,
    },
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(MADE.text())
    assert MadeFrom.read(tmp_path) == MADE


DAMAGED = ("", "{", "[]", '{"versions": 3, "parameters": {}}', "\x00", "\xff")


@pytest.mark.parametrize("text", [*DAMAGED, MADE.text().replace("9", "8", 1), "null"])
def test_a_damaged_file_is_refused_and_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="latin-1")
    with pytest.raises(ArtifactError, match=FILE):
        MadeFrom.read(tmp_path)


def test_each_changed_byte_is_noticed(tmp_path: Path) -> None:
    written = MADE.text().encode()
    for position in range(len(written)):
        (tmp_path / FILE).write_bytes(
            written[:position] + bytes([written[position] ^ 1]) + written[position + 1 :]
        )
        try:
            assert MadeFrom.read(tmp_path) == MADE  # white space may change
        except ArtifactError:
            continue


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert MadeFrom.read(tmp_path) == MadeFrom()


@pytest.mark.parametrize(
    ("wanted", "differ"),
    [
        ({}, []),
        ({"split.name": "blocks", "split.parts": (1, 2), "train.classifier.patch": 9}, []),
        ({"split.name": "official"}, ["split.name"]),
        ({"split.share": 3}, ["split.share"]),  # the group was taken, and had none
        ({"train.classifier.patch": 11, "seed": 1}, ["train.classifier.patch", "seed"]),
        ({"train.epochs": 3, "pretrain.steps": 5}, []),  # nothing on the way took it
    ],
)
def test_what_was_typed_counts_where_a_step_took_it(
    wanted: dict[str, object], differ: list[str]
) -> None:
    assert MADE.differs(wanted) == differ


def test_when_a_run_saves_or_gives_up_decides_nothing() -> None:
    made = MadeFrom({}, {"train": {"epochs": 3, "checkpoint_seconds": 60}})
    assert made.differs({"train.checkpoint_seconds": 5}) == []
    assert made.differs({"train.epochs": 5}) == ["train.epochs"]
    assert made.changed({"train": {"epochs": 3, "checkpoint_seconds": 5}}) == {}


def test_settings_that_changed_since_are_found() -> None:
    now = {
        "split": {"name": "blocks", "buffer": 4, "parts": [1, 2]},
        "train": {"classifier": {"patch": 9}},
        "seed": 0,
    }
    assert MADE.changed(now) == {"split.buffer": (None, 4)}
    now["train"] = {}
    assert MADE.changed(now)["train.classifier.patch"] == (9, None)


def test_inputs_pass_on_what_they_were_made_from() -> None:
    whole = MadeFrom({"split": "3"}, {"seed": 1}).joined([MADE])
    assert whole.versions == {"scene": "1", "split": "3"}
    assert whole.parameters["seed"] == 1
    assert whole.parameters["train.classifier.patch"] == 9


def test_parameters_are_what_decides_and_not_where_and_how_fast() -> None:
    inputs = ["scene", "scene_configuration", "baseline_settings", "params:train", "params:devices"]
    inputs += ["params:dataset", "params:working_folder", "params:cache", "params:model"]
    assert parameter_names(inputs, "svm") == {
        "scene": "scene_configuration",
        "baselines.svm": "baseline_settings",
        "train": "params:train",
    }
