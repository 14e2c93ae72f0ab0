"""Training and mapping for any network that classifies a patch's centre pixel."""
