"""Layers independent of scenes: Mamba, its selective scan, norms, resampling."""
