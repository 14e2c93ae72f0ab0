"""`inference.fast=true`: a run distils the fast network that it needs and says what drew."""

import json

import pytest

from bdgf.core.errors import SettingsError
from tests.pipelines.project import Project

FOREST = {"model": "random_forest", "baselines__random_forest__trees": 5}


@pytest.mark.slow
def test_a_run_that_asks_for_it_distils_it_and_says_so(tmp_path) -> None:
    project = Project.create(tmp_path / "project")
    project.done("full", **FOREST)
    trained = project.versions("06_models/demo/classifier.skops")
    printed = project.done("evaluate", **FOREST, inference__fast="true")
    assert "inference.fast=True yet; made first" in printed
    assert "the fast network agrees with the model on" in printed
    assert project.versions("06_models/demo/classifier.skops") == trained
    whole, fast = (project.metrics("demo", version) for version in (-2, -1))
    assert "fast" not in whole
    report = fast["fast"]
    assert 0.5 < report["agreement"] <= 1
    assert set(report["agreement_without"]) == {"optical", "sar", "height"}
    assert fast["overall_accuracy"] > 0.5
    page = project.versions("08_reporting/demo/report.html")[-1].read_text(encoding="utf-8")
    assert "Drawn by the fast network, which agrees with the model on" in page
    assert "inference.fast" in page
    # Again: nothing is distilled, and without the setting the whole model maps.
    assert "made first" not in project.done("evaluate", **FOREST, inference__fast="true")
    project.done("evaluate", **FOREST)
    assert "fast" not in project.metrics("demo")


@pytest.mark.slow
def test_a_target_is_mapped_by_it(tmp_path) -> None:
    project = Project.create(tmp_path / "project")
    project.done("predict", **FOREST, target="tuning", inference__fast="true")
    (found,) = project.folder.glob("data/08_reporting/tuning/by/**/metrics.json/*/metrics.json")
    metrics = json.loads(found.read_text())
    assert metrics["fast"]["held_out_pixels"] > 0
    assert metrics["transfer"] == {"from": "demo", "to": "tuning"}


@pytest.mark.slow
def test_a_model_without_one_and_options_of_branches_are_refused(tmp_path) -> None:
    project = Project.create(tmp_path / "project")
    project.done("full", **FOREST)
    local = project.folder / "conf" / "test" / "parameters_evaluate.yml"
    local.write_text("inference: {fast: true}\n")  # not typed, so that nothing is made for it
    words = ("has no fast network (inference.fast)", "--pipeline=train", "model.distilled(scene)")
    project.refused("evaluate", SettingsError, *words, **FOREST)
    words = ("leave inference.fusion and inference.dihedral",)
    project.refused("evaluate", SettingsError, *words, **FOREST, inference__dihedral=4)
