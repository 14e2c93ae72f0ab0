"""The selective scan and the Mamba block beside their peers, and a new process's first scan.

The floor is the longer of two times: operations over the rate of independent multiply-adds, bytes
over the rate of a copy.
"""
# ruff: noqa: N806 - A, B and C are the paper's names

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

import torch
from torch import Tensor, nn

from bdgf.nn.mamba import Mamba
from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
from benchmarks.comparison import ROUNDS, Comparison, interleave, milliseconds
from benchmarks.machine import measured_rates

BATCH, LENGTH, CHANNELS, STATES = 64, 121, 128, 16
SIZES = f"B {BATCH}, L {LENGTH}, D {CHANNELS}, N {STATES}, float32"
# Fused multiply-adds or other operations per state: 15 for the exponential, 4 for state and output;
# the backward pass does these again, and 16 more.
FORWARD_OPERATIONS, BACKWARD_OPERATIONS = 19, 35
# Tensors (B, L, D) read and written: u, delta, y; then u, delta, and the gradients of y, u, delta.
FORWARD_TENSORS, BACKWARD_TENSORS = 3, 5
FORWARD_TARGET, BOTH_TARGET = 30, 20
COLD_SECONDS, WARM_SECONDS = 5, 1
Functions = dict[str, Callable[[], object]]


def compare() -> list[Comparison]:
    """Scan, block, first call."""
    return [*bare_scan(), *mamba_block(), *first_call()]


def bare_scan() -> list[Comparison]:
    """The bare scan: u, delta, A, B, C, D."""
    from mambapy.mamba import MambaBlock

    inputs = _inputs()
    implementations: dict[str, Callable[..., Tensor]] = {
        "mambapy `pscan`": lambda *x: MambaBlock.selective_scan(None, *x),
        "bdgf `reference`": lambda *x: scan_channels_last(ScanInputs(*x), backend="reference"),
        "bdgf `cpu`": lambda *x: scan_channels_last(ScanInputs(*x), backend="cpu"),
    }
    forward: Functions = {}
    both: Functions = {}
    for name, function in implementations.items():
        forward[name] = lambda function=function: function(*inputs)
        leaves = [x.clone().requires_grad_() for x in inputs]
        both[name] = lambda function=function, leaves=leaves: _gradients(
            lambda: function(*leaves), leaves
        )
    operations = FORWARD_OPERATIONS + BACKWARD_OPERATIONS
    tensors = FORWARD_TENSORS + BACKWARD_TENSORS
    with torch.no_grad():
        seconds = interleave(forward)
    return [
        _comparison("forward", seconds, FORWARD_OPERATIONS, FORWARD_TENSORS, FORWARD_TARGET),
        _comparison("forward + backward", interleave(both), operations, tensors, BOTH_TARGET),
    ]


def mamba_block() -> list[Comparison]:
    """The whole Mamba block around the scan."""
    from mambapy.mamba import MambaBlock, MambaConfig

    width = CHANNELS // 2
    slow = "transformers `MambaMixer`, slow path"
    blocks: dict[str, nn.Module] = {
        "mambapy `MambaBlock`": MambaBlock(MambaConfig(d_model=width, n_layers=1, d_state=STATES))
    }
    if importlib.util.find_spec("transformers"):
        blocks[slow] = _transformers_block(width)
    blocks["bdgf `Mamba`"] = Mamba(width, d_state=STATES, backend="cpu")
    x = torch.randn(BATCH, LENGTH, width)
    forward: Functions = {}
    both: Functions = {}
    for name, block in blocks.items():
        forward[name] = lambda block=block: block(x)
        if name == slow:
            continue  # its backward pass takes ten times as long as mambapy's
        leaves = [x.clone().requires_grad_(), *block.parameters()]
        both[name] = lambda block=block, leaves=leaves: _gradients(lambda: block(leaves[0]), leaves)
    task = f"Mamba block, {width} channels, {SIZES}"
    with torch.no_grad():
        first = Comparison(f"{task}: forward", "ms", milliseconds(interleave(forward)))
    second = Comparison(f"{task}: forward + backward", "ms", milliseconds(interleave(both)))
    return [first, second]


def first_call() -> list[Comparison]:
    """The first forward and backward pass of a new process, imports of torch apart."""
    script = (
        "import time, torch\n"
        "start = time.perf_counter()\n"
        "from bdgf.nn.selective_scan import ScanInputs, scan_channels_last\n"
        "x = torch.rand(4, 121, 128, requires_grad=True)\n"
        "inputs = ScanInputs(x, x, -torch.ones(128, 16), x[..., :16], x[..., :16])\n"
        "y = scan_channels_last(inputs, True, backend='cpu')\n"
        "print(time.perf_counter() - start)\n"
        "y.sum().backward()\n"
        "print(time.perf_counter() - start)\n"
    )
    states = ("empty cache", "warm cache")
    found: dict[str, dict[str, list[float]]] = {state: {} for state in states}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as cache:
            for state in states:
                done = subprocess.run(
                    [sys.executable, "-c", script],
                    env={**os.environ, "NUMBA_CACHE_DIR": cache},
                    capture_output=True,
                    text=True,
                    check=True,
                )
                forward, both = (float(line) for line in done.stdout.split())
                found[state].setdefault("forward", []).append(forward)
                found[state].setdefault("forward + backward", []).append(both)
    limits = dict(zip(states, (COLD_SECONDS, WARM_SECONDS), strict=True))
    return [
        Comparison(
            f"first scan of a new process, {state}",
            "s",
            found[state],
            limit=limits[state],
            rivals=False,
        )
        for state in states
    ]


def _comparison(
    what: str, seconds: dict[str, list[float]], operations: int, tensors: int, target: float
) -> Comparison:
    rates = measured_rates()
    computing = BATCH * LENGTH * CHANNELS * STATES * operations / rates.operations
    moving = 4 * BATCH * LENGTH * CHANNELS * tensors / rates.bytes
    return Comparison(
        f"selective scan, {SIZES}: {what}",
        "ms",
        milliseconds(seconds),
        floor=1e3 * max(computing, moving),
        bound="operations" if computing > moving else "bytes",
        target=target,
    )


def _inputs() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    shape = BATCH, LENGTH, CHANNELS
    A = -(1 + torch.arange(STATES)).expand(CHANNELS, STATES).float().contiguous()
    B, C = uniform(BATCH, LENGTH, STATES), uniform(BATCH, LENGTH, STATES)
    return [uniform(*shape), uniform(*shape) / 10, A, B, C, uniform(CHANNELS)]


def _transformers_block(width: int) -> nn.Module:
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer
    from transformers.utils import logging

    logging.set_verbosity_error()  # it would recommend the CUDA package
    config = MambaConfig(
        hidden_size=width, state_size=STATES, num_hidden_layers=1, use_mambapy=False
    )
    return MambaMixer(config, layer_idx=0)


def _gradients(function: Callable[[], Tensor], leaves: list[Tensor]) -> None:
    y = function()
    torch.autograd.grad(y, leaves, torch.ones_like(y), allow_unused=True)
