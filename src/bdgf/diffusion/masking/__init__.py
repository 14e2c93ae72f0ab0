"""Adaptive modality masking: which modalities are hidden, how often, and what the rates follow."""
