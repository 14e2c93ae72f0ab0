"""`docs/reference/scene_file.md`: every setting of a scene's file, from the settings classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bdgf.core.settings import Settings
from bdgf.scenes.config import LabelMap, LandCoverClass, Modality, Origin, SceneConfig
from bdgf.scenes.sources import ImageSource, LabelSource
from tools.settings.parameter_files import flow
from tools.settings.reference_page import allowed

INTRODUCTION = """# Settings of a scene's file

`make settings` generates this page from the settings classes. Do not edit it by hand.
[scenes.md](../how_to/scenes.md) explains how to write the file. [files.md](files.md) describes
the metadata of raw files.

A list with one entry can be written as the entry: `file: dem.tif`, `channels: 3`.

If an image or a label map has one source, write the source's settings next to its own:
`{kind: auxiliary, file: dem.tif, nodata: -9999}`. With alternatives, each has its own settings:
`{kind: auxiliary, nodata: -9999, sources: [{file: dem.tif}, {file: dem.mat, variable: z}]}`.
"""

PARTS: tuple[tuple[str, str, type[Settings]], ...] = (
    ("The scene", "", SceneConfig),
    ("An image", "`modalities.<name>`", Modality),
    ("A label map", "`labels`, `official_train`, `official_test`", LabelMap),
    (
        "A source of an image",
        "next to an image's settings, or an entry of its `sources`",
        ImageSource,
    ),
    (
        "A source of labels",
        "next to a label map's settings, or an entry of its `sources`",
        LabelSource,
    ),
    ("A class", "an entry of `classes`", LandCoverClass),
    ("The public data", "`source`", Origin),
)


def scene_file_page() -> str:
    """The page."""
    sections = [INTRODUCTION]
    for title, where, settings in PARTS:
        below = f"Under {where}.\n" if where.startswith("`") else f"{where.capitalize()}.\n"
        sections += [f"## {title}\n", *([below] if where else []), _table(settings)]
    return "\n".join(sections)


def _table(settings: type[Settings]) -> str:
    schema = settings.model_json_schema()
    rows = ["| setting | default | values | meaning |", "|---|---|---|---|"]
    for name, told in schema["properties"].items():
        needed = name in schema.get("required", ())
        default = "required" if needed else f"`{flow(_plain(told.get('default')))}`"
        cells = (f"`{name}`", default, _allowed(told, schema), told.get("description", ""))
        rows.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _allowed(told: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """The allowed values; a part with its own table is named by its title."""
    titles = {part.__name__: title.lower() for title, _, part in PARTS}
    if "$ref" in told:
        name = told["$ref"].rsplit("/", 1)[1]
        return titles.get(name, "see the file of the demo scene")
    if "anyOf" in told:
        return " or ".join(_allowed(part, schema) for part in told["anyOf"])
    if told.get("type") == "array" and "$ref" in told.get("items", {}):
        return f"[{_allowed(told['items'], schema)}, ...]"
    if told.get("type") == "array" and "prefixItems" in told:
        return f"[{', '.join(allowed(item) for item in told['prefixItems'])}]"
    if told.get("type") == "object" and "additionalProperties" in told:
        inside = told["additionalProperties"]
        return f"{{name: {_allowed(inside, schema) if isinstance(inside, Mapping) else '...'}}}"
    return allowed(told)


def _plain(default: Any) -> Any:
    """A default as YAML shows it: a part that is all default as an empty mapping."""
    return {} if isinstance(default, Mapping) else default


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").removesuffix(".")
