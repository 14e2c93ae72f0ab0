"""The training loop, checkpoints, devices and progress, and what is trained with them."""
