"""All models behind one interface: BDGF and its baselines."""
