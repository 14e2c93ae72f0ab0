"""The folder of a MapModel on disk: safetensors, JSON and skops, none of which is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bdgf.core.digests import check_digests, digest_path, file_digest, read_digests
from bdgf.core.errors import ArtifactError, MissingArtifactError, artifact_errors
from bdgf.core.weights import Weights, read_weights, weights_files, write_weights
from bdgf.core.whole_files import whole_artifact
from bdgf.features.extraction import FeatureSettings
from bdgf.inference.fast.model import FastModel, read_fast_model
from bdgf.inference.window_step import Guidance
from bdgf.models.base import TrainedModel
from bdgf.models.registry import model_entry
from bdgf.preprocessing.preparation import Preparation
from bdgf.scenes.classes import ClassTable

FILE = "map_model.json"
FORMAT = 1
_PREPARATION, _DENOISER, _FEATURES = "preparation", "denoiser", "features"
_CLASSIFIER, _FAST = "classifier", "fast"
_REMEDY = "train again, or copy the whole folder again"


@dataclass(frozen=True)
class MapModelParts:
    """Contents of the folder.

    Attributes:
        preparation: Turns a raster's bands into channels.
        classifier: Turns channels and features into probabilities.
        classes: The classes.
        guidance: Makes diffusion features, for a classifier that uses them.
        card: What else is known of the model.
        fast: The fast network that was distilled from the classifier, if there is one.
    """

    preparation: Preparation
    classifier: TrainedModel
    classes: ClassTable
    guidance: Guidance | None
    card: dict[str, Any]
    fast: FastModel | None = None


@dataclass(frozen=True)
class StoredMapModel:
    """The parts and their origin.

    Attributes:
        parts: What the folder holds.
        digest: Digest of its files; None where nobody wrote their digests.
        place: The folder.
    """

    parts: MapModelParts
    digest: str | None
    place: Path


def write_map_model(path: Path, parts: MapModelParts, forms: Mapping[str, Any]) -> None:
    """Writes the folder completely or not at all.

    Args:
        path: Its main file, `map_model.json`; the others go beside it.
        parts: What it holds.
        forms: What the main file says beside classes and card.

    Raises:
        StorageError: The disk refuses.
    """
    with whole_artifact(path) as staged:
        staged.write_text(json.dumps(description(parts, forms), indent=1) + "\n")
        write_weights(parts.preparation.to_weights(), _beside(staged, _PREPARATION))
        guidance = parts.guidance
        if guidance is not None:
            write_weights(guidance.denoiser, _beside(staged, _DENOISER))
            frozen = torch.from_numpy(np.ascontiguousarray(guidance.normalisation))
            settings = guidance.settings.model_dump(mode="json")
            config = {"settings": settings, "levels": list(guidance.levels)}
            write_weights(Weights({"normalisation": frozen}, config), _beside(staged, _FEATURES))
        if parts.fast is not None:
            parts.fast.save(_beside(staged, _FAST))
        parts.classifier.save(_classifier_file(staged, str(parts.classifier.config["model"])))


def description(parts: MapModelParts, forms: Mapping[str, Any]) -> dict[str, Any]:
    """Contents of the main file."""
    table = parts.classes
    classes = zip(table.ids, table.names, table.colors, strict=True)
    return {
        "format": FORMAT,
        "model": str(parts.classifier.config["model"]),
        "classes": [{"id": i, "name": n, "color": c} for i, n, c in classes],
        **forms,
        "uses_features": parts.guidance is not None,
        "has_fast": parts.fast is not None,
        "card": parts.card,
    }


def read_map_model(path: Path) -> StoredMapModel:
    """Reads a folder written by `write_map_model`.

    Args:
        path: The folder, or its main file.

    Raises:
        ArtifactError: A file is damaged, or of another version.
        MissingArtifactError: There is none.
    """
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise MissingArtifactError(
            f"there is no model at {path}; give the folder that holds its {FILE}"
        )
    with artifact_errors(f"the model {path}", _REMEDY):
        check_digests(map_model_files(path))
        told = json.loads(path.read_text())
        if told["format"] != FORMAT:
            raise ArtifactError(
                f"the model {path} has the format {told['format']}, this version of bdgf reads "
                f"{FORMAT}; use the version that wrote it ({told['card'].get('versions')})"
            )
        rows = told["classes"]
        classes = ClassTable(*(tuple(row[key] for row in rows) for key in ("id", "name", "color")))
        parts = MapModelParts(
            Preparation.from_weights(read_weights(_beside(path, _PREPARATION), _REMEDY)),
            model_entry(told["model"]).model().load(_classifier_file(path, told["model"])),
            classes,
            _read_guidance(path) if told["uses_features"] else None,
            dict(told["card"]),
            # What versions without fast networks wrote has no such key.
            read_fast_model(_beside(path, _FAST)) if told.get("has_fast") else None,
        )
        digests = digest_path(path)
        return StoredMapModel(
            parts, file_digest(digests) if digests.exists() else None, path.parent
        )


def map_model_files(path: Path) -> list[Path]:
    """All files of the model whose main file is `path`, that one first."""
    found = [path, *weights_files(_beside(path, _PREPARATION))]
    for name in (_DENOISER, _FEATURES, _FAST):
        file = _beside(path, name)
        found += weights_files(file) if file.exists() else []
    digest = digest_path(path).suffix
    classifier = sorted(path.parent.glob(f"{_CLASSIFIER}.*"))
    return [*found, *(file for file in classifier if file.suffix != digest)]


def files_of_a_copy(path: Path) -> list[Path]:
    """All files that a copy of the model needs: its own and those of digests.

    Args:
        path: The main file.
    """
    names = read_digests(path)
    if names is None:
        return map_model_files(path)
    return [*(path.with_name(name) for name in names), digest_path(path)]


def _read_guidance(path: Path) -> Guidance:
    features = read_weights(_beside(path, _FEATURES), _REMEDY)
    return Guidance(
        read_weights(_beside(path, _DENOISER), _REMEDY),
        FeatureSettings.model_validate(features.config["settings"]),
        tuple(features.config["levels"]),
        features.tensors["normalisation"].numpy(),
    )


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{name}.safetensors")


def _classifier_file(path: Path, model: str) -> Path:
    return path.with_name(_CLASSIFIER + model_entry(model).suffix)
