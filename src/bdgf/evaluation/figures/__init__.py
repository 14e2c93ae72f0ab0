"""Figures of a run, as matplotlib `Figure` objects: no global state, safe in any thread.

Matplotlib is imported when a figure is drawn, so that the rest starts fast.
"""
