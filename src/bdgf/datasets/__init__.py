"""Kedro datasets of the project's file formats, one class per file."""
