"""How the members of a model became one answer, for its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bdgf.evaluation.report_page.page import Block, Cell, Table, Text
from bdgf.scenes.classes import ClassTable


def decision_blocks(decision: Mapping[str, Any], classes: ClassTable) -> list[Block]:
    """Members with their weights and losses, what they were judged on, and the prior.

    Args:
        decision: As in `metrics.json`.
        classes: The class table.
    """
    rows: list[list[Cell | str]] = [
        [
            member["name"],
            Cell(_percent(member["weight"]), share=member["weight"]),
            _loss(member["held_out_loss"]),
        ]
        for member in decision["members"]
    ]
    rows.append(["all together", "", _loss(decision["held_out_loss"])])
    note = "Loss is the cross-entropy on held-out blocks of training pixels: the less, the better."
    return [
        Text(
            " ".join(
                part
                for part in (
                    _evidence(decision),
                    _reach(decision.get("distance")),  # models of before have none
                    _guidance(decision.get("guidance")),
                    _prior(decision["prior"], classes),
                )
                if part
            )
        ),
        Table(["member", "weight", "loss"], rows, note=note),
    ]


def _evidence(decision: Mapping[str, Any]) -> str:
    if not decision["held_out_blocks"]:
        return "No block of the training pixels was held out: the branches count alike."
    return (
        f"{decision['held_out_pixels']:,} held-out pixels in {decision['held_out_blocks']:,} "
        f"blocks weighed the branches. The temperature of the mixture is "
        f"{decision['temperature']:.2f}."
    )


def _reach(distance: Mapping[str, Any] | None) -> str:
    if distance is None:
        return ""
    return (
        f"Held-out pixels lie {distance['held_out']:.0f} px from the nearest training pixel "
        f"(median), the pixels of the training scene {distance['map']:.0f} px. "
        f"{_percent(distance['beyond'])} of that scene lies farther from training pixels than "
        f"{distance['held_out_most']:.0f} px, within which nearly all held-out pixels lie: there "
        "nothing was judged."
    )


def _guidance(guidance: Mapping[str, Any] | None) -> str:
    if guidance is None:
        return ""
    losses = guidance["held_out_loss"]
    told = f"The loss is {losses['guided']:.3f} with guidance and {losses['unguided']:.3f} without"
    if guidance.get("standard_error") is not None:  # models of before have none
        told += f" (standard error of the difference {guidance['standard_error']:.3f})"
    if guidance.get("matched"):
        told += ", on held-out pixels weighed by how far the scene lies from training pixels"
    return f"{told}: {'the branches are' if guidance['kept'] else 'no branch is'} guided."


def _prior(prior: Mapping[str, Any], classes: ClassTable) -> str:
    if prior["changed"] is None:
        return "The classes are expected as often as in the training."
    shares = ", ".join(
        f"{name} {_percent(share)}"
        for name, share in zip(classes.names, prior["shares"], strict=True)
    )
    return (
        f"The classes are expected in other shares than in the training ({prior['name']}): "
        f"{shares}. That changes {_percent(prior['changed'])} of the pixels."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _loss(loss: float | None) -> str:
    return "not held out" if loss is None else f"{loss:.3f}"
