"""The decision: how the members' answers become one, by what they say of held-out blocks.

Chosen here; the paper is silent. The branches are mixed with weights from `stacking`, the mixture
is sharpened by one temperature, and moved to other shares of the classes where that is asked for.
All of it is decided once, on the scene of the training; a map only applies it, pixel by pixel.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.models.patch.guidance_choice import GuidanceChoice, guidance_told
from bdgf.models.patch.held_out import HeldOutSettings
from bdgf.models.patch.priors import estimated_shares, moved
from bdgf.models.patch.reach import Reach, reach_told
from bdgf.models.patch.stacking import cross_entropy, of_right_class, stack
from bdgf.models.patch.temperature import fit_temperature, sharpened

log = logging.getLogger(__name__)

PriorName = Literal["uniform", "training", "estimated"]
GuidanceRule = Literal["always", "held_out"]


class DecisionSettings(Settings):
    """How held-out blocks weigh the members (fusion rule `stacked`). Chosen here.

    Where the training keeps validation pixels out (`train.selection`), these are the evidence.
    Elsewhere the branches are trained a short while more, without a fold of blocks, to be judged on
    it.
    """

    guidance: GuidanceRule = Field(
        "held_out",
        description="Whether diffusion features guide: `held_out`, where the decision with them "
        "has no higher cross-entropy on held-out blocks than the one without, or is lower by "
        "`guidance_errors`; or `always`",
    )
    guidance_errors: float = Field(
        0.0,
        ge=0,
        description="By how many standard errors over the held-out blocks guidance must lower the "
        "cross-entropy to be kept; 1 keeps it, and the features in a map, for more than chance",
    )
    guidance_matched: bool = Field(
        True,
        description="Whether held-out pixels count for `guidance` as often as the scene has pixels "
        "as far from training pixels; otherwise all count alike",
    )
    prior: PriorName = Field(
        "training",
        description="Shares of the classes that are expected: `training` those of the training, as "
        "its classes are weighted; `uniform` even ones; `estimated` from what is said of the "
        "scene's pixels without labels",
    )
    held_out: HeldOutSettings = Field(
        HeldOutSettings(), description="Blocks of training pixels that are held out"
    )
    folds: int = Field(
        5,
        ge=0,
        description="Most folds that the branches are judged on; 0 weighs them evenly",
    )
    blocks: int = Field(
        20,
        ge=1,
        description="Held-out blocks that are enough evidence: no further fold is judged. Each "
        "fold costs a training of `epochs`",
    )
    epochs: int = Field(3, ge=1, description="Epochs of the training without a fold")
    unlabelled_pixels: int = Field(
        4000,
        ge=1,
        description="Pixels that `estimated` and the map's distances look at, evenly over the "
        "scene",
    )


class Decision(nn.Module):
    """Weights of the branches, a temperature, and ratios of the classes' shares; all buffers."""

    weights: Tensor
    temperature: Tensor
    ratio: Tensor

    def __init__(self, branches: int, classes: int) -> None:
        """Builds the even mixture.

        Args:
            branches: B, number of branches.
            classes: K.
        """
        super().__init__()
        self.register_buffer("weights", torch.full((branches,), 1 / branches))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("ratio", torch.ones(classes))

    def forward(self, probabilities: Tensor) -> Tensor:
        """(n, K) float32 of the branches' probabilities (B, n, K) float32."""
        mixed = torch.einsum("b,bnk->nk", self.weights, probabilities)
        logs = mixed.clamp(min=torch.finfo(mixed.dtype).tiny).log()
        return (logs / self.temperature + self.ratio.log()).softmax(-1)


@dataclass(frozen=True)
class Expert:
    """A part of a fitted branch.

    Attributes:
        name: What it is and sees.
        share: Its weight in the branch.
        loss: Its cross-entropy on held-out pixels; None where none could be held out.
        features: Whether it sees diffusion features.
    """

    name: str
    share: float
    loss: float | None
    features: bool = False


@dataclass(frozen=True)
class Answers:
    """What the branches say of held-out pixels.

    Attributes:
        said: Each branch's probabilities (n, K).
        targets: (n,) classes.
        share: (n,) weights of the pixels.
        block: (n,) the number of the block that each lies in.
        distance: (n,) from each to the nearest pixel that trained what is judged on it, in pixels.
    """

    said: Mapping[str, np.ndarray]
    targets: np.ndarray
    share: np.ndarray
    block: np.ndarray
    distance: np.ndarray

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(np.unique(self.block))


def joined(parts: Sequence[Answers]) -> Answers:
    """The answers of several folds, one after the other."""
    names = parts[0].said
    return Answers(
        {name: np.concatenate([part.said[name] for part in parts]) for name in names},
        *(
            np.concatenate([getattr(p, key) for p in parts])
            for key in ("targets", "share", "block", "distance")
        ),
    )


@dataclass(frozen=True)
class Weighing:
    """What held-out blocks decided.

    Attributes:
        weights: Of each branch; they sum to one.
        temperature: Of their mixture.
        losses: Each branch's cross-entropy on held-out pixels; None without such, here and below.
        loss: That of the decision.
        pixels: Held-out pixels.
        blocks: Blocks that these lie in.
        right: (n,) the decision's probability of each held-out pixel's class.
    """

    weights: Mapping[str, float]
    temperature: float
    losses: Mapping[str, float | None]
    loss: float | None
    pixels: int
    blocks: int
    right: np.ndarray | None = None


def weigh(answers: Answers | None, branches: Sequence[str], strength: float) -> Weighing:
    """Weights of the branches and the temperature of their mixture.

    Args:
        answers: On held-out pixels; None where there are none.
        branches: The branches' names, in order.
        strength: How many blocks even weights are worth.
    """
    even = np.full(len(branches), 1 / len(branches))
    if answers is None:
        return Weighing(
            dict(zip(branches, even.tolist(), strict=True)),
            1.0,
            dict.fromkeys(branches),
            None,
            0,
            0,
        )
    targets, share, blocks = answers.targets, answers.share, answers.blocks
    said = np.stack([answers.said[name] for name in branches])  # (B, n, K)
    right = np.stack([of_right_class(each, targets) for each in said], axis=1)
    weights = stack(right, share, blocks, even, strength)
    mixed = np.tensordot(weights, said, 1)
    temperature = fit_temperature(mixed, targets, share, blocks)
    losses = (cross_entropy(column, share) for column in right.T)
    decided = of_right_class(sharpened(mixed, temperature), targets)
    return Weighing(
        dict(zip(branches, weights.tolist(), strict=True)),
        temperature,
        dict(zip(branches, losses, strict=True)),
        cross_entropy(decided, share),
        len(targets),
        blocks,
        decided,
    )


@dataclass(frozen=True)
class PriorShift:
    """How the decision moves to other shares of the classes.

    Attributes:
        name: The setting.
        ratio: (K,) expected shares over those of the training, their product with the latter one.
        shares: (K,) expected shares.
        changed: Share of the looked-at pixels whose class changes; None where none was looked at.
    """

    name: PriorName
    ratio: np.ndarray
    shares: np.ndarray
    changed: float | None


def shift_prior(name: PriorName, training: np.ndarray, unlabelled: np.ndarray | None) -> PriorShift:
    """The shares that are expected in the scene.

    Args:
        name: The setting.
        training: (K,) shares of the classes in the training.
        unlabelled: (n, K) what the decision says of pixels of the scene; None looks at none, and is
            for `training` alone.
    """
    if name == "training" or unlabelled is None:
        return PriorShift("training", np.ones(len(training)), training, None)
    even = np.full(len(training), 1 / len(training))
    shares = even if name == "uniform" else estimated_shares(unlabelled, training)
    ratio = shares / training
    changed = moved(unlabelled, ratio).argmax(1) != unlabelled.argmax(1)
    return PriorShift(name, ratio, shares, float(changed.mean()))


def decision_record(
    weighing: Weighing,
    shift: PriorShift,
    experts: Mapping[str, Sequence[Expert]],
    guidance: GuidanceChoice | None = None,
    reach: Reach | None = None,
) -> dict[str, Any]:
    """What was decided, JSON-serialisable.

    Args:
        weighing: By held-out blocks.
        shift: To the expected shares of the classes.
        experts: Of the branches that are fitted.
        guidance: Whether diffusion features guide, where that was asked.
        reach: How far the held-out pixels lie from training pixels; None without such.

    Returns:
        `members` [{name, weight, held_out_loss, features}]: the branches, in place of a fitted one
        its experts; `branches` {name: {weight, held_out_loss}}; `temperature`, `held_out_loss`,
        `held_out_pixels`, `held_out_blocks`; `prior` {name, shares, changed}; `guidance` {kept,
        held_out_loss {guided, unguided}, standard_error, standard_errors_asked, matched}, or None;
        `distance` {held_out, held_out_most, map, beyond}, or None.
    """
    members: list[dict[str, Any]] = []
    for name, weight in weighing.weights.items():
        of_branch = experts.get(name) or [Expert(name, 1.0, weighing.losses[name])]
        members += [
            {
                "name": one.name,
                "weight": weight * one.share,
                "held_out_loss": one.loss,
                **({"features": one.features} if name in experts else {}),
            }
            for one in of_branch
        ]
    return {
        "members": members,
        "branches": {
            name: {"weight": weight, "held_out_loss": weighing.losses[name]}
            for name, weight in weighing.weights.items()
        },
        "temperature": weighing.temperature,
        "held_out_loss": weighing.loss,
        "held_out_pixels": weighing.pixels,
        "held_out_blocks": weighing.blocks,
        "prior": {
            "name": shift.name,
            "shares": shift.shares.tolist(),
            "changed": shift.changed,
        },
        "guidance": guidance and guidance.record(),
        "distance": reach and asdict(reach),
    }


def decision_line(record: Mapping[str, Any]) -> str:
    """What was decided, in one line."""
    weights = ", ".join(
        f"{member['name']} {100 * member['weight']:.0f} %"
        for member in record["members"]
        if member["weight"] > 0
    )
    if not record["held_out_blocks"]:
        return f"decision: {weights}; no block of the training pixels was held out"
    best = min(branch["held_out_loss"] for branch in record["branches"].values())
    told = (
        f"decision: {weights}; temperature {record['temperature']:.2f}; cross-entropy "
        f"{record['held_out_loss']:.3f} on {record['held_out_pixels']} held-out pixels in "
        f"{record['held_out_blocks']} blocks, {best:.3f} of the best branch"
    )
    if record["distance"] is not None:
        told += f"; {reach_told(record['distance'])}"
    told += guidance_told(record["guidance"])
    guided = [member for member in record["members"] if "features" in member]
    if any(member["features"] for member in guided):
        whole = sum(member["weight"] for member in guided)
        used = sum(member["weight"] for member in guided if member["features"])
        told += f"; diffusion features have {100 * used / max(whole, 1e-9):.0f} % of its classical "
        told += "experts"
    prior = record["prior"]
    if prior["changed"] is not None:
        told += f"; prior {prior['name']} changes {100 * prior['changed']:.1f} % of the pixels"
    return told
