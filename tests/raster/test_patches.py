"""Patches against brute force."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SettingsError
from bdgf.raster.interpolation import interpolate_cells
from bdgf.raster.patches import (
    SYMMETRIES,
    SceneTensors,
    gather_batch,
    gather_cells,
    level_patch,
    level_valid,
)


def brute_force(maps: np.ndarray, row: int, col: int, size: int, level: int) -> np.ndarray:
    radius = size // 2
    padded = np.pad(maps, ((0, 0), (radius, radius), (radius, radius)))
    top, left = row // 2**level, col // 2**level
    return padded[:, top : top + size, left : left + size]


def gather_patches(maps, rows, cols, size, level=0, symmetry=None) -> torch.Tensor:
    """(B, C, size, size) around pixels of the scene, of a map (C, h, w) at a level."""
    cells = maps.permute(1, 2, 0).contiguous()
    return gather_cells(cells, rows >> level, cols >> level, size, symmetry).permute(0, 3, 1, 2)


def symmetric(patch: torch.Tensor, number: int) -> torch.Tensor:
    if number >= 4:
        patch = patch.transpose(1, 2)
    return torch.rot90(patch, number % 4, (1, 2))


def make_arrays(height: int, width: int, levels: int = 3) -> SceneTensors:
    generator = torch.Generator().manual_seed(height * 100 + width)
    features = tuple(
        torch.randn(4 + level, -(-height // 2**level), -(-width // 2**level), generator=generator)
        for level in range(levels)
    )
    return SceneTensors(
        torch.randn(5, height, width, generator=generator),
        {"optical": slice(0, 3), "sar": slice(3, 5)},
        tuple(level.half() for level in features),
        tuple(torch.zeros(level.shape[0]) for level in features),
        tuple(torch.ones(level.shape[0]) for level in features),
    )


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    channels=st.integers(1, 4),
    radius=st.integers(0, 6),
    level=st.integers(0, 3),
    dtype=st.sampled_from([torch.float32, torch.float16, torch.uint8, torch.bool]),
    last=st.booleans(),
    data=st.data(),
)
def test_windows_equal_brute_force(height, width, channels, radius, level, dtype, last, data):
    coarse = (channels, -(-height // 2**level), -(-width // 2**level))
    maps = (torch.arange(int(np.prod(coarse))).view(coarse) % 97 + 1).to(dtype)
    if last:
        maps = maps.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    rows = data.draw(st.lists(st.integers(0, height - 1), min_size=1, max_size=5))
    cols = data.draw(st.lists(st.integers(0, width - 1), min_size=len(rows), max_size=len(rows)))
    size = 2 * radius + 1
    found = gather_patches(maps, torch.tensor(rows), torch.tensor(cols), size, level)
    wanted = [brute_force(maps.numpy(), r, c, size, level) for r, c in zip(rows, cols, strict=True)]
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.numpy(), np.stack(wanted))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_symmetries_turn_windows_of_every_level_alike(level):
    arrays = make_arrays(24, 20)
    maps, size = arrays.features[level], level_patch(11, level)
    rows, cols = torch.full((SYMMETRIES,), 3), torch.full((SYMMETRIES,), 14)
    plain = gather_patches(maps, rows, cols, size, level)
    turned = gather_patches(maps, rows, cols, size, level, torch.arange(SYMMETRIES))
    for number in range(SYMMETRIES):
        assert torch.equal(turned[number], symmetric(plain[number], number))
    assert len({tuple(w.flatten().tolist()) for w in turned}) == SYMMETRIES


def test_a_batch_turns_scene_features_and_masks_together():
    arrays = make_arrays(20, 20)
    valid = torch.rand(20, 20, generator=torch.Generator().manual_seed(0)) > 0.4
    masks = level_valid(valid, 3)
    rows, cols = torch.tensor([0, 9, 19]), torch.tensor([19, 4, 1])
    plain = gather_batch(arrays, masks, rows, cols, 11)
    turned = gather_batch(arrays, masks, rows, cols, 11, torch.tensor([1, 4, 6]))
    pairs = [
        (plain.scene, turned.scene),
        (plain.scene_inside, turned.scene_inside),
        *zip(plain.features, turned.features, strict=True),
        *zip(plain.features_inside, turned.features_inside, strict=True),
    ]
    assert len(pairs) == 8
    for before, after in pairs:
        for sample, number in enumerate((1, 4, 6)):
            assert torch.equal(after[sample], symmetric(before[sample], number))


def test_a_batch_gathers_the_levels_asked_for():
    arrays = make_arrays(9, 9)
    masks = level_valid(torch.ones(9, 9, dtype=torch.bool), 1)
    batch = gather_batch(arrays, masks, torch.tensor([4]), torch.tensor([4]), 5, levels=1)
    assert [tuple(level.shape) for level in batch.features] == [(1, 4, 5, 5)]
    assert batch.centres == ()


def test_a_batch_interpolates_the_features_at_its_pixels_on_demand():
    arrays = make_arrays(9, 9)
    valid = torch.rand(9, 9) > 0.3
    valid[4, 2:7] = True
    masks, rows, cols = level_valid(valid, 3), torch.full((5,), 4), torch.arange(2, 7)
    batch = gather_batch(arrays, masks, rows, cols, 5, torch.arange(5), centres=True)
    for level, found in enumerate(batch.centres):
        maps = arrays.features[level].permute(1, 2, 0)
        wanted = interpolate_cells(maps, masks[level][0], rows, cols, level)
        torch.testing.assert_close(found, wanted)  # whatever the patches' symmetry
    assert len(batch.centres) == 3


@pytest.mark.parametrize(
    ("patch", "widths"), [(11, (11, 7, 3)), (9, (9, 5, 3)), (1, (1, 1, 1)), (7, (7, 5, 3))]
)
def test_level_windows_are_odd_and_cover_the_patch(patch, widths):
    assert tuple(level_patch(patch, level) for level in range(3)) == widths
    assert all(width * 2**level >= patch for level, width in enumerate(widths))


def test_a_coarse_cell_is_valid_when_it_holds_a_valid_pixel():
    valid = torch.zeros(5, 7, dtype=torch.bool)
    valid[4, 6] = valid[0, 1] = True
    coarse = level_valid(valid, 3)
    assert [tuple(level.shape) for level in coarse] == [(1, 5, 7), (1, 3, 4), (1, 2, 2)]
    assert coarse[1][0].nonzero().tolist() == [[0, 0], [2, 3]]


def test_moving_keeps_the_values_and_lays_channels_last():
    arrays = make_arrays(6, 7)
    moved = arrays.to("cpu")
    assert torch.equal(moved.channels, arrays.channels)
    assert moved.channels.stride()[0] == 1
    assert moved.features[1].dtype == torch.float16
    assert moved.to("cpu").features[0].data_ptr() == moved.features[0].data_ptr()


def test_modalities_must_cover_the_channels():
    arrays = make_arrays(4, 4)
    assert arrays.modality_channels == {"optical": 3, "sar": 2}
    holes = SceneTensors(arrays.channels, {"optical": slice(0, 2), "sar": slice(3, 5)})
    with pytest.raises(SettingsError, match="'sar' has the channels 3:5 but 2 was expected"):
        _ = holes.modality_channels
    short = SceneTensors(arrays.channels, {"optical": slice(0, 3)})
    with pytest.raises(SettingsError, match="cover 3 channels of 5"):
        _ = short.modality_channels
