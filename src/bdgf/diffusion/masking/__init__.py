"""Adaptive modality masking: which modalities are hidden, how often, and why."""
