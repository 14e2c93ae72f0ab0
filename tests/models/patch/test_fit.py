"""Training of the classifier: it learns, honestly and repeatably."""

import json

import numpy as np
import pytest
import torch

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.models.bdgf.classifier import load_classifier
from bdgf.models.patch.augmentation import AugmentationSettings
from bdgf.models.patch.predict_map import predict_map
from bdgf.models.patch.selection import SelectionSettings
from bdgf.splits.parts import TEST, TRAIN, VALIDATION
from bdgf.training.metric_logger import MemoryLogger
from tests.models.patch.small_training import (
    ARRAYS,
    CLASSES,
    LABELS,
    SPLIT,
    VALID,
    decided_settings,
    fit,
    make_settings,
    same,
)


@pytest.mark.slow
def test_it_learns_a_scene_that_needs_scene_and_features():
    logger = MemoryLogger()
    unmixed = AugmentationSettings(mixup_alpha=0.0)  # the loss of mixed samples ends high
    settings = make_settings(epochs=8, batches_per_epoch=12, batch_size=32, augmentation=unmixed)
    weights = fit(settings, logger=logger)
    probabilities = predict_map(load_classifier(weights), ARRAYS, VALID)
    test = SPLIT == TEST
    accuracy = (probabilities.argmax(0) + 1 == LABELS)[test].mean()
    assert accuracy > 0.9
    losses = [value for _, value in logger.series("train/loss_cnn")]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    before = torch.get_rng_state()
    settings = decided_settings()
    first, second, other = fit(settings), fit(settings), fit(settings, seed=1)
    assert same(first, second)
    assert not same(first, other)
    assert torch.equal(torch.get_rng_state(), before)  # nobody else's draws are moved


class Killed(BaseException):
    pass


class KillingLogger(MemoryLogger):
    def log(self, metrics, step):
        super().log(metrics, step)
        if step == 6 and any(name.startswith("validation/") for name in metrics):
            raise Killed


def test_a_killed_training_ends_as_an_unbroken_one(tmp_path):
    settings = decided_settings(epochs=4)
    whole = fit(settings)
    every_step = settings.model_copy(update={"checkpoint_seconds": 0})
    checkpoints = ArtifactCache(tmp_path, 9)
    with pytest.raises(Killed):
        fit(every_step, checkpoints=checkpoints, logger=KillingLogger())
    assert list(tmp_path.glob("*.ckpt"))
    logger = MemoryLogger()
    resumed = fit(settings, checkpoints=checkpoints, logger=logger)
    steps = [step for step, metrics in logger.records if "train/loss" in metrics]
    assert min(steps) >= 6  # it did not start anew
    assert same(whole, resumed)
    assert whole.config == resumed.config
    assert [path.name for path in tmp_path.iterdir()] == [".locks"]


@pytest.mark.slow
def test_trainings_beside_each_other_keep_their_own_checkpoints(tmp_path):
    """Another seed, and the very same training: each ends as alone, and none takes another's."""
    settings = make_settings(epochs=1, batches_per_epoch=2, checkpoint_seconds=0)
    checkpoints, seen, beside = ArtifactCache(tmp_path, 9), [], []

    class Beside:
        def log(self, metrics, step):
            seen.append({path.name for path in tmp_path.glob("*.ckpt")})
            if not beside:
                beside.append(fit(settings, checkpoints=checkpoints))  # begins and ends meanwhile
                beside.append(fit(settings, seed=1, checkpoints=checkpoints))
                seen.append({path.name for path in tmp_path.glob("*.ckpt")})

    whole = fit(settings, checkpoints=checkpoints, logger=Beside())
    assert seen[1] == seen[0]
    assert same(whole, beside[0])
    assert same(beside[1], fit(settings, seed=1))
    assert not list(tmp_path.glob("*.ckpt*"))


def test_the_configuration_tells_what_made_the_weights():
    config = json.loads(json.dumps(fit(make_settings(epochs=3), seed=5).config))
    assert config["seed"] == 5
    assert config["classes"] == CLASSES
    assert config["modalities"] == [["optical", 3], ["sar", 1]]
    assert config["level_channels"] == [6, 6]
    assert config["train"]["epochs"] == 3
    losses = config["history"]["validation/loss"]
    assert [step for step, _ in losses] == [3, 6, 9]
    assert config["validation"]["validation/loss"] == losses[config["selected_epoch"] - 1][1]
    assert config["parameters"] > 1000


@pytest.mark.parametrize(
    "changes",
    [
        {"ema_decay": 0.0},
        {"class_weights": "balanced"},
        {"class_weights": "none"},
        {"selection": SelectionSettings(rule="last")},
        {"selection": SelectionSettings(rule="last", use_validation=False)},
        {"augmentation": AugmentationSettings(modality_dropout=0, dihedral=False)},
        {"augmentation": AugmentationSettings(mixup_alpha=0.0), "label_smoothing": 0.1},
        {"validation_pixels": 7, "validate_every": 2},
    ],
)
def test_every_option_trains_finite_weights(changes):
    weights = fit(make_settings(**changes))
    assert all(t.isfinite().all() for t in weights.tensors.values())


def test_without_validation_pixels_the_last_epoch_is_taken():
    split = np.where(SPLIT == VALIDATION, 0, SPLIT)
    weights = fit(split=split)
    assert weights.config["selected_epoch"] == 2
    assert weights.config["validation"] == {}


@pytest.mark.slow
def test_the_refit_learns_from_every_label_for_the_chosen_epochs():
    once = fit(
        make_settings(epochs=3, selection=SelectionSettings(rule="best", use_validation=False))
    )
    twice = fit(make_settings(epochs=3))
    labelled = int(((SPLIT == TRAIN) | (SPLIT == VALIDATION)).sum())
    assert once.config["training_pixels"] == int((SPLIT == TRAIN).sum())
    assert twice.config["training_pixels"] == labelled
    for key in ("selected_epoch", "validation", "validation_pixels"):
        assert once.config[key] == twice.config[key]
    steps = [step for step, _ in twice.config["history"]["refit/loss"]]
    assert steps[-1] == 3 * twice.config["selected_epoch"]
    assert not same(once, twice)


@pytest.mark.parametrize("rule", ["best", "last"])
def test_with_the_validation_pixels_it_is_a_training_on_all_of_them(rule):
    everything = np.where(SPLIT == VALIDATION, TRAIN, SPLIT)
    settings = make_settings(epochs=1, selection=SelectionSettings(rule=rule))
    first, second = fit(settings), fit(settings, split=everything)
    assert same(first, second)


def test_the_last_epoch_validates_only_what_it_does_not_train_on():
    learnt = fit(make_settings(selection=SelectionSettings(rule="last")))
    labelled = int(((SPLIT == TRAIN) | (SPLIT == VALIDATION)).sum())
    assert learnt.config["training_pixels"] == labelled
    assert learnt.config["validation"] == {}
    assert learnt.config["selected_epoch"] == 2
    chosen = SelectionSettings(rule="last", use_validation=False)
    kept_out = fit(make_settings(selection=chosen))
    assert kept_out.config["training_pixels"] == int((SPLIT == TRAIN).sum())
    assert kept_out.config["validation"]["validation/loss"] > 0
    assert kept_out.config["selected_epoch"] == 2
