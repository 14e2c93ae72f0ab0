"""Resampling between the grids of a patch."""

import pytest
import torch

from bdgf.nn.resampling import (
    Resample,
    alignment_weights,
    centre_weights,
    pooling_weights,
    stage_size,
)


@pytest.mark.parametrize(("source", "target"), [(11, 6), (6, 3), (7, 7), (5, 1), (4, 3)])
def test_pooling_keeps_constants_means_and_symmetry(source, target):
    weights = pooling_weights(source, target)
    assert torch.allclose(weights.sum(1), torch.ones(target))
    assert torch.allclose(weights, weights.flip(0, 1), atol=1e-6)
    x = torch.randn(source)
    assert torch.allclose((weights @ x).mean(), x.mean(), atol=1e-6)  # no cell counts more


def test_alignment_reads_a_linear_map_at_the_places_of_the_cells():
    # A level-1 features of 7 cells whose value is the distance in pixels from its centre.
    features = (torch.arange(7.0) - 3) * 2
    cells = (torch.arange(6.0) + 0.5) * 11 / 6 - 5.5
    assert torch.allclose(alignment_weights(11, 6, 7, 1) @ features, cells, atol=1e-5)


def test_resampling_works_along_both_axes():
    grid = torch.randn(2, 11, 11, 4)
    weights = pooling_weights(11, stage_size(11, 1))
    wanted = torch.einsum("ir,js,brsc->bijc", weights, weights, grid)
    assert torch.allclose(Resample(weights)(grid), wanted, atol=1e-5)


@pytest.mark.parametrize(("size", "middle"), [(3, [4]), (2, [0, 1, 2, 3]), (6, [14, 15, 20, 21])])
def test_the_centre_is_the_middle_cell_or_the_middle_four(size, middle):
    weights = centre_weights(size)
    assert weights.nonzero().flatten().tolist() == middle
    assert weights.sum() == 1


def test_the_stages_of_a_patch_are_halved_and_never_empty():
    assert [stage_size(11, stage) for stage in range(5)] == [11, 6, 3, 2, 1]
    assert [stage_size(1, stage) for stage in range(3)] == [1, 1, 1]


def test_a_grid_of_the_same_size_is_not_touched():
    grid = torch.randn(2, 7, 7, 3)
    assert Resample(pooling_weights(7, 7))(grid) is grid
    assert Resample(alignment_weights(7, 7, 7, 0))(grid) is grid
    assert Resample(pooling_weights(7, 7).flip(0))(grid) is not grid


@pytest.mark.parametrize(("target", "source", "level"), [(6, 7, 1), (3, 3, 2), (11, 3, 2)])
def test_alignment_leaves_constants_alone(target, source, level):
    weights = alignment_weights(11, target, source, level)
    assert weights.shape == (target, source)
    assert (weights >= 0).all()
    assert torch.allclose(weights.sum(1), torch.ones(target))


def test_resampling_is_no_part_of_the_weights_on_disk():
    assert Resample(pooling_weights(11, 6)).state_dict() == {}
