"""Distillation: a fast network learns what a trained model says of its scene, without labels.

G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", 2015. Here the
teacher is a whole model with its preparation, the pupil a dense network, and the pixels are those
of the scene, labelled or not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bdgf.core.weights import Weights
from bdgf.inference.fast.lessons import Lessons, draw_lessons
from bdgf.inference.fast.model import KIND, FastModel, agreement_words
from bdgf.inference.fast.network import CONTEXT, FastNetwork, dilations
from bdgf.training.checkpoint import TrainingState
from bdgf.training.devices import make_fabric
from bdgf.training.loop import run_steps
from bdgf.training.metric_logger import LoggerGroup, MemoryLogger, MetricLogger, NullLogger
from bdgf.training.optimizer import ExponentialAverage, OptimizationSettings, make_optimizer

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from bdgf.inference.fast.settings import DistilSettings
    from bdgf.inference.fast.teacher import Lesson, Teacher

log = logging.getLogger(__name__)

_DECAY = 0.99
"""Of the moving average of the weights, a step."""
_HIDDEN_STEPS = 0.3
"""Share of the steps on tiles without a modality."""
_CROP = 48
"""Side in pixels of the piece of a tile that a step looks at: small pieces make more steps."""
_LOGS = 30
"""Records of the loss in a training."""


def distil(
    teacher: Teacher,
    settings: DistilSettings,
    seed: int = 0,
    logger: MetricLogger | None = None,
) -> FastModel:
    """Trains a fast network on what a model says of its scene.

    On a CPU the same arguments and the same number of threads give the same weights, bit for bit.

    Args:
        teacher: The model on its scene.
        settings: Settings.
        seed: Decides blocks, initial weights and their order.
        logger: Takes the curve `distil/loss`.

    Raises:
        SceneError: The scene has too few blocks with data for some to be held out.
        TrainingDiverged: The loss was NaN or infinite at too many steps.
        Interrupted: A signal asked the program to stop; nothing is kept.
    """
    config = teacher.classifier.config
    patch = int(config["patch"])
    own = patch // 2 if teacher.guidance is None else max(patch // 2, CONTEXT)
    dilated = dilations(own, settings.depth)
    lessons = draw_lessons(teacher, settings, seed, sum(dilated))
    modalities = lessons.whole[0].modalities
    fabric = make_fabric(teacher.devices)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = FastNetwork(modalities, int(config["classes"]), settings.width, dilated)
        training = _Training(network, lessons, settings, seed, teacher.tile, fabric)
        tensors, history = training.run(logger or NullLogger())
    network.load_state_dict(tensors)
    report = _report(network.eval(), lessons, fabric)
    taught_by = report["taught_pixels"]
    log.info(
        "%s: the fast network %s; %d pixels taught it",
        *(teacher.source.name, agreement_words(report), taught_by),
    )
    weights = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
    made_from = {
        "kind": KIND,
        "model": config["model"],
        "scene": config.get("scene", ""),
        "modalities": modalities,
        "classes": network.classes,
        "width": settings.width,
        "dilations": list(dilated),
        "patch": 2 * network.reach + 1,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "seed": seed,
        "distil": settings.model_dump(mode="json"),
        "report": report,
        "history": history,
    }
    return FastModel(Weights(weights, made_from))


class _Training:
    """The steps of the distillation."""

    def __init__(
        self,
        network: FastNetwork,
        lessons: Lessons,
        settings: DistilSettings,
        seed: int,
        side: int,
        fabric: Fabric,
    ) -> None:
        self._settings, self._fabric, self._random = (
            settings,
            fabric,
            np.random.default_rng([seed, 1]),
        )
        # Tiles with everything visible, and those without a modality.
        self._pools = [_Pool(lessons, lessons.whole, side, fabric)]
        hidden = [lesson for some in lessons.without.values() for lesson in some]
        if any(bool(lessons.teaching(lesson).any()) for lesson in hidden):
            self._pools.append(_Pool(lessons, hidden, side, fabric))
        self._batch = max(settings.batch_pixels // min(side, _CROP) ** 2, 1)
        model, optimizer = fabric.setup(network, make_optimizer(network, self._optimization))
        self._state = TrainingState(model, optimizer, ExponentialAverage(model, _DECAY))

    @property
    def _optimization(self) -> OptimizationSettings:
        return OptimizationSettings(learning_rate=self._settings.learning_rate)

    def run(self, logger: MetricLogger) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The averaged weights, and the curve."""
        history, steps = MemoryLogger(), self._settings.steps
        run_steps(
            self._step,
            self._state,
            steps=steps,
            settings=self._optimization,
            fabric=self._fabric,
            name="distil",
            description="distilling the fast network",
            log_every=max(steps // _LOGS, 1),
            logger=LoggerGroup(history, logger),
        )
        assert self._state.ema is not None
        curves = {name: history.series(name) for name in history.names()}
        return dict(self._state.ema.tensors), curves

    def _step(self, step: int) -> Iterator[tuple[Tensor, Mapping[str, Tensor]]]:
        pool = self._pools[int(self._random.random() < _HIDDEN_STEPS) % len(self._pools)]
        turn = int(self._random.integers(8))
        channels, present, valid, said = (
            _turned(maps, turn) for maps in pool.draw(self._batch, self._random)
        )
        logits = self._state.model(channels, present, valid)
        loss = -(said * logits.float().log_softmax(-1)).sum() / said.sum()
        yield loss, {}


class _Pool:
    """Lessons of one size, each drawn as often as it has pixels."""

    def __init__(
        self, lessons: Lessons, among: Sequence[Lesson], side: int, fabric: Fabric
    ) -> None:
        teaching = [
            replace(lesson, said=lesson.said * lessons.teaching(lesson)[..., None]).padded(side)
            for lesson in among
            if lessons.teaching(lesson).any()
        ]
        maps = zip(*((*lesson.planes, lesson.said) for lesson in teaching), strict=True)
        self._maps = [torch.stack(same).to(fabric.device) for same in maps]
        pixels = np.array([int(lessons.teaching(lesson).sum()) for lesson in among])
        self._shares = pixels[pixels > 0] / pixels.sum()

    def draw(self, count: int, random: np.random.Generator) -> list[Tensor]:
        """Planes and what is said of pieces of the next lessons, held-out blocks left out."""
        pieces = [self._piece(random) for _ in range(count)]
        return [torch.stack(same) for same in zip(*pieces, strict=True)]

    def _piece(self, random: np.random.Generator) -> list[Tensor]:
        # Pieces in which nothing teaches are drawn anew: some piece of each lesson does.
        number, said = random.choice(len(self._shares), p=self._shares), self._maps[-1]
        side = min(said.shape[1], _CROP)
        while True:
            # Pieces lie about any pixel of the tile, pushed into it: its rim is seen as often.
            row, column = (
                int(min(max(place - side // 2, 0), said.shape[1] - side))
                for place in random.integers(said.shape[1], size=2)
            )
            piece = [
                _cut(maps[number], row, column, maps.shape[1] - said.shape[1] + side)
                for maps in self._maps
            ]
            if piece[-1].any():
                return piece


def _cut(maps: Tensor, row: int, column: int, side: int) -> Tensor:
    """(side, side, C) of (h, w, C)."""
    return maps[row : row + side, column : column + side]


def _turned(maps: Tensor, symmetry: int) -> Tensor:
    """(B, h, w, C) of squares under one of the eight symmetries of the square."""
    maps = maps.transpose(1, 2) if symmetry >= 4 else maps
    return torch.rot90(maps, symmetry % 4, (1, 2)).contiguous()


def _report(network: FastNetwork, lessons: Lessons, fabric: Fabric) -> dict[str, Any]:
    def agreement(among: Sequence[Lesson]) -> float | None:
        same = total = 0
        for lesson in among:
            logits = network(*(plane[None].to(fabric.device) for plane in lesson.planes))[0]
            asked = lessons.held_out(lesson)
            agrees = logits.argmax(-1).cpu() == lesson.said.argmax(-1)
            same, total = same + int((agrees & asked).sum()), total + int(asked.sum())
        return same / total if total else None

    with torch.inference_mode(), fabric.autocast():
        without = {name: agreement(among) for name, among in lessons.without.items()}
        return {
            "agreement": agreement(lessons.whole),
            # A modality that is hidden only where nothing was held out was not measured.
            "agreement_without": {n: share for n, share in without.items() if share is not None},
            "held_out_pixels": sum(int(lessons.held_out(x).sum()) for x in lessons.whole),
            "taught_pixels": sum(int(lessons.teaching(x).sum()) for x in lessons.whole),
        }
