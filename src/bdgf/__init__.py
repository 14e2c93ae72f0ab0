"""Balanced diffusion-guided fusion for multimodal remote-sensing scenes."""

__version__ = "0.1.0"
