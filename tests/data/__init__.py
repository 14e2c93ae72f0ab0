"""Fabricators: scenes written to disk in the raw layouts in which they are published."""
