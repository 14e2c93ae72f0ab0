"""What a pixel takes while its features are extracted."""

from bdgf.diffusion.unet import Denoiser, DenoiserSettings
from bdgf.features.memory import bytes_per_pixel


def denoiser(width=8, **modalities):
    settings = DenoiserSettings(width=width, multipliers=(1, 2), blocks=1, head_channels=8)
    return Denoiser(settings, modalities or {"optical": 4, "sar": 2}, 8)


def test_every_timestep_and_level_that_is_kept_takes_its_half_floats():
    network = denoiser()
    none = bytes_per_pixel(network, (0, 1), 0)
    assert bytes_per_pixel(network, (0,), 3) - none == 2 * 3 * 8
    assert bytes_per_pixel(network, (1,), 3) - none == 2 * 3 * 16 / 4
    assert bytes_per_pixel(network, (0, 1), 3) - none == 2 * 3 * (8 + 4)


def test_wider_networks_and_more_channels_take_more():
    least = bytes_per_pixel(denoiser(), (0,), 1)
    assert bytes_per_pixel(denoiser(width=16), (0,), 1) > 1.5 * least
    assert bytes_per_pixel(denoiser(optical=40, sar=2), (0,), 1) > least
    assert least >= 4 * 14 * 8
