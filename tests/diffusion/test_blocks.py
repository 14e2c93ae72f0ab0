"""The denoiser's parts."""

import pytest
import torch

from bdgf.diffusion.blocks import ResidualBlock, TimeEmbedding, WindowAttention


def filled(module):
    """The module with weight in every path."""
    with torch.no_grad():
        for parameter in module.parameters():
            if not parameter.any():
                parameter.normal_(std=0.2)
    return module


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_the_time_embedding_tells_all_steps_apart():
    steps = torch.arange(1000)
    found = TimeEmbedding(32, 16)(steps)
    assert found.shape == (1000, 16)
    apart = torch.cdist(found, found) + 9 * torch.eye(1000)
    assert apart.min() > 0


def test_the_time_embedding_begins_as_sines_and_cosines_of_the_step():
    embedding, seen = TimeEmbedding(4, 8), []
    embedding.layers.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    embedding(torch.tensor([3]))
    wanted = torch.tensor([3.0, 0.03])
    torch.testing.assert_close(seen[0][0], torch.cat([wanted.sin(), wanted.cos()]))


def test_a_residual_block_starts_as_its_shortcut():
    x, time = torch.randn(2, 8, 5, 5), torch.randn(2, 6)
    assert torch.equal(ResidualBlock(8, 8, 6)(x, time), x)
    wider = ResidualBlock(8, 12, 6)
    assert torch.equal(wider(x, time), wider.shortcut(x))


def test_a_residual_block_hears_the_time_of_each_sample():
    block, x, time = filled(ResidualBlock(8, 8, 6)), torch.randn(2, 8, 5, 5), torch.randn(2, 6)
    later = time.clone()
    later[1] += 1
    before, after = block(x, time), block(x, later)
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])


def test_attention_starts_as_the_identity():
    x = torch.randn(2, 8, 4, 8)
    assert torch.equal(WindowAttention(8, 4, 4)(x), x)


def test_attention_mixes_all_cells_of_a_window_and_no_two_windows():
    attention = filled(WindowAttention(8, 4, 4))
    # Frozen statistics: those of the whole map would tie its windows together.
    attention.norm.statistics = torch.stack([torch.zeros(2), torch.ones(2)])
    x = torch.randn(1, 8, 8, 12, requires_grad=True)
    (gradient,) = torch.autograd.grad(attention(x)[0, :, 5, 6].square().sum(), x)
    reached = gradient[0].abs().sum(0) > 0
    assert reached[4:8, 4:8].all()
    assert reached.sum() == 16


def test_windows_lie_on_a_grid_whatever_the_tile():
    attention = filled(WindowAttention(8, 4, 4))
    attention.norm.statistics = torch.stack([torch.zeros(2), torch.ones(2)])
    x = torch.randn(1, 8, 12, 12)
    torch.testing.assert_close(attention(x[..., 4:, 8:]), attention(x)[..., 4:, 8:])


@pytest.mark.parametrize(("channels", "head_channels", "heads"), [(16, 4, 4), (8, 32, 1)])
def test_heads_have_the_channels_asked_for_or_there_is_one(channels, head_channels, heads):
    assert WindowAttention(channels, 2, head_channels).heads == heads
