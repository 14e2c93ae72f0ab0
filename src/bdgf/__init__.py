"""Balanced diffusion-guided fusion for multimodal remote-sensing scenes.

From Python, without Kedro:

    import bdgf
    scene = bdgf.open_scene("scene.yml")
    model = bdgf.fit(scene, split="per_class", model="bdgf")
    model.save("my_model/map_model.json")
    maps = bdgf.load_model("my_model").predict("another_scene.yml")
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

# GNU OpenMP's threads spin long while they wait, which on a machine with other work slows every
# small operation many times over; short spins cost nothing on a quiet one (0.126 s a pretraining
# step either way, 0.17 s or more without any). Read when PyTorch is first imported.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

__version__ = "0.1.0"
__all__ = ["fit", "load_model", "open_scene"]

_PLACES = {
    "fit": ("bdgf.inference.fit", "fit"),
    "load_model": ("bdgf.inference.map_model", "load_map_model"),
    "open_scene": ("bdgf.scenes.ingest.scene_file", "open_scene_file"),
}


def __getattr__(name: str) -> Any:
    """Imports what is asked for when it is: `import bdgf` alone takes no time."""
    if name not in _PLACES:
        raise AttributeError(f"module 'bdgf' has no attribute '{name}'")
    module, known_as = _PLACES[name]
    return getattr(import_module(module), known_as)
