"""The models by name. Reading it imports none of them: it is asked before every run."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from bdgf.core.errors import SettingsError

if TYPE_CHECKING:
    from bdgf.models.base import Model


@dataclass(frozen=True)
class ModelEntry:
    """An entry of the registry.

    Attributes:
        implementation: The `Model`, as `module:name`.
        suffix: Of the file that a trained one is kept in.
        uses_features: Whether it needs the diffusion features.
    """

    implementation: str
    suffix: str
    uses_features: bool = False

    def model(self) -> Model:
        """The model itself."""
        module, name = self.implementation.split(":")
        model: Model = getattr(import_module(module), name)
        return model


MODELS: dict[str, ModelEntry] = {
    "bdgf": ModelEntry("bdgf.models.bdgf.model:BDGF", ".safetensors", uses_features=True),
    "bdgf_unguided": ModelEntry("bdgf.models.bdgf.model:BDGF_UNGUIDED", ".safetensors"),
    "random_forest": ModelEntry("bdgf.models.sklearn.presets:RANDOM_FOREST", ".skops"),
    "random_forest_windows": ModelEntry(
        "bdgf.models.sklearn.presets:RANDOM_FOREST_WINDOWS", ".skops"
    ),
    "random_forest_features": ModelEntry(
        "bdgf.models.sklearn.presets:RANDOM_FOREST_FEATURES", ".skops", uses_features=True
    ),
    "svm": ModelEntry("bdgf.models.sklearn.presets:SVM", ".skops"),
    "svm_windows": ModelEntry("bdgf.models.sklearn.presets:SVM_WINDOWS", ".skops"),
    "two_stream_cnn": ModelEntry("bdgf.models.baselines.models:TWO_STREAM_CNN", ".safetensors"),
    "mft": ModelEntry("bdgf.models.baselines.models:MFT", ".safetensors"),
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
