"""Suites of runs over scenes and seeds, and their tables (`kedro bench`)."""
