"""Tiles of several scenes together."""

import dataclasses

import numpy as np
import pytest
import torch

from bdgf.core.errors import SceneError
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.diffusion.pretraining.tile_pool import tiles_of
from bdgf.diffusion.pretraining.tile_sampler import TileSource

SETTINGS = PretrainSettings(tile=8, denoiser={"width": 8, "multipliers": (1, 2), "blocks": 1})


def numbered(number: int, rows: int, columns: int, valid: float = 1.0) -> PretrainingData:
    """A scene of which every pixel tells the scene's number."""
    channels = np.full((2, rows, columns), float(number), np.float32)
    mask = np.zeros((rows, columns), bool)
    mask[: round(valid * rows)] = True
    return PretrainingData(channels, mask, {"a": 1, "b": 1}, name=f"scene {number}")


def together(first: PretrainingData, *others: PretrainingData) -> PretrainingData:
    return dataclasses.replace(first, others=others)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_tiles_are_drawn_in_proportion_to_valid_pixels() -> None:
    # 8,000, 3,200 and 800 valid pixels: 2/3, 4/15 and 1/15 of the tiles.
    data = together(numbered(1, 80, 100), numbered(2, 80, 80, 0.5), numbered(3, 20, 40))
    batch = tiles_of(data, SETTINGS).draw(6000, generator())
    of_scene = batch.x0.amax(dim=(1, 2, 3)).long()
    shares = torch.bincount(of_scene, minlength=4)[1:] / 6000
    torch.testing.assert_close(shares, torch.tensor([10, 4, 1]) / 15, atol=0.03, rtol=0)


def test_the_parts_of_a_draw_are_the_whole() -> None:
    tiles = tiles_of(together(numbered(1, 40, 40), numbered(2, 24, 56)), SETTINGS)
    parts = [tiles.draw(9, generator(), part) for part in (slice(0, 4), slice(4, 9))]
    whole = tiles.draw(9, generator())
    assert torch.equal(torch.cat([part.x0 for part in parts]), whole.x0)
    assert torch.equal(torch.cat([part.valid for part in parts]), whole.valid)


def test_a_tile_is_of_one_scene_and_they_come_mixed() -> None:
    data = together(numbered(1, 40, 40), numbered(2, 24, 56))
    batch = tiles_of(data, SETTINGS).draw(200, generator())
    values = [set(tile[there.expand_as(tile) > 0].tolist()) for tile, there in zip(
        batch.x0, batch.valid, strict=True)]  # fmt: skip
    assert all(len(found) == 1 for found in values)
    order = [found.pop() for found in values]
    assert set(order) == {1.0, 2.0}
    assert order != sorted(order)  # a batch's places are timesteps: they must not sort scenes


def test_drawing_repeats_with_the_seed() -> None:
    tiles = tiles_of(together(numbered(1, 40, 40), numbered(2, 24, 56)), SETTINGS)
    assert torch.equal(tiles.draw(9, generator(3)).x0, tiles.draw(9, generator(3)).x0)
    assert not torch.equal(tiles.draw(99, generator(3)).x0, tiles.draw(99, generator(4)).x0)


def test_tiles_of_every_scene_are_held_out_but_of_those_too_small() -> None:
    data = together(numbered(1, 40, 40), numbered(2, 24, 56), numbered(3, 8, 8))
    batch = tiles_of(data, SETTINGS).validation()
    assert set(batch.x0.unique().tolist()) == {1.0, 2.0}
    alone = tiles_of(together(numbered(3, 8, 8), numbered(4, 8, 8)), SETTINGS)
    assert set(alone.validation().x0.unique().tolist()) == {3.0, 4.0}


def test_a_mask_of_one_scene_gives_all_of_them_masks() -> None:
    masked = numbered(2, 40, 40)
    there = np.stack([masked.valid, np.zeros_like(masked.valid)])
    data = together(numbered(1, 40, 40), dataclasses.replace(masked, present=there))
    batch = tiles_of(data, SETTINGS).draw(40, generator())
    assert batch.present is not None
    of_scene = batch.x0.amax(dim=(1, 2, 3))
    of_first = batch.present[of_scene == 1]
    assert torch.equal(of_first, batch.valid[of_scene == 1].expand_as(of_first))
    assert not batch.present[of_scene == 2][:, 1].any()


def test_one_scene_alone_is_what_it_always_was() -> None:
    tiles = tiles_of(numbered(1, 40, 40), SETTINGS)
    assert isinstance(tiles, TileSource)


def test_a_scene_without_data_is_refused() -> None:
    with pytest.raises(SceneError, match="no valid pixel"):
        tiles_of(together(numbered(1, 40, 40), numbered(2, 40, 40, 0.0)), SETTINGS)
