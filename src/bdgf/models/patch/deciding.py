"""From a finished training to its decision: what held-out pixels are, and what is said of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from bdgf.core.weights import Weights
from bdgf.models.patch.conformal import calibrate
from bdgf.models.patch.decision import (
    Answers,
    Decision,
    PriorShift,
    Weighing,
    decision_line,
    decision_record,
    joined,
    shift_prior,
    weigh,
)
from bdgf.models.patch.guidance_choice import GuidanceChoice
from bdgf.models.patch.held_out import block_numbers
from bdgf.models.patch.priors import training_shares
from bdgf.models.patch.reach import Reach, distance_to, matched_weights, reach_of
from bdgf.models.patch.sampling import Pixels
from bdgf.models.patch.selection import SelectionSettings
from bdgf.models.patch.settings import PatchTrainSettings
from bdgf.models.patch.stacking import LEAST_PROBABILITY, cross_entropy, standard_error
from bdgf.models.patch.validation import logits_at

if TYPE_CHECKING:
    from bdgf.models.patch.training import Training

log = logging.getLogger(__name__)

Judge = Callable[[Pixels, Pixels], "Training"]
"""Takes pixels to train on and pixels that are held out; gives the short training of them."""


def judging_settings(settings: PatchTrainSettings) -> PatchTrainSettings:
    """Settings of the short training that judges branches: no consistency, a shorter warm-up."""
    epochs = min(settings.decision.epochs, settings.epochs)
    optimization, learning = settings.optimization, settings.mutual_learning
    warmup = optimization.warmup_steps * epochs // settings.epochs
    alone = learning.consistency.model_copy(update={"weight": 0.0})
    return settings.model_copy(
        update={
            "epochs": epochs,
            "validate_every": epochs,
            "selection": SelectionSettings(rule="last", use_validation=False),
            "mutual_learning": learning.model_copy(update={"consistency": alone}),
            "optimization": optimization.model_copy(update={"warmup_steps": warmup}),
        }
    )


def choose_guidance(
    guided: Training,
    answers: Answers | None,
    unguided: Training,
    answers_without: Answers | None,
) -> GuidanceChoice | None:
    """Whether diffusion features guide.

    Args:
        guided: The training with them.
        answers: What `answers_of_folds` gave of it.
        unguided: The same training without them.
        answers_without: Likewise.

    Returns:
        The choice; None where nothing can be held out.
    """
    settings = guided.settings.decision
    if answers is None or answers_without is None:
        return None
    of_each = [
        weigh(said, training.classifier.branch_names, settings.held_out.strength)
        for training, said in ((guided, answers), (unguided, answers_without))
    ]
    with_it, without = (
        np.maximum(found.right, LEAST_PROBABILITY) for found in of_each if found.right is not None
    )
    share = answers.share
    if settings.guidance_matched:
        share = share * matched_weights(answers.distance, _map_distances(guided))
    choice = GuidanceChoice(
        cross_entropy(with_it, share),
        cross_entropy(without, share),
        standard_error(np.log(with_it / without), share, answers.block),
        settings.guidance_errors,
        settings.guidance_matched,
    )
    if not choice.kept:
        log.info("the branches are trained without guidance: held-out blocks do not speak for it")
    return choice


def with_decision(
    weights: Weights,
    training: Training,
    chooser: Training,
    answers: Answers | None,
    guidance: GuidanceChoice | None = None,
) -> Weights:
    """The weights of a training with its decision, and with thresholds of prediction sets.

    Args:
        weights: What the training kept.
        training: The training.
        chooser: The training that chose the epoch: the same, or the one before the refit.
        answers: What `answers_of_folds` gave of it; validation pixels that the chooser did not
            train on are better evidence, and taken where there are some.
        guidance: Whether diffusion features guide, where that was asked.
    """
    settings = training.settings.decision
    branches = training.classifier.branch_names
    if len(chooser.validation):
        answers = _of_validation(chooser)
    weighing = weigh(answers, branches, settings.held_out.strength)
    shift = _shift(weights, training, weighing)
    fitted = training.fitted
    experts = {fitted.name: fitted.experts} if fitted else {}
    reach = _reach(training, answers)
    record = decision_record(weighing, shift, experts, guidance, reach)
    log.info("%s", decision_line(record))
    decided = _module(training, weighing, shift).state_dict()
    tensors = {f"decision.{name}": tensor.cpu() for name, tensor in decided.items()}

    def decide(known: Answers | None) -> Callable[[Answers], np.ndarray]:
        fitted_on = weigh(known, branches, settings.held_out.strength)
        return partial(_decided, _module(training, fitted_on, shift), branches)

    sets = calibrate(answers, decide, shift.ratio)
    return replace(
        weights,
        tensors={**weights.tensors, **tensors},
        config={**weights.config, "decision": record, "sets": sets},
    )


def _of_validation(training: Training) -> Answers:
    # The validation pixels, which this training did not train on.
    pixels = training.validation.pixels
    said = training.validation.answers(training.classifier, training.selection.tensors)
    share = np.ones(len(pixels))
    if training.class_weights is not None:
        share = training.class_weights.cpu().numpy()[pixels.targets].astype(float)
    side = training.settings.decision.held_out.block
    block = block_numbers(pixels, training.arrays.shape, side)
    away = distance_to(training.train_pixels, pixels.rows, pixels.cols)
    return Answers(said, pixels.targets, share, block, away)


def answers_of_folds(training: Training, judge: Judge) -> Answers | None:
    """What is said of held-out folds of blocks, on which a short training judges the branches.

    Args:
        training: The training, run or not; what was fitted before it was judged when it was fitted.
        judge: Trains branches without some pixels.

    Returns:
        The answers; None where no block can be held out.
    """
    blocks, fitted = training.blocks, training.fitted
    assert blocks is not None
    settings = training.settings.decision
    whole = blocks.with_all_classes()[: settings.folds]
    parts: list[Answers] = []
    for number, (train, held) in enumerate(blocks.folds):
        if not any(train is chosen for chosen, _ in whole):
            continue
        if parts and joined(parts).blocks >= settings.blocks:
            break
        near, far = blocks.pixels.where(train), blocks.pixels.where(held)
        judged = judge(near, far)
        said = judged.validation.answers(judged.classifier, judged.selection.tensors)
        if fitted is not None:
            said[fitted.name] = fitted.said[number]
        block, away = blocks.block[number][held], distance_to(near, far.rows, far.cols)
        parts.append(Answers(said, far.targets, blocks.share[held], block, away))
    return joined(parts) if parts else None


def _module(training: Training, weighing: Weighing, shift: PriorShift | None) -> Decision:
    decision = Decision(len(weighing.weights), training.classifier.classes)
    decision.weights.copy_(torch.tensor(list(weighing.weights.values())))
    decision.temperature.fill_(weighing.temperature)
    if shift is not None:
        decision.ratio.copy_(torch.from_numpy(shift.ratio))
    return decision.to(training.arrays.channels.device)


def _decided(decision: Decision, branches: Sequence[str], answers: Answers) -> np.ndarray:
    # (n, K) probabilities, by the arithmetic that a map has.
    said = torch.stack([torch.from_numpy(answers.said[name]).float() for name in branches])
    found: np.ndarray = decision(said.to(decision.weights.device)).cpu().numpy()
    return found


def _shift(weights: Weights, training: Training, weighing: Weighing) -> PriorShift:
    settings = training.settings.decision
    network, pixels = training.classifier, training.train_pixels
    of_classes = training.class_weights
    shares = training_shares(
        pixels.targets, None if of_classes is None else of_classes.cpu().numpy(), network.classes
    )
    if settings.prior == "training":
        return shift_prior("training", shares, None)
    logits = logits_at(
        *(network, weights.tensors, training.arrays, training.valid),
        *(*_seen_pixels(training), training.settings.batch_size),
    )
    probabilities = torch.stack([z.float().softmax(1) for z in logits.values()])
    decided = _module(training, weighing, None)(probabilities)
    return shift_prior(settings.prior, shares, decided.cpu().double().numpy())


def _seen_pixels(training: Training) -> tuple[torch.Tensor, torch.Tensor]:
    # Rows and columns of some of the scene's valid pixels, evenly over it.
    rows, cols = torch.nonzero(training.valid[0][0], as_tuple=True)
    step = max(len(rows) // training.settings.decision.unlabelled_pixels, 1)
    return rows[::step], cols[::step]


def _map_distances(training: Training) -> np.ndarray:
    # Of the scene's pixels to the nearest that trains.
    rows, cols = (index.cpu().numpy() for index in _seen_pixels(training))
    return distance_to(training.train_pixels, rows, cols)


def _reach(training: Training, answers: Answers | None) -> Reach | None:
    if answers is None:
        return None
    return reach_of(answers.distance, _map_distances(training))
