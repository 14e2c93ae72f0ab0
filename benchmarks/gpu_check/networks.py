"""Training steps of both networks: loss, gradients, the optimiser, and some steps in a row."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bdgf.diffusion.losses import LossSettings, p_losses
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.diffusion.schedule import NoiseSchedule
from bdgf.diffusion.unet import load_denoiser
from bdgf.models.patch.consistency import Consistency
from bdgf.models.patch.mutual_learning import classification_loss
from bdgf.nn.dropout import Dropout
from bdgf.raster.patches import PatchBatch, gather_batch, level_valid
from bdgf.training.optimizer import OptimizationSettings, make_optimizer
from benchmarks.gpu_check.closeness import EXACT, MIXED, exact_float32, spread, worst
from benchmarks.gpu_check.record import Record, Setting
from benchmarks.patches import PATCH, random_pixels
from benchmarks.scenes import (
    COAST_CLASSES,
    base_settings,
    classifier_for,
    denoiser_weights,
    scene_arrays,
    train_settings,
)

STEPS, FEW_STEPS = 6, 2


class Trainee(NamedTuple):
    """A network on its device, and the loss of one step that is always the same."""

    module: nn.Module
    loss: Callable[[], Tensor]


Maker = Callable[[str], Trainee]


def denoiser(setting: Setting, record: Record) -> None:
    """The denoiser's training step with noise and masks drawn on the CPU."""
    environment = "test" if setting.tiny else "base"
    settings = base_settings("pretrain", PretrainSettings, environment)
    weights, batch = denoiser_weights(environment), 2 if setting.tiny else 8

    def make(device: str) -> Trainee:
        module = load_denoiser(weights, device).train()
        counts = list(module.modalities.values())
        generator = torch.Generator().manual_seed(0)
        shape = batch, settings.tile, settings.tile
        x0, noise = (
            torch.randn(shape[0], sum(counts), *shape[1:], generator=generator).to(device)
            for _ in range(2)
        )
        seen = torch.rand(shape[0], len(counts), 1, 1, generator=generator) > 0.4
        visible = seen.float().expand(-1, -1, *shape[1:]).to(device)
        valid = (torch.rand(shape, generator=generator) > 0.1).float()[:, None].to(device)
        t = torch.linspace(0, settings.schedule.steps - 1, batch).long().to(device)
        schedule = NoiseSchedule(settings.schedule, device)

        def loss() -> Tensor:
            arguments = (x0, valid, t, noise, visible, counts, LossSettings())
            return p_losses(module, schedule, *arguments).total

        return Trainee(module, loss)

    compare_steps(setting, record, make, settings.optimization)


def classifier(setting: Setting, record: Record) -> None:
    """The three-branch network's training step, with labels and with consistency."""
    side, batch = (24, 8) if setting.tiny else (96, 64)
    changes = {"batch_size": batch, "epochs": 1, "batches_per_epoch": 2}
    settings = train_settings("auto", 0, **changes)
    _compare_patches(setting, record, side, batch)

    def make(device: str) -> Trainee:
        arrays = scene_arrays((side, side))
        module = classifier_for(arrays).to(device).train()
        for part in module.modules():
            if isinstance(part, Dropout):
                part.rate = 0.0  # its draws are each device's own
        teacher = {name: t.detach().clone() for name, t in module.state_dict().items()}
        arrays = arrays.to(device)
        valid = level_valid(_holes(side).to(device), len(arrays.features))
        rows, cols = (index.to(device) for index in random_pixels(arrays, batch))
        targets = torch.arange(batch, device=device) % COAST_CLASSES
        turns = (torch.arange(batch) % 8).to(device)
        consistency = Consistency(arrays, valid, module, settings, 0)

        def loss() -> Tensor:
            output = module(gather_batch(arrays, valid, rows, cols, PATCH, turns, module.levels))
            terms = classification_loss(
                output.logits, output.embeddings, targets, settings.mutual_learning
            )
            return terms["loss"] + consistency.loss(0, module, teacher)

        return Trainee(module, loss)

    compare_steps(setting, record, make, settings.optimization)


def _holes(side: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(side, side, generator=generator) > 0.1


def _compare_patches(setting: Setting, record: Record, side: int, batch: int) -> None:
    # Gathered patches are copies: they are equal to the last bit.
    def patches(device: str) -> PatchBatch:
        arrays = scene_arrays((side, side)).to(device)
        valid = level_valid(_holes(side).to(device), len(arrays.features))
        rows, cols = (index.to(device) for index in random_pixels(arrays, batch))
        turns = (torch.arange(batch) % 8).to(device)
        return gather_batch(arrays, valid, rows, cols, PATCH, turns, centres=True)

    expected, found = patches("cpu"), patches(setting.device)
    pairs = [(found.scene, expected.scene), (found.scene_inside, expected.scene_inside)]
    pairs += list(zip(found.features, expected.features, strict=True))
    pairs += list(zip(found.features_inside, expected.features_inside, strict=True))
    unequal = sum(not torch.equal(a.cpu(), b) for a, b in pairs)
    record.check("gathered patches, maps that differ", unequal, 0)
    error = spread(found.centres, expected.centres)
    record.check("features interpolated at the pixels", error, 1e-6, EXACT)


def compare_steps(
    setting: Setting, record: Record, make: Maker, optimization: OptimizationSettings
) -> None:
    """Notes how the device's steps differ from the CPU's.

    Args:
        setting: Where to compute.
        record: Takes the differences.
        make: Makes the network and its loss on a device; always the same.
        optimization: Of the optimiser.
    """
    known_loss, known = _gradients(make("cpu"), nullcontext())
    drawn = make("cpu")
    torch.manual_seed(1)
    record.check(
        "loss with other draws, which must not matter", worst(drawn.loss(), known_loss), 1e-6
    )
    with exact_float32():
        loss, found = _gradients(make(setting.device), nullcontext())
        record.check("loss", worst(loss, known_loss), 1e-5, EXACT)
        error = spread(list(found.values()), list(known.values()))
        record.check("gradients", error, 2e-4, EXACT)
        errors = {name: spread([found[name]], [g]) for name, g in known.items() if g.any()}
        name = max(errors, key=lambda key: errors[key])
        record.note("parameter whose gradient differs most", [name, errors[name]])
        error = spread(*(_updated(make(d), known, optimization) for d in (setting.device, "cpu")))
        record.check("weights after the optimiser's step with equal gradients", error, 1e-6, EXACT)
        steps = FEW_STEPS if setting.tiny else STEPS
        here, there = (
            _losses(make(device), optimization, steps) for device in (setting.device, "cpu")
        )
        record.note("losses on the device", here)
        record.note("losses on the CPU", there)
        error = max(abs(a - b) / abs(b) for a, b in zip(here, there, strict=True))
        record.check(f"losses of {steps} steps", error, 5e-4, EXACT)
    torch.set_float32_matmul_precision("high")
    loss, found = _gradients(make(setting.device), torch.autocast(setting.device, torch.bfloat16))
    record.check("loss", worst(loss, known_loss), 2e-3, MIXED)
    error = spread(list(found.values()), list(known.values()))
    record.check("gradients", error, 5e-2, MIXED)


def _gradients(
    trainee: Trainee, precision: AbstractContextManager[object]
) -> tuple[Tensor, dict[str, Tensor]]:
    with precision:
        loss = trainee.loss()
    loss.backward()
    parameters = trainee.module.named_parameters()
    return loss.detach(), {name: p.grad for name, p in parameters if p.grad is not None}


def _updated(
    trainee: Trainee, gradients: dict[str, Tensor], settings: OptimizationSettings
) -> list[Tensor]:
    optimizer = make_optimizer(trainee.module, settings)
    parameters = dict(trainee.module.named_parameters())
    for name, gradient in gradients.items():
        parameters[name].grad = gradient.to(parameters[name].device)
    optimizer.step()
    return [parameters[name].detach() for name in gradients]


def _losses(trainee: Trainee, settings: OptimizationSettings, steps: int) -> list[float]:
    # A tenth of the highest rate, as in the warm-up: some steps of it diverge from rounding alone.
    slower = settings.model_copy(update={"learning_rate": settings.learning_rate / 10})
    optimizer = make_optimizer(trainee.module, slower)
    losses = []
    for _ in range(steps):
        loss = trainee.loss()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
