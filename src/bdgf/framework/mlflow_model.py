"""A MapModel as an MLflow model: logged, and registered on request.

MLflow is given the model's own files and the name of the module that loads them
(`bdgf.inference.array_model`): nothing is pickled, and no code is stored.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bdgf.core.hard_links import link_if_equal
from bdgf.core.software_versions import PACKAGES
from bdgf.inference.array_model import FOLDER
from bdgf.inference.map_model import MapModel
from bdgf.inference.window_step import CLASS_MAP, PROBABILITIES, UNCERTAINTY_MAP

NAME = "map_model"
"""What the model is called in its run."""
_LOADER = "bdgf.inference.array_model"
_ANY = -1
"""A side of an array that may have any length, as MLflow writes it."""


def log_map_model(
    model: MapModel,
    files: Sequence[Path],
    example: Mapping[str, np.ndarray] | None = None,
    register: str | None = None,
) -> Any:
    """Logs a MapModel to the active run of MLflow.

    Args:
        model: The model.
        files: Its files, as saved. On the same disk MLflow's copies become hard links to them.
        example: What `ArrayModel.predict` takes, small.
        register: Name to register it under; None registers it not.

    Returns:
        What MLflow tells of the model (`ModelInfo`).
    """
    from mlflow.models import Model

    logged = Model.log(
        artifact_path=None,
        name=NAME,
        flavor=_Flavor(model, files, example),
        flavor_name="mlflow.pyfunc",
        registered_model_name=register,
        # MLflow would load and run the model at each training to see whether it can.
        validate_serving_input=False,
    )
    _share(logged.model_id, files)
    return logged


@dataclass(frozen=True)
class _Flavor:
    """Writes the folder that MLflow keeps."""

    model: MapModel
    files: Sequence[Path]
    example: Mapping[str, np.ndarray] | None

    def save_model(self, path: str, mlflow_model: Any, **_: Any) -> None:
        """What `mlflow.models.Model.log` calls."""
        import mlflow.pyfunc

        mlflow.pyfunc.save_model(
            path=path,
            mlflow_model=mlflow_model,
            loader_module=_LOADER,
            signature=_signature(self.model),
            input_example=None if self.example is None else dict(self.example),
            pip_requirements=pinned_requirements(),
        )
        folder = Path(path) / FOLDER
        folder.mkdir()
        for file in self.files:
            shutil.copyfile(file, folder / file.name)
        mlflow_model.model_size_bytes = sum(file.stat().st_size for file in self.files)
        mlflow_model.save(str(Path(path) / "MLmodel"))


def _signature(model: MapModel) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def of(name: str, dtype: str, *first: int) -> TensorSpec:
        return TensorSpec(np.dtype(dtype), (*first, _ANY, _ANY), name)

    inputs = [of(name, "float32", form.bands) for name, form in model.modalities.items()]
    outputs = [
        of(CLASS_MAP, "uint8"),
        of(UNCERTAINTY_MAP, "float32"),
        of(PROBABILITIES, "float32", model.classes.count),
    ]
    return ModelSignature(Schema(inputs), Schema(outputs))


def pinned_requirements() -> list[str]:
    """The packages that determine a map, with their installed versions."""
    # Behind + stands which build it is (`2.13.0+cpu`), which an index may not have.
    return [f"{name}=={version(name).partition('+')[0]}" for name in PACKAGES]


def _share(model_id: str, files: Sequence[Path]) -> None:
    """Makes MLflow's copies hard links, where they are on this machine."""
    import mlflow
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri

    place = mlflow.MlflowClient().get_logged_model(model_id).artifact_location
    if is_local_uri(place):
        folder = Path(local_file_uri_to_path(place)) / FOLDER
        for file in files:
            if (copy := folder / file.name).is_file():
                link_if_equal(file, copy)
