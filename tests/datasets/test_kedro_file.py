"""Kedro's own datasets, whole or not at all."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from kedro.io import DatasetError
from matplotlib.figure import Figure

from bdgf.core.errors import ArtifactError
from bdgf.datasets.kedro_file import CSVDataset, FigureDataset, JSONDataset, TextDataset
from tests.datasets.small_versions import at

TABLE = pd.DataFrame({"class": ["meadow", "water"], "f1": [0.5, 0.25]})


def figure() -> Figure:
    drawn, axes = plt.subplots(figsize=(1, 1))
    axes.plot([1, 2])
    return drawn


def test_what_is_written_is_read_and_a_version_can_be_chosen(tmp_path: Path) -> None:
    for version, kappa in (("a", 0.5), ("b", 0.75)):
        at(JSONDataset, tmp_path / "m.json", version).save({"kappa": kappa})
    assert at(JSONDataset, tmp_path / "m.json", "c").load() == {"kappa": 0.75}
    from kedro.io import Version

    earlier = JSONDataset(filepath=str(tmp_path / "m.json"), version=Version("a", None))
    assert earlier.load() == {"kappa": 0.5}
    table = CSVDataset(filepath=str(tmp_path / "t.csv"), save_args={"index": False})
    table.save(TABLE)
    pd.testing.assert_frame_equal(table.load(), TABLE)
    assert (tmp_path / "t.csv").read_text().startswith("class,f1\n")


def test_a_text_comes_back_as_it_was(tmp_path: Path) -> None:
    encoding = {"encoding": "utf-8"}
    options = {"open_args_save": encoding, "open_args_load": encoding}
    text = TextDataset(filepath=str(tmp_path / "report.html"), fs_args=options)
    text.save("<p>Łódź · 5 m</p>")
    assert text.load() == "<p>Łódź · 5 m</p>"
    assert (tmp_path / "report.html").read_bytes().decode("utf-8") == "<p>Łódź · 5 m</p>"


def test_options_reach_kedro_s_dataset(tmp_path: Path) -> None:
    JSONDataset(filepath=str(tmp_path / "m.json"), save_args={"indent": 1}).save({"a": 1})
    assert (tmp_path / "m.json").read_text() == '{\n "a": 1\n}'
    with pytest.raises(DatasetError, match="unknown"):
        JSONDataset(filepath=str(tmp_path / "m.json"), unknown=1)


def test_previews_are_those_of_kedro(tmp_path: Path) -> None:
    metrics = at(JSONDataset, tmp_path / "m.json", "a")
    metrics.save({"kappa": 0.5})
    assert json.loads(metrics.preview()) == {"kappa": 0.5}
    table = at(CSVDataset, tmp_path / "t.csv", "a")
    table.save(TABLE)
    assert len(table.preview(nrows=1)["data"]) == 1
    drawn = at(FigureDataset, tmp_path / "f.png", "a")
    drawn.save(figure())
    assert drawn.preview().startswith("iVBOR")  # PNG in base64


def test_an_image_is_not_read_and_not_called_damaged(tmp_path: Path) -> None:
    drawn = at(FigureDataset, tmp_path / "f.png", "a")
    drawn.save(figure())
    assert drawn.exists()
    with pytest.raises(DatasetError, match="image") as caught:
        drawn.load()
    assert not isinstance(caught.value.__cause__, ArtifactError)


@pytest.mark.parametrize("kind", [JSONDataset, CSVDataset])
def test_a_damaged_file_is_told_in_one_line(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "m" / "a" / "m"
    path.parent.mkdir(parents=True)
    path.write_bytes(b'"\xff{')
    with pytest.raises(DatasetError) as caught:
        at(kind, tmp_path / "m", "b").load()
    assert isinstance(caught.value.__cause__, ArtifactError)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    dataset = at(JSONDataset, tmp_path / "m.json", "a")
    with pytest.raises(DatasetError, match="serializable"):
        dataset.save({"long": ["x"] * 10_000, "no JSON": object()})
    assert not list((tmp_path / "m.json").iterdir())
    assert not dataset.exists()
