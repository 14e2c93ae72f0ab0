"""What the machine can do at best, measured, and what it is."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from bdgf.core.numba_kernels import run_tasks

PACKAGES = (
    *("bdgf", "torch", "numpy", "numba", "llvmlite", "lightning-fabric", "h5py", "xarray"),
    *("kedro", "mlflow", "kedro-mlflow", "mambapy", "transformers", "mamba-ssm", "triton"),
)


@dataclass(frozen=True)
class Rates:
    """The best of several measurements each, with as many threads as torch uses.

    Attributes:
        operations: Multiply-adds a second in vector registers, float32.
        matrix: Floating-point operations a second of a float32 matrix product or convolution,
            whichever is faster: the faster one is nearer to what the hardware can do.
        matrix_bfloat16: The same in bfloat16.
        bytes: Bytes a second read and written by a copy of a tensor larger than the caches.
    """

    operations: float
    matrix: float
    matrix_bfloat16: float
    bytes: float


@cache
def measured_rates() -> Rates:
    """The machine's rates, measured once a run."""
    source, target = torch.rand(1 << 24), torch.empty(1 << 24)
    copied = 8 * source.numel() / best(lambda: target.copy_(source))
    return Rates(_operations(), _matrix(torch.float32), _matrix(torch.bfloat16), copied)


def best(function: Callable[[], object], repeats: int = 12) -> float:
    """The shortest of several calls in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def _operations() -> float:
    from bdgf.nn.simd import LANES, fill, fma, kernel, store

    @kernel
    def multiply_add(first: int, last: int, rounds: int, address: int) -> None:
        # Four chains of vectors: as many registers as hide the latency and as all processors have.
        for task in range(first, last):
            half = fill(np.float32(0.5))
            a, b = fill(np.float32(0.1)), fill(np.float32(0.2))  # equal chains would be one
            c, d = fill(np.float32(0.3)), fill(np.float32(0.4))
            for _ in range(rounds):
                a, b = fma(a, half, half), fma(b, half, half)
                c, d = fma(c, half, half), fma(d, half, half)
            at = task * 4 * LANES
            store(address, at, a)
            store(address, at + LANES, b)
            store(address, at + 2 * LANES, c)
            store(address, at + 3 * LANES, d)

    tasks, rounds, chains = torch.get_num_threads(), 500_000, 4
    results = np.empty((tasks, chains, LANES), np.float32)

    def work(first: int, last: int, _: int) -> None:
        multiply_add(first, last, rounds, results.ctypes.data)

    def run() -> None:
        run_tasks(work, tasks, tasks)

    return tasks * rounds * chains * LANES / best(run)


def _matrix(dtype: torch.dtype) -> float:
    side, channels, tiles, width = 1024, 128, 16, 32
    a, b = (torch.rand(side, side).to(dtype) for _ in range(2))
    product = 2 * side**3 / best(lambda: a @ b)
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1, dtype=dtype)
    layer = layer.to(memory_format=torch.channels_last)
    x = torch.rand(tiles, channels, width, width).to(dtype, memory_format=torch.channels_last)
    operations = 2 * tiles * width**2 * channels**2 * 9
    with torch.no_grad():
        return max(product, operations / best(lambda: layer(x)))


def available_bytes() -> int:
    """Memory that can be taken without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return 1024 * int(line.split()[1])
    return 0


def description() -> dict[str, object]:
    """The machine, the date and the versions, for the head of the table."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": versions,
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    fields = dict(
        (part.strip() for part in line.split(":", 1))
        for line in info.read_text().splitlines()
        if ":" in line
    )
    wide = [
        flag
        for flag in ("avx2", "avx512f", "avx512_bf16", "amx_tile")
        if flag in fields["flags"].split()
    ]
    return f"{fields['model name']} ({', '.join(wide)})"


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:  # there is no git
        return ""
    return done.stdout.strip()
