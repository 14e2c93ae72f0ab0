"""Kedro pipelines: thin nodes that translate between the catalog and the science."""
