"""The versions of what decides the bits of a result."""

from __future__ import annotations

import platform
from importlib.metadata import version

PACKAGES = (
    *("bdgf", "torch", "lightning-fabric", "numpy", "numba", "scipy", "scikit-learn", "skops"),
    *("safetensors", "xarray"),
)
"""What decides a map beside the model."""


def software_versions() -> dict[str, str]:
    """The versions of Python and of the packages that a map depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
