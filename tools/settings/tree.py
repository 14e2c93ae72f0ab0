"""All parameters as a tree, read from the settings classes and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

from bdgf.core.settings import MAIN, Settings
from bdgf.framework.run_settings import RunSettings
from bdgf.framework.validation import GROUPS, settings_of, settings_of_models
from bdgf.models.registry import MODELS

RUN = ""
"""Name of the group that holds the parameters that belong to none."""

# What stands in the files where Kedro or the environment is to decide; all other values are the
# classes' defaults. `globals.yml` and the command line decide what a run is about, and the catalog
# asks them too. Where raw files are is a matter of the machine.
INTERPOLATED: dict[str, Any] = {
    **{
        name: f"${{runtime_params:{name}, ${{globals:{name}}}}}"
        for name in ("dataset", "model", "seed", "data_folder")
    },
    "ingest.folders": [
        "data/01_raw",
        "${environment:BDGF_DATA, ../shared/data}",
        "${environment:BDGF_DATA, ../shared/data}/public",
    ],
}

BASELINES = (
    "Parameters of single baselines. Networks also use the group `train`. This project chose the "
    "sizes and grids."
)


@dataclass(frozen=True)
class Parameter:
    """A value that can be set.

    Attributes:
        path: Its dotted name.
        told: What it is, without a full stop.
        main: Whether it is one of the few that users turn.
        default: The class's default.
        written: What stands in the file: the default, or an interpolation.
        allowed: What it may be, as JSON schema.
    """

    path: str
    told: str
    main: bool
    default: Any
    written: Any
    allowed: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The last part of its dotted name."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Group:
    """Parameters and groups under one name, the ones to turn first.

    Attributes:
        path: Its dotted name; empty for the parameters that belong to no group.
        told: What it is; of a top group the whole docstring.
        first: Members that are, or hold, parameters that users turn.
        rest: The other members.
    """

    path: str
    told: str
    first: tuple[Parameter | Group, ...]
    rest: tuple[Parameter | Group, ...]

    @property
    def name(self) -> str:
        """The last part of its dotted name."""
        return self.path.rpartition(".")[2]

    @property
    def main(self) -> bool:
        """Whether it holds a parameter that users turn."""
        return bool(self.first)

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter in it, however deep."""
        for member in (*self.first, *self.rest):
            if isinstance(member, Group):
                yield from member.parameters()
            else:
                yield member


def top_groups() -> list[Group]:
    """The groups of parameters, those of no group first."""
    baselines = [
        top_group(f"baselines.{name}", settings)
        for name, settings in settings_of_models(MODELS).items()
    ]
    return [
        top_group(RUN, RunSettings),
        *(top_group(name, settings_of(name)) for name in GROUPS),
        _ordered("baselines", BASELINES, baselines),
    ]


def top_group(path: str, settings: type[Settings]) -> Group:
    """The tree of one settings class.

    Args:
        path: Its dotted name.
        settings: The class; a field without a default has its value in `INTERPOLATED`.
    """
    required = {
        name: INTERPOLATED[_below(path, name)]
        for name, field in settings.model_fields.items()
        if field.is_required()
    }
    # Validated a second time, since pydantic leaves defaults as they are: 300 where 300.0 is meant.
    first = settings.model_validate(required)
    defaults = settings.model_validate(first.model_dump(by_alias=True)).model_dump(mode="json")
    return _group(path, settings, cleandoc(settings.__doc__ or ""), defaults)


def _group(path: str, settings: type[Settings], told: str, defaults: Mapping[str, Any]) -> Group:
    schema = settings.model_json_schema(by_alias=False)["properties"]
    members: list[Parameter | Group] = []
    for name, field in settings.model_fields.items():
        # What users call it, where that cannot be the name of an attribute.
        below = _below(path, field.alias or name)
        told_of_it = (field.description or "").rstrip(".")
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Settings):
            members.append(_group(below, kind, told_of_it, defaults[name]))
            continue
        members.append(
            Parameter(
                below,
                told_of_it,
                _is_main(field.json_schema_extra),
                defaults[name],
                INTERPOLATED.get(below, defaults[name]),
                schema[name],
            )
        )
    return _ordered(path, told, members)


def _is_main(extra: Any) -> bool:
    return isinstance(extra, Mapping) and MAIN.items() <= extra.items()


def _ordered(path: str, told: str, members: list[Any]) -> Group:
    # Single values before groups, so that the short lines are not lost between the long parts.
    first = sorted(filter(lambda m: m.main, members), key=lambda m: isinstance(m, Group))
    return Group(path, told, tuple(first), tuple(m for m in members if not m.main))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
