import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.diffusion.masking.settings import SensitivityProbeSettings
from bdgf.diffusion.pretraining.modality_sensitivity import (
    SensitivityProbe,
    feature_shares,
    relative_change,
)
from bdgf.diffusion.pretraining.tile_sampler import TileBatch
from bdgf.diffusion.schedule import NoiseSchedule, ScheduleSettings
from bdgf.diffusion.unet import Denoiser, DenoiserSettings

CHOSEN = SensitivityProbeSettings(tiles=3, timesteps=(50, 200))
MODALITIES = {"optical": 3, "sar": 2, "height": 1}


def denoiser(seed=0):
    torch.manual_seed(seed)
    return Denoiser(DenoiserSettings(width=8, multipliers=(1, 2), blocks=1), MODALITIES, 8)


def tiles(count=5, invalid=0):
    generator = torch.Generator().manual_seed(0)
    x0 = torch.randn(count, 6, 8, 8, generator=generator)
    valid = torch.ones(count, 1, 8, 8)
    valid[:, :, :, 8 - invalid :] = 0
    return TileBatch(x0 * valid, valid)


def probe(batch, chosen=CHOSEN):
    return SensitivityProbe(batch, NoiseSchedule(ScheduleSettings()), chosen)


def blind_to(network, modality):
    """Makes the network's stem ignore a modality and its visibility plane."""
    order = list(MODALITIES)
    start = sum(MODALITIES[name] for name in order[: order.index(modality)])
    with torch.no_grad():
        network.stem.weight[:, start : start + MODALITIES[modality]] = 0
        network.stem.weight[:, sum(MODALITIES.values()) + order.index(modality)] = 0
    return network


@pytest.mark.parametrize("blind", MODALITIES)
def test_a_modality_that_the_network_ignores_changes_nothing(blind):
    change = probe(tiles()).change(blind_to(denoiser(), blind))
    assert change.shape == (2, 3)  # (levels, M)
    for m, name in enumerate(MODALITIES):
        assert (change[:, m] == 0).all() if name == blind else (change[:, m] > 0).all()
    assert feature_shares(change)[list(MODALITIES).index(blind)] == 0


def test_the_change_is_that_of_the_decoder_without_the_modality():
    network, batch = denoiser(), tiles(count=2, invalid=3)
    measured = probe(batch, SensitivityProbeSettings(tiles=2, timesteps=(100,)))
    change = measured.change(network)
    seen = batch.valid.expand(-1, 3, -1, -1)
    hidden = seen * torch.tensor([1.0, 0.0, 1.0]).view(1, 3, 1, 1)
    with torch.no_grad():
        full = network.decode(measured._x_t, measured._t, seen)
        less = network.decode(measured._x_t, measured._t, hidden)
    for level, (one, other) in enumerate(zip(full, less, strict=True)):
        width = one.shape[3]
        cells = [c for c in range(width) if c * 8 // width < 5]  # the first of 5 valid columns
        one, other = one[..., cells], other[..., cells]
        expected = float(((one - other) ** 2).sum() / (one**2).sum())
        assert float(change[level, 1]) == pytest.approx(expected, rel=1e-4)


def test_given_weights_are_measured_and_the_network_keeps_its_own():
    network, other, batch = denoiser(), denoiser(seed=1), tiles()
    before = {name: t.clone() for name, t in network.state_dict().items()}
    measured = probe(batch).change(network, other.state_dict())
    assert torch.equal(measured, probe(batch).change(other))
    assert not torch.equal(measured, probe(batch).change(network))
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_measuring_does_not_move_the_global_generator():
    before = torch.get_rng_state()
    probe(tiles()).change(denoiser())  # makes a network, which draws
    torch.set_rng_state(before)
    network, batch = denoiser(), tiles()
    state = torch.get_rng_state()
    probe(batch).change(network)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("held_out", [1, 2, 7])
def test_no_more_tiles_than_there_are(held_out):
    measured = probe(tiles(count=held_out))
    assert len(measured._x_t) == 2 * min(3, held_out)


hundredths = st.integers(0, 1000).map(lambda n: n / 100)


@given(st.lists(st.lists(hundredths, min_size=3, max_size=3), min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_shares_add_up_to_one(change):
    shares = feature_shares(torch.tensor(change))
    assert shares.sum().item() == pytest.approx(1, abs=1e-4)
    assert (shares >= 0).all()


def test_a_level_weighs_as_much_as_another_however_large_its_change():
    shares = feature_shares(torch.tensor([[0.001, 0.003], [9.0, 3.0]]))
    assert shares.tolist() == pytest.approx([0.5, 0.5])


def test_features_without_activation_do_not_change():
    nothing = torch.zeros(1, 2, 4, 4)
    assert relative_change(nothing, nothing, torch.ones(1, 1, 4, 4)) == 0
