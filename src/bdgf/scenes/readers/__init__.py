"""Readers of raw files, one module per format; `registry.read_array` chooses by suffix."""
