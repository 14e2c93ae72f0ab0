"""The parts of the multimodal transformer."""

import pytest
import torch

from bdgf.core.errors import SettingsError
from bdgf.models.baselines.mft import (
    CrossPatchLayer,
    HeterogeneousConvolution,
    MultimodalTransformer,
    MultimodalTransformerSettings,
    Tokenizer,
)


@pytest.mark.parametrize("wrong", [{"heads": 3}, {"groups": 3}])
def test_heads_and_groups_divide_the_width(wrong):
    settings = MultimodalTransformerSettings(**{"width": 8, "heads": 2, "groups": 4, **wrong})
    with pytest.raises(SettingsError, match=f"baselines.mft.{next(iter(wrong))}"):
        MultimodalTransformer(settings, {"optical": 2, "sar": 1}, ["optical"], 5, 3)


def test_tokens_are_weighted_means_of_projected_pixels():
    torch.manual_seed(0)
    tokenizer, maps = Tokenizer(6, 3), torch.randn(2, 6, 4, 4)
    tokens = tokenizer(maps)
    projected = tokenizer.value(maps.flatten(2).transpose(1, 2))
    assert tokens.shape == (2, 3, 6)
    assert (tokens <= projected.amax(1, keepdim=True)).all()
    assert (tokens >= projected.amin(1, keepdim=True)).all()
    constant = torch.ones(1, 6, 4, 4)
    torch.testing.assert_close(
        tokenizer(constant), tokenizer.value(torch.ones(1, 1, 6)).expand(1, 3, 6)
    )


def test_the_class_token_does_not_mind_the_order_of_the_patch_tokens():
    torch.manual_seed(0)
    layer = CrossPatchLayer(MultimodalTransformerSettings(width=8, heads=2)).eval()
    asking, asked = torch.randn(3, 1, 8), torch.randn(3, 5, 8)
    torch.testing.assert_close(layer(asking, asked), layer(asking, asked.flip(1)))
    assert not torch.allclose(layer(asking, asked), layer(asking, asked.flip(2)))


def test_the_heterogeneous_convolution_mixes_all_channels_at_a_cell_and_its_group_around():
    torch.manual_seed(0)
    layer = HeterogeneousConvolution(8, 4)
    maps = torch.zeros(1, 8, 5, 5, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(maps)[0, 0, 2, 2], maps)
    reached = gradient[0] != 0
    assert reached[:, 2, 2].all()
    assert reached[:2, 1:4, 1:4].all()
    assert not reached[2:, 1, 1].any()
