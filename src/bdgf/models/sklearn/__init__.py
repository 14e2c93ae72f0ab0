"""Forests and SVMs of scikit-learn on what describes a pixel."""
