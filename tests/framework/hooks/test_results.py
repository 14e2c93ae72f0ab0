"""Where the results of a run are put together."""

from pathlib import Path

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node

from bdgf.datasets.kedro_file import JSONDataset, TextDataset
from bdgf.framework.hooks.results import ResultHooks, latest_folder


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataCatalog:
    monkeypatch.chdir(tmp_path)
    of_model = "data/08_reporting/demo/bdgf/official_seed_0"
    entries = {
        "params:data_folder": MemoryDataset("data"),
        "report": TextDataset(filepath=f"{of_model}/report.html"),
        "metrics": JSONDataset(filepath=f"{of_model}/metrics.json"),
        "per_class_table": JSONDataset(filepath=f"{of_model}/per_class.csv"),
    }
    catalog = DataCatalog(entries)  # type: ignore[arg-type]
    catalog.save("report", "<html>")
    catalog.save("metrics", {"kappa": 1})
    return catalog


def made(*outputs: str, inputs: str = "metrics") -> Pipeline:
    return Pipeline([node(lambda *_: None, inputs, list(outputs), name="n")])


def test_what_the_run_made_or_read_is_put_together(catalog: DataCatalog, tmp_path: Path) -> None:
    ResultHooks().after_pipeline_run(made("report"), catalog)
    latest = tmp_path / "data/08_reporting/demo/latest"
    assert {path.name for path in latest.iterdir()} == {"report.html", "metrics.json"}


def test_a_run_without_a_report_leaves_the_folder_alone(
    catalog: DataCatalog, tmp_path: Path
) -> None:
    ResultHooks().after_pipeline_run(made("metrics", inputs="params:data_folder"), catalog)
    assert not (tmp_path / "data/08_reporting/demo/latest").exists()


def test_a_target_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "elsewhere/08_reporting/coast/by/demo/bdgf/s/report.html/v/report.html"
    found = latest_folder(tmp_path / "elsewhere", report)
    assert found == tmp_path / "elsewhere/08_reporting/coast/latest"
