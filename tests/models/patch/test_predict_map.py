"""Full-map inference against gathering every pixel's raw patches."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SettingsError
from bdgf.models.base import PredictionSettings
from bdgf.models.bdgf.branches import BRANCHES, PyramidSettings
from bdgf.models.bdgf.classifier import Classifier
from bdgf.models.bdgf.guidance import GuideSettings
from bdgf.models.bdgf.settings import ClassifierSettings
from bdgf.models.patch.predict_map import predict_map, predict_with_votes
from bdgf.raster.patches import SceneTensors, gather_batch, level_valid

HEIGHT, WIDTH, CLASSES = 21, 18, 4


def make_arrays(
    levels: int = 3, channels: int = 5, height: int = HEIGHT, width: int = WIDTH
) -> SceneTensors:
    generator = torch.Generator().manual_seed(0)
    features = tuple(
        torch.randn(6 + level, -(-height // 2**level), -(-width // 2**level), generator=generator)
        for level in range(levels)
    )
    return SceneTensors(
        torch.randn(channels, height, width, generator=generator),
        {"optical": slice(0, 3), "sar": slice(3, channels)},
        tuple(level.half() for level in features),
        tuple(torch.full((level.shape[0],), 0.3) for level in features),
        tuple(torch.full((level.shape[0],), 1.5) for level in features),
    )


def make_classifier(arrays: SceneTensors, **changes) -> Classifier:
    torch.manual_seed(0)
    settings = ClassifierSettings(
        modality_width=4,
        pyramid=PyramidSettings(width=8, embedding=6),
        guide=GuideSettings(width=8, groups=4, heads=2),
        **changes,
    )
    classifier = Classifier(settings, arrays.modality_channels, arrays.level_channels, CLASSES)
    classifier.set_feature_moments(arrays.feature_mean, arrays.feature_std)
    if classifier.classical is not None:
        classifier.classical.linear.weight.normal_()
        for name, buffer in classifier.classical.named_buffers():
            if "projection" in name:
                buffer.normal_(std=0.1)
    return classifier


def holes() -> np.ndarray:
    valid = np.ones((HEIGHT, WIDTH), bool)
    valid[:3, 5:] = valid[10:14, 2:9] = valid[:, -1] = False
    return valid


def plain_map(classifier, arrays, valid, rule, symmetries=(0,)) -> np.ndarray:
    found = np.zeros((CLASSES, *arrays.shape), np.float32)
    masks = level_valid(torch.from_numpy(valid), 3)
    rows, cols = (torch.from_numpy(index) for index in np.nonzero(valid))
    with torch.no_grad():
        for number in symmetries:
            turn = torch.full_like(rows, number)
            patch, levels = classifier.settings.patch, classifier.levels
            batch = gather_batch(arrays, masks, rows, cols, patch, turn, levels, centres=True)
            probabilities = classifier.fuse(classifier.eval()(batch).logits, rule)
            found[:, valid] += probabilities.T.numpy() / len(symmetries)
    return found


@pytest.mark.parametrize("levels", [0, 1, 3])
@pytest.mark.parametrize("patch", [1, 5, 11])
def test_the_streamed_map_equals_the_plain_one(levels, patch):
    arrays, valid = make_arrays(levels), holes()
    classifier = make_classifier(arrays, patch=patch)
    found = predict_map(classifier, arrays, valid, PredictionSettings(batch_size=50))
    np.testing.assert_allclose(
        found, plain_map(classifier, arrays, valid, classifier.fusion), atol=1e-5
    )


def with_gaps(arrays: SceneTensors) -> SceneTensors:
    """SAR is missing in a corner, and all alone in another one."""
    present = torch.ones(2, *arrays.shape, dtype=torch.bool)
    present[1, :9, :8] = present[0, 12:, 11:] = False
    channels = arrays.channels.clone()
    for number, part in enumerate(arrays.modalities.values()):
        channels[part] *= present[number]
    return replace(arrays, channels=channels, present=present)


@pytest.mark.parametrize("patch", [1, 5, 11])
def test_the_streamed_map_of_a_scene_with_gaps_equals_the_plain_one(patch):
    arrays, valid = with_gaps(make_arrays()), holes()
    classifier = make_classifier(arrays, patch=patch)
    found = predict_map(classifier, arrays, valid, PredictionSettings(batch_size=50))
    np.testing.assert_allclose(
        found, plain_map(classifier, arrays, valid, classifier.fusion), atol=1e-5
    )


def test_features_that_were_computed_without_a_modality_guide_nothing():
    arrays, valid = with_gaps(make_arrays()), holes()
    classifier = make_classifier(arrays)
    expected = predict_map(classifier, arrays, valid)
    assert arrays.complete is not None
    spoilt = [
        torch.where(whole, level, torch.full_like(level, 90.0))
        for level, whole in zip(arrays.features, arrays.complete, strict=True)
    ]
    found = predict_map(classifier, replace(arrays, features=tuple(spoilt)), valid)
    np.testing.assert_array_equal(found, expected)
    # Where all modalities are, features do guide.
    moved = tuple(level + 1 for level in arrays.features)
    found = predict_map(classifier, replace(arrays, features=moved), valid)
    changed = (found != expected).any(axis=0)
    assert changed[~holes_of(arrays) & valid].all()
    # A pixel whose whole patch lacks a modality has no features at all.
    assert not changed[0, :2].any()


def holes_of(arrays: SceneTensors) -> np.ndarray:
    """(H, W) bool, where a modality is missing."""
    assert arrays.present is not None
    return ~arrays.present.all(dim=0).numpy()


def test_a_scene_without_any_complete_pixel_is_mapped_as_without_features():
    arrays, valid = make_arrays(), holes()
    present = torch.ones(2, *arrays.shape, dtype=torch.bool)
    present[1] = False
    hidden = replace(arrays, present=present)
    classifier = make_classifier(arrays)
    found = predict_map(classifier, hidden, valid)
    other = replace(hidden, features=tuple(-level for level in arrays.features))
    np.testing.assert_array_equal(predict_map(classifier, other, valid), found)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_share_the_batches_and_change_no_bit(threads):
    arrays, valid = make_arrays(), holes()
    classifier, before = make_classifier(arrays), torch.get_num_threads()
    maps = []
    try:
        for number in (1, threads):
            torch.set_num_threads(number)
            maps.append(predict_map(classifier, arrays, valid, PredictionSettings(batch_size=20)))
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*maps)


@settings(max_examples=12, deadline=None)
@given(
    height=st.integers(1, 14),
    width=st.integers(1, 14),
    patch=st.sampled_from([1, 3, 7, 11]),
    levels=st.integers(0, 3),
    batch_size=st.integers(1, 60),
    block_rows=st.integers(1, 14),
    seed=st.integers(0, 100),
)
def test_any_size_gives_the_plain_map(height, width, patch, levels, batch_size, block_rows, seed):
    arrays = make_arrays(levels, height=height, width=width)
    valid = np.random.default_rng(seed).random((height, width)) > 0.3
    classifier = make_classifier(arrays, patch=patch)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bdgf.models.patch.predict_map._block_rows", lambda *_: block_rows)
        found = predict_map(classifier, arrays, valid, PredictionSettings(batch_size=batch_size))
    wanted = (
        plain_map(classifier, arrays, valid, classifier.fusion)
        if valid.any()
        else np.zeros_like(found)
    )
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_the_blocks_of_rows_leave_no_seams(rows, monkeypatch):
    arrays, valid = make_arrays(), holes()
    classifier = make_classifier(arrays)
    whole = predict_map(classifier, arrays, valid)
    monkeypatch.setattr("bdgf.models.patch.predict_map._block_rows", lambda *_: rows)
    np.testing.assert_allclose(predict_map(classifier, arrays, valid), whole, atol=1e-5)


def test_the_blocks_follow_the_memory_allowed():
    from bdgf.models.patch.predict_map import _block_rows

    classifier = make_classifier(make_arrays())
    assert _block_rows(classifier, 5000, 1) == 1
    assert 1 < _block_rows(classifier, 500, 16) < _block_rows(classifier, 500, 64)


def test_probabilities_sum_to_one_where_valid_and_are_zero_elsewhere():
    arrays, valid = make_arrays(), holes()
    found = predict_map(make_classifier(arrays), arrays, valid)
    assert found.shape == (CLASSES, HEIGHT, WIDTH)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(0), valid, atol=1e-5)


@pytest.mark.parametrize(("count", "numbers"), [(4, (0, 2, 5, 7)), (8, range(8))])
def test_symmetries_are_averaged(count, numbers):
    arrays, valid = make_arrays(), holes()
    classifier = make_classifier(arrays)
    found = predict_map(classifier, arrays, valid, PredictionSettings(dihedral=count))
    wanted = plain_map(classifier, arrays, valid, classifier.fusion, tuple(numbers))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_votes_are_the_branches_own_and_the_decision_can_be_changed():
    arrays, valid = make_arrays(), holes()
    classifier = make_classifier(arrays)
    settings = PredictionSettings(fusion="confidence")
    fused, votes = predict_with_votes(classifier, arrays, valid, settings)
    assert set(votes) == {*BRANCHES, "classical"}
    for name in classifier.branch_names:
        alone = plain_map(classifier, arrays, valid, f"branch:{name}")
        np.testing.assert_array_equal(votes[name], np.where(valid, alone.argmax(0) + 1, 0))
    confident = predict_map(classifier, arrays, valid, settings)
    np.testing.assert_array_equal(fused, confident)
    assert not np.allclose(confident, predict_map(classifier, arrays, valid))


def test_nodata_values_are_not_seen():
    arrays, valid = make_arrays(), holes()
    classifier = make_classifier(arrays)
    channels = arrays.channels.clone()
    channels[:, torch.from_numpy(~valid)] = torch.nan
    spoilt = SceneTensors(
        channels.nan_to_num(1e6),
        arrays.modalities,
        arrays.features,
        arrays.feature_mean,
        arrays.feature_std,
    )
    np.testing.assert_array_equal(
        predict_map(classifier, spoilt, valid), predict_map(classifier, arrays, valid)
    )


def test_arrays_of_another_training_are_refused():
    arrays, valid = make_arrays(), holes()
    classifier = make_classifier(arrays)
    with pytest.raises(SettingsError, match=r"trained on features of \(6, 7, 8\) channels"):
        predict_map(classifier, make_arrays(levels=2), valid)
    with pytest.raises(SettingsError, match="trained on the modalities"):
        predict_map(classifier, make_arrays(channels=6), valid)
    with pytest.raises(SettingsError, match="the valid mask is"):
        predict_map(classifier, arrays, valid[:-1])
    with pytest.raises(SettingsError, match="unknown fusion rule 'vote'"):
        predict_map(classifier, arrays, valid, PredictionSettings(fusion="vote"))
