"""Search for good settings on held-out blocks of the training pixels (`kedro tune`)."""
