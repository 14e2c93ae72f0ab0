"""One step of a training: its parts one after the other, or side by side."""

import pytest
import torch

from bdgf.models.patch.augmentation import AugmentationSettings
from bdgf.models.patch.consistency import Consistency
from bdgf.models.patch.selection import SelectionSettings
from bdgf.models.patch.side_by_side import side_by_side
from tests.models.patch.small_training import fit, make_settings, same

BATCH = {"batch_size": 40, "selection": SelectionSettings(rule="last")}
"""40 samples a batch: two parts."""


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("ema_decay", [0.98, 0.0])
def test_a_training_side_by_side_is_that_of_one_thread(ema_decay: float):
    network = make_settings().classifier
    plain = network.model_copy(
        update={
            "pyramid": network.pyramid.model_copy(update={"dropout": 0.0}),
            "guide": network.guide.model_copy(update={"dropout": 0.0}),
        }
    )
    mutual = make_settings().mutual_learning
    many = mutual.consistency.model_copy(update={"pixels": 40})
    settings = make_settings(
        **BATCH,
        classifier=plain,
        ema_decay=ema_decay,
        # Partners of mixup and the parts' streams are drawn from one generator.
        augmentation=AugmentationSettings(mixup_alpha=0.0),
        mutual_learning=mutual.model_copy(update={"consistency": many}),
    )
    beside = fit(settings)
    torch.set_num_threads(1)
    alone = fit(settings)
    assert beside.tensors.keys() == alone.tensors.keys()
    for name, tensor in alone.tensors.items():
        # Where a gradient is tiny, Adam makes a step of its rounding.
        torch.testing.assert_close(beside.tensors[name], tensor, rtol=1e-3, atol=5e-4, msg=name)


@pytest.mark.usefixtures("two_threads")
def test_two_trainings_side_by_side_give_the_same_bits(monkeypatch):
    tasks: list[int] = []

    def counted(given, *others):
        tasks.append(len(given))
        return side_by_side(given, *others)

    monkeypatch.setattr("bdgf.models.patch.training_step.side_by_side", counted)
    settings = make_settings(**BATCH)
    assert same(fit(settings), fit(settings))
    # Two parts; with consistency the batch, the student and one part of the teacher's few pixels.
    assert tasks == 2 * [2, 2, 2, 3, 3, 3]


@pytest.mark.usefixtures("two_threads")
def test_the_teacher_follows_its_weights():
    # The teacher's network is made once; the averages that it answers by move in place.
    seen = []
    original = Consistency._taught_by

    def watched(self, tensors):
        network = original(self, tensors)
        name = "branches.cnn.readout.norm.weight"
        assert torch.equal(network.state_dict()[name], tensors[name])
        seen.append(tensors[name].clone())
        return network

    Consistency._taught_by = watched
    try:
        fit(make_settings(**BATCH, epochs=3))
    finally:
        Consistency._taught_by = original
    assert len(seen) > 1
    assert not torch.equal(seen[0], seen[-1])
