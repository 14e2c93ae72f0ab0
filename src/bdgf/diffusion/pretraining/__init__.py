"""Pretraining of the denoiser on the tiles of one scene, without labels."""
