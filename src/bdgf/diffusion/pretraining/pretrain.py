"""Pretraining of the masked multimodal DDPM on prepared scenes, without labels."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from bdgf import __version__
from bdgf.core.errors import SettingsError
from bdgf.core.weights import Weights
from bdgf.diffusion.losses import p_losses
from bdgf.diffusion.masking.balance_index import balance_index
from bdgf.diffusion.masking.masking import Masking
from bdgf.diffusion.masking.signals import Observation
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.job import Job, send_job
from bdgf.diffusion.pretraining.modality_sensitivity import SensitivityProbe, feature_shares
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.diffusion.pretraining.tile_pool import Tiles, tiles_of
from bdgf.diffusion.pretraining.timesteps import stratified_timesteps
from bdgf.diffusion.pretraining.validation import HeldOutTiles
from bdgf.diffusion.schedule import NoiseSchedule
from bdgf.diffusion.unet import Denoiser
from bdgf.raster.visibility import shown_where_there
from bdgf.training.checkpoint import TrainingState
from bdgf.training.devices import DeviceSettings, make_fabric
from bdgf.training.loop import CheckpointPlan, Evaluation, restore, run_steps
from bdgf.training.metric_logger import LoggerGroup, MemoryLogger, MetricLogger, NullLogger
from bdgf.training.optimizer import ExponentialAverage, make_optimizer
from bdgf.training.rank_processes import training_ranks
from bdgf.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from lightning_fabric import Fabric

log = logging.getLogger(__name__)

NAME = "pretrain"
HELPER = "bdgf.diffusion.pretraining.rank_process"
"""What the other processes run where there are several devices."""


def pretrain(
    data: PretrainingData,
    settings: PretrainSettings,
    seed: int,
    *,
    devices: DeviceSettings | None = None,
    logger: MetricLogger | None = None,
    checkpoint: Path | None = None,
    mark: str | None = None,
) -> Weights:
    """Trains the denoiser on tiles of the scene and of any further scenes.

    Logged: `pretrain/loss`, `pretrain/loss_<modality>`, `pretrain/loss_hidden_<modality>`,
    `pretrain/mask_rate_<modality>`, and of the held-out tiles
    `pretrain/validation_loss_<modality>`, `pretrain/explained_noise_<modality>`,
    `pretrain/balance_index`, `pretrain/feature_share_<modality>`,
    `pretrain/feature_balance_index`.

    Args:
        data: The prepared scene or scenes.
        settings: Everything that decides the result, with `seed`.
        seed: Seed of initial weights, tiles, noise, masks.
        devices: Devices and precision.
        logger: Takes the curves.
        checkpoint: File of the running checkpoint; a killed training continues from it.
        mark: `data.fingerprint` of these arguments, where the caller knows it already.

    Returns:
        The averaged weights; the configuration holds settings, modalities, fingerprint, history.

    Raises:
        TrainingDiverged: The loss or gradient was NaN or infinite at too many steps.
        SceneError: No pixel of a scene is valid.
        SettingsError: There are not so many devices, or more than tiles in a batch.
        RankError: A process of several was lost.
    """
    devices = devices or DeviceSettings()
    if devices.count > settings.batch_size:
        raise SettingsError(
            f"devices.count is {devices.count} and pretrain.batch_size {settings.batch_size}: "
            "some devices would have no tile; use fewer devices or larger batches"
        )
    job = Job(data, settings, seed, devices)
    mark = mark or data.fingerprint(settings, seed, devices)
    plan = CheckpointPlan(checkpoint, mark, settings.checkpoint_seconds) if checkpoint else None
    with training_ranks(devices, HELPER) as ranks:
        send_job(job, ranks)
        run = train_rank(job, ranks, logger or NullLogger(), plan)
    return run.weights(mark, seed, [scene.name for scene in data.others])


def train_rank(
    job: Job, ranks: Ranks, logger: MetricLogger, plan: CheckpointPlan | None
) -> _Pretraining:
    """One process's part of a pretraining; `logger` and `plan` are the first one's."""
    data, settings = job.data, job.settings
    fabric = make_fabric(job.devices, ranks)
    tiles = tiles_of(data, settings, fabric.device)
    steps = settings.steps_for(data.valid_pixels)
    run = _Pretraining(settings, data.modalities, tiles, job.seed, steps, fabric, ranks)
    restore(run.state, plan, ranks)
    if steps == 0:
        log.warning("pretrain.steps is 0: the denoiser stays the random network it began as")
    else:
        run.train(logger, plan)
    return run


class _Pretraining:
    """The parts of one pretraining, wired together."""

    def __init__(
        self,
        settings: PretrainSettings,
        modalities: dict[str, int],
        tiles: Tiles,
        seed: int,
        steps: int,
        fabric: Fabric,
        ranks: Ranks = ALONE,
    ) -> None:
        self.total_steps, self.ranks = steps, ranks
        self.settings, self.modalities, self.tiles, self.fabric = (
            settings,
            modalities,
            tiles,
            fabric,
        )
        device = fabric.device
        weights_seed, steps_seed = np.random.SeedSequence(seed).generate_state(2, np.uint64) >> 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(weights_seed))
            self.denoiser = Denoiser(settings.denoiser, modalities, settings.tile).to(device)
            if steps == 0:
                open_residual_paths(self.denoiser)
        self.generator = torch.Generator(device).manual_seed(int(steps_seed))
        self.schedule = NoiseSchedule(settings.schedule, device)
        self.masking = Masking(len(modalities), settings.masking, device)
        self.probe = SensitivityProbe(tiles.validation(), self.schedule, settings.masking.probe)
        self.ema = ExponentialAverage(self.denoiser, settings.ema_decay)
        self.history = MemoryLogger()
        self.model, optimizer = fabric.setup(
            self.denoiser, make_optimizer(self.denoiser, settings.optimization)
        )
        self.state = TrainingState(
            self.model,
            optimizer,
            self.ema,
            generators={"steps": self.generator},
            parts={"masking": self.masking, "history": self.history},
        )

    def train(self, logger: MetricLogger, plan: CheckpointPlan | None) -> None:
        held_out = HeldOutTiles(
            self.tiles.validation(), self.schedule, self.settings.validation_timesteps
        )

        def validate(step: int) -> dict[str, float]:
            with self.fabric.autocast():
                balance = held_out.measure(
                    self.denoiser, self.ema.tensors, self.settings.batch_size
                )
            shares = self.feature_shares(self.ema.tensors)
            balance["feature_balance_index"] = balance_index(shares)
            for i, name in enumerate(self.modalities):
                balance[f"feature_share_{name}"] = float(shares[i])
            return {f"{NAME}/{key}": value for key, value in balance.items()}

        run_steps(
            self.step,
            self.state,
            steps=self.total_steps,
            settings=self.settings.optimization,
            fabric=self.fabric,
            name=NAME,
            description="pretraining the denoiser",
            log_every=self.settings.log_every,
            logger=LoggerGroup(self.history, logger),
            plan=plan,
            evaluation=Evaluation(self.settings.validate_every, validate)
            if self.ranks.is_first
            else None,
        )

    def step(self, index: int) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        # All is drawn for the whole batch, so that the generators of all processes move alike.
        settings, generator, size = self.settings, self.generator, self.settings.batch_size
        part = self.ranks.part(size)
        batch = self.tiles.draw(size, generator, part)
        t = stratified_timesteps(size, self.schedule.steps, generator, settings.timesteps)[part]
        shape = (size, *batch.x0.shape[1:])
        noise = torch.randn(shape, generator=generator, device=batch.x0.device)[part]
        visible = self.masking.draw(size, settings.tile, generator)[part]
        if batch.present is not None:
            visible = shown_where_there(visible, batch.present, dim=1)
        rates = self.masking.rates()
        loss = p_losses(
            self.model,
            self.schedule,
            batch.x0,
            batch.seen,
            t,
            noise,
            visible,
            list(self.modalities.values()),
            settings.objective,
            self.ranks.total,
        )
        shares = None
        if self.masking.wants_features(index):
            shares = self.ranks.from_first(self.feature_shares())
        self.masking.observe(Observation(loss.denoising, shares))
        metrics: dict[str, Tensor] = {}
        for i, name in enumerate(self.modalities):
            metrics[f"loss_{name}"] = loss.denoising[i]
            metrics[f"loss_hidden_{name}"] = loss.reconstruction[i]
            metrics[f"mask_rate_{name}"] = rates[i]
        yield loss.total, metrics

    def feature_shares(self, tensors: dict[str, Tensor] | None = None) -> Tensor:
        with self.fabric.autocast():
            return feature_shares(self.probe.change(self.denoiser, tensors))

    def weights(self, mark: str, seed: int, others: list[str]) -> Weights:
        config: dict[str, Any] = {
            "kind": "denoiser",
            "fingerprint": mark,
            "modalities": self.modalities,
            "modality_order": list(self.modalities),
            "settings": self.settings.model_dump(
                mode="json",
                exclude={
                    "scenes": True,
                    "checkpoint_seconds": True,
                    "optimization": {"skipped_steps"},
                },
            ),
            "seed": seed,
            "steps": self.state.step,
            "version": __version__,
            "history": {name: self.history.series(name) for name in self.history.names()},
            **({"other_scenes": others} if others else {}),
        }
        return Weights({name: t.cpu() for name, t in self.ema.tensors.items()}, config)


def open_residual_paths(denoiser: Denoiser) -> None:
    """Draws zero-initialised weights at random, so that an untrained denoiser is a random one.

    As initialised its residual paths are closed and its activations nearly linear in the scene,
    too weak a control for what training adds.
    """
    for module in denoiser.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and not module.weight.any():
            module.reset_parameters()
