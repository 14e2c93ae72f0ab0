"""Balanced diffusion-guided fusion for multimodal remote-sensing scenes."""

import os

# GNU OpenMP's threads spin long while they wait, which on a machine with other work slows every
# small operation many times over; short spins cost nothing on a quiet one (0.126 s a pretraining
# step either way, 0.17 s or more without any). Read when PyTorch is first imported.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

__version__ = "0.1.0"
