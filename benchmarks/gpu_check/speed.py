"""The machine, and the table of `make bench-gpu`, written after each of its rows."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks import gpu, machine
from benchmarks import table as tables
from benchmarks.comparison import Comparison
from benchmarks.gpu_check.record import Record, Setting


def machine_facts(setting: Setting, record: Record) -> None:
    """What the machine is, and whether a kernel runs on the device at all."""
    description = machine.description()
    for name in ("gpu", "processor", "cores", "threads", "memory_gib", "python", "versions"):
        if name in description:
            record.note(name, description[name])
    record.note("torch", torch.__version__)
    total = float(torch.ones(1024, device=setting.device).sum())
    record.check("a sum on the device", abs(total - 1024), 0)


def table(setting: Setting, record: Record) -> None:
    """The comparisons of `benchmarks.gpu`; one that fails does not hold up the next."""
    rates = gpu.measured_rates()
    record.note("rates", rates)
    known = machine.Rates(rates["float32"], rates["float32"], rates["bfloat16"], rates["bytes"])
    measures: dict[str, Callable[[], list[Comparison]]] = {
        "features": lambda: [gpu.features(rates)],
        "training": lambda: [gpu.training(rates)],
        "host syncs": lambda: [gpu.host_syncs()],
        "scan": lambda: gpu.scan(rates),
    }
    found: list[Comparison] = []
    failed: list[str] = []
    for name, measure in measures.items():
        try:
            found += measure()
        except Exception as error:
            failed.append(name)
            record.note(f"{name} failed", f"{type(error).__name__}: {error}"[:1000])
            continue
        tables.write(setting.folder, "gpu", "Speed on a GPU", machine.description(), known, found)
        record.lines(tables.lines(found))
        print("\n".join(tables.lines(found)), flush=True)
    if failed:
        raise RuntimeError(f"not measured: {', '.join(failed)}")
