"""`python -m benchmarks.cluster_cost`: what large suites and maps cost on paper.

Measured on this machine, with fake work: how many runs a second a bench hands out to simulated
workers, how many pixels a second a map takes from them, how fast a map is written, and how many
requests a second an MLflow server answers. From these and from recorded runs follow the tables.
"""

from __future__ import annotations

import argparse
import heapq
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks import fake_cluster
from benchmarks.children import ROOT
from benchmarks.fake_cluster import Throughput

WORKERS = (10, 100, 1000)
RUNS, PIXELS = 1000, 10**9
"""The suite; and the map: 100,000 km2 in pixels of 10 m."""

RECORDED = ROOT / "docs" / "notebook" / "2026-11-26-results"
"""Where the seconds of real runs are from."""
REQUESTS = {"random_forest": 60, "bdgf": 250}
"""Requests of a run to MLflow, estimated (docs/how_to/cluster_cost.md)."""

SECONDS_A_PIXEL = {
    # docs/how_to/mapping.md: 15 channels, GeoTIFFs, one core.
    "random_forest": 32.6e-6,
    # docs/benchmarks/cpu.md: the map of the three branches and three timesteps of features, on two
    # cores: so twice the time on one.
    "bdgf": 2 * (1 / 4250 + 3 / 122_000),
    # docs/how_to/mapping.md: 15 channels, one core.
    "fast network of bdgf": 1 / 82_200,
}
"""Time of one core for a pixel of a map."""
BYTES_A_PIXEL = {"read by workers": 15 * 2, "sent to the map's process": 5, "written": 5}
"""15 channels of 16 bits; a class and an uncertainty."""
_HOUR = 3600.0


@dataclass(frozen=True)
class Limits:
    """What was measured.

    Attributes:
        runs: Runs a second that a bench hands out and takes back.
        requests: Requests a second that an MLflow server answers.
        pixels: Pixels a second that a map takes from its workers.
        cog: Seconds a pixel of writing the maps, which one process does.
    """

    runs: float
    requests: float
    pixels: float
    cog: float


def makespan(seconds: Sequence[float], workers: int) -> float:
    """How long runs take that free workers take in order."""
    free = [0.0] * min(workers, len(seconds))
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)


def suite_terms(
    seconds: Sequence[float], requests: float, workers: int, limits: Limits
) -> dict[str, float]:
    """Seconds that each part of a suite takes at least; the longest is its bottleneck.

    Args:
        seconds: Of each run.
        requests: Of each run to MLflow.
        workers: Runs at the same time.
        limits: What was measured.
    """
    return {
        "computing": sum(seconds) / workers,
        "the longest run": max(seconds),
        "handing out": len(seconds) / limits.runs,
        "MLflow": len(seconds) * requests / limits.requests,
    }


def map_terms(
    pixels: int, seconds_a_pixel: float, workers: int, limits: Limits
) -> dict[str, float]:
    """Seconds that each part of a map takes at least: blocks are taken while they are computed."""
    return {
        "computing": pixels * seconds_a_pixel / workers,
        "taking in blocks": pixels / limits.pixels,
        "writing the maps": pixels * limits.cog,
    }


def map_seconds(terms: dict[str, float]) -> float:
    """Of the whole map: the files are written when all blocks are there."""
    return max(terms["computing"], terms["taking in blocks"]) + terms["writing the maps"]


def bottleneck(terms: dict[str, float]) -> str:
    """The part that takes longest."""
    return max(terms, key=lambda name: terms[name])


def recorded_seconds(folder: Path, model: str) -> list[float]:
    """Seconds of the runs of a model that a notebook page published, with their pretraining."""
    found = {}
    for path in sorted(folder.glob("*_runs.json")):
        for run in json.loads(path.read_text()):
            if run["model"] == model and not run["reused"]:
                found[run["fingerprint"]] = float(run["seconds"])
    if not found:
        raise SystemExit(f"{folder} has no runs of {model}")
    return list(found.values())


def repeated(seconds: Sequence[float], count: int) -> list[float]:
    """`count` of them, in turn."""
    return [seconds[n % len(seconds)] for n in range(count)]


def suite_table(limits: Limits) -> list[str]:
    """The rows of 1,000 runs."""
    lines = [
        "| 1,000 runs of | core hours | workers | hours | first bottleneck | the next |",
        "|---|---|---|---|---|---|",
    ]
    for model, requests in REQUESTS.items():
        seconds = repeated(recorded_seconds(RECORDED, model), RUNS)
        for workers in WORKERS:
            terms = suite_terms(seconds, requests, workers, limits)
            took = max(makespan(seconds, workers), *terms.values())
            lines.append(_row(model, sum(seconds), workers, took, terms))
    return lines


def map_table(limits: Limits) -> list[str]:
    """The rows of 100,000 km2."""
    lines = [
        "| 100,000 km2 by | core hours | workers | hours | first bottleneck | the next |",
        "|---|---|---|---|---|---|",
    ]
    for model, seconds in SECONDS_A_PIXEL.items():
        for workers in WORKERS:
            terms = map_terms(PIXELS, seconds, workers, limits)
            lines.append(_row(model, PIXELS * seconds, workers, map_seconds(terms), terms))
    return lines


def _row(model: str, work: float, workers: int, took: float, terms: dict[str, float]) -> str:
    first, second = sorted(terms, key=lambda name: -terms[name])[:2]
    told = [f"{name} ({terms[name] / _HOUR:.2f} h)" for name in (first, second)]
    return (
        f"| {model} | {work / _HOUR:,.0f} | {workers:,} | {took / _HOUR:.2f} | {' | '.join(told)} |"
    )


def throughput_table(unit: str, found: Sequence[Throughput]) -> list[str]:
    """The rows of fake work."""
    lines = [
        f"| simulated workers | {unit} | seconds | {unit} a second | workers busy |",
        "|---|---|---|---|---|",
    ]
    return lines + [
        f"| {one.workers:,} | {one.done:,} | {one.seconds:.1f} | {one.rate:,.1f} | {one.busy:.0%} |"
        for one in found
    ]


def main() -> None:
    """Measures, and prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster_cost", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of a fake run")
    parser.add_argument("--rounds", type=int, default=3, help="runs and blocks of each worker")
    parser.add_argument("--most", type=int, default=WORKERS[-1], help="simulated workers")
    parser.add_argument("--side", type=int, default=256, help="pixels of a block's side")
    parser.add_argument("--backend", help="database of the MLflow server; default: SQLite")
    given = parser.parse_args()
    counts = [count for count in WORKERS if count <= given.most]
    rate = SECONDS_A_PIXEL["random_forest"]

    runs = [fake_cluster.suite(count, given.seconds, given.rounds) for count in counts]
    _print("Fake runs", throughput_table("runs", runs))
    # Without sleep: as fast as they can be handed out, or taken in.
    runs_most = fake_cluster.suite(counts[0], 0.0, 100 * given.rounds)
    blocks = [fake_cluster.mapping(count, rate, given.side, given.rounds) for count in counts]
    _print("Fake blocks", throughput_table("pixels", blocks))
    blocks_most = fake_cluster.mapping(counts[0], 0.0, 4 * given.side, 4 * given.rounds)
    cog = fake_cluster.cog_seconds_a_pixel(16 * given.side)
    with fake_cluster.mlflow_server(given.backend) as uri:
        requests = fake_cluster.tracking_requests(uri, 2 * given.seconds)
    limits = Limits(runs_most.rate, requests, blocks_most.rate, cog)
    _print(
        "Limits",
        [
            f"- runs a second that a bench hands out: {limits.runs:.0f}",
            f"- requests a second that an MLflow server answers: {limits.requests:.0f}",
            f"- pixels a second that a map takes in: {limits.pixels:,.0f}",
            f"- microseconds a pixel to write the maps: {1e6 * limits.cog:.2f}",
        ],
    )
    _print("A suite", suite_table(limits))
    _print("A map", map_table(limits))
    for what, size in BYTES_A_PIXEL.items():
        print(f"- {what}: {PIXELS * size / 1e9:.0f} GB")
    mean = fmean(recorded_seconds(RECORDED, "bdgf"))
    print(f"- a run of bdgf: {mean:.0f} s; a bench is idle below {limits.runs * mean:,.0f} workers")


def _print(title: str, lines: Sequence[str]) -> None:
    print(f"\n## {title}\n", *lines, sep="\n", flush=True)


if __name__ == "__main__":
    main()
