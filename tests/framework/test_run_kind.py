"""What a run is called after its nodes."""

import pytest
from kedro.pipeline import Pipeline

from bdgf.framework.run_kind import STEPS, pipeline_name, purpose, steps_of
from bdgf.pipeline_registry import register_pipelines

PIPELINES = register_pipelines()
PURPOSES = {
    "ingest": "ingestion",
    "prepare": "preparation",
    "pretrain": "pretraining",
    "features": "features",
    "train": "training",
    "evaluate": "evaluation",
    "report": "report",
    "balance": "balance",
    "predict": "prediction",
    "full": "training",
    "__default__": "training",
}


def test_every_registered_pipeline_has_its_purpose() -> None:
    assert {name: purpose(pipeline) for name, pipeline in PIPELINES.items()} == PURPOSES


def test_every_node_is_of_a_step() -> None:
    everything = sum(PIPELINES.values(), Pipeline([]))
    assert all(set(STEPS) & node.tags for node in everything.nodes)
    assert steps_of(everything) == list(STEPS)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_whole_pipeline_has_its_own_name(name: str) -> None:
    assert pipeline_name([name], PIPELINES[name]) == name.replace("__default__", "full")


@pytest.mark.parametrize(
    ("asked", "nodes", "name"),
    [
        ("full", ["write_report"], "report"),
        ("evaluate", ["draw_figures", "write_report"], "report"),
        ("__default__", ["draw_maps", "write_report"], "evaluate"),
        ("full", ["train_classifier", "score"], "train+evaluate"),
    ],
)
def test_chosen_nodes_are_named_by_their_steps(asked: str, nodes: list[str], name: str) -> None:
    assert pipeline_name([asked], PIPELINES[asked].only_nodes(*nodes)) == name


def test_a_model_without_features_runs_the_full_pipeline() -> None:
    full = PIPELINES["full"]
    kept = [node.name for node in full.nodes if "diffusion" not in node.tags]
    assert pipeline_name(["full"], full.only_nodes(*kept)) == "full"
