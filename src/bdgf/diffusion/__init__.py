"""The masked multimodal DDPM: noise schedule, U-Net, loss, masking, pretraining."""
