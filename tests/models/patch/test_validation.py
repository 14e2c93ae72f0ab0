"""What is measured on the validation pixels."""

import numpy as np
import pytest
import torch

from bdgf.models.bdgf.model import guided_classifier
from bdgf.models.patch.sampling import select_pixels
from bdgf.models.patch.validation import ValidationPixels
from bdgf.raster.patches import gather_batch, level_valid
from bdgf.splits.parts import VALIDATION
from tests.models.patch.small_training import ARRAYS, CLASSES, LABELS, SPLIT, VALID, make_settings

PIXELS = select_pixels(LABELS, SPLIT == VALIDATION)
MASKS = level_valid(torch.from_numpy(VALID), 3)
WEIGHTS = torch.tensor([0.5, 1.0, 1.5, 1.0])


@pytest.fixture
def network():
    torch.manual_seed(0)
    return guided_classifier(make_settings().classifier)(ARRAYS, CLASSES)


def pixels(batch_size=1000, weights=None):
    return ValidationPixels(ARRAYS, MASKS, PIXELS, batch_size, weights)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_numbers_are_those_of_the_fused_probabilities(network, weights):
    found = pixels(weights=weights).measure(network, network.state_dict())
    at = torch.from_numpy(PIXELS.rows), torch.from_numpy(PIXELS.cols)
    with torch.no_grad():
        batch = gather_batch(ARRAYS, MASKS, *at, network.patch, levels=network.levels, centres=True)
        logits = network.eval()(batch).logits
    said, right = network.fuse(logits, network.training_fusion).double().numpy(), PIXELS.targets
    losses = -np.log(said[np.arange(len(right)), right])
    share = np.ones(len(right)) if weights is None else weights.numpy()[right]
    assert found["loss"] == pytest.approx((losses * share).sum() / share.sum(), rel=1e-4)
    hits = said.argmax(1) == right
    assert found["overall_accuracy"] == pytest.approx(hits.mean())
    recalls = [hits[right == target].mean() for target in np.unique(right)]
    assert found["average_accuracy"] == pytest.approx(np.mean(recalls))
    for name, branch in logits.items():
        wanted = (branch.argmax(1).numpy() == right).mean()
        assert found[f"overall_accuracy_{name}"] == pytest.approx(wanted)


def test_the_size_of_its_batches_decides_nothing(network):
    whole, parts = (pixels(size).measure(network, network.state_dict()) for size in (1000, 7))
    assert len(pixels()) == len(PIXELS) > 7
    assert parts == pytest.approx(whole, rel=1e-4)


def test_other_weights_are_measured_and_not_kept(network):
    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    other = {name: t + 0.1 if t.is_floating_point() else t for name, t in own.items()}
    assert pixels().measure(network, other) != pixels().measure(network, own)
    assert all(torch.equal(tensor, own[name]) for name, tensor in network.state_dict().items())


def test_answers_are_each_branch_s_probabilities(network):
    found = pixels(7).answers(network, network.state_dict())
    assert list(found) == list(network.branch_names)
    for said in found.values():
        assert said.shape == (len(PIXELS), CLASSES)
        assert said.sum(1) == pytest.approx(1, abs=1e-5)
