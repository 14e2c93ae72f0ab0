"""Passes of a network forward and backward side by side, as if they were one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bdgf.models.patch.network import ClassifierOutput
from bdgf.nn.dropout import dropout_from
from bdgf.raster.patches import PatchBatch
from bdgf.training.lanes import Lanes

LEAST_SAMPLES = 16
"""Of a part of a batch: in smaller ones, starting an operation takes longer than the operation."""

Task = Callable[[], Sequence[Tensor]]
"""A pass forward; gives tensors."""


def side_by_side(
    tasks: Sequence[Task], network: nn.Module, lanes: Lanes
) -> list[tuple[Tensor, ...]]:
    """What the tasks give, each in a lane; a backward pass of it runs in lanes likewise.

    The tasks must not change the network, as batch norm does. Dropout draws from a stream of its
    own in each task, which comes from PyTorch's global generator, and gradients are added in the
    tasks' order: which lane is first changes no bit.

    Args:
        tasks: The passes, in the order in which they begin.
        network: What they train: all that gets a gradient.
        lanes: The lanes.
    """
    seed = int(torch.randint(2**62, ()))
    streams = [(task, seed + number) for number, task in enumerate(tasks)]
    trained = [p for p in network.parameters() if p.requires_grad]
    counts: list[int] = []
    found: tuple[Tensor, ...] = _SideBySide.apply(streams, lanes, counts, *trained)
    given = iter(found)
    return [tuple(next(given) for _ in range(count)) for count in counts]


def joined(parts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """The tensors of parts of a batch, each one after the other."""
    return [torch.cat(of_all) for of_all in zip(*parts, strict=True)]


class LabelledTasks:
    """A network on parts of a batch.

    Attributes:
        tasks: One for each part.
    """

    def __init__(
        self,
        model: nn.Module,
        batch: PatchBatch,
        keep: Tensor | None,
        parts: Sequence[slice],
    ) -> None:
        """Prepares the tasks.

        Args:
            model: The network as it is trained, perhaps wrapped.
            batch: Patches of B samples.
            keep: (B, M) factors on the modalities; None keeps all.
            parts: Parts of the samples.
        """
        self.tasks: list[Task] = [partial(self._classify, model, batch, keep, p) for p in parts]
        self._names: tuple[list[str], list[str]] = ([], [])

    def _classify(
        self, model: nn.Module, batch: PatchBatch, keep: Tensor | None, part: slice
    ) -> list[Tensor]:
        said: ClassifierOutput = model(batch.part(part), None if keep is None else keep[part])
        self._names = list(said.logits), list(said.embeddings)
        return [*said.logits.values(), *said.embeddings.values()]

    def output(self, found: Sequence[Sequence[Tensor]]) -> ClassifierOutput:
        """What the network says of the whole batch, of what the tasks gave."""
        (logits, embeddings), tensors = self._names, joined(found)
        return ClassifierOutput(
            dict(zip(logits, tensors[: len(logits)], strict=True)),
            dict(zip(embeddings, tensors[len(logits) :], strict=True)),
        )


class _SideBySide(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        streams: Sequence[tuple[Task, int]],
        lanes: Lanes,
        counts: list[int],
        *trained: Tensor,
    ) -> tuple[Tensor, ...]:
        outputs = list(lanes.map(_forward, streams))
        counts[:] = map(len, outputs)
        ctx.outputs, ctx.lanes, ctx.trained = outputs, lanes, trained
        ctx.set_materialize_grads(False)
        given = [(one, one.detach()) for of_task in outputs for one in of_task]
        ctx.mark_non_differentiable(*(new for one, new in given if not one.requires_grad))
        return tuple(new for _, new in given)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        of_each = iter(gradients)
        wanted = [
            [(one, gradient) for one in of_task if (gradient := next(of_each)) is not None]
            for of_task in ctx.outputs
        ]
        ctx.outputs = None  # the graph is used up
        found = list(ctx.lanes.map(partial(_backward, ctx.trained), filter(None, wanted)))
        return (None, None, None, *(_sum(of_tasks) for of_tasks in zip(*found, strict=True)))


def _forward(stream: tuple[Task, int]) -> Sequence[Tensor]:
    task, seed = stream
    with torch.enable_grad(), dropout_from(torch.Generator().manual_seed(seed)):
        return task()


def _backward(
    trained: Sequence[Tensor], wanted: Sequence[tuple[Tensor, Tensor]]
) -> Sequence[Tensor | None]:
    outputs, gradients = zip(*wanted, strict=True)
    found: Sequence[Tensor | None] = torch.autograd.grad(
        outputs, trained, gradients, allow_unused=True
    )
    return found


def _sum(of_tasks: Sequence[Tensor | None]) -> Tensor | None:
    there = [one for one in of_tasks if one is not None]
    if not there:
        return None
    total = there[0]
    for one in there[1:]:
        total = total + one
    return total
