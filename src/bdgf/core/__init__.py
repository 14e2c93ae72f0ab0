"""What everything stands on: errors, settings, fingerprints, artifacts, compiled kernels."""
