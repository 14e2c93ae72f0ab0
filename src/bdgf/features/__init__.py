"""Diffusion features of every pixel: extracted densely, kept in one file, read by windows."""
