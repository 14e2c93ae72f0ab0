"""The report of a bench."""

import numpy as np

from bdgf.evaluation.report_page.page import Pictures, Table, Text, render
from bdgf.experiments.bench_report import bench_report
from bdgf.experiments.map_sketches import MapSketch
from bdgf.experiments.records import RecordFolder
from bdgf.experiments.tables import suite_tables
from bdgf.scenes.classes import ClassTable
from tests.experiments.small_suite import PLAN, SUITE

IDS = np.array([[0, 1], [2, 2]], np.uint8)
SKETCH = MapSketch(IDS, IDS, ClassTable.of(["water", "trees"]), 480.0)


def page_of(records: RecordFolder, sketch_of):
    return bench_report(suite_tables(SUITE, PLAN, records, "a", "kedro bench"), sketch_of)


def test_every_table_has_a_section_with_its_figures(records: RecordFolder) -> None:
    page = page_of(records, lambda fingerprint: SKETCH)
    assert [section.title for section in page.sections] == ["own x", "own y", "own all scenes"]
    assert page.lead.startswith("8 runs")
    summary, differences = (b for b in page.sections[0].blocks if isinstance(b, Table))
    assert [row[1] for row in summary.rows] == ["a", "b"]
    assert [row[0] for row in differences.rows] == ["b"]
    assert "Differences to a" in differences.note
    assert "+-" in render(page)


def test_maps_of_the_first_seed_stand_beside_the_labels(records: RecordFolder) -> None:
    page = page_of(records, lambda fingerprint: SKETCH)
    (maps,) = (block for block in page.sections[0].blocks if isinstance(block, Pictures))
    titles = [picture.title.partition(":")[0] for picture in maps.pictures]
    assert titles == ["reference labels", "a", "b"]
    assert [name for name, _ in maps.legend] == ["water", "trees"]
    assert not any(isinstance(block, Pictures) for block in page.sections[2].blocks)


def test_runs_without_maps_are_told(records: RecordFolder) -> None:
    page = page_of(records, lambda fingerprint: None)
    texts = [block.text for block in page.sections[0].blocks if isinstance(block, Text)]
    assert texts[-1] == "The maps of these runs were not kept."
