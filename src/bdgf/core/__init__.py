"""Foundations: errors, settings, fingerprints, artifacts, compiled kernels."""
