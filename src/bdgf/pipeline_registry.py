"""The registered pipelines, each named after its verb.

A Kedro pipeline is static, and not every model uses diffusion features: for one that does not, the
session leaves the nodes out that are tagged `diffusion`, and their results read as None
(`bdgf.framework.session`, `bdgf.datasets.absent`).
"""

from __future__ import annotations

from kedro.pipeline import Pipeline

from bdgf.pipelines import (
    balance,
    evaluate,
    features,
    ingest,
    predict,
    prepare,
    pretrain,
    report,
    train,
)


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline by the name that `kedro run --pipeline` takes.

    Registered explicitly: Kedro's `find_pipelines` loads only the one asked for, and `full`
    is a sum of others.
    """
    steps = {
        "ingest": ingest.create_pipeline(),
        "prepare": prepare.create_pipeline(),
        "pretrain": pretrain.create_pipeline(),
        "features": features.create_pipeline(),
        "train": train.create_pipeline(),
        # Whoever scores wants to see the map too; `report` alone draws again what was scored.
        "evaluate": evaluate.create_pipeline() + report.create_pipeline(),
    }
    full = sum(steps.values(), Pipeline([]))
    others = {
        "report": report.create_pipeline(),
        "balance": balance.create_pipeline(),
        "predict": predict.create_pipeline(),
    }
    return {**steps, **others, "full": full, "__default__": full}
