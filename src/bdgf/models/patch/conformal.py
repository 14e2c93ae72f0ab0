"""Split conformal calibration on held-out blocks: how probable the classes of a set have to be.

A prediction set holds each class whose probability reaches a threshold (Sadinle et al., JASA 2019:
the least ambiguous sets). The threshold of a coverage is the probability of the right class that
so large a share of the held-out pixels reaches, with what a block not seen yet may add:

    sum_i v_i [p_i >= threshold] >= coverage,    sum_i v_i = blocks / (blocks + 1)

The pixels of a block are much alike: a block, not a pixel, is what can be exchanged for one of the
map (Dunn et al., JASA 2023). So a coverage c asks for c / (1 - c) blocks: 9 at 90 %. With fewer
the threshold is 0, and a set holds every class. There is one threshold for all classes: few labels
leave a class one or two blocks, and a threshold of its own would ask for nine of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bdgf.models.patch.decision import Answers
from bdgf.models.patch.stacking import of_right_class

PERCENTS = range(50, 100)
"""Coverages that a threshold is kept for, in per cent."""

_GROUPS = 5
"""Groups of blocks; the decision that speaks of a group is fitted on the others."""
_ROUNDING = 1e-9  # of a sum of shares

Decide = Callable[[Answers | None], Callable[[Answers], np.ndarray]]
"""Fits a decision, which makes (n, K) probabilities of what the branches say of n pixels."""


def calibrate(answers: Answers | None, decide: Decide, ratio: np.ndarray) -> dict[str, Any]:
    """Thresholds of prediction sets, by what held-out pixels say.

    No pixel is judged by weights and a temperature that were fitted on its block.

    Args:
        answers: What the branches say of held-out pixels; None where there are none.
        decide: Fits a decision on some of them.
        ratio: (K,) expected shares of the classes over those of the training: coverage is meant
            for the former.

    Returns:
        JSON-serialisable: `pixels` and `blocks` that were held out, `thresholds` {coverage in per
        cent: least probability of a class in the set}.
    """
    if answers is None:
        thresholds = np.zeros(len(PERCENTS))
        pixels = blocks = 0
    else:
        right = of_right_class(_crossed(answers, decide), answers.targets)
        share = answers.share * ratio[answers.targets]
        pixels, blocks = len(right), answers.blocks
        thresholds = set_thresholds(right, share, blocks, np.array(PERCENTS) / 100)
    told = {str(percent): float(t) for percent, t in zip(PERCENTS, thresholds, strict=True)}
    return {"pixels": pixels, "blocks": blocks, "thresholds": told}


def set_thresholds(
    right: np.ndarray, share: np.ndarray, blocks: int, coverages: np.ndarray
) -> np.ndarray:
    """The least probability of a class in the set, for each coverage.

    Args:
        right: (n,) probabilities of the right classes at held-out pixels.
        share: (n,) weights of the pixels, of any sum.
        blocks: Number of blocks that the pixels lie in.
        coverages: (C,) in 0..1.

    Returns:
        (C,) probabilities; 0 where the blocks are too few.
    """
    order = np.argsort(-right, kind="stable")
    reached = np.cumsum(share[order]) / share.sum() * blocks / (blocks + 1)
    at = np.searchsorted(reached, coverages - _ROUNDING)
    return np.append(right[order], 0.0)[at]


def _crossed(answers: Answers, decide: Decide) -> np.ndarray:
    # (n, K) probabilities of each pixel by a decision that its block had no part in.
    found = np.empty(next(iter(answers.said.values())).shape)
    for held in _groups(answers.block):
        others = _where(answers, ~held) if (~held).any() else None
        found[held] = decide(others)(_where(answers, held))
    return found


def _groups(block: np.ndarray) -> Iterator[np.ndarray]:
    # (n,) bool each: whole blocks, dealt out in turn.
    _, number = np.unique(block, return_inverse=True)
    for group in range(min(_GROUPS, int(number.max()) + 1)):
        yield number % _GROUPS == group


def _where(answers: Answers, chosen: np.ndarray) -> Answers:
    said = {name: values[chosen] for name, values in answers.said.items()}
    of_pixels = (answers.targets, answers.share, answers.block, answers.distance)
    return Answers(said, *(values[chosen] for values in of_pixels))
