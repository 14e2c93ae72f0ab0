"""Interpolation of a level's cells at pixels, beside torch's and a brute-force loop."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from bdgf.raster.interpolation import interpolate_cells


def all_pixels(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    grid = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return grid[0].flatten(), grid[1].flatten()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3))
def test_it_is_torchs_bilinear_interpolation_where_all_is_valid(height, width, channels, level):
    maps = torch.randn(channels, height, width)
    rows, cols = all_pixels(height << level, width << level)
    found = interpolate_cells(
        maps.permute(1, 2, 0), torch.ones(height, width, dtype=torch.bool), rows, cols, level
    )
    wanted = functional.interpolate(
        maps[None], scale_factor=float(2**level), mode="bilinear", align_corners=False
    )
    torch.testing.assert_close(found, wanted[0].flatten(1).T, atol=1e-5, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.integers(0, 2**16))
def test_cells_without_data_count_nowhere(height, width, level, seed):
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(height, width, 2)).astype(np.float32)
    valid = rng.random((height, width)) > 0.4
    maps[~valid] = np.nan
    rows, cols = all_pixels(height << level, width << level)
    found = interpolate_cells(
        torch.from_numpy(maps), torch.from_numpy(valid), rows, cols, level
    ).numpy()
    size = 2**level
    for row, col, value in zip(rows.tolist(), cols.tolist(), found, strict=True):
        weights = np.zeros((height, width))
        for r in range(height):
            for c in range(width):
                apart = [(p + 0.5) / size - (q + 0.5) for p, q in ((row, r), (col, c))]
                weights[r, c] = valid[r, c] * np.prod([max(1 - abs(a), 0) for a in apart])
        if not weights.any():
            assert (value == 0).all()
            continue
        weights /= weights.sum()
        wanted = (weights[valid][:, None] * maps[valid]).sum(0)
        np.testing.assert_allclose(value, wanted, atol=1e-5)


def test_a_part_of_the_map_gives_the_same_for_the_pixels_inside_it():
    maps, valid = torch.randn(9, 5, 3), torch.rand(9, 5) > 0.2
    rows, cols = all_pixels(18, 10)
    whole = interpolate_cells(maps, valid, rows, cols, 1)
    inside = (rows >= 8) & (rows < 12)
    part = interpolate_cells(maps[3:7], valid[3:7], rows[inside], cols[inside], 1, first_row=3)
    torch.testing.assert_close(part, whole[inside])
