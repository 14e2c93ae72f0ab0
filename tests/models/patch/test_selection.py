"""The choice of the epoch."""

import torch

from bdgf.models.patch.selection import EpochSelection, SelectionSettings


def test_selection_smooths_and_prefers_the_later_of_equals():
    selection = EpochSelection(SelectionSettings(rule="best", window=2))
    for epoch, loss in enumerate([0.9, 0.2, 0.9, 0.5, 0.4, 0.5, 0.9], start=1):
        selection.consider(epoch, loss, {"w": torch.tensor(float(epoch))})
    assert selection.epoch == 6  # 0.45 twice; the lucky 0.2 is averaged away
    assert selection.tensors["w"] == 6
