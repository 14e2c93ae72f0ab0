"""What a run is about: the parameters that belong to no group."""

from __future__ import annotations

from pydantic import ConfigDict, Field, StrictBool, StrictInt, field_validator

from bdgf.core.names import name_problem
from bdgf.core.settings import MAIN, Settings
from bdgf.models.registry import MODELS


class RunSettings(Settings):
    """What is run. Everything here and in the other parameter files can be set on the command line.

        kedro run --pipeline=full --params dataset=trento,seed=3,train.epochs=20

    The defaults of what names a run are those of `globals.yml`.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)  # a scene may be called 2018

    dataset: str = Field(
        "demo",
        description="The scene, one of `parameters_scenes/`",
        json_schema_extra=MAIN,
    )
    model: str = Field(
        "bdgf",
        description=f"What is trained and scored: {', '.join(MODELS)}",
        json_schema_extra=MAIN,
    )
    seed: StrictInt = Field(
        0, ge=0, lt=2**32, description="Seed of all that is drawn", json_schema_extra=MAIN
    )
    target: str | None = Field(
        None,
        description="The scene that `predict` maps with the model of `dataset`",
        json_schema_extra=MAIN,
    )
    model_version: str | None = Field(
        None, description="The version of the model that `predict` maps with; null: the latest"
    )
    data_folder: str = Field(
        "data",
        description="Where the layers 02_intermediate .. 08_reporting are, the root of every entry "
        "of the catalog",
    )
    working_folder: str = Field(
        "data/working",
        description="Where the running checkpoints of trainings are kept between runs, a folder a "
        "scene",
    )
    check_digests: StrictBool = Field(
        True,
        description="Compare every artifact with its SHA-256 before it is read; about a second a "
        "GB",
    )

    @field_validator("dataset", "target")
    @classmethod
    def _names_a_folder(cls, name: str | None) -> str | None:
        if name is not None and (problem := name_problem(name)) is not None:
            raise ValueError(f"it {problem}")
        return name
