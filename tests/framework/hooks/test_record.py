"""The record of a run, which its nodes share."""

from types import SimpleNamespace

from kedro.io import DataCatalog

from bdgf.framework.hooks.record import RecordHooks
from bdgf.framework.run_record import RUN_RECORD


def test_it_fills_while_the_run_goes_on() -> None:
    hooks, catalog = RecordHooks(), DataCatalog()
    hooks.after_catalog_created(catalog)
    hooks.before_pipeline_run({"pipeline_names": ["evaluate"], "project_path": "/somewhere"})
    record = catalog.load(RUN_RECORD)
    hooks.before_node_run()
    hooks.after_node_run(SimpleNamespace(short_name="predict_scene"))  # type: ignore[arg-type]
    assert list(record.seconds) == ["predict scene"]
    assert record.seconds["predict scene"] >= 0
    assert record.command == "kedro run --pipeline=evaluate"
    assert catalog.load(RUN_RECORD) is record


def test_another_run_has_a_record_of_its_own() -> None:
    hooks, catalogs = RecordHooks(), (DataCatalog(), DataCatalog())
    for catalog in catalogs:
        hooks.after_catalog_created(catalog)
        hooks.before_node_run()
        hooks.after_node_run(SimpleNamespace(short_name="score"))  # type: ignore[arg-type]
    one, other = (catalog.load(RUN_RECORD) for catalog in catalogs)
    assert one is not other
    assert list(other.seconds) == ["score"]
