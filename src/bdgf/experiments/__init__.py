"""Suites of runs over scenes and seeds, and the tables that come of them (`kedro bench`)."""
