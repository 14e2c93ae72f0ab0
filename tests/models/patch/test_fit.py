"""Training of the classifier: it learns, honestly and repeatably."""

import json
from functools import partial

import numpy as np
import pytest
import torch

from bdgf.core.errors import SceneError
from bdgf.models.bdgf.branches import PyramidSettings
from bdgf.models.bdgf.classical.branch import ClassicalSettings
from bdgf.models.bdgf.classical.logistic import LinearSettings
from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings
from bdgf.models.bdgf.classifier import load_classifier
from bdgf.models.bdgf.guidance import GuideSettings
from bdgf.models.bdgf.model import guided_classifier
from bdgf.models.bdgf.settings import ClassifierSettings, TrainSettings
from bdgf.models.patch.augmentation import AugmentationSettings, draw_dihedral, draw_modalities
from bdgf.models.patch.fit import fit_classifier
from bdgf.models.patch.mutual_learning import ConsistencySettings, MutualLearningSettings
from bdgf.models.patch.predict_map import predict_map
from bdgf.models.patch.sampling import (
    Pixels,
    class_weights,
    select_pixels,
    shuffled_passes,
    thin_classes,
    thin_pixels,
)
from bdgf.models.patch.selection import EpochSelection, SelectionSettings
from bdgf.raster.patches import SceneTensors
from bdgf.splits.parts import TEST, TRAIN, VALIDATION
from bdgf.training.loop import CheckpointPlan
from bdgf.training.metric_logger import MemoryLogger
from bdgf.training.optimizer import OptimizationSettings

SIZE, CLASSES = 32, 4


def make_scene(seed: int = 0) -> tuple[SceneTensors, np.ndarray, np.ndarray]:
    """Four classes: the spectral modality tells two pairs apart, the features the rest."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(1, CLASSES + 1, (8, 8)), np.ones((4, 4), int)).astype(np.uint8)
    noise = rng.normal(size=(4, SIZE, SIZE)) * 0.7
    channels = noise + np.stack([labels > 2, labels > 2, labels > 2, labels < 0]) * 2
    features = []
    for level in range(2):
        coarse = labels[:: 2**level, :: 2**level]
        drawn = rng.normal(size=(6, *coarse.shape)) * 0.7
        features.append(drawn + 2 * (coarse % 2))
    arrays = SceneTensors(
        torch.tensor(channels, dtype=torch.float32),
        {"optical": slice(0, 3), "sar": slice(3, 4)},
        tuple(torch.tensor(f).half() for f in features),
        tuple(torch.tensor(f.mean((1, 2))).float() for f in features),
        tuple(torch.tensor(f.std((1, 2))).float() for f in features),
    )
    split = rng.choice([TRAIN, VALIDATION, TEST], (SIZE, SIZE), p=[0.15, 0.1, 0.75])
    return arrays, labels, split.astype(np.uint8)


CLASSICAL = ClassicalSettings(
    linear=LinearSettings(c=(0.03, 0.3)),
    forest=ForestSettings(trees=5),
    block=8,
    repeats=1,
)


def make_settings(**changes) -> TrainSettings:
    small = {
        "epochs": 2,
        "batches_per_epoch": 3,
        "batch_size": 16,
        "selection": SelectionSettings(rule="best"),
        "optimization": OptimizationSettings(learning_rate=3e-3, warmup_steps=5),
        "mutual_learning": MutualLearningSettings(
            consistency=ConsistencySettings(pixels=8, start_epoch=1)
        ),
        "classifier": ClassifierSettings(
            patch=5,
            modality_width=8,
            pyramid=PyramidSettings(width=16, embedding=16, stages=2),
            guide=GuideSettings(width=16, groups=4),
            classical=CLASSICAL,
        ),
    }
    return TrainSettings(**(small | changes))


ARRAYS, LABELS, SPLIT = make_scene()
VALID = np.ones((SIZE, SIZE), bool)


def fit(
    settings=None, *, arrays=ARRAYS, labels=LABELS, split=SPLIT, valid=VALID, seed=0, **options
):
    settings = settings or make_settings()
    make = guided_classifier(settings.classifier)
    return fit_classifier(arrays, labels, split, valid, CLASSES, settings, seed, make, **options)


def same(first, second) -> bool:
    return first.tensors.keys() == second.tensors.keys() and all(
        torch.equal(t, second.tensors[name]) for name, t in first.tensors.items()
    )


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


def test_it_logs_terms_branches_and_validation():
    logger = MemoryLogger()
    fit(logger=logger)
    wanted = {
        *(f"train/loss{term}" for term in ("", "_cnn", "_mamba", "_transformer")),
        "train/loss_entropy",
        "train/loss_similarity",
        "train/loss_consistency",
        "validation/loss",
        "validation/overall_accuracy",
        "validation/average_accuracy",
        "validation/overall_accuracy_cnn",
    }
    assert wanted <= set(logger.names())


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    before = torch.get_rng_state()
    first, second, other = fit(), fit(), fit(seed=1)
    assert same(first, second)
    assert not same(first, other)
    assert torch.equal(torch.get_rng_state(), before)  # nobody else's draws are moved


def test_the_classical_branch_is_fitted_once_and_kept():
    weights = fit()
    assert weights.tensors["classical.linear.weight"].abs().sum() > 0
    assert {m["c"] for m in weights.config["fitted"]["classical"]["linear"]} <= {
        0.03,
        0.3,
    }
    # Neither steps nor averages move it, and pixels without labels have no part in it.
    alike = make_settings(epochs=4, selection=SelectionSettings(rule="last"))
    longer = fit(alike, split=SPLIT)
    assert torch.equal(
        weights.tensors["classical.linear.weight"], longer.tensors["classical.linear.weight"]
    )
    nodes = weights.tensors["classical.forest.threshold"]
    assert len(nodes) > 1
    assert torch.equal(nodes, longer.tensors["classical.forest.threshold"])
    off = {"classical": ClassicalSettings(use=False)}
    without = make_settings().classifier.model_copy(update=off)
    assert fit(make_settings(classifier=without)).config["fitted"] == {}


def test_test_labels_change_nothing():
    spoilt = LABELS.copy()
    spoilt[SPLIT == TEST] = np.random.default_rng(9).integers(0, 200, (SPLIT == TEST).sum())
    spoilt[SPLIT == 0] = 77
    assert same(fit(), fit(labels=spoilt))


def test_consistency_begins_at_its_epoch_and_needs_more_than_one_branch():
    def curve(**changes) -> list[int]:
        logger = MemoryLogger()
        fit(make_settings(selection=SelectionSettings(rule="last"), **changes), logger=logger)
        return [step for step, r in logger.records if "train/loss_consistency" in r]

    only = {"branches": ("cnn",), "classical": ClassicalSettings(use=False)}
    single = make_settings().classifier.model_copy(update=only)
    with_classical = single.model_copy(update={"classical": CLASSICAL})
    assert curve() == [6]  # the second of two epochs of three batches
    assert curve(classifier=single) == []
    assert curve(classifier=with_classical) == [6]  # the classical branch teaches it
    off = MutualLearningSettings(consistency=ConsistencySettings(weight=0.0))
    assert curve(mutual_learning=off) == []


def test_consistency_changes_the_weights_by_pixels_without_labels():
    untaught = MutualLearningSettings(consistency=ConsistencySettings(weight=0.0))
    assert not same(fit(), fit(make_settings(mutual_learning=untaught)))
    # Pixels that neither train nor validate, and lie in no patch of those that do.
    split = np.where(np.arange(SIZE) < 16, SPLIT, TEST)
    unseen = ARRAYS.channels.clone()
    unseen[:, :, 20:] += 1
    moved = SceneTensors(
        unseen, ARRAYS.modalities, ARRAYS.features, ARRAYS.feature_mean, ARRAYS.feature_std
    )
    for mutual, alike in ((untaught, True), (make_settings().mutual_learning, False)):
        one, other = (
            fit(make_settings(mutual_learning=mutual), arrays=a, split=split)
            for a in (ARRAYS, moved)
        )
        assert same(one, other) == alike


def test_invalid_pixels_are_neither_trained_on_nor_validated():
    valid = VALID.copy()
    valid[:, :10] = False
    spoilt = LABELS.copy()
    spoilt[~valid] = 1
    assert same(fit(valid=valid), fit(valid=valid, labels=spoilt))


class Killed(BaseException):
    pass


class KillingLogger(MemoryLogger):
    def log(self, metrics, step):
        super().log(metrics, step)
        if step == 6 and any(name.startswith("validation/") for name in metrics):
            raise Killed


def test_a_killed_training_ends_as_an_unbroken_one(tmp_path, monkeypatch):
    settings = make_settings(epochs=4)
    whole = fit(settings)
    every_step = partial(CheckpointPlan, seconds=0)
    monkeypatch.setattr("bdgf.models.patch.fit.CheckpointPlan", every_step)
    with pytest.raises(Killed):
        fit(settings, checkpoint=tmp_path / "running.ckpt", logger=KillingLogger())
    logger = MemoryLogger()
    resumed = fit(settings, checkpoint=tmp_path / "running.ckpt", logger=logger)
    steps = [step for step, metrics in logger.records if "train/loss" in metrics]
    assert min(steps) >= 6  # it did not start anew
    assert same(whole, resumed)
    assert whole.config == resumed.config


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


def test_a_class_without_training_pixels_is_refused():
    split = np.where(LABELS == 3, TEST, SPLIT)
    with pytest.raises(SceneError, match="no valid training pixel of class 3"):
        fit(split=split)
    labels = np.where(LABELS == 3, 6, LABELS).astype(np.uint8)
    with pytest.raises(SceneError, match="the labels hold class 6 but the scene lists 4 classes"):
        fit(labels=labels)
    with pytest.raises(SceneError, match="the labels are"):
        fit(labels=LABELS[:-1])


def test_selection_smooths_and_prefers_the_later_of_equals():
    selection = EpochSelection(SelectionSettings(rule="best", window=2))
    for epoch, loss in enumerate([0.9, 0.2, 0.9, 0.5, 0.4, 0.5, 0.9], start=1):
        selection.consider(epoch, loss, {"w": torch.tensor(float(epoch))})
    assert selection.epoch == 6  # 0.45 twice; the lucky 0.2 is averaged away
    assert selection.tensors["w"] == 6


def test_class_weights_have_mean_one_over_the_pixels():
    targets = np.array([0] * 9 + [1])
    assert class_weights(targets, 2, "none") is None
    balanced = class_weights(targets, 2, "balanced")
    root = class_weights(targets, 2, "sqrt")
    assert balanced[1] / balanced[0] == pytest.approx(9)
    assert root[1] / root[0] == pytest.approx(3)
    for weights in (balanced, root):
        assert weights[targets].mean() == pytest.approx(1)


def test_the_order_passes_over_all_pixels():
    order = shuffled_passes(7, 20, np.random.default_rng(0))
    assert sorted(order[:7]) == sorted(order[7:14]) == list(range(7))
    assert len(order) == 20


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


def test_pixels_are_selected_and_thinned_in_order():
    labels = np.array([[0, 2], [1, 3]], np.uint8)
    pixels = select_pixels(labels, np.array([[True, True], [False, True]]))
    assert pixels.rows.tolist() == [0, 1]
    assert pixels.targets.tolist() == [1, 2]
    many = select_pixels(np.ones((20, 20), np.uint8), np.ones((20, 20), bool))
    thinned = thin_pixels(many, 30, np.random.default_rng(0))
    assert len(thinned) == 30
    assert (np.diff(thinned.rows * 20 + thinned.cols) > 0).all()


@pytest.mark.parametrize(
    ("most", "left"), [(100, [40, 5, 30]), (20, [8, 5, 7]), (75, [40, 5, 30]), (2, [1, 1, 1])]
)
def test_thinning_keeps_rare_classes_whole(most, left):
    targets = np.repeat([0, 1, 2], [40, 5, 30])
    pixels = Pixels(np.arange(75), np.arange(75), targets)
    thinned = thin_classes(pixels, most, np.random.default_rng(0))
    counts = np.bincount(thinned.targets)
    assert (np.abs(counts - left) <= 1).all()
    assert len(thinned) <= max(most, 3)
    assert (np.diff(thinned.rows) > 0).all()


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
    assert same(fit(settings), fit(settings, split=everything))


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
