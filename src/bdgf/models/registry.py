"""The models by name. It imports none of them, because it is read before every run."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from bdgf.core.errors import SettingsError

if TYPE_CHECKING:
    from bdgf.models.base import Model

_OF_FEATURES = ("pretrain", "features")
_OF_TRAINING = ("train",)
_OF_GUIDANCE = (
    "train.classifier.guides",
    "train.classifier.guide",
    "train.decision.guidance",
)
_OF_BRANCHES = (
    "train.decision",
    *(
        f"train.classifier.{part}"
        for part in ("branches", "fusion", "modality_width", "pyramid", "branch", "classical")
    ),
)
"""What of the group `train` is of no matter to some models."""


@dataclass(frozen=True)
class ModelEntry:
    """An entry of the registry.

    Attributes:
        implementation: The `Model`, as `module:name`.
        suffix: Of the file that a trained one is kept in.
        uses_features: Whether it needs the diffusion features.
        ignores: Dotted names of parameters, or of groups of them, that it does not look at.
    """

    implementation: str
    suffix: str
    uses_features: bool = False
    ignores: tuple[str, ...] = ()

    def model(self) -> Model:
        """The model itself."""
        module, name = self.implementation.split(":")
        model: Model = getattr(import_module(module), name)
        return model

    def looks_at(self, parameter: str) -> bool:
        """Whether a parameter, by its dotted name, is of any matter to the model."""
        unused = self.ignores if self.uses_features else (*self.ignores, *_OF_FEATURES)
        return not any(parameter == name or parameter.startswith(f"{name}.") for name in unused)


MODELS: dict[str, ModelEntry] = {
    "bdgf": ModelEntry("bdgf.models.bdgf.model:BDGF", ".safetensors", uses_features=True),
    "bdgf_unguided": ModelEntry(
        "bdgf.models.bdgf.model:BDGF_UNGUIDED", ".safetensors", ignores=_OF_GUIDANCE
    ),
    "random_forest": ModelEntry(
        "bdgf.models.sklearn.presets:RANDOM_FOREST", ".skops", ignores=_OF_TRAINING
    ),
    "random_forest_windows": ModelEntry(
        "bdgf.models.sklearn.presets:RANDOM_FOREST_WINDOWS", ".skops", ignores=_OF_TRAINING
    ),
    "random_forest_features": ModelEntry(
        "bdgf.models.sklearn.presets:RANDOM_FOREST_FEATURES",
        ".skops",
        uses_features=True,
        ignores=_OF_TRAINING,
    ),
    "svm": ModelEntry("bdgf.models.sklearn.presets:SVM", ".skops", ignores=_OF_TRAINING),
    "svm_windows": ModelEntry(
        "bdgf.models.sklearn.presets:SVM_WINDOWS", ".skops", ignores=_OF_TRAINING
    ),
    "two_stream_cnn": ModelEntry(
        "bdgf.models.baselines.models:TWO_STREAM_CNN",
        ".safetensors",
        ignores=(*_OF_GUIDANCE, *_OF_BRANCHES),
    ),
    "mft": ModelEntry(
        "bdgf.models.baselines.models:MFT",
        ".safetensors",
        ignores=(*_OF_GUIDANCE, *_OF_BRANCHES),
    ),
}


def model_entry(name: str) -> ModelEntry:
    """The entry of the model `name`.

    Raises:
        SettingsError: There is no such model.
    """
    if name in MODELS:
        return MODELS[name]
    near = get_close_matches(name, MODELS, n=1, cutoff=0.5)
    hint = f", did you mean '{near[0]}'?" if near else ""
    raise SettingsError(f"unknown model '{name}'{hint}; known models: {', '.join(MODELS)}")
