"""Entries of the catalog that are no parameters."""

from kedro.io import DataCatalog

from bdgf.framework.hooks.entries import SceneHooks


def test_the_scene_and_the_baselines_are_entries_and_no_parameters() -> None:
    catalog = DataCatalog({})
    configured = {"params:scene": {"title": "Demo"}, "params:baselines": {"svm": {"folds": 5}}}
    SceneHooks().after_catalog_created(catalog, configured)
    assert catalog.load("scene_configuration") == {"title": "Demo"}
    assert catalog.load("baseline_settings") == {"svm": {"folds": 5}}
