"""The masked multimodal DDPM: noise schedule, masking, denoiser, objective, dense features."""
