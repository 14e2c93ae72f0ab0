"""The section of a report about prediction sets."""

import numpy as np

from bdgf.evaluation.prediction_sets import SetRule, measure_sets
from bdgf.evaluation.report_page.map_report import map_report
from bdgf.evaluation.report_page.page import Table, render
from bdgf.evaluation.report_page.set_section import set_blocks
from tests.evaluation.report_page.small_result import CLASSES, UNSCORED, small_result

RULE = SetRule(0.9, 0.3, 1200, 14)
SIZES = np.array([[1, 1, 1], [2, 3, 0]], np.uint8)
SHARES = np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25], [0.1, 0.1, 0.8]])


def test_it_tells_the_evidence_and_what_spatial_shift_does():
    (text,) = set_blocks(RULE, SIZES, 3, None)
    for told in ("90.0 %", "0.300", "1,200 held-out pixels in 14 blocks", "farther away"):
        assert told in text.text
    assert "60.0 % of the map has one class in its set; the mean is 1.60 of 3" in text.text


def test_the_coverage_that_was_measured_stands_beside_the_stated_one():
    measured = measure_sets(SHARES, np.array([2, 1, 3]), CLASSES, RULE)
    _, text, table = set_blocks(RULE, SIZES, 3, measured)
    assert "66.7 % of cases, 23.3 points less than stated" in text.text
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == list(CLASSES.names)
    assert [row[-1] for row in table.rows] == ["1", "1", "1"]


def test_too_little_evidence_and_other_settings_are_told():
    few, other = (
        set_blocks(rule, SIZES, 3, None)[0].text
        for rule in (SetRule(0.9, 0.0, 50, 5), SetRule(0.9, 0.3, 50, 12, ("inference.hide",)))
    )
    assert "50 held-out pixels in 5 blocks are too few" in few
    assert "not seen with inference.hide" in other


def test_a_report_has_the_section_and_the_map_where_there_are_sets():
    sizes = np.ones((12, 10), np.uint8)
    with_sets = map_report(small_result(**UNSCORED, sets=RULE, set_sizes=sizes))
    assert "Prediction sets" in [section.title for section in with_sets.sections]
    assert "size of the prediction sets" in render(with_sets)
    assert "rediction sets" not in render(map_report(small_result()))
