"""One training of a patch network: what its steps and evaluations share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bdgf import __version__
from bdgf.core.fingerprint import fingerprint
from bdgf.core.weights import Weights
from bdgf.models.patch.consistency import Consistency, uses_consistency
from bdgf.models.patch.feature_targets import FeatureTargets
from bdgf.models.patch.held_out import HeldOutBlocks, hold_out_blocks
from bdgf.models.patch.network import FittedBranch, PatchNetwork
from bdgf.models.patch.sampling import Pixels, class_weights, draw_samples
from bdgf.models.patch.selection import EpochSelection
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.models.patch.training_step import TrainingStep
from bdgf.models.patch.validation import ValidationPixels
from bdgf.raster.patches import SceneTensors, level_valid
from bdgf.training.checkpoint import (
    TrainingState,
    global_random_state,
    restore_global_random_state,
)
from bdgf.training.devices import arithmetic
from bdgf.training.lanes import ONE_LANE, open_lanes
from bdgf.training.loop import CheckpointPlan, Evaluation, restore, run_steps
from bdgf.training.metric_logger import LoggerGroup, MemoryLogger, MetricLogger
from bdgf.training.optimizer import ExponentialAverage, make_optimizer

if TYPE_CHECKING:
    from lightning_fabric import Fabric

NetworkMaker = Callable[[SceneTensors, int], PatchNetwork]
"""Takes the arrays and the number of classes; gives a network with fresh weights."""

NetworkPlan = tuple[PatchTrainSettings, NetworkMaker]
"""The settings that a network is trained with, and what makes it."""

_DESCRIPTIONS = {
    "train": "training",
    "refit": "training with all labels",
    "held_out": "training without held-out blocks",
}


class Training:
    """One training: what its steps and evaluations share.

    Attributes:
        settings: Its settings.
        classifier: The network.
        arrays: The scene and its features, on the device.
        valid: `level_valid` of the scene's valid pixels.
        train_pixels: What it trains on.
        validation: The pixels that it is validated on.
        selection: The weights that it ends with.
        class_weights: (K,) weights of the classes in the loss, or None.
        blocks: Its pixels dealt into blocks, for a network that asks for it.
        fitted: What of the network was fitted beforehand.
    """

    def __init__(
        self,
        arrays: SceneTensors,
        train: Pixels,
        validation: Pixels,
        valid: np.ndarray,
        classes: int,
        settings: PatchTrainSettings,
        seed: int,
        fabric: Fabric,
        make_network: NetworkMaker,
        *,
        parts: bool = True,
    ) -> None:
        """Draws all of it.

        Args:
            arrays: The scene and its features.
            train: What is trained on.
            validation: What is validated on.
            valid: (H, W) bool, False at nodata.
            classes: K.
            settings: Settings.
            seed: Decides every draw.
            fabric: Where to compute.
            make_network: Makes the network.
            parts: Whether the parts that no gradient step changes are fitted too.
        """
        self.settings, self.seed, self.fabric = settings, seed, fabric
        self.train_pixels = train
        torch.manual_seed(seed)
        self.arrays = arrays.to(fabric.device)
        self.classifier = make_network(arrays, classes)
        seen = torch.from_numpy(np.asarray(valid, bool)).to(fabric.device)
        taught = settings.mutual_learning.features_weight > 0 and bool(self.arrays.features)
        levels = len(self.arrays.features) if taught else self.classifier.levels
        self.valid = level_valid(seen, max(levels, 1))
        self.features = FeatureTargets(self.arrays, self.valid) if taught else None
        self.samples = draw_samples(
            train,
            settings.steps * settings.batch_size,
            len(self.classifier.modalities),
            settings.augmentation,
            seed,
        ).to(fabric.device)
        self.blocks: HeldOutBlocks | None = None
        self.fitted: FittedBranch | None = None
        if self.classifier.holds_out and parts:
            self.blocks = hold_out_blocks(
                *(train, self.arrays.shape, settings.decision.held_out),
                buffer=self.classifier.patch // 2,
                weighting=settings.class_weights,
                seed=seed,
            )
            self.fitted = self.classifier.fit_before_training(
                self.arrays, self.valid, self.blocks, seed
            )
        weights = class_weights(train.targets, classes, settings.class_weights)
        self.class_weights = (
            None if weights is None else torch.from_numpy(weights).to(fabric.device)
        )
        self.arrays.release()
        self.consistency = (
            Consistency(*(self.arrays, self.valid, self.classifier, settings, seed), self.features)
            if uses_consistency(self.classifier, settings)
            else None
        )
        self.validation = ValidationPixels(
            self.arrays, self.valid, validation, settings.batch_size, self.class_weights
        )
        self.selection, self.history = EpochSelection(settings.selection), MemoryLogger()
        self.state = self._state()
        self._step = TrainingStep(
            *(self.arrays, self.valid, self.samples, settings, self.classifier),
            *(self.class_weights, self.consistency, self.state, fabric, self.features),
        )
        self._draws = global_random_state()

    def _state(self) -> TrainingState:
        model, optimizer = self.fabric.setup(
            self.classifier, make_optimizer(self.classifier, self.settings.optimization)
        )
        decay = self.settings.ema_decay
        return TrainingState(
            model=model,
            optimizer=optimizer,
            ema=ExponentialAverage(model, decay) if decay else None,
            parts={"selection": self.selection, "history": self.history},
        )

    @property
    def asks_for_guidance(self) -> bool:
        """Whether held-out blocks shall say if its network is guided."""
        decided = self.classifier.decision is not None and self.classifier.levels > 0
        asked = self.settings.decision.guidance == "held_out"
        return decided and asked and self.blocks is not None and bool(self.settings.decision.folds)

    def run(
        self, name: str, epochs: int, logger: MetricLogger, plan: CheckpointPlan | None
    ) -> None:
        """Trains for `epochs` of the settings' epochs, continuing from a running checkpoint.

        The learning rate is that of the whole training: a training that stops early is the
        beginning of the one that does not. What was drawn between its making and its run changes
        nothing.
        """
        restore_global_random_state(self._draws)
        restore(self.state, plan)
        batches = self.settings.batches_per_epoch
        side_by_side = self.classifier.separable and self.fabric.world_size == 1
        with open_lanes(self.fabric.device) if side_by_side else nullcontext(ONE_LANE) as lanes:
            run_steps(
                partial(self._step, lanes=lanes),
                self.state,
                steps=self.settings.steps,
                settings=self.settings.optimization,
                fabric=self.fabric,
                name=name,
                description=_DESCRIPTIONS[name],
                log_every=batches,
                logger=LoggerGroup(self.history, logger),
                plan=plan,
                evaluation=Evaluation(
                    self.settings.validate_every * batches,
                    self.evaluate,
                    stopped=lambda: self.state.step >= epochs * batches,
                ),
            )

    def evaluate(self, step: int) -> Mapping[str, float]:
        """Validates the present weights and keeps them if they are the best so far."""
        tensors = self._step.averaged()
        epoch = step // self.settings.batches_per_epoch
        if not len(self.validation):
            self.selection.consider(epoch, None, tensors)
            return {}
        metrics = self.validation.measure(self.classifier, tensors)
        self.selection.consider(epoch, metrics["loss"], tensors)
        return {f"validation/{name}": value for name, value in metrics.items()}

    def training_fingerprint(self, epochs: int) -> str:
        """Digest of all that decides the weights, but for test labels, which do not."""
        pixels, arrays = (self.train_pixels, self.validation.pixels), self.arrays
        scene = (arrays.channels, arrays.modality_channels, *arrays.features)
        if arrays.digest is not None:
            scene = (arrays.digest, arrays.modality_channels)
        return fingerprint(
            *(part for p in pixels for part in (p.rows, p.cols, p.targets)),
            self.valid[0],
            *([] if arrays.present is None else [arrays.present]),
            *scene,
            *arrays.feature_mean,
            *arrays.feature_std,
            self.settings.decisive(),
            self.seed,
            self.classifier.config(),
            epochs,
            [type(self.fabric.strategy.precision).__name__, *arithmetic(self.fabric.device)],
            __version__,
        )

    def weights(self, chooser: Training) -> Weights:
        """The weights kept, with all that made them.

        Args:
            chooser: The training that chose the epoch: this one, or the one before the refit.
        """
        epoch = chooser.selection.epoch
        step = epoch * self.settings.batches_per_epoch
        histories = (chooser.history,) if chooser is self else (chooser.history, self.history)
        config: dict[str, Any] = {
            "kind": "classifier",
            **self.classifier.config(),
            "patch": self.classifier.patch,
            "levels_read": self.classifier.levels,
            "parameters": self.classifier.parameter_count(),
            "train": self.settings.decisive(),
            "seed": self.seed,
            "fitted": {self.fitted.name: self.fitted.record} if self.fitted else {},
            "selected_epoch": epoch,
            "validation": {
                name: value
                for at, record in chooser.history.records
                for name, value in record.items()
                if at == step and name.startswith("validation/")
            },
            "history": {name: h.series(name) for h in histories for name in h.names()},
            "training_pixels": len(self.train_pixels),
            "validation_pixels": len(chooser.validation),
        }
        return Weights(dict(self.selection.tensors), config)
