"""Folders of a run's artifacts, by what they depend on, so that runs do not mix.

Kedro loads the newest version below a path. What depends on the seed, the split, the model or the
environment of a run has them in its path, so that the newest one is the newest of such a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bdgf.core.errors import SettingsError

# Of a scene's settings; a fabricated scene always has the maps.
_WITH_OFFICIAL_MAPS = ("official_train", "fabricate")
KINDS = ("scene", "seed", "split", "model", "target")
_NO_TARGET = "no_target"


def run_folder(kind: str, parameters: Mapping[str, Any], environment: str | None) -> str:
    """The folder of the artifacts of one kind.

    Args:
        kind: What they depend on beside the scene: nothing (`scene`), the `seed`, the `split` with
            its seed, the `model` with its split and seed, the `target` that it maps.
        parameters: The run's parameters.
        environment: Kedro's environment; None for the default one.

    Returns:
        For example `demo`, `demo/seed_0`, `demo/random_seed_0`, `demo@paper/bdgf/random_seed_0`.

    Raises:
        SettingsError: There is no such kind.
    """
    scene = str(parameters["dataset"]) + (f"@{environment}" if environment else "")
    seed = f"seed_{parameters['seed']}"
    split = f"{split_name(parameters)}_{seed}"
    model = f"{scene}/{parameters['model']}/{split}"
    folders = {
        "scene": scene,
        "seed": f"{scene}/{seed}",
        "split": f"{scene}/{split}",
        "model": model,
        "target": f"{parameters.get('target') or _NO_TARGET}/by/{model}",
    }
    if kind not in folders:
        raise SettingsError(f"catalog: '${{run_folder:{kind}}}' is none; known: {', '.join(KINDS)}")
    return folders[kind]


def split_name(parameters: Mapping[str, Any]) -> str:
    """The split of a run, where the settings leave it to the scene the one that it will be."""
    name = str(parameters["split"]["name"])
    if name != "auto":
        return name
    scene = parameters.get("scene") or {}
    has_official = any(scene.get(key) is not None for key in _WITH_OFFICIAL_MAPS)
    return "official" if has_official else "per_class"
