"""Balanced diffusion-guided fusion for multimodal remote-sensing scenes."""

import os

# OpenMP threads that wait spin by default, which on a machine with other work slows every small
# operation many times over. Read when PyTorch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
