"""Baselines: what a user would try first, behind one interface."""
