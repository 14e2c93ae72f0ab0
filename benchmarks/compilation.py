"""`torch.compile` on the denoiser and the classifier: what it takes and what it gives."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable

import torch
from torch import nn

from bdgf.diffusion.unet import load_denoiser
from benchmarks.comparison import Comparison, interleave, milliseconds
from benchmarks.scenes import denoiser_weights

BATCH = 16
COMPILERS = ("g++", "clang++")


def compare() -> list[Comparison]:
    """Forward and backward pass of the denoiser, with and without."""
    if not any(shutil.which(compiler) for compiler in COMPILERS):
        print("no row for torch.compile: it needs a C++ compiler here", file=sys.stderr)
        return []
    plain = load_denoiser(denoiser_weights()).train()
    compiled = torch.compile(load_denoiser(denoiser_weights()).train())
    torch.compiler.config.force_disable_caches = True  # else the second run compiles nothing
    start = time.perf_counter()
    pass_through(compiled)()
    compiling = time.perf_counter() - start
    seconds = interleave({"plain": pass_through(plain), "compiled": pass_through(compiled)})
    comparison = Comparison(
        f"denoiser, forward + backward of {BATCH} tiles, torch.compile", "ms", milliseconds(seconds)
    )
    gained = comparison.median("plain") - comparison.median("compiled")
    steps = f"{1e3 * compiling / gained:,.0f} steps" if gained > 0 else "no number of steps"
    note = (
        f"Its first call takes {compiling:.0f} s of compiling, which {steps} earn back. It is not "
        "used: it would need a C++ compiler on every machine."
    )
    return [Comparison(comparison.task, "ms", comparison.values, note=note)]


def pass_through(denoiser: nn.Module) -> Callable[[], object]:
    """A forward and a backward pass."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, 15, 32, 32, generator=generator)
    visible, t = torch.ones(BATCH, 3, 32, 32), torch.arange(BATCH)

    def run() -> None:
        prediction, reconstruction = denoiser(x, t, visible)
        (prediction.square().mean() + reconstruction.square().mean()).backward()
        denoiser.zero_grad()

    return run
