"""A scene of four classes and a training of a few steps."""

import numpy as np
import torch

from bdgf.models.bdgf.branches import PyramidSettings
from bdgf.models.bdgf.classical.branch import ClassicalSettings
from bdgf.models.bdgf.classical.logistic import LinearSettings
from bdgf.models.bdgf.classical.tree_ensemble import ForestSettings
from bdgf.models.bdgf.guidance import GuideSettings
from bdgf.models.bdgf.model import guided_classifier
from bdgf.models.bdgf.settings import ClassifierSettings, TrainSettings
from bdgf.models.patch.decision import DecisionSettings
from bdgf.models.patch.fit import fit_classifier
from bdgf.models.patch.held_out import HeldOutSettings
from bdgf.models.patch.mutual_learning import ConsistencySettings, MutualLearningSettings
from bdgf.models.patch.selection import SelectionSettings
from bdgf.raster.patches import SceneTensors
from bdgf.splits.parts import TEST, TRAIN, VALIDATION
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
    linear=LinearSettings(c=(0.1,)),  # to choose one takes longer than all else
    forest=ForestSettings(trees=3),
)


def make_settings(**changes) -> TrainSettings:
    """Settings of a training without a decision, whose evidence would double its time."""
    small = {
        "epochs": 2,
        "batches_per_epoch": 3,
        "batch_size": 16,
        "selection": SelectionSettings(rule="best"),
        "optimization": OptimizationSettings(learning_rate=3e-3, warmup_steps=5),
        "decision": DecisionSettings(
            guidance="always", held_out=HeldOutSettings(block=8, folds=2), folds=1, epochs=1
        ),
        "mutual_learning": MutualLearningSettings(
            consistency=ConsistencySettings(pixels=8, start_epoch=1)
        ),
        "classifier": ClassifierSettings(
            fusion="mean",
            patch=5,
            modality_width=8,
            pyramid=PyramidSettings(width=16, embedding=16, stages=2),
            guide=GuideSettings(width=16, groups=4),
            classical=CLASSICAL,
        ),
    }
    return TrainSettings(**(small | changes))


def decided_settings(**changes) -> TrainSettings:
    """The same with the default rule: held-out pixels decide how the branches are joined."""
    settings = make_settings(**changes)
    classifier = settings.classifier.model_copy(update={"fusion": "stacked"})
    return settings.model_copy(update={"classifier": classifier})


ARRAYS, LABELS, SPLIT = make_scene()


VALID = np.ones((SIZE, SIZE), bool)


def fit(
    settings=None, *, arrays=ARRAYS, labels=LABELS, split=SPLIT, valid=VALID, seed=0, **options
):
    settings = settings or make_settings()
    make = guided_classifier(settings.classifier)
    classifier = settings.classifier.model_copy(update={"guides": {}})
    without = settings.model_copy(update={"classifier": classifier})
    options = {"unguided": (without, guided_classifier(classifier)), **options}
    return fit_classifier(arrays, labels, split, valid, CLASSES, settings, seed, make, **options)


def same(first, second) -> bool:
    return first.tensors.keys() == second.tensors.keys() and all(
        torch.equal(t, second.tensors[name]) for name, t in first.tensors.items()
    )
