"""Loss and accuracy on the validation pixels during training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from bdgf.models.patch.network import PatchNetwork
from bdgf.models.patch.sampling import Pixels
from bdgf.raster.patches import SceneTensors, gather_batch


class ValidationPixels:
    """The validation pixels of a training, resident with the scene."""

    def __init__(
        self,
        arrays: SceneTensors,
        valid: tuple[Tensor, ...],
        pixels: Pixels,
        batch_size: int,
        class_weights: Tensor | None,
    ) -> None:
        """Takes the arrays of the training, on its device.

        Args:
            arrays: The scene and its features.
            valid: `level_valid` of the scene's valid pixels.
            pixels: The validation pixels.
            batch_size: Pixels classified at once.
            class_weights: (K,) weights of the classes in the loss, as in training.
        """
        self.arrays, self.valid, self.pixels = arrays, valid, pixels
        self.batch_size, self.class_weights = batch_size, class_weights
        columns = (pixels.rows, pixels.cols, pixels.targets)
        self.rows, self.cols, self.targets = (
            torch.from_numpy(column).to(arrays.channels.device) for column in columns
        )

    def __len__(self) -> int:
        return len(self.pixels)

    @torch.no_grad()
    def measure(self, classifier: PatchNetwork, tensors: Mapping[str, Tensor]) -> dict[str, float]:
        """Measures `classifier` with the weights `tensors`, which it keeps not.

        Returns:
            `loss` (cross-entropy of the fused probabilities), `overall_accuracy`,
            `average_accuracy` (over the classes that are there), and `overall_accuracy_<branch>`.
        """
        logits = self._logits(classifier, tensors)
        probabilities = classifier.fuse(logits, classifier.training_fusion)  # (n, K)
        log_probabilities = probabilities.clamp(min=torch.finfo(torch.float32).tiny).log()
        right = probabilities.argmax(1) == self.targets
        recalls = [right[self.targets == c].float().mean() for c in self.targets.unique()]
        metrics = {
            "loss": functional.nll_loss(log_probabilities, self.targets, self.class_weights),
            "overall_accuracy": right.float().mean(),
            "average_accuracy": torch.stack(recalls).mean(),
        }
        for name, branch in logits.items():
            right = branch.argmax(1) == self.targets
            metrics[f"overall_accuracy_{name}"] = right.float().mean()
        return {name: float(value) for name, value in metrics.items()}

    @torch.no_grad()
    def answers(
        self, classifier: PatchNetwork, tensors: Mapping[str, Tensor]
    ) -> dict[str, np.ndarray]:
        """Each branch's probabilities (n, K) with the weights `tensors`, which it keeps not."""
        logits = self._logits(classifier, tensors)
        return {name: z.float().softmax(1).cpu().numpy() for name, z in logits.items()}

    def _logits(self, classifier: PatchNetwork, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        at = self.rows, self.cols
        return logits_at(classifier, tensors, self.arrays, self.valid, *at, self.batch_size)


@torch.no_grad()
def logits_at(
    classifier: PatchNetwork,
    tensors: Mapping[str, Tensor],
    arrays: SceneTensors,
    valid: tuple[Tensor, ...],
    rows: Tensor,
    cols: Tensor,
    batch_size: int,
) -> dict[str, Tensor]:
    """Each branch's logits (n, K) at pixels of a scene.

    Args:
        classifier: The network; left in evaluation mode.
        tensors: Its weights, which it keeps not.
        arrays: The scene and its features.
        valid: `level_valid` of the scene's valid pixels.
        rows: (n,) int64.
        cols: (n,) int64.
        batch_size: Pixels classified at once.
    """
    classifier.eval()
    here = {name: tensor.to(arrays.channels.device) for name, tensor in tensors.items()}
    outputs = []
    for part in zip(rows.split(batch_size), cols.split(batch_size), strict=True):
        batch = gather_batch(
            arrays, valid, *part, classifier.patch, levels=classifier.levels, centres=True
        )
        outputs.append(functional_call(classifier, here, (batch,)).logits)
    return {name: torch.cat([o[name] for o in outputs]) for name in classifier.branch_names}
