"""Checks the options of `kedro run`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kedro.pipeline import Pipeline

from bdgf.core.errors import SettingsError
from bdgf.framework.config_loader import nearest

RUNNERS = ("SequentialRunner", "ParallelRunner", "ThreadRunner")


def refuse_unknown_pipelines(asked: Iterable[str], known: Iterable[str]) -> None:
    """Refuses names of pipelines that are not registered.

    Raises:
        SettingsError: Naming the nearest one, and how several are typed.
    """
    names = sorted(name for name in known if name != "__default__")
    for name in asked:
        if name in names or name == "__default__":
            continue
        parts = [part.strip() for part in name.split(",") if part.strip()]
        if len(parts) > 1 and set(parts) <= set(names):
            raise SettingsError(
                f"--pipeline takes one name, not '{name}'; for several type "
                f"--pipelines={','.join(parts)}"
            )
        for part in parts or [name]:
            _refuse("pipeline", part, names)


def chosen_parts(given: Mapping[str, Any], pipeline: Pipeline) -> Pipeline:
    """The part of a pipeline that the arguments of a run choose.

    Args:
        given: Arguments of `KedroSession.run` by name.
        pipeline: All of what is to be run, before anything is left out.

    Raises:
        SettingsError: A node, tag or entry is not in the pipeline, with the nearest name; or the
            choices leave nothing to run.
    """
    nodes = [node.name for node in pipeline.nodes]
    entries = [name for name in pipeline.datasets() if not name.startswith("params:")]
    tags = [tag for node in pipeline.nodes for tag in node.tags]
    known = {
        "tags": ("tag", tags),
        "node_names": ("node", nodes),
        "from_nodes": ("node", nodes),
        "to_nodes": ("node", nodes),
        "from_inputs": ("entry", entries),
        "to_outputs": ("entry", entries),
    }
    for option, (kind, names) in known.items():
        for name in given.get(option) or ():
            if not name.startswith("params:"):
                _refuse(kind, name, names)
    filters = {option: given.get(option) for option in known}
    try:
        return pipeline.filter(**filters, node_namespaces=given.get("namespaces"))
    except ValueError as error:  # of what Kedro alone knows
        raise SettingsError(
            f"nothing to run: {' '.join(str(error).split())} Take a part of what chooses nodes away"
        ) from error


def refuse_unknown_runner(name: str | None) -> None:
    """Refuses a runner that Kedro does not find.

    Raises:
        SettingsError: Naming those there are.
    """
    from kedro.utils import load_obj

    try:
        load_obj(name or RUNNERS[0], "kedro.runner")
    except (AttributeError, ImportError, ValueError) as error:
        raise SettingsError(_unknown("runner", str(name), RUNNERS)) from error


def _refuse(kind: str, name: str, known: Iterable[str]) -> None:
    names = sorted(set(known))
    if name not in names:
        raise SettingsError(_unknown(kind, name, names))


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    listed = f"known: {', '.join(names)}" if names else "there are none in what is run"
    return f"unknown {kind} '{name}'{nearest(name, names)}; {listed}"
