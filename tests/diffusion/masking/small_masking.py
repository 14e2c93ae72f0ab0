"""Maskings that have watched the same step many times."""

import math

import torch

from bdgf.diffusion.masking.signals import Observation

CPU = torch.device("cpu")


def observed(masking, losses, times=200):
    for _ in range(times):
        masking.observe(Observation(torch.tensor(losses)))
    return masking


def shares_observed(masking, shares, times=200):
    for _ in range(times):
        masking.observe(Observation(torch.full((len(shares),), math.nan), torch.tensor(shares)))
    return masking
