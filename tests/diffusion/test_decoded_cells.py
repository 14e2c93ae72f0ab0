"""The part of a decoder that is computed for a part of its input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.diffusion.decoded_cells import DecodedCells
from bdgf.diffusion.unet import Denoiser, DenoiserSettings, decoder_features
from bdgf.nn.group_norm import calibrate

SIDE = 96


@pytest.fixture(scope="module")
def inputs():
    torch.manual_seed(0)
    visible = torch.ones(1, 2, SIDE, SIDE)
    return torch.randn(1, 5, SIDE, SIDE), torch.tensor([50]), visible


def denoiser(inputs, levels, blocks):
    torch.manual_seed(1)
    multipliers = (1, 2, 2, 4)[:levels]
    chosen = DenoiserSettings(width=8, multipliers=multipliers, blocks=blocks, head_channels=8)
    network = Denoiser(chosen, {"optical": 3, "sar": 2}, tile=16).eval()
    for parameter in network.parameters():  # no path is zero, as in a fresh network
        torch.nn.init.normal_(parameter, std=0.2)
    with torch.no_grad():
        calibrate(network, lambda: network.decode(*inputs), inputs[2][:, :1])
    return network


spans = st.tuples(st.integers(0, SIDE - 1), st.integers(1, SIDE)).map(
    lambda pair: slice(pair[0], min(pair[0] + pair[1], SIDE))
)


@settings(deadline=None, max_examples=30)
@given(st.data(), spans, spans, st.integers(1, 4), st.integers(1, 3))
def test_a_part_is_the_same_part_of_the_whole(inputs, data, rows, columns, levels, blocks):
    network = denoiser(inputs, levels, blocks)
    finest = data.draw(st.integers(0, levels - 1))
    wanted = list(range(finest, levels))
    with torch.inference_mode():
        whole = decoder_features(network, *inputs, wanted)
        part = decoder_features(network, *inputs, wanted, (rows, columns))
    for level in wanted:
        own = whole[level][..., _cells(rows, level), _cells(columns, level)]
        torch.testing.assert_close(part[level], own)


def test_less_is_decoded_at_the_finer_levels():
    core = slice(40, 56), slice(40, 57)
    cells = DecodedCells((SIDE, SIDE), core, levels=3, finest=0, reach=4)
    assert cells.decoded == {
        0: ((36, 60), (36, 62)),
        1: ((14, 34), (14, 36)),
        2: ((0, 24), (0, 24)),
    }
    assert cells.asked[1] == ((20, 28), (20, 29))
    assert cells.within(1) == (slice(6, 14), slice(6, 15))
    assert cells.under(0) == (slice(4, 16), slice(4, 17))


def test_at_the_borders_no_cell_is_made_up():
    cells = DecodedCells((SIDE, SIDE), (slice(0, 8), slice(90, 96)), levels=2, finest=0, reach=4)
    assert cells.decoded[0] == ((0, 12), (86, 96))


def test_whole_is_all_of_it():
    cells = DecodedCells.whole((SIDE, SIDE), levels=3, finest=1)
    assert cells.decoded == {1: ((0, 48), (0, 48)), 2: ((0, 24), (0, 24))}
    assert cells.within(1) == (slice(0, 48), slice(0, 48))


def _cells(part, level):
    return slice(part.start >> level, -(-part.stop // 2**level))
