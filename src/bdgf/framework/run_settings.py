"""Parameters that identify a run and belong to no group."""

from __future__ import annotations

from pydantic import ConfigDict, Field, StrictBool, StrictInt, field_validator

from bdgf.core.names import name_problem
from bdgf.core.settings import MAIN, Settings
from bdgf.models.registry import MODELS


class RunSettings(Settings):
    """What to run. Every parameter, here and in the other files, can be set on the command line.

        kedro run --pipeline=full --params dataset=trento,seed=3,train.epochs=20

    `globals.yml` holds the defaults of the parameters that identify a run.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)  # a scene may be called 2018

    dataset: str = Field(
        "demo",
        description="The scene, one of `parameters_scenes/`",
        json_schema_extra=MAIN,
    )
    model: str = Field(
        "bdgf",
        description=f"The model to train and score: {', '.join(MODELS)}",
        json_schema_extra=MAIN,
    )
    seed: StrictInt = Field(0, ge=0, lt=2**32, description="Random seed", json_schema_extra=MAIN)
    target: str | None = Field(
        None,
        description="The scene that `predict` maps with the model of `dataset`",
        json_schema_extra=MAIN,
    )
    model_version: str | None = Field(
        None, description="Version of the model that `predict` uses; null: the latest"
    )
    data_folder: str = Field(
        "data",
        description="Folder of the layers 02_intermediate .. 08_reporting, the root of all "
        "catalog entries",
    )
    working_folder: str = Field(
        "data/working",
        description="Folder of running checkpoints, with a subfolder per scene",
    )
    check_digests: StrictBool = Field(
        True,
        description="Compare every artifact with its SHA-256 before it is read; takes "
        "about one second per GB",
    )

    @field_validator("dataset", "target")
    @classmethod
    def _names_a_folder(cls, name: str | None) -> str | None:
        if name is not None and (problem := name_problem(name)) is not None:
            raise ValueError(f"it {problem}")
        return name
