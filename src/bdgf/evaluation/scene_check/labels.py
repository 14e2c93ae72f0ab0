"""The labels of a scene: their number, location and split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.ndimage import find_objects, label, maximum_filter

from bdgf.core.errors import UserError
from bdgf.evaluation.leakage import leakage, leakage_text
from bdgf.evaluation.scene_check.finding import Finding
from bdgf.scenes.scene import LABELS, OFFICIAL_TEST, OFFICIAL_TRAIN, class_table, valid_mask
from bdgf.splits.parts import TEST, TRAIN, VALIDATION
from bdgf.splits.settings import SplitSettings
from bdgf.splits.split import make_split

_FEW = 30  # labelled pixels: less than that tests nothing, an error of +- 9 points at 95 % accuracy
_SMALL = 0.05  # of the scene's area: one place
_MUCH = 0.1  # of the test pixels


@dataclass(frozen=True)
class SplitReport:
    """The split that a run would use.

    Attributes:
        name: Its name.
        counts: Part (train, validation, test) -> (K,) pixels of each class.
        leakage: Share of test pixels whose patch holds a training or validation pixel.
        patch: Side in pixels of the square that the model sees of a pixel's surroundings.
    """

    name: str
    counts: dict[str, np.ndarray]
    leakage: float
    patch: int


def class_counts(scene: xr.Dataset) -> dict[str, np.ndarray]:
    """Map (labels, official_train, official_test) -> (K,) pixels with data of each class."""
    valid, count = valid_mask(scene), class_table(scene).count
    return {
        key: np.bincount(scene[key].to_numpy()[valid], minlength=count + 1)[1:]
        for key in (LABELS, OFFICIAL_TRAIN, OFFICIAL_TEST)
        if key in scene
    }


def label_findings(scene: xr.Dataset, patch: int) -> list[Finding]:
    """Classes that cannot be learned or tested with their labels.

    Args:
        scene: The scene.
        patch: Side of the classifier's patch in pixels.
    """
    classes, counts = class_table(scene), class_counts(scene)
    valid = valid_mask(scene)
    labels = np.where(valid, scene[LABELS].to_numpy(), 0)
    found: list[Finding] = []
    if not labels.any():  # a scene to pretrain on, or to map
        return found
    for class_id, total in zip(classes.ids, counts[LABELS], strict=True):
        name = f"class {class_id} ({classes.name(class_id)})"
        if total < _FEW:
            text = (
                f"{name} has {total} labelled pixels with data: label more, or join it to a class"
            )
            found.append(Finding("few_labels", text))
        elif _in_one_place(labels == class_id, patch):
            text = (
                f"{name} is labelled in one place only ({total} pixels): its test pixels lie "
                "beside its training pixels whatever the split, so its score is inflated; label "
                "it elsewhere too"
            )
            found.append(Finding("one_place", text))
        for key, side in ((OFFICIAL_TRAIN, "training"), (OFFICIAL_TEST, "test")):
            if total and key in counts and not counts[key][class_id - 1]:
                text = (
                    f"{name} has no official {side} pixel with data: the official split cannot "
                    f"{'learn' if key == OFFICIAL_TRAIN else 'score'} it; choose another "
                    "(`split.name=per_class` or spatial_blocks), or take the class out"
                )
                found.append(Finding("class_not_in_split", text))
    return found


def split_report(
    scene: xr.Dataset, settings: SplitSettings, seed: int, patch: int, seen: int
) -> tuple[SplitReport | None, list[Finding]]:
    """The split that a run would use, or why there is none; neither without labels.

    Args:
        scene: The scene.
        settings: The split's settings.
        seed: Seed of its draws.
        patch: Side of the classifier's patch in pixels, which the split keeps clear by default.
        seen: Side of the square that the model in use sees of a pixel's surroundings.
    """
    if not scene[LABELS].to_numpy().any():
        return None, []
    try:
        split = make_split(scene, settings, seed, patch // 2)
    except UserError as error:
        return None, [Finding("no_split", str(error))]
    parts, labels = split.to_numpy(), scene[LABELS].to_numpy()
    count = class_table(scene).count
    counts = {
        name: np.bincount(labels[parts == part], minlength=count + 1)[1:]
        for name, part in (("train", TRAIN), ("validation", VALIDATION), ("test", TEST))
    }
    report = SplitReport(str(split.attrs["name"]), counts, leakage(parts, seen), seen)
    if report.leakage <= _MUCH:
        return report, []
    return report, [Finding("leakage", leakage_text(report.name, report.leakage, seen))]


def _in_one_place(mask: np.ndarray, patch: int) -> bool:
    """Whether all pixels of a class are connected within a patch, in a small part of the scene."""
    grown = maximum_filter(mask.astype(np.uint8), size=patch, mode="constant")
    numbers, places = label(grown, structure=np.ones((3, 3)))
    if places != 1:
        return False
    height, width = (place.stop - place.start for place in find_objects(numbers)[0])
    return bool(height * width < _SMALL * mask.size)
