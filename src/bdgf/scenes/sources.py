"""Where an array of a scene lies, and how its file is to be read: one form it is published in."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from bdgf.core.settings import Settings


def _as_tuple(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


def _bands(value: Any) -> Any:
    """`3`, `[0, 2]`, `"0-49, 60-99"` and lists of such as band numbers."""
    numbers: list[Any] = []
    for part in _as_tuple(value):
        for text in part.split(",") if isinstance(part, str) else (part,):
            match = _RANGE.fullmatch(text) if isinstance(text, str) else None
            if match is None:
                numbers.append(text)
                continue
            first, last = int(match["first"]), int(match["last"] or match["first"])
            if last < first:
                raise ValueError(f"the range {text.strip()!r} runs backwards")
            numbers.extend(range(first, last + 1))
    return tuple(numbers)


def _axes(value: Any) -> Any:
    names = value.replace(",", " ").split() if isinstance(value, str) else _as_tuple(value)
    return tuple(_AXIS_WORDS.get(str(name).strip().lower(), name) for name in names)


_RANGE = re.compile(r"\s*(?P<first>\d+)\s*(?:-\s*(?P<last>\d+)\s*)?")
# The axes by the names that formats and libraries give them.
_AXIS_WORDS = {
    **dict.fromkeys(("y", "row", "rows", "line", "lines", "height", "lat", "latitude"), "y"),
    **dict.fromkeys(("x", "column", "columns", "col", "cols", "sample", "samples", "width"), "x"),
    **dict.fromkeys(("lon", "longitude"), "x"),
    **dict.fromkeys(("band", "bands", "channel", "channels", "wavelength", "z", "c"), "band"),
}

VECTOR_SUFFIXES = (".gpkg", ".shp", ".geojson", ".json")
"""Suffixes of files of polygons or points."""
TABLE_SUFFIXES = (".csv", ".txt")
"""Suffixes of tables of points."""

# Settings of a source of labels that only one kind of file has.
_OF_RASTERS = {"variable", "axes", "channels", "exclude", "scale", "mask", "chosen", "first_index"}
_OF_FILES = {"layer", "class_field"}
_OF_VECTORS = {*_OF_FILES, "crs"}

Files = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
Bands = Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_bands)]
Axes = Annotated[tuple[Literal["y", "x", "band"], ...], BeforeValidator(_axes)]
Counts = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_as_tuple)]
Values = Annotated[tuple[float, ...], BeforeValidator(_as_tuple)]
LabelValues = Annotated[tuple[float | str, ...], BeforeValidator(_as_tuple)]  # str: names, colours


class Source(Settings):
    """One published form of an array."""

    file: Files = Field(
        description="File name in the scene's folder, or an absolute path (of a Zarr store its "
        "folder); several files "
        "are stacked along the band axis in this order. A name with *, ? or "
        "[...] matches all such files of the scene's folder, sorted by name"
    )
    mosaic: bool | None = Field(
        None,
        description="true: the files are adjacent tiles; false: they are bands; null: "
        "tiles if a pattern is given",
    )
    variable: str | None = Field(
        None,
        description="Variable in the file, with dots for nested structs and groups; null "
        "uses the only one",
    )
    axes: Axes | None = Field(
        None,
        description="Order of the array's axes in Python, such as [band, y, x]; null uses "
        "the file's own, or the only order that fits the sizes. Axes that are "
        "all called band are merged",
    )
    channels: Bands | None = Field(
        None,
        description="Bands to use, counted from 0, also as ranges (0-49, 60-99); null uses all",
    )
    exclude: Bands = Field((), description="Bands to leave out, in the same form")
    scale: Literal["stored", "none"] | float = Field(
        "stored",
        description="stored: apply the file's scale and offset; none: do not apply them; a "
        "number: multiply the values by it and ignore the file's scale and "
        "offset",
    )
    mask: Literal["stored", "none"] | None = Field(
        None,
        description="stored: pixels hidden by a mask or an alpha band of the file have no "
        "data; none: they have data, and an alpha band is an ordinary band; "
        "null: stored, unless an alpha band may be an image band",
    )

    @model_validator(mode="after")
    def _both_image_axes(self) -> Source:
        if self.axes is not None and any(self.axes.count(axis) != 1 for axis in ("y", "x")):
            raise ValueError("`axes` must name y and x once each, and band for every other axis")
        return self

    def describe(self) -> str:
        """The files' names and the variable, for a message."""
        names = " + ".join(self.file) if len(self.file) <= 3 else f"{self.file[0]} + ..."
        return f"{names} ({self.variable})" if self.variable else names


class ImageSource(Source):
    """One form in which an image is published."""

    bad_bands: Literal["leave out", "keep"] = Field(
        "leave out",
        description="Bands that the file marks as bad; a band listed in `channels` is always used",
    )


class LabelSource(Source):
    """One form in which a label map is published."""

    file: Annotated[Files, Field(max_length=1)] = Field(
        description="File name in the scene's folder, or an absolute path; a name with *, "
        "? or [...] matches all such tiles"
    )
    form: Literal["map", "mask", "pixels"] | None = Field(
        None,
        description="map: class values; mask: 0 and 1, with classes from `labels`; pixels: "
        "(n, 2) rows and columns of labelled pixels, or (n,) numbers that "
        "count row by row (axes [x, y]: column by column), with classes from "
        "`labels`; null: a map, or a mask if it can be nothing else",
    )
    chosen: Values | None = Field(
        None, description="mask: the selected number or numbers; null: all except 0"
    )
    first_index: Literal[0, 1] = Field(0, description="Number from which `pixels` are counted")
    layer: str | None = Field(None, description="Layer of a vector file; null uses the only one")
    class_field: str | None = Field(
        None,
        description="Field of a vector file with the class of each polygon or point, as a "
        "name or a number; null uses the only one",
    )
    columns: dict[Literal["x", "y", "class"], str] | None = Field(
        None,
        description="Names of the columns x, y and class of a table of points (.csv, "
        ".txt); null: the file is not such a table",
    )
    crs: str | None = Field(
        None,
        description="Coordinate reference system of a vector file or a table of points, "
        "such as EPSG:32632; null uses the file's, or the scene's if the file "
        "has none",
    )

    @property
    def is_table(self) -> bool:
        """Whether the file is a table of points."""
        return self.columns is not None

    @property
    def roles(self) -> dict[str, str] | None:
        """The columns that are read of a table of points: a mask takes its classes from labels."""
        if self.columns is None:
            return None
        wanted = ("x", "y") if self.form == "mask" else ("x", "y", "class")
        return {role: name for role, name in self.columns.items() if role in wanted}

    @property
    def is_vector(self) -> bool:
        """Whether the file holds polygons or points, not a raster."""
        return self.is_table or self.suffix in VECTOR_SUFFIXES

    @property
    def suffix(self) -> str:
        """The file's suffix in lower case."""
        return PurePath(self.file[0]).suffix.lower()

    def describe(self) -> str:
        """The file's name and the variable or layer, for a message."""
        return f"{self.file[0]} ({self.layer})" if self.layer else super().describe()

    @model_validator(mode="after")
    def _settings_of_its_kind(self) -> LabelSource:
        given = self.model_fields_set
        if self.columns is not None:
            if self.suffix not in TABLE_SUFFIXES:
                raise ValueError(
                    f"`columns` are those of a table of points ({', '.join(TABLE_SUFFIXES)}); "
                    "leave them out, or write the points as such a table"
                )
            needed = ("x", "y") if self.form == "mask" else ("x", "y", "class")
            if missing := [name for name in needed if name not in self.columns]:
                raise ValueError(f"`columns` lacks {' and '.join(missing)}")
        if wrong := sorted(given & (_OF_FILES if self.is_table else set())):
            raise ValueError(f"a table of points has no `{wrong[0]}`; leave it out")
        if self.is_vector:
            if wrong := sorted(given & _OF_RASTERS):
                raise ValueError(f"polygons and points have no `{wrong[0]}`; leave it out")
            if self.form == "pixels":
                raise ValueError("polygons and points are no list of pixels; leave `form` out")
        elif wrong := sorted(given & _OF_VECTORS):
            raise ValueError(
                f"`{wrong[0]}` is of vector files ({', '.join(VECTOR_SUFFIXES)}) or, beside "
                "`columns`, of tables of points; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _tiles_not_bands(self) -> LabelSource:
        if self.mosaic is False:
            raise ValueError("labels have one band: files of a pattern are its tiles")
        return self

    @model_validator(mode="after")
    def _chosen_of_a_mask(self) -> LabelSource:
        if self.chosen is not None and self.form != "mask":
            raise ValueError("`chosen` says which numbers of a mask are in: add `form: mask`")
        return self
