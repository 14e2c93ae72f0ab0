"""Scenes: what is on the ground, as people have it in files."""
