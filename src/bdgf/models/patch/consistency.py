"""Consistency on unlabelled pixels of the whole scene (mean teacher).

Where labels are few, what the branches agree on elsewhere is most of what there is to learn. No
label is looked at; which pixels test is not known here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bdgf.models.patch.feature_targets import FeatureTargets
from bdgf.models.patch.mutual_learning import consistency_loss, features_alignment
from bdgf.models.patch.network import PatchNetwork
from bdgf.models.patch.sampling import Pixels, TrainingSamples, draw_samples
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.models.patch.side_by_side import LEAST_SAMPLES, Task, joined
from bdgf.raster.patches import PatchBatch, SceneTensors, gather_batch
from bdgf.training.lanes import even_parts

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_STREAMS = (3, 4)  # of the seed; a training's labelled samples and their thinning take 0 to 2


class Consistency:
    """The unlabelled pixels of a whole training, and the consistency loss on them.

    Attributes:
        first_step: Step from which the loss counts.
    """

    def __init__(
        self,
        arrays: SceneTensors,
        valid: tuple[Tensor, ...],
        network: PatchNetwork,
        settings: PatchTrainSettings,
        seed: int,
        features: FeatureTargets | None = None,
    ) -> None:
        """Draws the pixels of every step from all valid ones.

        Args:
            arrays: The scene and its features, on the training's device.
            valid: `level_valid` of the scene's valid pixels.
            network: The network, which is student and teacher.
            settings: The training's settings.
            seed: The training's seed.
            features: Of what the embeddings shall be like, or None.
        """
        self.features = features
        self.features_weight = settings.mutual_learning.features_weight
        self.arrays, self.valid, self.network = arrays, valid, network
        self.settings = settings.mutual_learning.consistency
        self.first_step = self.settings.start_epoch * settings.batches_per_epoch
        self.dihedral = settings.augmentation.dihedral
        rows, cols = (index.cpu().numpy() for index in torch.nonzero(valid[0][0], as_tuple=True))
        self.samples = draw_samples(
            Pixels(rows, cols, 0 * rows),
            settings.steps * self.settings.pixels,
            len(network.modalities),
            settings.augmentation.model_copy(
                update={"modality_dropout": self.settings.modality_dropout}
            ),
            seed,
            _STREAMS,
        ).to(arrays.channels.device)
        self._teacher: tuple[Mapping[str, Tensor], PatchNetwork] | None = None

    def loss(self, step: int, student: nn.Module, teacher: Mapping[str, Tensor]) -> Tensor:
        """The weighted loss of one step, from `first_step` on.

        Args:
            step: The step, from 0.
            student: The network as it is trained, perhaps wrapped.
            teacher: The weights of the teacher, of the same network.
        """
        samples = self.samples.batch(step, self.settings.pixels)
        with torch.no_grad():
            self.network.eval()
            patches = self._patches(samples, centres=True)
            output = functional_call(self.network, dict(teacher), (patches,))
            pseudo_target = self.network.fuse(output.logits, self.network.training_fusion)
        student.train()
        turns = samples.symmetry if self.dihedral else None
        seen = student(self._patches(samples, turns), samples.keep)
        return self._weighted(
            step, list(seen.logits.values()), list(seen.embeddings.values()), pseudo_target
        )

    def tasks(
        self,
        step: int,
        student: nn.Module,
        teacher: Mapping[str, Tensor],
        fabric: Fabric,
        parts: tuple[int, int],
    ) -> tuple[list[Task], list[Task]]:
        """The same in tasks of parts of the pixels: those of the student and of the teacher.

        Args:
            step: The step, from 0.
            student: The network as it is trained, perhaps wrapped, in training mode.
            teacher: The weights of the teacher, of the same network.
            fabric: In what precision it computes.
            parts: Most parts for the student and for the teacher.
        """
        samples = self.samples.batch(step, self.settings.pixels)
        taught = self._taught_by(teacher)

        def look(part: slice) -> list[Tensor]:
            these = samples.part(part)
            turns = these.symmetry if self.dihedral else None
            with fabric.autocast():  # each thread's own
                seen = student(self._patches(these, turns), these.keep)
                return [*seen.logits.values(), *seen.embeddings.values()]

        def teach(part: slice) -> list[Tensor]:
            with fabric.autocast(), torch.no_grad():
                answers = taught(self._patches(samples.part(part), centres=True)).logits
                return [taught.fuse(answers, taught.training_fusion)]

        of_student, of_teacher = (
            even_parts(len(samples.rows), most, LEAST_SAMPLES) for most in parts
        )
        return [partial(look, p) for p in of_student], [partial(teach, p) for p in of_teacher]

    def loss_of_tasks(
        self, step: int, seen: Sequence[Sequence[Tensor]], taught: Sequence[Sequence[Tensor]]
    ) -> Tensor:
        """The weighted loss of what the tasks of the student and of the teacher gave."""
        (pseudo_target,) = joined(taught)
        tensors = joined(seen)
        branches = len(tensors) // 2
        return self._weighted(step, tensors[:branches], tensors[branches:], pseudo_target)

    def _weighted(
        self, step: int, logits: list[Tensor], embeddings: list[Tensor], pseudo_target: Tensor
    ) -> Tensor:
        named = {str(number): branch for number, branch in enumerate(logits)}
        loss = self.settings.weight * consistency_loss(named, pseudo_target)
        if self.features is not None:
            samples = self.samples.batch(step, self.settings.pixels)
            wanted = self.features.at(samples.rows, samples.cols)
            loss = loss + self.features_weight * features_alignment(embeddings, wanted)
        return loss

    def _taught_by(self, tensors: Mapping[str, Tensor]) -> PatchNetwork:
        # A network with the teacher's weights, which change in place. `functional_call` would put
        # them into the network that other threads train.
        seen, network = self._teacher or (None, copy.deepcopy(self.network).eval())
        if seen is not tensors:
            network.requires_grad_(False).load_state_dict(dict(tensors), assign=True)
            self._teacher = (tensors, network)
        return network

    def _patches(
        self, samples: TrainingSamples, turns: Tensor | None = None, *, centres: bool = False
    ) -> PatchBatch:
        patch, levels = self.network.patch, self.network.levels
        at = samples.rows, samples.cols
        return gather_batch(self.arrays, self.valid, *at, patch, turns, levels, centres=centres)


def uses_consistency(network: PatchNetwork, settings: PatchTrainSettings) -> bool:
    """Whether there is such a loss: a single branch has nobody to be consistent with."""
    return settings.mutual_learning.consistency.weight > 0 and len(network.branch_names) > 1
