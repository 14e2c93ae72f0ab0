"""What a report says of the run that made it."""

from pathlib import Path

import pytest

from bdgf import __version__
from bdgf.framework.made_from import MadeFrom
from bdgf.framework.provenance import git_commit
from bdgf.framework.run_record import RunRecord, equal_command, unused_groups


def test_settings_that_differ_from_their_defaults_are_told() -> None:
    made = MadeFrom(
        {"split": "2026-11-27T00.00.00.000Z"},
        {
            "seed": 3,
            "split": {"name": "per_class"},
            "train.classifier.patch": 7,
            "evaluation": {"calibration_bins": 15, "leakage_warning": 0.5},
            "baselines.random_forest": {"trees": 10},
            "ingest": {"folders": ["raw"]},
            "scene": {"classes": []},
        },
    )
    facts = RunRecord(command="kedro run", made=made, seconds={"score": 1.5}).facts(digest="0f")
    settings = {name: (now, default) for name, now, default in facts.settings}
    assert settings["seed"] == ("3", "0")
    assert settings["split.name"] == ("per_class", "auto")
    assert settings["train.classifier.patch"] == ("7", "11")
    assert settings["evaluation.leakage_warning"] == ("0.5", "0.01")
    assert settings["baselines.random_forest.trees"][0] == "10"
    assert "evaluation.calibration_bins" not in settings
    assert not [name for name in settings if name.startswith(("scene", "ingest.folders"))]
    assert facts.seconds == {"score": 1.5}
    assert facts.provenance["bdgf"] == __version__
    assert facts.provenance["command"] == "kedro run"
    assert facts.provenance["version of split"] == "2026-11-27T00.00.00.000Z"
    assert facts.provenance["digest"] == "0f"


def test_groups_that_the_model_does_not_look_at_are_left_out() -> None:
    forest = {"model": "random_forest", "feature_fingerprint": None}
    assert unused_groups(forest) == ("train", "pretrain", "features")
    assert unused_groups({"train": {}, "feature_fingerprint": "0f"}) == ()
    made = MadeFrom(parameters={"train.epochs": 1, "seed": 1})
    facts = RunRecord(made=made).facts(unused_groups(forest))
    assert [name for name, _, _ in facts.settings] == ["seed"]


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({}, "kedro run --pipeline=full"),
        ({"pipeline_names": ["__default__"]}, "kedro run --pipeline=full"),
        (
            {
                "pipeline_names": ["evaluate"],
                "runtime_params": {"dataset": "coast", "train": {"epochs": 2}},
                "env": "paper",
            },
            "kedro run --pipeline=evaluate --params dataset=coast,train.epochs=2 --env paper",
        ),
    ],
)
def test_the_command_is_one_that_can_be_typed(given: dict, command: str) -> None:
    assert equal_command(given) == command


def test_the_commit_is_that_of_the_project(tmp_path: Path) -> None:
    own, other = (
        RunRecord(project=folder).facts().provenance["commit"]
        for folder in (Path(__file__).parent, tmp_path)
    )
    found = git_commit(Path(__file__).parent)
    assert own.startswith(found[0] if found else "not known")
    assert other.startswith("not known")
