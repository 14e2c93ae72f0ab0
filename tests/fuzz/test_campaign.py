"""The quick part of `make fuzz`, and that a campaign sees what it is there for."""

from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import campaign
from tests.fuzz.campaign import Report, run
from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import make_seeds

FORMATS = (
    *("matlab5", "matlab73", "hdf5", "netcdf", "zarr", "tiff", "raster", "numpy", "text", "scene"),
)
FILES = 200


@pytest.mark.slow
def test_damaged_files_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    seeds = make_seeds(tmp_path / "seeds", FORMATS)
    report = run(seeds, FILES, seed=17, work=tmp_path, keep=None)
    assert report.found == []
    assert report.tried == FILES
    assert report.count("refused") > FILES / 5
    assert report.count("loaded") > FILES / 10


def test_what_ends_badly_is_counted_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (seed,) = make_seeds(tmp_path / "seeds", ["scene"])
    answers = iter(["crash", "loaded", "hang", "refused", "defect", "over memory"])

    def load(self: object, request: object, seconds: float) -> dict[str, str]:
        return {"outcome": next(answers), "type": "SceneError", "message": "why"}

    monkeypatch.setattr(campaign._Worker, "load", load)
    report = run([seed], 6, 0, tmp_path, tmp_path / "kept")
    assert not report.is_clean
    assert [line.split(":")[0] for line in report.found] == [
        *("crash", "hang", "defect", "over memory")
    ]
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        f"0-{number}-mine_yml" for number in (0, 2, 4, 5)
    ]
    assert "| all | 6 | 1 | 1 | 1 | 1 | 1 | 1 |" in report.table()


@pytest.mark.slow  # starts PyTorch
def test_a_worker_that_dies_or_sleeps_is_started_again(tmp_path: Path) -> None:
    (seed,) = make_seeds(tmp_path / "seeds", ["scene"])
    worker = campaign._Worker([seed])
    try:
        path = str(seed.folder / seed.main)
        sound = {"loader": seed.loader, "path": path, "variable": None}
        assert worker.load(sound, 60)["outcome"] == "loaded"
        assert worker.load(sound, 0)["outcome"] == "hang"
        assert worker.load(sound, 60)["outcome"] == "loaded"
        assert worker._process is not None
        worker._process.kill()
        worker._process.wait()
        assert worker.load(sound, 60)["outcome"] == "crash"
        assert worker.load(sound, 60)["outcome"] == "loaded"
    finally:
        worker.stop()


def test_a_number_and_a_seed_decide_the_damage(tmp_path: Path) -> None:
    seeds = make_seeds(tmp_path / "seeds", ["numpy", "scene"])
    for seed in seeds:
        content = (seed.folder / seed.main).read_bytes()
        made = [mutate(content, seed.main, np.random.default_rng([3, n])) for n in range(40)]
        again = [mutate(content, seed.main, np.random.default_rng([3, n])) for n in range(40)]
        assert made == again
        assert len(set(made)) > 30
        assert made.count(content) < 5


def test_a_report_without_files_is_clean() -> None:
    assert Report().is_clean
