"""Names of runs and metrics in MLflow: few main metrics first, the others in groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HEADLINE = {
    "overall_accuracy": "oa",
    "average_accuracy": "aa",
    "kappa": "kappa",
    "calibration_error": "ece",
}
"""Of a metrics file what stands ahead, with its name in MLflow."""
CLASS, CURVE, SECONDS, REUSED, BALANCE, OTHER = (
    *("class", "curve", "seconds", "reused", "balance"),
    "other",
)
"""Groups of metrics; MLflow shows the metrics of one together."""
_OF_CLASSES = ("precision", "recall", "f1")
_NO_METRICS = ("seed", "patch", "steps", "parameters", "split")
"""Numbers of a metrics file that measure nothing; they are tags or parameters."""
_CHANGES = 3
"""Of the parameters that were typed, how many a run's name holds."""
_REFUSED = re.compile(r"[^/\w.\- :]")


def flatten(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested mappings as one level with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat


def taken(name: str) -> str:
    """A name with the characters replaced that MLflow does not allow."""
    return _REFUSED.sub("_", name)


def logged_metrics(measured: Mapping[str, Any]) -> dict[str, float]:
    """The metrics in MLflow of a metrics file.

    Args:
        measured: What `evaluate`, `predict` or `balance` measured.

    Returns:
        `oa`, `aa`, `kappa` and `ece`; `class/<name>/f1` and the like; what else is a number under
        `other/`, or under `balance/` where there are no accuracies.
    """
    rest = OTHER if "overall_accuracy" in measured else BALANCE
    found: dict[str, Any] = {}
    for name, value in measured.items():
        if name in HEADLINE:
            found[HEADLINE[name]] = value
        elif name == "per_class":
            for one, figures in value.items():
                part = taken(one).replace("/", "_")
                found |= {f"{CLASS}/{part}/{m}": figures[m] for m in _OF_CLASSES if m in figures}
        elif name not in _NO_METRICS:
            found |= flatten({f"{rest}/{name}": value})
    return {taken(name): float(value) for name, value in found.items() if _is_number(value)}


def run_name(
    scene: str,
    model: str,
    *,
    scores: Mapping[str, Any] | None = None,
    pipeline: str = "full",
    seed: int = 0,
    changed: Mapping[str, Any] | None = None,
    env: str | None = None,
) -> str:
    """A run's name: scene, OA/AA as soon as they are known, model, and what is not as usual.

    MLflow's first table shows some twenty characters of it, so the figures stand before the model.

    Args:
        scene: The scene.
        model: The model.
        scores: The metrics file, where there is one.
        pipeline: What was run.
        seed: The seed.
        changed: Parameters that were typed, by dotted name.
        env: Kedro's environment where it is not the default one.
    """
    figures = [] if scores is None else [accuracies(scores)]
    parts = [scene, *figures, model]
    if pipeline not in ("full", "evaluate"):
        parts.append(pipeline)
    if seed:
        parts.append(f"seed {seed}")
    settings = [f"{name}={value}" for name, value in (changed or {}).items()]
    parts += settings[:_CHANGES]
    if len(settings) > _CHANGES:
        parts.append(f"and {len(settings) - _CHANGES} more")
    if env:
        parts.append(f"({env})")
    return " ".join(parts)


def accuracies(measured: Mapping[str, Any]) -> str:
    """OA and AA in per cent, in a few characters: `91.4/93.0`."""
    oa, aa = (100 * measured[name] for name in ("overall_accuracy", "average_accuracy"))
    return f"{oa:.1f}/{aa:.1f}"


def description(measured: Mapping[str, Any], summary: str, picture: str | None) -> str:
    """The start of a run's page, as Markdown.

    Args:
        measured: The metrics file.
        summary: The headline figures in a line.
        picture: Address of the picture of the map; None without one.
    """
    rows = [
        f"| {name} | {figures['f1']:.3f} | {figures['support']} |"
        for name, figures in measured.get("per_class", {}).items()
        if {"f1", "support"} <= figures.keys()
    ]
    table = ["| class | F1 | test pixels |", "|---|---|---|", *rows] if rows else []
    image = [f"![Class map]({picture})"] if picture else []
    return "\n\n".join(filter(None, [summary, *image, "\n".join(table)]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
