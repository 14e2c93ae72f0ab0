"""One step of a training: the loss of a labelled batch, and consistency without labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from bdgf.models.patch.augmentation import mixup_patches, mixup_targets
from bdgf.models.patch.consistency import Consistency
from bdgf.models.patch.feature_targets import FeatureTargets, mixup_features
from bdgf.models.patch.mutual_learning import classification_loss
from bdgf.models.patch.network import ClassifierOutput, PatchNetwork
from bdgf.models.patch.sampling import TrainingSamples
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.models.patch.side_by_side import LEAST_SAMPLES, LabelledTasks, Task, side_by_side
from bdgf.raster.patches import PatchBatch, SceneTensors, gather_batch
from bdgf.training.checkpoint import TrainingState
from bdgf.training.lanes import Lanes, even_parts

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class _Labelled(NamedTuple):
    """A labelled batch.

    Attributes:
        batch: The patches.
        keep: (B, M) factors on the modalities, 0 hides one; None keeps all.
        targets: What the outputs should be: classes (B,), or shares of them (B, K).
        features: Per level (B, C_l), what the embeddings should be like; None: nothing.
    """

    batch: PatchBatch
    keep: Tensor | None
    targets: Tensor
    features: list[Tensor] | None


@dataclass(frozen=True)
class TrainingStep:
    """What a step needs.

    Attributes:
        arrays: The scene and its features, on the device.
        valid: `level_valid` of the scene's valid pixels.
        samples: Those of the whole training.
        settings: The training's settings.
        classifier: The network.
        class_weights: (K,) weights of the classes in the loss, or None.
        consistency: Of pixels without labels, or None.
        state: The network as it is trained, and its average.
        fabric: Where it computes.
        features: Of what the embeddings shall be like, or None.
    """

    arrays: SceneTensors
    valid: tuple[Tensor, ...]
    samples: TrainingSamples
    settings: PatchTrainSettings
    classifier: PatchNetwork
    class_weights: Tensor | None
    consistency: Consistency | None
    state: TrainingState
    fabric: Fabric
    features: FeatureTargets | None = None

    def averaged(self) -> Mapping[str, Tensor]:
        """The moving average of the weights, or the weights where there is none."""
        return self.state.ema.tensors if self.state.ema else self.state.model.state_dict()

    def __call__(self, step: int, lanes: Lanes) -> Iterator[tuple[Tensor, Mapping[str, Tensor]]]:
        """Loss and terms of one batch: what its labels say, then consistency without labels.

        Args:
            step: The step, from 0.
            lanes: Several compute both side by side.

        Yields:
            The loss and what is logged, at once or part by part.
        """
        self.state.model.train()
        labelled = self._labelled(step)
        consistency = self.consistency
        if consistency is not None and step < consistency.first_step:
            consistency = None
        terms = {}
        if self.consistency is not None:
            terms["loss_consistency"] = self.arrays.channels.new_full((), torch.nan)  # not measured
        if lanes.count > 1:
            found, unlabelled = self._side_by_side(lanes, step, labelled, consistency)
            loss = found.pop("loss")
            if unlabelled is not None:
                loss, terms["loss_consistency"] = loss + unlabelled, unlabelled.detach()
            yield loss, {**terms, **{name: term.detach() for name, term in found.items()}}
        else:
            found = self._loss(self.state.model(labelled.batch, labelled.keep), labelled)
            yield (
                found.pop("loss"),
                {**terms, **{name: term.detach() for name, term in found.items()}},
            )
            if consistency is not None:
                with self.fabric.autocast():
                    loss = consistency.loss(step, self.state.model, self.averaged())
                yield loss, {"loss_consistency": loss.detach()}
        self.arrays.release()

    def _side_by_side(
        self,
        lanes: Lanes,
        step: int,
        given: _Labelled,
        consistency: Consistency | None,
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        # Terms of the labelled batch, and the loss without labels. The lanes are shared evenly;
        # a part costs the time to start its operations, so there are as few as keep lanes busy.
        model = self.state.model
        most = lanes.count if consistency is None else max(1, lanes.count // 2)
        parts = even_parts(len(given.targets), most, LEAST_SAMPLES)
        labelled = LabelledTasks(model, given.batch, given.keep, parts)
        tasks = list(labelled.tasks)
        of_student: list[Task] = []
        if consistency is not None:
            of_student, of_teacher = consistency.tasks(
                step, model, self.averaged(), self.fabric, (most, lanes.count)
            )
            tasks += [*of_student, *of_teacher]
        found = side_by_side(tasks, self.classifier, lanes)
        ends = len(labelled.tasks), len(labelled.tasks) + len(of_student)
        terms = self._loss(labelled.output(found[: ends[0]]), given)
        if consistency is None:
            return terms, None
        return terms, consistency.loss_of_tasks(step, found[ends[0] : ends[1]], found[ends[1] :])

    def _loss(self, output: ClassifierOutput, labelled: _Labelled) -> dict[str, Tensor]:
        terms = classification_loss(
            output.logits,
            output.embeddings,
            labelled.targets,
            self.settings.mutual_learning,
            class_weights=self.class_weights,
            label_smoothing=self.settings.label_smoothing,
            features=labelled.features,
        )
        penalty = self.classifier.penalty()
        if penalty is not None:
            terms["loss"] = terms["loss"] + penalty
        return terms

    def _labelled(self, step: int) -> _Labelled:
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
        wanted = self.features
        features = None if wanted is None else wanted.at(samples.rows, samples.cols)
        if augmentation.mixup_alpha:
            partner = torch.randperm(len(targets), device=targets.device)
            batch = mixup_patches(batch, partner, samples.lam)
            targets = mixup_targets(targets, self.classifier.classes, partner, samples.lam)
            if features is not None:
                features = mixup_features(features, partner, samples.lam)
        keep = samples.keep if augmentation.modality_dropout else None
        return _Labelled(batch, keep, targets, features)
