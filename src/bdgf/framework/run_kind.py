"""What a run does, from its nodes: each is tagged with the pipeline that it is of."""

from __future__ import annotations

from collections.abc import Sequence

from kedro.pipeline import Pipeline

STEPS = (
    *("ingest", "prepare", "pretrain", "features", "train", "evaluate", "report"),
    *("balance", "predict"),
)
"""Tags of nodes, in the order in which the steps run."""
_PURPOSES = {
    "train": "training",
    "predict": "prediction",
    "evaluate": "evaluation",
    "balance": "balance",
    "pretrain": "pretraining",
    "features": "features",
    "report": "report",
    "prepare": "preparation",
    "ingest": "ingestion",
}
"""What a run is for; of its steps the first one here says it."""
_NEEDED = {"full": {"ingest", "prepare", "train", "evaluate"}, "evaluate": {"evaluate"}}
"""The steps that a pipeline of several has with every model."""


def steps_of(pipeline: Pipeline) -> list[str]:
    """The steps that have a node in the run, in their order."""
    tags = {tag for node in pipeline.nodes for tag in node.tags}
    return [step for step in STEPS if step in tags]


def purpose(pipeline: Pipeline) -> str:
    """What the run is for, in one word: `training`, `evaluation`, `report` and so on."""
    steps = steps_of(pipeline)
    return next((told for step, told in _PURPOSES.items() if step in steps), "other")


def pipeline_name(asked: Sequence[str], pipeline: Pipeline) -> str:
    """The pipelines that run: those asked for, or the steps that were chosen of them.

    Args:
        asked: Names of pipelines; `__default__` is `full` by another name.
        pipeline: What runs of them.
    """
    names = ["full" if name == "__default__" else name for name in asked]
    steps = steps_of(pipeline)
    if not steps or all(_NEEDED.get(name, {name}) <= set(steps) for name in names):
        return "+".join(names)
    # Whoever scores draws too: `evaluate` means both.
    return "+".join(step for step in steps if step != "report" or "evaluate" not in steps)
