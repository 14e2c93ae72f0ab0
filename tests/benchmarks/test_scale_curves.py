"""Growth of time and memory: scenes as asked for, exponents as they are, a page of the records."""

import re
from pathlib import Path

import numpy as np
import pytest
from benchmarks.kedro_process import START, Stage, stages_of
from benchmarks.repeated_scene import Raster, add_scenes, new_project, spread_labels
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks import scale_curves, scale_page

PIECE = np.add.outer(np.arange(10), np.arange(10)).astype(np.uint8) % 7


@settings(deadline=None)  # the first call imports scipy
@given(k=st.floats(0.5, 2.5), share=st.floats(0.0, 0.1), longest=st.floats(20, 2000))
def test_the_exponent_of_a_power_is_found(k: float, share: float, longest: float) -> None:
    amounts = np.array([50, 500, 5_000, 50_000])
    seconds = longest * (share + (1 - share) * (amounts / amounts[-1]) ** k)
    found = scale_page.exponent(amounts.tolist(), seconds.tolist())
    assert found == pytest.approx(k, abs=0.05)


def test_noise_on_a_constant_is_no_growth() -> None:
    assert scale_page.exponent([1, 10, 100, 1000], [9.0, 10.0, 9.5, 11.0]) is None
    assert scale_page.exponent([1, 10, 100, 1000], [0.1, 0.3, 0.1, 0.9]) is None
    assert scale_page.exponent([1, 10, 100, 1000], [2.4, 3.4, 1.9, 2.3]) is None


@pytest.mark.parametrize("classes", [2, 6, 15])
def test_labels_are_spread_evenly_over_classes(classes: int) -> None:
    found = spread_labels(PIECE, Raster(35, 47, labels=100, classes=classes))
    assert found.shape == (35, 47)
    counts = np.bincount(found.ravel(), minlength=classes + 1)[1:]
    assert counts.sum() == 100
    assert set(counts) <= {100 // classes, -(-100 // classes)}
    land = np.tile(PIECE, (4, 5))[:35, :47]
    assert (land[found > 0] > 0).all()
    # A class lies on one kind of land, or on several that were merged.
    kinds = [set(land[found == number]) for number in range(1, classes + 1)]
    assert all(len(kind) == (3 if classes == 2 else 1) for kind in kinds)


def test_more_labels_than_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="larger"):
        spread_labels(PIECE, Raster(10, 10, labels=200))


def test_a_scene_has_the_channels_that_were_asked_for(tmp_path: Path) -> None:
    import rasterio

    folder = tmp_path / "project"
    new_project(folder)
    add_scenes(folder, {"small": Raster(30, 260, channels=5, labels=60)})
    files = sorted((folder / "raw" / "small").glob("*.tif"))
    assert [file.stem for file in files] == ["height", "labels", "optical", "sar"]
    shapes = []
    for file in files:
        with rasterio.open(file) as opened:
            shapes.append((opened.count, opened.height, opened.width))
    assert shapes == [(1, 30, 260), (1, 30, 260), (2, 30, 260), (2, 30, 260)]


def test_stages_last_until_the_next_one() -> None:
    looks = [
        (START, 0.2, 0.1, 10),
        (START, 0.4, 0.3, 30),
        ("read", 1.0, 0.8, 20),
        ("read", 1.2, 0.9, 50),
        ("map", 2.0, 0.7, 40),  # a child has ended, whose time is not yet counted
        ("", 3.0, 2.7, 0),
    ]
    assert stages_of(looks) == {
        START: Stage(1.0, 0.8, 30),
        "read": Stage(1.0, 0.0, 50),
        "map": Stage(1.0, 2.0, 40),
    }


def record(axis: str, amount: int, seconds: float) -> dict[str, object]:
    return {
        "model": "svm",
        "axis": axis,
        "amount": amount,
        "cpu_seconds": 10 + seconds,
        "peak_mib": 700 + amount,
        "stages": {
            "start": {"cpu_seconds": 8.0, "peak_mib": 300},
            "train classifier": {"cpu_seconds": seconds, "peak_mib": 600 + amount},
        },
        "date": "2026-01-02 03:04 UTC",
        "commit": "abc1234",
        "processor": "P",
        "threads": 1,
    }


def test_the_page_has_a_table_and_an_exponent_of_what_grows(tmp_path: Path) -> None:
    runs = [record("labels", count, 1 + (count / 100) ** 2) for count in (5000, 50, 500)]
    scale_page.keep(tmp_path, runs)
    assert scale_page.read(tmp_path) == runs
    scale_page.write(tmp_path, scale_page.read(tmp_path), list(scale_curves.AXES))
    page = (tmp_path / scale_page.PAGE).read_text()
    assert "| `svm`: labels | 50 | 500 | 5,000 | exponent |" in page
    assert re.search(r"\| train, s \| 1\.2 \| 26\.0 \| 2501\.0 \| 2\.0\d \|", page)
    assert "| whole run, MiB | 750 | 1,200 | 5,700 | |" in page
    assert "| train, MiB | 650 | 1,100 | 5,600 | |" in page
    with Image.open(tmp_path / scale_page.PLOT) as image:
        assert min(image.size) > 200


def test_recorded_runs_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, str, int]] = []

    def measured(model: str, axis: str, count: int, raster: Raster) -> dict[str, object]:
        assert raster.rows * raster.columns == count
        asked.append((model, axis, count))
        return record(axis, count, 5.0)

    monkeypatch.setattr(scale_curves, "_measured", measured)
    scale_page.keep(tmp_path, [record("pixels", 224 * 224, 1.0)])
    given_ = ["x", "--models=svm", "--axes=pixels", "--most-pixels=300000", f"--output={tmp_path}"]
    monkeypatch.setattr("sys.argv", given_)
    assert scale_curves.main() == 0
    assert scale_curves.main() == 0
    assert asked == [("svm", "pixels", 250_000)]
    monkeypatch.setattr("sys.argv", ["x", "--axes=height"])
    with pytest.raises(SystemExit):
        scale_curves.main()
    assert "no axis height" in capsys.readouterr().err
