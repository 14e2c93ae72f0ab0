"""The fast network: what it sees, and what it does not."""

import pytest
import torch

from bdgf.inference.fast.network import FastNetwork, dilations

MODALITIES = {"optical": 3, "height": 1}


@pytest.mark.parametrize(("reach", "depth"), [(0, 3), (5, 6), (14, 6), (15, 2)])
def test_the_blocks_see_as_far_as_is_asked(reach, depth):
    found = dilations(reach, depth)
    assert sum(found) >= reach
    assert len(found) >= depth
    assert (sum(found) > 0) == (reach > 0)


def planes(side, seed=0):
    generator = torch.Generator().manual_seed(seed)
    present = torch.ones(1, side, side, 2)
    valid = torch.ones(1, side, side, 1)
    return torch.randn(1, side, side, 4, generator=generator), present, valid


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = FastNetwork(MODALITIES, 5, 8, dilations(5, 4))
    with torch.no_grad():
        for parameter in network.parameters():  # so that every block does something
            if not parameter.any():
                parameter.normal_(std=0.3)
    return network.eval()


@torch.inference_mode()
def test_a_pixel_sees_its_reach_and_nothing_beyond(network):
    reach, side = network.reach, 2 * network.reach + 3
    channels, present, valid = planes(side)
    before = network(channels, present, valid)
    assert before.shape == (1, 3, 3, 5)
    beyond = channels.clone()
    beyond[0, 0] += 5  # the first row: only the first row of the result sees it
    after = network(beyond, present, valid)
    torch.testing.assert_close(after[0, 1:], before[0, 1:], rtol=0, atol=0)
    assert not torch.allclose(after[0, 0], before[0, 0])
    seen = channels.clone()
    seen[0, 1 + reach + reach, 1 + reach] += 5
    assert not torch.equal(network(seen, present, valid)[0, 1, 1], before[0, 1, 1])


@torch.inference_mode()
def test_what_has_no_data_is_as_what_lies_beyond_the_raster(network):
    reach = network.reach
    side = 4 * reach
    channels, present, valid = planes(side)
    valid[:, :reach] = 0  # the upper rows are invalid, here with values in them
    inside = network(channels, present * valid, valid)
    cleared = channels * valid
    torch.testing.assert_close(network(cleared, present * valid, valid), inside)
