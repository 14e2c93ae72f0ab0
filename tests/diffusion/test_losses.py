import numpy as np
import pytest
import torch

from bdgf.diffusion.losses import LossSettings, min_snr_weights, modality_sums, p_losses
from bdgf.diffusion.schedule import NoiseSchedule, ScheduleSettings
from bdgf.diffusion.unet import DenoiserOutput

CHANNEL_COUNTS = [3, 1]


class Guess(torch.nn.Module):
    """Gives fixed maps, whatever it sees, and keeps what it saw."""

    def __init__(self, shape):
        super().__init__()
        generator = torch.Generator().manual_seed(7)
        self.prediction = torch.nn.Parameter(torch.randn(shape, generator=generator))
        self.reconstruction = torch.nn.Parameter(torch.randn(shape, generator=generator))

    def forward(self, x_t, t, visible):
        self.visible = visible
        return DenoiserOutput(self.prediction, self.reconstruction)


def case(seed=0):
    generator = torch.Generator().manual_seed(seed)
    x0, noise = torch.randn(2, 4, 4, 6, 6, generator=generator)
    valid = torch.ones(4, 1, 6, 6)
    valid[1, :, :3] = 0
    visible = torch.ones(4, 2, 6, 6)
    visible[0, 0], visible[2, 1] = 0, 0
    return {
        "x0": x0 * valid,
        "valid": valid,
        "t": torch.tensor([3, 100, 500, 999]),
        "noise": noise,
        "visible": visible,
    }


def schedule_of(prediction):
    return NoiseSchedule(ScheduleSettings(prediction=prediction))


def losses(batch, guess, prediction="epsilon", **chosen):
    return p_losses(
        guess,
        schedule_of(prediction),
        **batch,
        channel_counts=CHANNEL_COUNTS,
        settings=LossSettings(**chosen),
    )


def by_hand(batch, guess, average, weight):
    error = ((guess.prediction - batch["noise"]) ** 2).detach().numpy()
    rebuilt = ((guess.reconstruction - batch["x0"]) ** 2).detach().numpy()
    seen, hidden = [[], []], [[], []]
    for b, c, y, x in np.ndindex(error.shape):
        m = int(c == 3)
        if not batch["valid"][b, 0, y, x]:
            continue
        if batch["visible"][b, m, y, x]:
            seen[m].append(error[b, c, y, x])
        else:
            hidden[m].append(rebuilt[b, c, y, x])
    counts = [len(s) + len(h) for s, h in zip(seen, hidden, strict=True)]
    if average == "modality":
        total = sum(np.mean(s) for s in seen) / 2
        total += weight * np.mean([sum(h) / n for h, n in zip(hidden, counts, strict=True)])
    else:
        total = np.mean(seen[0] + seen[1]) + weight * sum(map(sum, hidden)) / sum(counts)
    return total, [np.mean(s) for s in seen], [np.mean(h) for h in hidden]


@pytest.mark.parametrize("average", ["modality", "element"])
def test_losses_equal_those_summed_one_by_one(average):
    batch, guess = case(), Guess((4, 4, 6, 6))
    loss = losses(batch, guess, loss_average=average, reconstruction_weight=0.3)
    total, seen, hidden = by_hand(batch, guess, average, 0.3)
    assert loss.total.item() == pytest.approx(total, rel=1e-5)
    assert loss.denoising.tolist() == pytest.approx(seen, rel=1e-5)
    assert loss.reconstruction.tolist() == pytest.approx(hidden, rel=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
def test_min_snr_weighs_the_error_of_the_clean_scene_up_to_the_limit(prediction):
    # An error of x0 alone: what the target's error weighs, that of x0 weighs min(SNR, limit).
    schedule, limit = schedule_of(prediction), 5.0
    x0, noise = torch.randn(2, 1000, 1, 1, 1, dtype=torch.float64)
    t = torch.arange(1000)
    guessed, level = x0 + 0.1, schedule.alphas_cumprod.double().view(-1, 1, 1, 1)
    x_t = schedule.q_sample(x0, noise, t)
    noise_guessed = (x_t - level.sqrt() * guessed) / (1 - level).sqrt()
    error = schedule.target(guessed, noise_guessed, t) - schedule.target(x0, noise, t)
    weighted = min_snr_weights(schedule, limit) * error.flatten() ** 2
    expected = (level / (1 - level)).clamp(max=limit).flatten()
    torch.testing.assert_close(weighted / weighted[-1], expected / expected[-1], rtol=1e-3, atol=0)
    assert min_snr_weights(schedule, limit).mean() == pytest.approx(1)


@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
def test_weights_are_numbers_where_no_signal_is_left(prediction):
    steep = ScheduleSettings(beta_start=0.5, beta_end=0.99, prediction=prediction)
    assert not NoiseSchedule(steep).alphas_cumprod[-1]
    weights = min_snr_weights(NoiseSchedule(steep), 5.0)
    assert weights.isfinite().all()
    assert weights.min() >= 0


@pytest.mark.parametrize("average", ["modality", "element"])
def test_weights_of_steps_change_what_is_learnt_and_not_what_is_logged(average):
    batch, guess = case(), Guess((4, 4, 6, 6))
    plain = losses(batch, guess, loss_average=average, reconstruction_weight=0)
    weighed = losses(
        batch, guess, loss_average=average, reconstruction_weight=0, timestep_weight="min_snr"
    )
    assert torch.equal(plain.denoising, weighed.denoising)
    weights = min_snr_weights(schedule_of("epsilon"), 5.0)[batch["t"]]
    weighed.total.backward()
    gradient, guess.prediction.grad = guess.prediction.grad, None
    plain.total.backward()
    torch.testing.assert_close(gradient, guess.prediction.grad * weights.view(-1, 1, 1, 1))


@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
def test_nodata_never_counts(prediction):
    batch, guess = case(), Guess((4, 4, 6, 6))
    plain = losses(batch, guess, prediction)
    plain.total.backward()
    assert not guess.prediction.grad[1, :, :3].any()
    assert not guess.reconstruction.grad[1, :, :3].any()
    assert not guess.visible[1, :, :3].any()
    batch["noise"] = torch.where(batch["valid"] > 0, batch["noise"], 1e6)
    assert torch.equal(losses(batch, guess, prediction).total, plain.total)


def test_what_is_hidden_has_no_noise_to_predict():
    batch, guess = case(), Guess((4, 4, 6, 6))
    losses(batch, guess).total.backward()
    assert not guess.prediction.grad[0, :3].any()
    assert guess.reconstruction.grad[0, :3].any()
    assert guess.prediction.grad[0, 3].any()
    assert not guess.reconstruction.grad[3].any()


def test_a_modality_hidden_throughout_has_no_denoising_loss():
    batch, guess = case(), Guess((4, 4, 6, 6))
    batch["visible"][:, 1] = 0
    loss = losses(batch, guess)
    assert loss.total.isfinite()
    assert loss.denoising.isnan().tolist() == [False, True]


def test_sums_keep_modalities_apart():
    values = torch.ones(2, 4, 5, 5)
    values[:, 3] = torch.nan
    sums = modality_sums(values, CHANNEL_COUNTS)
    assert sums[0] == 150
    assert sums[1].isnan()


@pytest.mark.parametrize("average", ["modality", "element"])
def test_planes_that_are_alike_give_the_loss_of_one(average):
    batch, guess = case(), Guess((4, 4, 6, 6))
    one = losses(batch, guess, loss_average=average)
    planes = batch | {"valid": batch["valid"].expand(-1, 2, -1, -1)}
    for name, value in vars(losses(planes, guess, loss_average=average)).items():
        assert torch.equal(value, getattr(one, name))


@pytest.mark.parametrize("average", ["modality", "element"])
def test_where_a_modality_is_missing_its_values_and_errors_do_not_count(average):
    batch, guess = case(), Guess((4, 4, 6, 6))
    planes = batch["valid"].repeat(1, 2, 1, 1)
    planes[3, 1, 2:] = 0  # of the fourth tile's last channel
    batch |= {"valid": planes}
    first = losses(batch, guess, loss_average=average)
    assert not guess.visible[3, 1, 2:].any()
    assert guess.visible[3, 0].all()
    with torch.no_grad():
        guess.prediction[3, 3, 2:] += 5
        guess.reconstruction[3, 3, 2:] += 5
    for name, value in vars(losses(batch, guess, loss_average=average)).items():
        assert torch.equal(value, getattr(first, name))
