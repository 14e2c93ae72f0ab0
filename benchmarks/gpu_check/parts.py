"""The parts in the order that they run in, the most valuable first."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from benchmarks.gpu_check.record import PartFunction


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        name: Its name.
        function: `module:function`; the module is imported in the part's own process.
        seconds: Time after which it is cut.
        equality: Whether the exit code depends on it.
        least: Time under which it does not begin.
        cuda: Whether it is left out without a CUDA device.
    """

    name: str
    function: str
    seconds: float
    equality: bool = False
    least: float = 10
    cuda: bool = False

    def load(self) -> PartFunction:
        """The function itself."""
        module, name = self.function.split(":")
        return cast(PartFunction, getattr(import_module(module), name))


_HERE = "benchmarks.gpu_check"
# What a process finds imported when it begins. Lightning Fabric is not among it: it may ask for
# the GPU, which a process must do for itself.
PRELOADED = (
    *(f"{_HERE}.{name}" for name in ("scans", "networks", "scenes", "speed", "demo")),
    *("numba", "rioxarray", "sklearn.linear_model", "sklearn.ensemble"),
)
PARTS = (
    Part("scan", f"{_HERE}.scans:scan", 120, equality=True),
    Part("triton tests", f"{_HERE}.scans:tests", 110, equality=True),
    Part("denoiser", f"{_HERE}.networks:denoiser", 60, equality=True),
    Part("classifier", f"{_HERE}.networks:classifier", 80, equality=True),
    Part("features", f"{_HERE}.scenes:features", 60, equality=True),
    Part("mapping", f"{_HERE}.scenes:mapping", 80, equality=True),
    Part("resume", f"{_HERE}.scenes:resume", 60, equality=True),
    Part("compiled scan", f"{_HERE}.scans:compiled_scan", 60, equality=True),
    Part("compiled block", f"{_HERE}.scans:compiled_block", 90, equality=True),
    Part("speed", f"{_HERE}.speed:table", 120, least=30, cuda=True),
    Part("golden", f"{_HERE}.demo:golden", 60),
    Part("stages", f"{_HERE}.demo:stages", 100, least=30),
    Part("study", f"{_HERE}.demo:study", 600, least=40),
)
