import pytest
import torch

from bdgf.diffusion.masking.balance_index import balance_index
from bdgf.diffusion.pretraining.tile_sampler import TileBatch
from bdgf.diffusion.pretraining.validation import HeldOutTiles
from bdgf.diffusion.schedule import NoiseSchedule, ScheduleSettings
from bdgf.diffusion.unet import Denoiser, DenoiserSettings


@pytest.mark.parametrize(
    ("explained", "index"),
    [([0.8, 0.4], 0.5), ([0.3, 0.3, 0.3], 1), ([0.9, -0.2], 0), ([-0.1, -0.2], 0)],
)
def test_balance_index(explained, index):
    assert balance_index(torch.tensor(explained)) == pytest.approx(index)


def validation(prediction="epsilon", tiles=6):
    generator = torch.Generator().manual_seed(0)
    x0 = torch.randn(tiles, 5, 8, 8, generator=generator)
    schedule = NoiseSchedule(ScheduleSettings(prediction=prediction))
    return HeldOutTiles(TileBatch(x0, torch.ones(tiles, 1, 8, 8)), schedule, (10, 200, 800))


def denoiser():
    torch.manual_seed(0)
    return Denoiser(
        DenoiserSettings(width=8, multipliers=(1,), blocks=1), {"optical": 3, "sar": 2}, 8
    )


@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
def test_a_denoiser_that_predicts_nothing_explains_nothing(prediction):
    fresh = denoiser()  # its head is zero
    metrics = validation(prediction).measure(fresh, fresh.state_dict(), batch=4)
    assert metrics["validation_loss_optical"] == pytest.approx(1, abs=0.1)
    assert metrics["explained_noise_sar"] == pytest.approx(0, abs=0.1)


def test_the_measure_does_not_depend_on_the_batch_and_uses_the_given_weights():
    network, measured = denoiser(), validation()
    tensors = {name: torch.randn_like(t) * 0.1 for name, t in network.state_dict().items()}
    one, other = (measured.measure(network, tensors, batch=n) for n in (1, 7))
    assert one == pytest.approx(other, rel=1e-4)
    assert one != measured.measure(network, network.state_dict(), batch=7)
    again = validation().measure(network, tensors, batch=7)
    assert again == other


def test_a_modality_is_measured_where_it_has_data_and_nowhere_is_no_measure():
    network = denoiser()
    tensors = {name: torch.randn_like(t) * 0.1 for name, t in network.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    x0, valid = torch.randn(4, 5, 8, 8, generator=generator), torch.ones(4, 1, 8, 8)
    schedule = NoiseSchedule(ScheduleSettings())

    def measured(present, values=x0):
        tiles = TileBatch(values, valid, present)
        return HeldOutTiles(tiles, schedule, (10, 200)).measure(network, tensors, batch=3)

    present = torch.ones(4, 2, 8, 8)
    assert measured(present) == measured(None)
    present[:, 1, 4:] = 0
    changed = x0.clone()
    changed[:, 3:, 4:] += 3  # of the SAR, where it is missing
    assert measured(present, changed) == measured(present)
    assert measured(present) != measured(None)
    present[:, 1] = 0
    assert set(measured(present)) == {
        *("balance_index", "validation_loss_optical", "explained_noise_optical")
    }
