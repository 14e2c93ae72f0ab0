"""The registered pipelines, each named after its verb, in two families.

A Kedro pipeline is static, and not every model uses diffusion features. Those that do have the
plain names; for the others, `train`, `evaluate`, `report` and `full` come again without pretraining
and features, under names with a suffix. Nobody has to type these: `kedro run` takes the family of
the chosen model.
"""

from __future__ import annotations

from kedro.pipeline import Pipeline

from bdgf.pipelines import balance, evaluate, features, ingest, prepare, pretrain, report, train

WITHOUT_FEATURES = "_without_features"
FAMILY = ("train", "evaluate", "report", "full")
"""The pipelines that there are with and without diffusion features."""


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline by the name that `kedro run --pipeline` takes.

    Registered explicitly: Kedro's `find_pipelines` loads only the one asked for, and `full`
    is a sum of others.
    """
    first = {"ingest": ingest.create_pipeline(), "prepare": prepare.create_pipeline()}
    diffusion = {"pretrain": pretrain.create_pipeline(), "features": features.create_pipeline()}
    with_features = _family({**first, **diffusion}, features=True)
    without = _family(first, features=False)
    suffixed = {f"{name}{WITHOUT_FEATURES}": without[name] for name in FAMILY}
    study = {"balance": balance.create_pipeline()}
    return {**with_features, **suffixed, **study, "__default__": with_features["full"]}


def pipeline_name(name: str, uses_features: bool) -> str:
    """The name in the family of a model: `train` is `train_without_features` for some.

    Args:
        name: What was asked for.
        uses_features: Whether the model uses diffusion features.
    """
    if uses_features:
        return name
    plain = "full" if name == "__default__" else name
    return f"{plain}{WITHOUT_FEATURES}" if plain in FAMILY else plain


def plain_names(names: list[str]) -> list[str]:
    """What was asked for where `names` are run, in whichever family."""
    plain = [name.removesuffix(WITHOUT_FEATURES) for name in names or ["__default__"]]
    return ["full" if name == "__default__" else name for name in plain]


def _family(first: dict[str, Pipeline], features: bool) -> dict[str, Pipeline]:
    steps = {
        **first,
        "train": train.create_pipeline(features),
        # Whoever scores wants to see the map too; `report` alone draws again what was scored.
        "evaluate": evaluate.create_pipeline(features) + report.create_pipeline(features),
    }
    full = sum(steps.values(), Pipeline([]))
    return {**steps, "report": report.create_pipeline(features), "full": full}
