import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.diffusion.schedule import SCHEDULES, NoiseSchedule, ScheduleSettings

DIFFUSERS = {"linear": "linear", "cosine": "squaredcos_cap_v2"}


def peer(kind, steps=1000):
    return DDPMScheduler(
        num_train_timesteps=steps,
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule=DIFFUSERS[kind],
        clip_sample=False,
    )


def batch(seed=0, steps=1000):
    generator = torch.Generator().manual_seed(seed)
    x0, noise = torch.randn(2, 5, 3, 4, 4, generator=generator)
    return x0, noise, torch.randint(steps, (5,), generator=generator)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_tables_equal_those_of_diffusers(kind):
    schedule = NoiseSchedule(ScheduleSettings(kind=kind))
    torch.testing.assert_close(schedule.betas, peer(kind).betas, rtol=2e-5, atol=1e-7)
    torch.testing.assert_close(
        schedule.alphas_cumprod, peer(kind).alphas_cumprod, rtol=2e-4, atol=1e-7
    )


@pytest.mark.parametrize("kind", SCHEDULES)
def test_noising_and_velocity_equal_those_of_diffusers(kind):
    x0, noise, t = batch()
    schedule = NoiseSchedule(ScheduleSettings(kind=kind, prediction="v"))
    torch.testing.assert_close(
        schedule.q_sample(x0, noise, t), peer(kind).add_noise(x0, noise, t), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(
        schedule.target(x0, noise, t), peer(kind).get_velocity(x0, noise, t), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
@given(seed=st.integers(0, 1000), steps=st.integers(2, 300))
@settings(max_examples=20, deadline=None)
def test_the_target_and_what_is_seen_determine_signal_and_noise(prediction, seed, steps):
    x0, noise, t = batch(seed, steps)
    schedule = NoiseSchedule(ScheduleSettings(steps=steps, prediction=prediction))
    x_t, target = schedule.q_sample(x0, noise, t), schedule.target(x0, noise, t)
    level = schedule.alphas_cumprod[t].view(-1, 1, 1, 1)
    signal, spread = level.sqrt(), (1 - level).sqrt()
    found = {
        "epsilon": lambda: ((x_t - spread * target) / signal, target),
        "v": lambda: (signal * x_t - spread * target, spread * x_t + signal * target),
        "x0": lambda: (target, (x_t - signal * target) / spread),
    }[prediction]()
    torch.testing.assert_close(found[0], x0, rtol=1e-3, atol=2e-3)
    torch.testing.assert_close(found[1], noise, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_signal_fades(kind):
    level = NoiseSchedule(ScheduleSettings(kind=kind)).alphas_cumprod
    assert (level.diff() < 0).all()
    assert level[0] > 0.99
    assert level[-1] < 1e-4
