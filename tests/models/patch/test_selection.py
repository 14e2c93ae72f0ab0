"""The choice of the epoch."""

import pytest
import torch

from bdgf.models.patch.selection import EpochSelection, SelectionSettings


def test_selection_smooths_and_prefers_the_later_of_equals():
    selection = EpochSelection(SelectionSettings(rule="best", window=2))
    for epoch, loss in enumerate([0.9, 0.2, 0.9, 0.5, 0.4, 0.5, 0.9], start=1):
        selection.consider(epoch, loss, {"w": torch.tensor(float(epoch))})
    assert selection.epoch == 6  # 0.45 twice; the lucky 0.2 is averaged away
    assert selection.tensors["w"] == 6


def test_a_later_evaluation_that_is_worse_changes_nothing():
    selection, weights = EpochSelection(SelectionSettings(rule="best", window=1)), torch.ones(2)
    selection.consider(1, 0.2, {"w": weights})
    weights.zero_()  # training goes on in place
    selection.consider(2, 0.3, {"w": weights})
    assert (selection.epoch, selection.score) == (1, 0.2)
    assert selection.tensors["w"].tolist() == [1, 1]


@pytest.mark.parametrize(("rule", "loss"), [("last", 0.9), ("best", None)])
def test_where_nothing_is_chosen_the_latest_is_kept(rule, loss):
    selection = EpochSelection(SelectionSettings(rule=rule))
    for epoch in (1, 2, 3):
        selection.consider(epoch, loss and loss + epoch, {"w": torch.tensor(epoch)})
    assert selection.epoch == selection.tensors["w"] == 3


def test_a_choice_goes_on_after_a_restart():
    settings = SelectionSettings(rule="best", window=2)
    losses = [0.9, 0.2, 0.9, 0.5, 0.4, 0.5, 0.9]
    whole, before, after = (EpochSelection(settings) for _ in range(3))
    for epoch, loss in enumerate(losses):
        whole.consider(epoch, loss, {"w": torch.tensor(epoch)})
        (before if epoch < 5 else after).consider(epoch, loss, {"w": torch.tensor(epoch)})
        if epoch == 4:
            after.load_state_dict(before.state_dict())
    assert after.state_dict() == whole.state_dict()


@pytest.mark.parametrize(
    ("rule", "use_validation", "validates"),
    [("best", True, True), ("best", False, True), ("last", True, False), ("last", False, True)],
)
def test_pixels_that_are_trained_on_from_the_start_measure_nothing(rule, use_validation, validates):
    assert SelectionSettings(rule=rule, use_validation=use_validation).validates == validates
