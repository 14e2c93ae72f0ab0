"""What a cluster costs on paper: the arithmetic, and the fake work on a few workers."""

from pathlib import Path

import pytest
from benchmarks.cluster_cost import (
    RECORDED,
    Limits,
    bottleneck,
    makespan,
    map_seconds,
    map_terms,
    recorded_seconds,
    repeated,
    suite_table,
    suite_terms,
)

from benchmarks import fake_cluster

LIMITS = Limits(runs=10.0, requests=100.0, pixels=1e6, cog=1e-7)


def test_free_workers_take_runs_in_order() -> None:
    assert makespan([4.0, 1.0, 1.0, 1.0], 2) == 4.0
    assert makespan([1.0, 1.0, 4.0], 2) == 5.0
    assert makespan([2.0], 1000) == 2.0


def test_the_bottleneck_of_a_suite_moves_with_the_workers() -> None:
    def of(workers: int, requests: float, seconds: float = 60.0) -> str:
        return bottleneck(suite_terms([seconds] * 1000, requests, workers, LIMITS))

    assert of(10, requests=10) == "computing"
    assert of(1000, requests=20) == "MLflow"
    assert of(1000, requests=0) == "handing out"
    assert of(2000, requests=0, seconds=600.0) == "the longest run"


def test_a_map_is_written_when_its_blocks_are_there() -> None:
    few, many = (map_terms(10**9, 30e-6, workers, LIMITS) for workers in (10, 1000))
    assert (bottleneck(few), bottleneck(many)) == ("computing", "taking in blocks")
    assert map_seconds(few) == pytest.approx(3000 + 100)
    assert map_seconds(many) == pytest.approx(1000 + 100)


def test_real_runs_are_taken_from_the_published_ones(tmp_path: Path) -> None:
    seconds = recorded_seconds(RECORDED, "bdgf")
    assert len(seconds) >= 10
    assert min(seconds) > 10
    assert repeated([1.0, 2.0], 5) == [1.0, 2.0, 1.0, 2.0, 1.0]
    with pytest.raises(SystemExit, match="no runs of bdgf"):
        recorded_seconds(tmp_path, "bdgf")
    assert all("|" in line for line in suite_table(LIMITS))


@pytest.mark.slow
def test_fake_runs_and_blocks_go_through_the_real_parts() -> None:
    pytest.importorskip("distributed")
    runs = fake_cluster.suite(workers=4, seconds=0.2, rounds=2)
    assert (runs.done, runs.ideal) == (8, 0.4)
    assert runs.seconds >= runs.ideal
    assert 0 < runs.busy <= 1
    blocks = fake_cluster.mapping(workers=2, seconds_a_pixel=1e-6, side=64, rounds=2)
    assert blocks.done == 4 * 64 * 64
    assert blocks.seconds >= blocks.ideal
    assert fake_cluster.cog_seconds_a_pixel(128) > 0
