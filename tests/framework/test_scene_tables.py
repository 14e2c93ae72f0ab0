import io

import pytest
from rich.console import Console

from bdgf.framework.scene_tables import report_tables, scene_table, text_of
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.file_search import find_scene_files
from tests.evaluation.scene_check.planted import demo, look


def test_a_report_as_text_holds_what_was_found():
    scene = demo()
    scene["optical"][..., 4] = 0.25
    text = text_of(report_tables(look(scene)))
    for words in (
        "Planted; 96 x 96 pixels; EPSG:32632",
        "Bands of sar",
        "buildings",
        "split 'offi",
    ):
        assert words in text
    assert "1. [constant_band] modality optical: band 4" in text
    assert "No problems found" in text_of(report_tables(look(demo())))


@pytest.mark.parametrize("width", [60, 200])
def test_tables_fit_the_screen(width):
    console = Console(file=io.StringIO(), width=width)
    for part in report_tables(look(demo())):
        console.print(part)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width


def test_a_list_of_scenes(tmp_path):
    config = parse_scene_config(
        "mine",
        {
            "title": "A [bold]title[/bold]",
            "modalities": {
                "optical": {"kind": "spectral", "file": "a.tif", "bands": [3, 4]},
                "height": {"kind": "auxiliary", "file": "b.tif", "optional": True},
            },
            "labels": {"file": "gt.tif"},
            "source": {
                "url": "https://page.example",
                "licence": "MIT",
                "files": {"gt.tif": "https://page.example/gt.tif"},
                "sha256": {"gt.tif": "0" * 64},
            },
        },
    )
    (tmp_path / "a.tif").write_bytes(b"")
    rows = {"mine": (config, find_scene_files(config, [tmp_path])), "wrong": "cannot be"}
    text = text_of([scene_table(rows, str(tmp_path.parent))])
    for words in ("A [bold]title[/bold]", "optical (3 or 4), height", "missing: labels", "MIT"):
        assert words in text
    assert "cannot be" in text
    assert "(kedro scene fetch mine)" in " ".join(text.split())
    (tmp_path / "gt.tif").write_bytes(b"")
    rows = {"mine": (config, find_scene_files(config, [tmp_path]))}
    text = text_of([scene_table(rows, str(tmp_path.parent))])
    assert f"found in {tmp_path.name}" in text
    assert "without height" in " ".join(text.split())
