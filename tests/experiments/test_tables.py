"""Tables made of records."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from bdgf.experiments.published import published_runs
from bdgf.experiments.records import RecordFolder
from bdgf.experiments.tables import suite_tables, with_tables, write_tables
from tests.experiments.small_suite import PLAN, SUITE, record


def test_one_table_a_scene_and_one_of_all(records):
    tables = suite_tables(SUITE, PLAN, records, "a", "kedro bench")
    assert [table.key for table in tables] == ["own_x", "own_y", "own_all_scenes"]
    assert "`kedro bench`" in tables[0].markdown
    assert "4 of 4" in tables[0].markdown
    table = pd.read_csv(io.StringIO(tables[2].csv)).set_index("variant")
    assert table.loc["b", "pairs"] == 4
    runs = [record(run)[0] for run in PLAN if run.variant == "b"]
    of = {(r.scene, r.seed): r.metrics["kappa"] for r in runs}
    assert table.loc["b", "kappa_mean"] == pytest.approx(np.mean(list(of.values())), rel=1e-5)
    assert {record.mlflow_run for _, record, _ in tables[0].runs} == {
        f"mlflow-{run.fingerprint}" for run in PLAN if run.scene == "x"
    }


def test_what_is_not_finished_is_counted_and_a_scene_without_runs_is_left_out(tmp_path):
    folder = RecordFolder(tmp_path)
    for run in PLAN[:3]:
        folder.write(*record(run))
    (table,) = suite_tables(SUITE, PLAN, folder, "a", "kedro bench")
    assert "3 of 4" in table.markdown
    assert pd.read_csv(io.StringIO(table.csv))["runs"].tolist() == [2, 1]


def test_tables_are_replaced_between_their_markers_and_prose_stays(records, tmp_path):
    document = tmp_path / "results.md"
    document.write_text(
        "# Results\n\nBefore.\n<!-- bench own_x -->\nold\n<!-- end -->\nRead as follows.\n"
        "<!-- bench other -->\nkept\n<!-- end -->\n"
    )
    tables = suite_tables(SUITE, PLAN, records, "a", "kedro bench")
    written = write_tables(tables[:1], document)
    text = document.read_text()
    assert "old" not in text
    assert text.startswith("# Results\n\nBefore.\n<!-- bench own_x -->")
    assert "<!-- end -->\nRead as follows.\n<!-- bench other -->\nkept\n<!-- end -->\n" in text
    assert tables[0].markdown in text
    assert all(path.exists() for path in written)
    runs = json.loads((tmp_path / "results" / "own_x_runs.json").read_text())
    assert [run["variant"] for run in runs] == ["a", "a", "b", "b"]
    write_tables(tables[:1], document)
    assert document.read_text() == text


def test_a_table_without_markers_is_added_at_the_end():
    text = with_tables("# Results\n", {"own_x": "| t |"})
    assert text.startswith("# Results\n\n## own x\n")
    assert with_tables(text, {"own_x": "| u |"}) == text.replace("| t |", "| u |")


def test_tables_can_be_made_of_what_was_published(records, tmp_path):
    tables = suite_tables(SUITE, PLAN, records, "a", "kedro bench")
    write_tables(tables, tmp_path / "results.md")
    others = RecordFolder(tmp_path / "others")
    for found in published_runs(tmp_path / "results"):
        others.write(*found)
    assert suite_tables(SUITE, PLAN, others, "a", "kedro bench")[2].markdown == tables[2].markdown


def test_the_best_row_is_the_one_with_the_highest_mean_accuracy(records):
    for table in suite_tables(SUITE, PLAN, records, "a", "kedro bench"):
        rows = pd.read_csv(io.StringIO(table.csv)).set_index("variant")
        assert table.best.variant == rows["overall_accuracy_mean"].idxmax()
        best = rows.loc[table.best.variant]
        assert table.best.means["kappa"] == pytest.approx(best["kappa_mean"], rel=1e-5)
