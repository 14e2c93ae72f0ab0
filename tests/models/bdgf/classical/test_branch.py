"""The mixture of linear map and forest."""

import pytest
import torch

from bdgf.models.bdgf.classical.branch import ClassicalBranch, ClassicalSettings
from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings

PATCH, CHANNELS, CLASSES = 5, 3, 2


def make(levels=(), **changes) -> ClassicalBranch:
    torch.manual_seed(0)
    branch = ClassicalBranch(ClassicalSettings(**changes), CHANNELS, PATCH, CLASSES, levels)
    branch.linear.weight.normal_()
    return branch


def make_patches(batch: int = 4) -> torch.Tensor:
    patches = torch.randn(batch, PATCH, PATCH, CHANNELS + 1)
    patches[..., -1] = 1
    return patches


def test_it_mixes_the_two_by_their_shares():
    branch, patches = make(), make_patches()
    branch.shares.copy_(torch.tensor([0.75, 0.25]))
    linear = branch.linear(branch.describe_pixels(patches, [])).exp()
    assert torch.allclose(branch(patches, []).exp(), 0.75 * linear + 0.25 / 2, atol=1e-6)


def test_a_share_of_nothing_is_nothing():
    branch, patches = make(), make_patches()
    branch.shares.copy_(torch.tensor([0.0, 1.0]))
    assert torch.allclose(branch(patches, []).exp(), torch.full((4, CLASSES), 0.5))


def test_without_a_forest_it_is_the_linear_map():
    branch, patches = make(forest=ForestSettings(use=False)), make_patches()
    assert branch.forest is None
    linear = branch.linear(branch.describe_pixels(patches, []))
    assert torch.allclose(branch(patches, []), linear, atol=1e-6)


@pytest.mark.parametrize(
    ("levels", "components", "count"), [((), 30, 0), ((8, 4), 30, 12), ((8, 4), 5, 9), ((8,), 0, 0)]
)
def test_it_sees_components_where_there_are_features(levels, components, count):
    branch = make(levels, components=components)
    plain = make().describe.width
    assert branch.describe.width == plain + count
    assert (branch.components is None) == (count == 0)
    centres = [torch.randn(4, width) for width in branch.components.widths] if count else []
    assert branch(make_patches(), centres).shape == (4, CLASSES)


def test_mixed_precision_does_not_reach_it():
    branch, patches = make(), make_patches()
    wanted = branch(patches, [])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(branch(patches, []), wanted)


def test_what_is_embedded_is_zero_outside():
    embedded = make().embed(torch.full((2, CHANNELS), 3.0), torch.tensor([[True], [False]]))
    assert embedded.tolist() == [[3, 3, 3, 1], [0, 0, 0, 0]]


def test_nothing_is_left_for_an_optimiser():
    branch = make((8,))
    assert not list(branch.parameters())
    assert branch.size == branch.linear.size + 1
