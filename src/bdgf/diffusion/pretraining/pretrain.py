"""Pretraining of the masked multimodal DDPM on one prepared scene, without labels."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from bdgf import __version__
from bdgf.core.fingerprint import fingerprint
from bdgf.core.settings import MAIN, Settings
from bdgf.core.weights import Weights
from bdgf.diffusion.losses import LossSettings, p_losses
from bdgf.diffusion.masking.balance_index import balance_index
from bdgf.diffusion.masking.masking import Masking
from bdgf.diffusion.masking.settings import MaskingSettings
from bdgf.diffusion.masking.signals import Observation
from bdgf.diffusion.pretraining.modality_sensitivity import SensitivityProbe, feature_shares
from bdgf.diffusion.pretraining.tile_sampler import TileSource
from bdgf.diffusion.pretraining.validation import HeldOutTiles
from bdgf.diffusion.schedule import NoiseSchedule, ScheduleSettings
from bdgf.diffusion.unet import Denoiser, DenoiserSettings
from bdgf.preprocessing.preparation import stack_channels
from bdgf.scenes.scene import valid_mask
from bdgf.training.checkpoint import TrainingState
from bdgf.training.devices import DeviceSettings, make_fabric, resolve_precision
from bdgf.training.loop import CheckpointPlan, Evaluation, restore, run_steps
from bdgf.training.metric_logger import LoggerGroup, MemoryLogger, MetricLogger, NullLogger
from bdgf.training.optimizer import ExponentialAverage, OptimizationSettings, make_optimizer

if TYPE_CHECKING:
    import xarray as xr
    from lightning_fabric import Fabric

log = logging.getLogger(__name__)

NAME = "pretrain"


class PretrainSettings(Settings):
    """Everything that decides a pretrained denoiser. Chosen here; the paper is silent."""

    steps: int | None = Field(
        None,
        ge=0,
        description="Training steps; null takes them from `epochs_equivalent`; 0 leaves a random "
        "network.",
        json_schema_extra=MAIN,
    )
    epochs_equivalent: float = Field(
        300,
        gt=0,
        description="Epochs over the scene's valid pixels: how often each is drawn in the mean.",
        json_schema_extra=MAIN,
    )
    least_steps: int = Field(
        600, ge=1, description="Least steps that `epochs_equivalent` asks for."
    )
    most_steps: int = Field(3000, ge=1, description="Most steps that `epochs_equivalent` asks for.")
    batch_size: int = Field(16, ge=1, description="Tiles a step.")
    tile: int = Field(32, ge=4, description="Side of a tile in pixels.")
    held_out: float = Field(0.1, ge=0, le=0.5, description="Share of the tiles for validation.")
    least_valid: float = Field(
        0.5, ge=0, le=1, description="Least share of valid pixels of a training tile."
    )
    ema_decay: float = Field(0.999, ge=0, lt=1, description="Decay of the averaged weights.")
    log_every: int = Field(20, ge=1, description="Steps between two records.")
    validate_every: int = Field(200, ge=1, description="Steps between two validations.")
    validation_timesteps: tuple[int, ...] = Field(
        (50, 100, 200, 400, 700), min_length=1, description="Diffusion steps t of validation."
    )
    checkpoint_seconds: float = Field(
        60, ge=0, description="Least time between two running checkpoints."
    )
    optimization: OptimizationSettings = Field(
        default_factory=OptimizationSettings, description="Learning rate, decay, clipping."
    )
    denoiser: DenoiserSettings = Field(default_factory=DenoiserSettings, description="The U-Net.")
    schedule: ScheduleSettings = Field(
        default_factory=ScheduleSettings, description="Noise levels and the target."
    )
    masking: MaskingSettings = Field(
        default_factory=MaskingSettings, description="Which modalities are hidden, how often."
    )
    objective: LossSettings = Field(
        default_factory=LossSettings, description="How the loss is put together."
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.tile % self.denoiser.stride:
            raise ValueError(
                f"tile must be a multiple of {self.denoiser.stride}, the coarsest level's cell"
            )
        if (
            max(self.validation_timesteps) >= self.schedule.steps
            or min(self.validation_timesteps) < 0
        ):
            raise ValueError(f"validation_timesteps must lie in 0 .. {self.schedule.steps - 1}")
        probed = self.masking.probe.timesteps
        if max(probed) >= self.schedule.steps or min(probed) < 0:
            raise ValueError(f"masking.probe.timesteps must lie in 0 .. {self.schedule.steps - 1}")
        if self.least_steps > self.most_steps:
            raise ValueError("least_steps must not exceed most_steps")
        return self

    def steps_for(self, valid_pixels: int) -> int:
        """Steps of the whole training on a scene with so many valid pixels."""
        if self.steps is not None:
            return self.steps
        wanted = math.ceil(self.epochs_equivalent * valid_pixels / (self.batch_size * self.tile**2))
        return min(max(wanted, self.least_steps), self.most_steps)


@dataclass(frozen=True)
class PretrainingData:
    """A prepared scene as pretraining sees it, stacked once.

    Attributes:
        channels: (C, H, W) float32 of all modalities.
        valid: (H, W) bool.
        modalities: Channels of each modality, in the order of the stack.
    """

    channels: np.ndarray
    valid: np.ndarray
    modalities: dict[str, int]

    @classmethod
    def of(cls, prepared: xr.Dataset) -> Self:
        """Stacks a prepared scene."""
        channels, slices = stack_channels(prepared)
        counts = {name: part.stop - part.start for name, part in slices.items()}
        return cls(channels, valid_mask(prepared), counts)

    def fingerprint(self, settings: PretrainSettings, seed: int, devices: DeviceSettings) -> str:
        """Digest of all that decides the weights; how often to log or to save does not."""
        decisive = settings.model_dump(
            mode="json", exclude={"log_every", "validate_every", "checkpoint_seconds"}
        )
        precision, order = resolve_precision(devices), list(self.modalities.items())
        return fingerprint(self.channels, self.valid, order, decisive, seed, precision, __version__)


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
    """Trains the denoiser on tiles of the scene.

    Logged: `pretrain/loss`, `pretrain/loss_<modality>`, `pretrain/loss_hidden_<modality>`,
    `pretrain/mask_rate_<modality>`, and of the held-out tiles
    `pretrain/validation_loss_<modality>`, `pretrain/explained_noise_<modality>`,
    `pretrain/balance_index`, `pretrain/feature_share_<modality>`,
    `pretrain/feature_balance_index`.

    Args:
        data: The prepared scene.
        settings: Everything that decides the result, with `seed`.
        seed: Seed of initial weights, tiles, noise, masks.
        devices: Device and precision.
        logger: Takes the curves.
        checkpoint: File of the running checkpoint; a killed training continues from it.
        mark: `data.fingerprint` of these arguments, where the caller knows it already.

    Returns:
        The averaged weights; the configuration holds settings, modalities, fingerprint, history.

    Raises:
        TrainingDiverged: A loss became NaN or infinite.
        SceneError: No pixel of the scene is valid.
    """
    devices = devices or DeviceSettings()
    mark = mark or data.fingerprint(settings, seed, devices)
    plan = CheckpointPlan(checkpoint, mark, settings.checkpoint_seconds) if checkpoint else None

    fabric = make_fabric(devices)
    tiles = TileSource(
        data.channels,
        data.valid,
        settings.tile,
        held_out_share=settings.held_out,
        least_valid=settings.least_valid,
        device=fabric.device,
    )
    steps = settings.steps_for(int(data.valid.sum()))
    run = _Pretraining(settings, data.modalities, tiles, seed, steps, fabric)
    restore(run.state, plan)
    if steps == 0:
        log.warning("pretrain.steps is 0: the denoiser stays the random network it began as")
    else:
        run.train(logger or NullLogger(), plan)
    return run.weights(mark, seed)


class _Pretraining:
    """The parts of one pretraining, wired together."""

    def __init__(
        self,
        settings: PretrainSettings,
        modalities: dict[str, int],
        tiles: TileSource,
        seed: int,
        steps: int,
        fabric: Fabric,
    ) -> None:
        self.total_steps = steps
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
            evaluation=Evaluation(self.settings.validate_every, validate),
        )

    def step(self, index: int) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        settings, generator = self.settings, self.generator
        batch = self.tiles.draw(settings.batch_size, generator)
        t = stratified_timesteps(settings.batch_size, self.schedule.steps, generator)
        noise = torch.randn(batch.x0.shape, generator=generator, device=batch.x0.device)
        visible = self.masking.draw(settings.batch_size, settings.tile, generator)
        rates = self.masking.rates()
        loss = p_losses(
            self.model,
            self.schedule,
            batch.x0,
            batch.valid,
            t,
            noise,
            visible,
            list(self.modalities.values()),
            settings.objective,
        )
        shares = self.feature_shares() if self.masking.wants_features(index) else None
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

    def weights(self, mark: str, seed: int) -> Weights:
        config: dict[str, Any] = {
            "kind": "denoiser",
            "fingerprint": mark,
            "modalities": self.modalities,
            "modality_order": list(self.modalities),
            "settings": self.settings.model_dump(mode="json"),
            "seed": seed,
            "steps": self.state.step,
            "version": __version__,
            "history": {name: self.history.series(name) for name in self.history.names()},
        }
        return Weights({name: t.cpu() for name, t in self.ema.tensors.items()}, config)


def open_residual_paths(denoiser: Denoiser) -> None:
    """Draws anew what starts at zero, so that an untrained denoiser is a random network.

    As initialised its residual paths are closed and its activations nearly linear in the scene,
    too weak a control for what training adds.
    """
    for module in denoiser.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and not module.weight.any():
            module.reset_parameters()


def stratified_timesteps(batch: int, steps: int, generator: torch.Generator) -> Tensor:
    """One diffusion step drawn uniformly from each of `batch` equal parts of 0 .. steps - 1.

    Each is uniform over all steps once the batch is shuffled, which no loss notices, and the
    batch's mean loss varies less than with independent draws. Chosen here.

    Returns:
        (batch,) int64.
    """
    device = generator.device
    u = torch.rand(batch, generator=generator, device=device)
    strata = torch.arange(batch, device=device)
    return ((strata + u) / batch * steps).long().clamp(max=steps - 1)
