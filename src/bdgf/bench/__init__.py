"""Suites of runs by one command: planned, run one process each, recorded, tabulated."""
