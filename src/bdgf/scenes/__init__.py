"""Scenes: what is on the ground, as read, prepared, split and cut into windows."""
