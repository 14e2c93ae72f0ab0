"""What is written of a search, and that the project takes it."""

import csv
import shutil
from pathlib import Path

import pytest
import yaml

from bdgf.experiments.tuning.search import Search
from bdgf.experiments.tuning.tables import (
    BEST_FILE,
    CSV_FILE,
    TABLE_FILE,
    best_line,
    best_yaml,
    trial_table,
    used_at,
    write_results,
)
from bdgf.experiments.tuning.trial_work import do_trials
from bdgf.framework.config_loader import SceneConfigLoader
from bdgf.framework.validation import check_parameters
from bdgf.settings import CONFIG_LOADER_ARGS
from tests.experiments.test_suite import CONF
from tests.experiments.tuning.trials import RATE, SIGMA, NoSearchTracking, QuickTrial, opened

COMMAND = "kedro tune --scene demo"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A search of which some trials failed."""
    knobs = (SIGMA, RATE, "features.timesteps", "train.classifier.guides")
    chosen = {"trials": 12, "knobs": knobs, "params": {"train": {"epochs": 2}}, "env": None}
    found = opened(tmp_path_factory.mktemp("searched"), **chosen)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bdgf.experiments.tuning.trial_work.RunProcess", QuickTrial)
        patched.setattr(QuickTrial, "fails_above", 2.2)
        do_trials(found, 12, NoSearchTracking())  # type: ignore[arg-type]
    return found


@pytest.mark.slow
def test_the_best_settings_are_a_file_that_the_project_takes(
    searched: Search, tmp_path: Path
) -> None:
    written = write_results(searched, tmp_path / "results", COMMAND)
    assert [path.name for path in written] == [TABLE_FILE, CSV_FILE, BEST_FILE]
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf, ignore=shutil.ignore_patterns("local"))
    (conf / "local").mkdir()
    assert used_at(searched) == "conf/local/parameters_tuned.yml"
    shutil.copy(tmp_path / "results" / BEST_FILE, tmp_path / used_at(searched))
    loader = SceneConfigLoader(str(conf), runtime_params={"dataset": "demo"}, **CONFIG_LOADER_ARGS)  # type: ignore[arg-type]
    parameters = loader["parameters"]
    check_parameters(parameters)
    best = searched.study.best()
    assert best is not None
    values = searched.study.values(best)
    assert parameters["inference"]["smoothing"]["sigma"] == values[SIGMA]
    assert parameters["train"]["classifier"]["guides"] == values["train.classifier.guides"]
    assert parameters["train"]["epochs"] == 2  # what was set for all trials belongs to them
    assert parameters["split"]["name"] == "auto"  # what judged them does not


@pytest.mark.slow
def test_the_file_says_what_it_is_of_and_how_to_use_it(searched: Search) -> None:
    text = best_yaml(searched, COMMAND)
    assert text is not None
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert head[0] == f"# {COMMAND}"
    line = best_line(searched)
    assert line is not None
    assert line in head[1]
    assert "configured values AA 70.00 %" in line
    assert used_at(searched) in head[2]
    assert "inference" in yaml.safe_load(text)


def test_the_table_has_every_trial_the_best_first(searched: Search, tmp_path: Path) -> None:
    table = trial_table(searched)
    values = table["average_accuracy"].dropna().to_list()
    assert values == sorted(values, reverse=True)
    assert set(table["state"]) == {"finished", "failed"}
    assert len(table) == 12
    write_results(searched, tmp_path / "results", COMMAND)
    with (tmp_path / "results" / CSV_FILE).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert rows[0]["features.timesteps"].startswith("[")
    markdown = (tmp_path / "results" / TABLE_FILE).read_text()
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len(lines) == 12 + 2
    assert COMMAND in markdown
    assert "training_blocks" in markdown


@pytest.mark.slow
def test_what_was_repeated_is_in_the_table_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bdgf.experiments.tuning.trial_work.RunProcess", QuickTrial)
    monkeypatch.setattr(QuickTrial, "fails_above", 0.0)
    do_trials(opened(tmp_path, trials=2), 2, NoSearchTracking())  # type: ignore[arg-type]
    monkeypatch.setattr(QuickTrial, "fails_above", 100.0)
    again = opened(tmp_path, trials=2)
    do_trials(again, again.to_do(), NoSearchTracking())  # type: ignore[arg-type]
    assert sorted(trial_table(again)["trial"]) == [0, 2]
    assert set(trial_table(again)["state"]) == {"finished"}


def test_before_the_first_result_there_are_no_best_settings(tmp_path: Path) -> None:
    empty = opened(tmp_path)
    assert best_yaml(empty, COMMAND) is None
    assert best_line(empty) is None
