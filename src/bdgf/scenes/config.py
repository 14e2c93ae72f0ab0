"""Configuration of a scene: its files and their contents, one YAML file per scene.

It describes files only, so none of it comes from the paper.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from bdgf.core.errors import SettingsError
from bdgf.core.names import name_problem
from bdgf.core.settings import Settings
from bdgf.scenes.sources import Counts, ImageSource, LabelSource, LabelValues, Values
from bdgf.scenes.synthetic.scene import DemoSettings

log = logging.getLogger(__name__)

_SHA256 = re.compile("[0-9a-fA-F]{64}")


NodataSetting = Literal["none"] | Values | None
"""What the scene's file says of no data: nothing is, or these numbers are too."""

ResamplingMethod = Literal["bilinear", "average", "nearest"]
"""How a layer comes onto the scene's grid, see `bdgf.scenes.ingest.resampling`."""

GRID_TOLERANCE = 1e-3
"""How far two grids may differ and still be one, in pixels, where the scene's file is silent."""


class _Item(Settings):
    """An array of the scene with alternative sources; the first one found is used."""

    optional: bool = Field(False, description="Whether the scene can be used without it.")
    cell_size: int | None = Field(
        None,
        ge=2,
        description="Side of one cell in pixels of the scene, for files without a "
        "georeference; null: from the georeference of the files, else one "
        "pixel.",
    )

    @model_validator(mode="before")
    @classmethod
    def _single_source(cls, data: Any) -> Any:
        """A single source may be inline: `{file: a.tif}` for `{sources: [{file: a.tif}]}`."""
        if not isinstance(data, Mapping):
            return data
        data = cls._renamed(data)
        if data.get("cell_size") is not None and data.get("resample") is not None:
            raise ValueError("give either `cell_size` or `resample`, not both")
        if "file" not in data:
            return data
        if "sources" in data:
            raise ValueError("give either `file` or `sources`, not both")
        names = {*ImageSource.model_fields, *LabelSource.model_fields}
        inside = {name: data[name] for name in data if name in names}
        rest = {name: value for name, value in data.items() if name not in inside}
        return {**rest, "sources": [inside]}

    @classmethod
    def _renamed(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings with former names replaced."""
        return data


class Modality(_Item):
    """One image of the scene."""

    kind: Literal["spectral", "auxiliary"] = Field(
        description="`spectral` for a hyper- or multispectral image, `auxiliary` for "
        "anything else (height, SAR)."
    )
    units: str = Field("", description="Units of the values; empty: those in the file.")
    to_decibels: bool = Field(
        False, description="Whether the values are intensities that preparation converts to dB."
    )
    nodata: NodataSetting = Field(
        None,
        description="Stored value or values that mean no data, in addition to those "
        "declared in the file; none: the values declared in the file are data.",
    )
    bands: Counts | None = Field(
        None, description="Expected number of bands, or several allowed numbers; null allows any."
    )
    resample: ResamplingMethod | None = Field(
        None,
        description="How the image is resampled to the scene's grid; null: it is already "
        "on that grid, or its cells are a whole number of pixels wide.",
    )
    sources: tuple[ImageSource, ...] = Field(
        (), description="Alternatives; if empty, the user must add them: see docs/how_to/scenes.md."
    )

    @classmethod
    def _renamed(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """`scale: log` was the name of `to_decibels: true`; `scale` now is the file's."""
        if data.get("scale") not in ("log", "linear"):
            return data
        log.warning(
            "a modality's `scale: %s` is now called `to_decibels: %s`; the old name goes with the "
            "next release",
            data["scale"],
            str(data["scale"] == "log").lower(),
        )
        rest = {name: value for name, value in data.items() if name != "scale"}
        return {"to_decibels": data["scale"] == "log", **rest}


class LabelMap(_Item):
    """A map of classes: all labels, or the official training or test pixels."""

    resample: Literal["nearest"] | None = Field(
        None,
        description="nearest: each pixel gets the nearest label of a map on another grid; "
        "null: as for an image.",
    )
    sources: tuple[LabelSource, ...] = Field(
        (), description="Alternatives; if empty, the user must add them: see docs/how_to/scenes.md."
    )


class LandCoverClass(Settings):
    """One class with its published pixel counts."""

    id: int = Field(ge=1, le=255, description="1, 2, ... without gaps.")
    name: str = Field(min_length=1, description="The class's name.")
    color: str | None = Field(
        None,
        pattern="^#[0-9a-fA-F]{6}$",
        description="Colour on maps; null uses a colour-blind-safe palette.",
    )
    values: LabelValues | None = Field(
        None,
        description="Value or values of this class in the label files, or names of ENVI "
        "regions; null uses the id and the class's name.",
    )
    labelled: int | None = Field(None, ge=0, description="Published number of labelled pixels.")
    train: int | None = Field(
        None, ge=0, description="Published number of official training pixels."
    )
    test: int | None = Field(None, ge=0, description="Published number of official test pixels.")


class Origin(Settings):
    """Location and digests of the public data."""

    url: str | None = Field(None, description="Public web page.")
    licence: str = Field("", description="Licence, if stated.")
    sha256: dict[str, str] = Field(
        {},
        description="File name -> digest of the published file; a different digest only "
        "gives a warning.",
    )
    files: dict[str, str] = Field(
        {},
        description="File name -> its download address, for `kedro scene fetch`; each "
        "needs its sha256.",
    )

    @model_validator(mode="after")
    def _fetchable(self) -> Origin:
        for name, address in self.files.items():
            if (problem := name_problem(name)) is not None:  # it becomes a file of a data folder
                raise ValueError(f"the name '{name}' under `files` {problem}")
            if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).netloc:
                raise ValueError(f"'{address}' under `files` is not an address: https://...")
            if not _SHA256.fullmatch(self.sha256.get(name, "")):
                raise ValueError(
                    f"`files` names {name} without its digest: give its 64 hexadecimal digits "
                    "under `sha256`"
                )
        return self


class SceneConfig(Settings):
    """Everything known about a scene before its files are read."""

    title: str = Field("", description="Title of the scene.")
    fabricate: DemoSettings | None = Field(
        None, description="Settings of a synthetic scene, which has no files."
    )
    folder: str | None = Field(
        None, description="Folder of its files in each data folder; null uses the scene's name."
    )
    shape: tuple[int, int] | None = Field(None, description="Published number of rows and columns.")
    modalities: dict[str, Modality] = Field({}, description="Name -> image, at least one.")
    labels: LabelMap | None = Field(
        None,
        description="All labels; null uses the union of the official maps. A scene without "
        "labels can only be pretrained on and mapped.",
    )
    official_train: LabelMap | None = Field(None, description="Official training pixels.")
    official_test: LabelMap | None = Field(None, description="Official test pixels.")
    unlabelled: LabelValues = Field(
        (0,),
        validate_default=True,
        description="Value or values without a label in the label files, or colours "
        "(#000000), or names of ENVI regions.",
    )
    classes: tuple[LandCoverClass, ...] = Field(
        (),
        description="The classes. If empty: 1 to the largest label, without names, or the "
        "sorted names of polygons and points. Not needed without labels.",
    )
    counts: Literal["published", "unverified"] = Field(
        "published",
        description="Whether the pixel counts of the classes were verified, or only copied.",
    )
    require: Literal["any", "all"] = Field(
        "any",
        description="A pixel is valid if `any` modality has data, or only if `all` have.",
    )
    grid: str | None = Field(
        None,
        description="The modality that defines the scene's grid; null: the finest spectral "
        "one without `resample`, or a finer image whose pixels divide its "
        "cells evenly.",
    )
    grid_tolerance: float = Field(
        GRID_TOLERANCE,
        ge=0,
        description="Maximum difference in pixels between two grids that count as equal.",
    )
    source: Origin = Field(Origin(), description="Origin of the public data.")

    @field_validator("folder")
    @classmethod
    def _below_the_data_folders(cls, folder: str | None) -> str | None:
        if folder is not None and (
            PurePath(folder).is_absolute() or ".." in PurePath(folder).parts
        ):
            raise ValueError(
                f"'{folder}' leaves the data folders; give a folder below them, and files "
                "elsewhere by their absolute paths"
            )
        return folder

    @model_validator(mode="after")
    def _files_or_fabricate(self) -> SceneConfig:
        if self.fabricate is not None:
            if self.model_fields_set - {"fabricate", "title", "source"}:
                raise ValueError("a scene with `fabricate` has no files: leave out the rest")
            return self
        if not self.modalities:
            raise ValueError("a scene needs one of `modalities` at least")
        if (self.official_train is None) != (self.official_test is None):
            raise ValueError("give both `official_train` and `official_test`, or neither")
        return self

    @model_validator(mode="after")
    def _grid_of_a_modality(self) -> SceneConfig:
        if self.grid is None:
            return self
        modality = self.modalities.get(self.grid)
        if modality is None:
            raise ValueError(
                f"`grid` names '{self.grid}', which is none of the modalities "
                f"{', '.join(self.modalities)}"
            )
        if modality.resample is not None or modality.cell_size is not None:
            raise ValueError(
                f"`grid` names '{self.grid}', so that its grid is the scene's: leave out its "
                "`resample` and `cell_size`"
            )
        return self

    @model_validator(mode="after")
    def _distinct_classes(self) -> SceneConfig:
        if [c.id for c in self.classes] != list(range(1, len(self.classes) + 1)):
            raise ValueError("the `classes` must have the ids 1, 2, ... in order, without gaps")
        values = [*self.unlabelled, *(v for c in self.classes for v in c.values or (c.id,))]
        if self.classes and (repeated := [v for v in values if values.count(v) > 1]):
            value = repeated[0] if isinstance(repeated[0], str) else f"{repeated[0]:g}"
            raise ValueError(f"the label value {value} stands for two classes")
        return self


def parse_scene_config(name: str, parameters: Mapping[str, Any]) -> SceneConfig:
    """Checks a scene's configuration.

    Args:
        name: The scene's name, for messages.
        parameters: What its YAML file holds below the name.

    Raises:
        SettingsError: One line that names the first wrong setting.
    """
    if (problem := name_problem(name)) is not None:  # it becomes a folder of `data/`
        raise SettingsError(f"a scene's name {problem}: {name!r}; choose another name")
    try:
        return SceneConfig.model_validate(parameters)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            reason = "there is no such setting"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise SettingsError(
            f"scene '{name}'{f', {place}' if place else ''}: {reason}{more}; see "
            f"docs/how_to/scenes.md and correct conf/*/parameters_scenes/{name}.yml"
        ) from error
