"""Training of a patch network on the labelled pixels of one scene."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import numpy as np
import torch

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.weights import Weights
from bdgf.models.patch.deciding import (
    answers_of_folds,
    choose_guidance,
    judging_settings,
    with_decision,
)
from bdgf.models.patch.labelled_pixels import labelled_pixels
from bdgf.models.patch.sampling import Pixels
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.models.patch.training import NetworkMaker, NetworkPlan, Training
from bdgf.raster.patches import SceneTensors
from bdgf.training.checkpoint import delete_checkpoint
from bdgf.training.devices import DeviceSettings, make_fabric
from bdgf.training.loop import CheckpointPlan
from bdgf.training.metric_logger import MetricLogger, NullLogger

log = logging.getLogger(__name__)


def fit_classifier(
    arrays: SceneTensors,
    labels: np.ndarray,
    split: np.ndarray,
    valid: np.ndarray,
    classes: int,
    settings: PatchTrainSettings,
    seed: int,
    make_network: NetworkMaker,
    *,
    unguided: NetworkPlan | None = None,
    devices: DeviceSettings | None = None,
    logger: MetricLogger | None = None,
    checkpoints: ArtifactCache | None = None,
) -> Weights:
    """Trains a network: which pixels train and which validate is `settings.selection`'s.

    Where the epoch is chosen on the validation pixels, it is then trained anew for that many epochs
    with them among the training pixels: where labels are few, a fifth of them is much. Where the
    network's fusion rule is `stacked`, held-out pixels decide how its branches are joined, and
    before that whether it is guided.

    Labels outside the training and validation pixels are removed before anything looks at them.
    On a CPU the same arguments and the same number of threads give the same weights, bit for bit.

    Args:
        arrays: The scene and its diffusion features.
        labels: (H, W) uint8, 0 unlabelled, class ids 1..K.
        split: (H, W) uint8, constants of `bdgf.splits.parts`.
        valid: (H, W) bool, False at nodata.
        classes: K.
        settings: Settings.
        seed: Decides initial weights, order, augmentation and dropout.
        make_network: Makes the network, with fresh weights from PyTorch's global generator.
        unguided: The same without guidance; it is trained instead where `decision.guidance` asks
            held-out pixels and these speak for it.
        devices: Where to compute and in which precision.
        logger: Takes the curves: `train/loss`, `train/loss_<branch>`, `train/loss_entropy`,
            `train/loss_similarity`, `validation/loss`, `validation/overall_accuracy`, and
            `refit/loss`, ...
        checkpoints: Keeps the running checkpoints, each by the fingerprint of its training; a
            killed training continues from its own. They are deleted at the end.

    Returns:
        The chosen weights; their configuration holds all settings, the seed, the chosen epoch and
        the validation record.

    Raises:
        SceneError: A class has no training pixel, or the arrays' shapes differ.
        SettingsError: Settings that do not fit each other.
        TrainingDiverged: The loss or gradient was NaN or infinite at too many steps.
    """
    labelled = labelled_pixels(arrays.shape, labels, split, valid, classes, settings, seed)
    fabric = make_fabric(devices)

    # Fresh global generators for initial weights and dropout; the caller's are left as they were.
    with torch.random.fork_rng(), ExitStack() as held:

        def prepare(
            plan: NetworkPlan, pixels: Pixels, validation: Pixels, *, parts: bool = True
        ) -> Training:
            chosen, make = plan
            return Training(
                *(arrays, pixels, validation, valid, classes, chosen, seed, fabric, make),
                parts=parts,
            )

        def run(name: str, fit: Training, epochs: int, *, curves: bool = True) -> Training:
            plan = held.enter_context(_plan(checkpoints, fit, epochs)) if checkpoints else None
            fit.run(name, epochs, (logger or NullLogger()) if curves else NullLogger(), plan)
            return fit

        def judge(plan: NetworkPlan, pixels: Pixels, held_out: Pixels) -> Training:
            short = judging_settings(plan[0])
            fit = prepare((short, plan[1]), pixels, held_out, parts=False)
            return run("held_out", fit, short.epochs, curves=False)

        selection, network = settings.selection, (settings, make_network)
        pixels = (
            (labelled.train, labelled.validation)
            if selection.validates
            else (labelled.together, labelled.nothing)
        )
        first, answers, guidance = prepare(network, *pixels), None, None
        if unguided is not None and first.asks_for_guidance:
            other = prepare(unguided, *pixels)
            answers = answers_of_folds(first, partial(judge, network))
            without = answers_of_folds(other, partial(judge, unguided))
            guidance = choose_guidance(first, answers, other, without)
            if guidance is not None and not guidance.kept:
                network, first, answers = unguided, other, without
        run("train", first, settings.epochs)
        kept = first
        if selection.validates and selection.use_validation and len(labelled.validation):
            epochs = first.selection.epoch
            log.info(
                "epoch %d validates best: training again for as many epochs, with the "
                "validation pixels",
                epochs,
            )
            kept = run("refit", prepare(network, labelled.together, labelled.nothing), epochs)
        weights = kept.weights(first)
        if kept.classifier.decision is None:
            return weights
        if answers is None and not len(first.validation):
            answers = answers_of_folds(kept, partial(judge, network))
        return with_decision(weights, kept, first, answers, guidance)


@contextmanager
def _plan(checkpoints: ArtifactCache, fit: Training, epochs: int) -> Iterator[CheckpointPlan]:
    # A training that ended is repeated, not continued: whoever wants it again gets equal bits.
    mark = fit.training_fingerprint(epochs)
    with checkpoints.claim_free(mark) as place:
        plan = CheckpointPlan(
            place.with_suffix(".ckpt"), mark, seconds=fit.settings.checkpoint_seconds
        )
        yield plan
        delete_checkpoint(plan.path)
