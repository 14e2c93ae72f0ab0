"""The selective scan beside its peers, on a CPU: `python benchmarks/scan.py`.

Every implementation gets the same tensors in one process, in turn, and the median counts. The floor
is the longer of two times: operations over the rate of independent multiply-adds, bytes over the
rate of a copy; each rate is the best seen.
"""
# ruff: noqa: N806 - A, B and C are the paper's names

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bdgf.networks.mamba import Mamba
from bdgf.networks.selective_scan import ScanInputs, scan_channels_last
from bdgf.networks.selective_scan.worker_threads import run_tasks

BATCH, LENGTH, CHANNELS, STATES = 64, 121, 128, 16
REPEATS = 7
# Fused multiply-adds or other operations per state: 15 for the exponential, 4 for state and output;
# the backward pass does these again, and 16 more.
FORWARD_OPERATIONS, BACKWARD_OPERATIONS = 19, 35
# Tensors (B, L, D) read and written: u, delta, y; then u, delta, and the gradients of y, u, delta.
FORWARD_TENSORS, BACKWARD_TENSORS = 3, 5


class Row(NamedTuple):
    """One measurement; `faster` is how many times faster than mambapy doing the same."""

    what: str
    implementation: str
    milliseconds: float
    faster: float | None = None
    floor_milliseconds: float | None = None


def rows() -> list[Row]:
    """Measure everything."""
    return [*scan_rows(), *block_rows(), *start_rows()]


def scan_rows() -> list[Row]:
    """The bare scan: u, delta, A, B, C, D."""
    from mambapy.mamba import MambaBlock

    inputs = _inputs()
    implementations: dict[str, Callable[..., Tensor]] = {
        "mambapy pscan": lambda *x: MambaBlock.selective_scan(None, *x),
        "reference": lambda *x: scan_channels_last(ScanInputs(*x), backend="reference"),
        "cpu": lambda *x: scan_channels_last(ScanInputs(*x), backend="cpu"),
    }
    forward, backward = {}, {}
    for name, function in implementations.items():
        forward[name] = lambda function=function: function(*inputs)
        leaves = [x.clone().requires_grad_() for x in inputs]
        backward[name] = lambda function=function, leaves=leaves: _gradients(
            lambda: function(*leaves), leaves
        )
    operations_rate, bytes_rate = _measured_rates()
    states = BATCH * LENGTH * CHANNELS * STATES

    def floor(operations: int, tensors: int) -> float:
        moved = tensors * 4 * BATCH * LENGTH * CHANNELS
        return 1e3 * max(states * operations / operations_rate, moved / bytes_rate)

    both = FORWARD_OPERATIONS + BACKWARD_OPERATIONS, FORWARD_TENSORS + BACKWARD_TENSORS
    with torch.no_grad():
        result = _compare("scan, forward", forward, floor(FORWARD_OPERATIONS, FORWARD_TENSORS))
    return result + _compare("scan, forward + backward", backward, floor(*both))


def block_rows() -> list[Row]:
    """The whole Mamba block around the scan."""
    from mambapy.mamba import MambaBlock, MambaConfig

    width = CHANNELS // 2
    blocks: dict[str, nn.Module] = {
        "mambapy MambaBlock": MambaBlock(MambaConfig(d_model=width, n_layers=1, d_state=STATES))
    }
    if importlib.util.find_spec("transformers"):
        blocks["transformers MambaMixer, slow path"] = _transformers_block(width)
    else:
        print("no row for transformers: it is not installed", file=sys.stderr)
    for backend in ("reference", "cpu"):
        blocks[f"bdgf Mamba, {backend}"] = Mamba(width, d_state=STATES, backend=backend)
    x = torch.randn(BATCH, LENGTH, width)
    forward, backward = {}, {}
    for name, block in blocks.items():
        forward[name] = lambda block=block: block(x)
        leaves = [x.clone().requires_grad_(), *block.parameters()]
        backward[name] = lambda block=block, leaves=leaves: _gradients(
            lambda: block(leaves[0]), leaves
        )
    with torch.no_grad():
        result = _compare("block, forward", forward)
    return result + _compare("block, forward + backward", backward)


def start_rows() -> list[Row]:
    """The first forward and backward pass of a new process, import of torch apart."""
    script = (
        "import time, torch\n"
        "start = time.perf_counter()\n"
        "from bdgf.networks.selective_scan import ScanInputs, scan_channels_last\n"
        "x = torch.rand(4, 121, 128, requires_grad=True)\n"
        "inputs = ScanInputs(x, x, -torch.ones(128, 16), x[..., :16], x[..., :16])\n"
        "y = scan_channels_last(inputs, True, backend='cpu')\n"
        "print(time.perf_counter() - start)\n"
        "y.sum().backward()\n"
        "print(time.perf_counter() - start)\n"
    )
    result = []
    with tempfile.TemporaryDirectory() as cache:
        for state in ("empty", "warm"):
            done = subprocess.run(
                [sys.executable, "-c", script],
                env={**os.environ, "NUMBA_CACHE_DIR": cache},
                capture_output=True,
                text=True,
                check=True,
            )
            for what, seconds in zip(
                ("forward", "forward + backward"), done.stdout.split(), strict=True
            ):
                row = Row(f"first call, {what}", f"cpu, {state} cache", 1e3 * float(seconds))
                result.append(row)
    return result


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


def _compare(
    what: str, functions: dict[str, Callable[[], object]], floor: float | None = None
) -> list[Row]:
    """Run the functions in turn; the first is the one to compare with."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for repeat in range(REPEATS + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if repeat:  # the first time warms up
                times[name].append(1e3 * (time.perf_counter() - start))
    medians = {name: statistics.median(values) for name, values in times.items()}
    first = next(iter(medians.values()))
    return [Row(what, name, value, first / value, floor) for name, value in medians.items()]


def _measured_rates() -> tuple[float, float]:
    """Multiply-adds a second in vector registers, bytes a second in a copy, in torch's threads."""
    from numba import njit

    @njit(nogil=True, fastmath={"contract"})
    def multiply_add(values: np.ndarray, rounds: int) -> None:
        half = np.float32(0.5)
        for _ in range(rounds):
            for i in range(values.size):
                x = values[i]
                for _ in range(8):
                    x = x * half + half
                values[i] = x

    tasks, rounds, size = torch.get_num_threads(), 20_000, 256
    values = np.ones((tasks, size), np.float32)

    def run() -> None:
        run_tasks(lambda first, last, _: multiply_add(values[first], rounds), tasks, tasks)

    source, target = torch.rand(1 << 24), torch.empty(1 << 24)
    operations = tasks * rounds * size * 8
    return operations / _best(run), 8 * source.numel() / _best(lambda: target.copy_(source))


def _best(function: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def table(measured: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| what | implementation | ms | faster than mambapy | floor, ms |",
        "|---|---|---|---|---|",
    ]
    for row in measured:
        faster = "" if row.faster is None else f"{row.faster:.1f}x"
        floor = "" if row.floor_milliseconds is None else f"{row.floor_milliseconds:.1f}"
        lines.append(
            f"| {row.what} | {row.implementation} | {row.milliseconds:.1f} | {faster} | {floor} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(rows()))
