"""Baselines: what a user would try first."""
