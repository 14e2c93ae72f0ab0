"""The section of a report about maps with a modality spoilt."""

from bdgf.evaluation.report_page.damage_section import damage_blocks
from bdgf.evaluation.report_page.map_report import map_report
from bdgf.evaluation.report_page.page import Table, render
from tests.evaluation.report_page.small_result import small_result

DAMAGED = {
    "hidden": {
        "sar": {"overall_accuracy": 0.75, "average_accuracy": 0.5, "scored": 1200},
        "optical": {"overall_accuracy": None, "average_accuracy": None, "scored": 0},
    }
}


def test_it_lists_each_modality_with_what_it_cost():
    _, table = damage_blocks(DAMAGED, 0.8)
    assert isinstance(table, Table)
    sar, optical = table.rows
    assert sar[0] == "sar"
    assert sar[2].text == "75.0 %"
    assert sar[4:] == ["-5.0", "1,200"]
    assert optical[2:] == ["", "", "", "0"]


def test_a_report_has_it_where_maps_were_spoilt():
    result = small_result()
    assert "spoilt" not in render(map_report(result))
    spoilt = small_result(metrics={**result.metrics, "damaged": DAMAGED})
    assert "With a modality spoilt" in render(map_report(spoilt))
