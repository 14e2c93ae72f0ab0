"""Layers that know nothing of scenes: Mamba, its selective scan, norms, resampling."""
