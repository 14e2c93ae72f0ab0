"""Both families of pipelines, and which of them a run takes."""

import pytest

from bdgf.pipeline_registry import FAMILY, pipeline_name, plain_names, register_pipelines


@pytest.fixture(scope="module")
def pipelines():
    return register_pipelines()


def test_full_holds_every_step(pipelines):
    steps = ("ingest", "prepare", "pretrain", "features", "train", "evaluate", "report")
    named = {node.name for step in steps for node in pipelines[step].nodes}
    assert {node.name for node in pipelines["full"].nodes} == named
    assert pipelines["__default__"] is pipelines["full"]


@pytest.mark.parametrize("name", FAMILY)
def test_the_other_family_makes_the_same_without_diffusion(pipelines, name):
    plain, other = pipelines[name], pipelines[pipeline_name(name, uses_features=False)]
    diffusion = {"denoiser", "feature_cube"}
    assert other.all_outputs() == plain.all_outputs() - diffusion
    assert not other.datasets() & diffusion


def test_a_run_takes_the_family_of_its_model():
    assert pipeline_name("train", uses_features=True) == "train"
    assert pipeline_name("train", uses_features=False) == "train_without_features"
    assert pipeline_name("__default__", uses_features=True) == "__default__"
    assert pipeline_name("__default__", uses_features=False) == "full_without_features"
    assert pipeline_name("prepare", uses_features=False) == "prepare"
    assert pipeline_name("features", uses_features=False) == "features"


def test_whichever_ran_it_is_called_by_the_plain_name():
    assert plain_names(["full_without_features", "prepare"]) == ["full", "prepare"]
    assert plain_names([]) == plain_names(["__default__"]) == ["full"]
