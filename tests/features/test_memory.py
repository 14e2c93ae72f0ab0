"""What is taken while features are extracted."""

import pytest

from bdgf.diffusion.unet import Denoiser, DenoiserSettings
from bdgf.features.memory import ExtractionMemory


def denoiser(width=8, **modalities):
    settings = DenoiserSettings(width=width, multipliers=(1, 2), blocks=1, head_channels=8)
    return Denoiser(settings, modalities or {"optical": 4, "sar": 2}, 8)


def per_pixel(network, levels, timesteps):
    return ExtractionMemory(network, levels, timesteps).per_pixel


def test_every_timestep_and_level_that_is_kept_takes_its_half_floats():
    network = denoiser()
    none = per_pixel(network, (0, 1), 0)
    assert per_pixel(network, (0,), 3) - none == 2 * 3 * 8
    assert per_pixel(network, (1,), 3) - none == 2 * 3 * 16 / 4
    assert per_pixel(network, (0, 1), 3) - none == 2 * 3 * (8 + 4)


def test_wider_networks_and_more_channels_take_more():
    least = per_pixel(denoiser(), (0,), 1)
    assert per_pixel(denoiser(width=16), (0,), 1) > 1.5 * least
    assert per_pixel(denoiser(optical=40, sar=2), (0,), 1) > least
    assert least >= 4 * 14 * 8


def test_pixels_that_only_the_encoder_sees_take_less():
    memory = ExtractionMemory(denoiser(), (0, 1), 3)
    assert memory.peak(100, 0) < memory.peak(100, 50) < memory.peak(100, 100)
    assert memory.peak(100, 100) == pytest.approx(100 * memory.per_pixel)


@pytest.mark.parametrize("halo", [0, 16])
@pytest.mark.parametrize("margin", [0, 8])
@pytest.mark.parametrize("memory", [1, 1e6, 1e8])
def test_the_largest_block_fits_and_the_next_does_not(memory, margin, halo):
    taken = ExtractionMemory(denoiser(), (0, 1), 3)
    side = taken.block_side(memory, margin=margin, halo=halo)
    reach = min(2, halo)  # of one residual block

    def peak(side):
        core = side + 2 * margin
        return taken.peak((core + 2 * halo) ** 2, (core + 2 * reach) ** 2)

    assert side % 8 == 0
    assert side == 8 or peak(side) <= memory
    assert peak(side + 8) > memory
