"""Diffusion features of every pixel: dense extraction, one file, reading by windows."""
