"""Consistency on unlabelled pixels of the whole scene (mean teacher).

Where labels are few, what the branches agree on elsewhere is most of what there is to learn. No
label is looked at; which pixels test is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bdgf.models.patch.mutual_learning import consistency_loss
from bdgf.models.patch.network import PatchNetwork
from bdgf.models.patch.sampling import Pixels, TrainingSamples, draw_samples
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.raster.patches import PatchBatch, SceneTensors, gather_batch

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
    ) -> None:
        """Draws the pixels of every step from all valid ones.

        Args:
            arrays: The scene and its features, on the training's device.
            valid: `level_valid` of the scene's valid pixels.
            network: The network, which is student and teacher.
            settings: The training's settings.
            seed: The training's seed.
        """
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
        return self.settings.weight * consistency_loss(seen.logits, pseudo_target)

    def _patches(
        self, samples: TrainingSamples, turns: Tensor | None = None, *, centres: bool = False
    ) -> PatchBatch:
        patch, levels = self.network.patch, self.network.levels
        at = samples.rows, samples.cols
        return gather_batch(self.arrays, self.valid, *at, patch, turns, levels, centres=centres)


def uses_consistency(network: PatchNetwork, settings: PatchTrainSettings) -> bool:
    """Whether there is such a loss: a single branch has nobody to be consistent with."""
    return settings.mutual_learning.consistency.weight > 0 and len(network.branch_names) > 1
