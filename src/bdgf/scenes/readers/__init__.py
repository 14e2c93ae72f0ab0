"""Readers of raw files, one module a format; `registry.read_array` chooses by suffix."""
