import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.models.patch.augmentation import (
    AugmentationSettings,
    draw_dihedral,
    draw_lam,
    draw_modalities,
    mixup_patches,
    mixup_targets,
)
from bdgf.models.patch.mutual_learning import MutualLearningSettings, classification_loss
from bdgf.raster.patches import PatchBatch


def patches(batch=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return PatchBatch(
        torch.randn(batch, 3, 5, 5, generator=generator),
        torch.rand(batch, 1, 5, 5, generator=generator) > 0.2,
        (torch.randn(batch, 4, 3, 3, generator=generator).half(),),
        (torch.rand(batch, 1, 3, 3, generator=generator) > 0.2,),
    )


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(0, 9))
def test_a_mixture_is_the_sum_of_its_shares(batch, seed):
    given_windows = patches(batch, seed)
    generator = torch.Generator().manual_seed(seed)
    partner = torch.randperm(batch, generator=generator)
    share = 0.5 + 0.5 * torch.rand(batch, generator=generator)
    mixed = mixup_patches(given_windows, partner, share)
    targets = torch.randint(0, 3, (batch,), generator=generator)
    shares = mixup_targets(targets, 3, partner, share)
    for i in range(batch):
        own, other = share[i], 1 - share[i]
        scene = own * given_windows.scene[i] + other * given_windows.scene[partner[i]]
        torch.testing.assert_close(mixed.scene[i], scene)
        feature = given_windows.features[0].float()
        wanted = own * feature[i] + other * feature[partner[i]]
        torch.testing.assert_close(mixed.features[0][i], wanted)
        expected = torch.zeros(3)
        expected[targets[i]] += own
        expected[targets[partner[i]]] += other
        torch.testing.assert_close(shares[i], expected)
    assert mixed.scene_inside is given_windows.scene_inside


def test_whole_shares_mix_nothing():
    given_windows, partner, share = patches(), torch.arange(4, -1, -1), torch.ones(5)
    mixed = mixup_patches(given_windows, partner, share)
    assert torch.equal(mixed.scene, given_windows.scene)
    targets = torch.tensor([0, 2, 1, 1, 0])
    logits, embeddings = {"cnn": torch.randn(5, 3)}, {"cnn": torch.randn(5, 2)}
    losses = [
        classification_loss(
            logits, embeddings, wanted, MutualLearningSettings(), label_smoothing=0.05
        )["loss"]
        for wanted in (targets, mixup_targets(targets, 3, partner, share))
    ]
    torch.testing.assert_close(*losses)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0])
def test_shares_keep_more_of_a_sample_than_of_its_partner(alpha):
    generator = np.random.default_rng(0)
    shares = draw_lam(2000, AugmentationSettings(mixup_alpha=alpha), generator)
    assert shares.dtype == np.float32
    assert shares.min() >= 0.5
    assert shares.max() <= 1
    # E[max(s, 1 - s)] is 1, about 0.91 and 3/4.
    assert shares.mean() == pytest.approx({0.0: 1, 0.2: 0.91, 1.0: 0.75}[alpha], abs=0.02)


def test_drawn_modalities_never_hide_all():
    rng = np.random.default_rng(0)
    keep = draw_modalities(4000, 3, AugmentationSettings(modality_dropout=0.3), rng)
    assert set(keep.sum(1)) == {2.0, 3.0}
    assert (keep.sum(1) == 2).mean() == pytest.approx(0.3, abs=0.03)
    assert draw_modalities(9, 1, AugmentationSettings(modality_dropout=0.9), rng).all()


def test_drawn_symmetries_are_all_of_the_square_or_none():
    rng = np.random.default_rng(0)
    assert set(draw_dihedral(500, AugmentationSettings(), rng)) == set(range(8))
    assert set(draw_dihedral(500, AugmentationSettings(dihedral=False), rng)) == {0}
