"""Scenes: image files, labels and their configuration."""
