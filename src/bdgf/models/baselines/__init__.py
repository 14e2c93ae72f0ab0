"""Baseline networks, trained by the same loop as BDGF."""
