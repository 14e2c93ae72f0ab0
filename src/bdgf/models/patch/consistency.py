"""Lessons on pixels without labels: the branches teach one another all over the scene.

Where labels are few, what the branches agree on elsewhere is most of what there is to learn. No
label is looked at; which pixels test is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bdgf.models.patch.fusion import decide
from bdgf.models.patch.mutual_learning import teaching_loss
from bdgf.models.patch.network import PatchNetwork
from bdgf.models.patch.sampling import Pixels, TrainingSamples, draw_samples
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.raster.patches import SceneArrays, WindowBatch, gather_batch

_STREAMS = (3, 4)  # of the seed; a training's labelled samples and their thinning take 0 to 2


class Lessons:
    """The unlabelled pixels of a whole training, and what is learnt on them.

    Attributes:
        first_step: Step of the first lesson.
    """

    def __init__(
        self,
        arrays: SceneArrays,
        valid: tuple[Tensor, ...],
        network: PatchNetwork,
        settings: PatchTrainSettings,
        seed: int,
    ) -> None:
        """Draws the pixels of every lesson from all valid ones.

        Args:
            arrays: The scene and its features, on the training's device.
            valid: `level_valid` of the scene's valid pixels.
            network: What is taught.
            settings: The training's settings.
            seed: The training's seed.
        """
        self.arrays, self.valid, self.network = arrays, valid, network
        self.teaching = settings.mutual_learning.teaching
        self.first_step = self.teaching.start_epoch * settings.batches_per_epoch
        self.symmetries = settings.augmentation.symmetries
        rows, cols = (index.cpu().numpy() for index in torch.nonzero(valid[0][0], as_tuple=True))
        self.samples = draw_samples(
            Pixels(rows, cols, 0 * rows),
            settings.steps * self.teaching.pixels,
            len(network.modalities),
            "uniform",
            settings.augmentation.model_copy(
                update={"modality_dropout": self.teaching.modality_dropout}
            ),
            seed,
            _STREAMS,
        ).to(arrays.channels.device)

    def loss(self, step: int, pupil: nn.Module, teacher: Mapping[str, Tensor]) -> Tensor:
        """The weighted loss of the lesson of one step, after the first step that has one.

        Args:
            step: The step, from 0.
            pupil: The network as it is trained, perhaps wrapped.
            teacher: The weights of the teacher, of the same network.
        """
        samples = self.samples.batch(step, self.teaching.pixels)
        with torch.no_grad():
            self.network.eval()
            windows = self._windows(samples, centres=True)
            output = functional_call(self.network, dict(teacher), (windows,))
            taught = decide(output.logits, self.network.decision)
        pupil.train()
        turns = samples.symmetry if self.symmetries else None
        seen = pupil(self._windows(samples, turns), samples.keep)
        return self.teaching.weight * teaching_loss(seen.logits, taught)

    def _windows(
        self, samples: TrainingSamples, turns: Tensor | None = None, *, centres: bool = False
    ) -> WindowBatch:
        patch, levels = self.network.patch, self.network.levels
        at = samples.rows, samples.cols
        return gather_batch(self.arrays, self.valid, *at, patch, turns, levels, centres=centres)


def gives_lessons(network: PatchNetwork, settings: PatchTrainSettings) -> bool:
    """Whether there are lessons: a single branch has nobody to learn from."""
    return settings.mutual_learning.teaching.weight > 0 and len(network.branch_names) > 1
