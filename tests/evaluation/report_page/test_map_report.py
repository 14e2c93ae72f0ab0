"""The report of a map: what it says, and what it says of what is not there."""

import numpy as np
import pytest

from bdgf.evaluation.report_page.map_report import map_report
from bdgf.evaluation.report_page.page import Pictures, Table, Text, render
from tests.evaluation.report_page.small_result import UNSCORED, small_result


def blocks(page, title):
    (section,) = (section for section in page.sections if section.title == title)
    return section.blocks


def told(page, title):
    return " ".join(block.text for block in blocks(page, title) if isinstance(block, Text))


def cells(row):
    return [cell if isinstance(cell, str) else cell.text for cell in row]


def table(page, title):
    (found,) = (block for block in blocks(page, title) if isinstance(block, Table))
    return [cells(row) for row in found.rows]


def test_a_scored_map_is_told_whole():
    result = small_result()
    page = map_report(result)
    titles = [section.title for section in page.sections]
    assert titles == [
        *("Maps", "Accuracy", "Area of each class", "Branches", "Split and leakage"),
        *("Modality balance", "Learning curves", "Settings", "Timings", "Provenance"),
    ]
    headline = {name: value for name, value, _ in page.headline}
    assert headline["Leakage"] == "25.0 %"
    assert headline["Overall accuracy"] == f"{100 * result.metrics['overall_accuracy']:.1f} %"
    (maps,) = (block for block in blocks(page, "Maps") if isinstance(block, Pictures))
    assert [picture.title for picture in maps.pictures] == [
        *("class map", "reference labels", "errors at the scored pixels", "uncertainty"),
        *("agreement of the branches", "optical, bands 2, 1, 0 of 0-2", "split"),
    ]
    assert "Bands are counted from 0" in told(page, "Maps")
    assert all(picture.scale_bar.text == "10 m" for picture in maps.pictures)
    assert table(page, "Area of each class")[2][-1] == "1,234.0"
    assert table(page, "Area of each class")[1][-1] == "0.25"
    recall = result.metrics["per_class"]["water"]["recall"]
    assert table(page, "Accuracy")[0][:2] == ["water", f"{100 * recall:.1f} %"]
    assert "inflated" in told(page, "Split and leakage")
    assert ["train.epochs", "3", "40"] in table(page, "Settings")
    assert table(page, "Timings")[-1] == ["all", "2 min 0 s"]
    (curves,) = blocks(page, "Learning curves")
    titles = [picture.title for picture in curves.pictures]
    assert titles == ["train: loss"]  # the learning rate is left out


def test_what_is_not_there_is_left_out_with_a_word():
    page = map_report(small_result(**UNSCORED))
    assert page.headline == []
    assert "reference labels and an error map" in told(page, "Maps")
    assert "Nothing was scored" in told(page, "Accuracy")
    assert "no split" in told(page, "Split and leakage")
    assert "None:" in told(page, "Learning curves")
    assert "Not measured" in told(page, "Modality balance")
    assert told(page, "Settings") == "All settings have their defaults."
    assert told(page, "Provenance") == "Not known."
    (areas,) = blocks(page, "Area of each class")
    assert "hectares" not in areas.head
    assert "no reference system" in areas.note
    (maps,) = (block for block in blocks(page, "Maps") if isinstance(block, Pictures))
    assert all(picture.scale_bar is None for picture in maps.pictures)
    assert render(page)


def test_a_transfer_says_that_its_leakage_is_not_known():
    result = small_result()
    metrics = {**result.metrics, "leakage": None}
    page = map_report(small_result(metrics=metrics, split=None, split_counts=None))
    assert ("Leakage", "unknown") in [line[:2] for line in page.headline]
    assert "unknown" in told(page, "Split and leakage")


def test_branches_are_compared_with_the_map_and_with_the_labels():
    result = small_result()
    votes = {"same": result.class_map, "labels": np.where(result.labels, result.labels, 1)}
    rows = table(map_report(small_result(votes=votes)), "Branches")
    assert rows[0][:2] == ["same", "100.0 %"]
    assert rows[1][2] == "100.0 %"


@pytest.mark.parametrize(("step", "word"), [(2, "2nd"), (3, "3rd"), (12, "12th"), (21, "21st")])
def test_a_thinned_map_says_so(step, word):
    assert f"Every {word} pixel" in told(map_report(small_result(step=step)), "Maps")


def test_a_report_is_light():
    html = render(map_report(small_result()))
    assert "trees &amp; &lt;grass&gt;" in html
    assert len(html) < 500_000
