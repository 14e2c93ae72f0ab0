"""One training of a patch network: what its steps and evaluations share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bdgf import __version__
from bdgf.core.fingerprint import fingerprint
from bdgf.core.weights import Weights
from bdgf.models.patch.augmentation import mixup_patches, mixup_targets
from bdgf.models.patch.consistency import Consistency, uses_consistency
from bdgf.models.patch.held_out import HeldOutBlocks, hold_out_blocks
from bdgf.models.patch.mutual_learning import classification_loss
from bdgf.models.patch.network import ClassifierOutput, FittedBranch, PatchNetwork
from bdgf.models.patch.sampling import Pixels, class_weights, draw_samples
from bdgf.models.patch.selection import EpochSelection
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.models.patch.side_by_side import LEAST_SAMPLES, LabelledTasks, Task, side_by_side
from bdgf.models.patch.validation import ValidationPixels
from bdgf.raster.patches import PatchBatch, SceneTensors, gather_batch, level_valid
from bdgf.training.checkpoint import (
    TrainingState,
    global_random_state,
    restore_global_random_state,
)
from bdgf.training.devices import arithmetic
from bdgf.training.lanes import ONE_LANE, even_parts, open_lanes
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
        self.valid = level_valid(seen, max(self.classifier.levels, 1))
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
            Consistency(self.arrays, self.valid, self.classifier, settings, seed)
            if uses_consistency(self.classifier, settings)
            else None
        )
        self.validation = ValidationPixels(
            self.arrays, self.valid, validation, settings.batch_size, self.class_weights
        )
        self.selection, self.history = EpochSelection(settings.selection), MemoryLogger()
        self.state = self._state()
        self._lanes = ONE_LANE
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
            self._lanes = lanes
            run_steps(
                self.step,
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

    def step(self, step: int) -> Iterator[tuple[Tensor, Mapping[str, Tensor]]]:
        """Loss and terms of one batch: what its labels say, then consistency without labels."""
        self.state.model.train()
        batch, keep, targets = self._labelled(step)
        consistency = self.consistency
        if consistency is not None and step < consistency.first_step:
            consistency = None
        terms = {}
        if self.consistency is not None:
            terms["loss_consistency"] = self.arrays.channels.new_full((), torch.nan)  # not measured
        if self._lanes.count > 1:
            labelled, unlabelled = self._side_by_side(step, batch, keep, targets, consistency)
            loss = labelled.pop("loss")
            if unlabelled is not None:
                loss, terms["loss_consistency"] = loss + unlabelled, unlabelled.detach()
            yield loss, {**terms, **{name: term.detach() for name, term in labelled.items()}}
        else:
            labelled = self._loss(self.state.model(batch, keep), targets)
            yield (
                labelled.pop("loss"),
                {**terms, **{name: term.detach() for name, term in labelled.items()}},
            )
            if consistency is not None:
                with self.fabric.autocast():
                    loss = consistency.loss(step, self.state.model, self._averaged())
                yield loss, {"loss_consistency": loss.detach()}
        self.arrays.release()

    def _side_by_side(
        self,
        step: int,
        batch: PatchBatch,
        keep: Tensor | None,
        targets: Tensor,
        consistency: Consistency | None,
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        # Terms of the labelled batch, and the loss without labels. The lanes are shared evenly;
        # a part costs the time to start its operations, so there are as few as keep lanes busy.
        lanes, model = self._lanes, self.state.model
        most = lanes.count if consistency is None else max(1, lanes.count // 2)
        labelled = LabelledTasks(model, batch, keep, even_parts(len(targets), most, LEAST_SAMPLES))
        tasks = list(labelled.tasks)
        of_student: list[Task] = []
        if consistency is not None:
            of_student, of_teacher = consistency.tasks(
                step, model, self._averaged(), self.fabric, (most, lanes.count)
            )
            tasks += [*of_student, *of_teacher]
        found = side_by_side(tasks, self.classifier, lanes)
        ends = len(labelled.tasks), len(labelled.tasks) + len(of_student)
        terms = self._loss(labelled.output(found[: ends[0]]), targets)
        if consistency is None:
            return terms, None
        return terms, consistency.loss_of_tasks(found[ends[0] : ends[1]], found[ends[1] :])

    def _loss(self, output: ClassifierOutput, targets: Tensor) -> dict[str, Tensor]:
        return classification_loss(
            output.logits,
            output.embeddings,
            targets,
            self.settings.mutual_learning,
            class_weights=self.class_weights,
            label_smoothing=self.settings.label_smoothing,
        )

    def _labelled(self, step: int) -> tuple[PatchBatch, Tensor | None, Tensor]:
        # The patches, the modalities that are kept, and what the outputs should be: classes (B,),
        # or shares of them (B, K).
        samples = self.samples.batch(step, self.settings.batch_size)
        augmentation = self.settings.augmentation
        batch = gather_batch(
            self.arrays,
            self.valid,
            samples.rows,
            samples.cols,
            self.classifier.patch,
            samples.symmetry if augmentation.dihedral else None,
            self.classifier.levels,
        )
        targets = samples.targets
        if augmentation.mixup_alpha:
            partner = torch.randperm(len(targets), device=targets.device)
            batch = mixup_patches(batch, partner, samples.lam)
            targets = mixup_targets(targets, self.classifier.classes, partner, samples.lam)
        return batch, samples.keep if augmentation.modality_dropout else None, targets

    def evaluate(self, step: int) -> Mapping[str, float]:
        """Validates the present weights and keeps them if they are the best so far."""
        tensors = self._averaged()
        epoch = step // self.settings.batches_per_epoch
        if not len(self.validation):
            self.selection.consider(epoch, None, tensors)
            return {}
        metrics = self.validation.measure(self.classifier, tensors)
        self.selection.consider(epoch, metrics["loss"], tensors)
        return {f"validation/{name}": value for name, value in metrics.items()}

    def _averaged(self) -> Mapping[str, Tensor]:
        return self.state.ema.tensors if self.state.ema else self.state.model.state_dict()

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
