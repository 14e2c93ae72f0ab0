"""Evaluation: measures, tests, maps and figures of a classifier's predictions."""
