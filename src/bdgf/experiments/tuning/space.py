"""What a search may turn: the marked main settings, their ranges, and the values in use.

A range is written once, beside the field that it belongs to (`bdgf.core.settings.searched`). The
configured value is always within: a search starts from it, and finds nothing worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from bdgf.core.errors import SettingsError
from bdgf.core.settings import SEARCH, Settings
from bdgf.framework.config_loader import nearest
from bdgf.framework.validation import GROUPS, settings_of, settings_of_models
from bdgf.models.registry import model_entry

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Range:
    """The values that are tried for one parameter.

    Attributes:
        low: The least number; unused where there are choices.
        high: The greatest number.
        whole: Whether the numbers are integers.
        log: Whether they are drawn evenly in their logarithm.
        step: Distance of two integers.
        choices: The values, where they are a list.
    """

    low: float = 0
    high: float = 0
    whole: bool = False
    log: bool = False
    step: int = 1
    choices: tuple[Any, ...] = ()

    def with_value(self, value: Any) -> Range:
        """The range that holds `value` too."""
        if self.choices:
            there = value in self.choices
            return self if there else Range(choices=(*self.choices, value))
        low, high = min(self.low, value), max(self.high, value)
        return Range(low, high, self.whole, self.log, self.step)

    def __str__(self) -> str:
        if self.choices:
            return ", ".join(in_yaml(choice) for choice in self.choices)
        how = f", every {self.step}" if self.step > 1 else ""
        return f"{self.low:g} to {self.high:g}{how}{', logarithmic' if self.log else ''}"


@dataclass(frozen=True)
class Knob:
    """One parameter that is searched.

    Attributes:
        name: Its dotted name.
        configured: Its value without a search.
        range: What is tried.
    """

    name: str
    configured: Any
    range: Range

    def distribution(self) -> BaseDistribution:
        """The range, as Optuna has it."""
        from optuna import distributions

        its = self.range
        if its.choices:
            return distributions.CategoricalDistribution([in_yaml(value) for value in its.choices])
        if its.whole:
            low, high = int(its.low), int(its.high)
            return distributions.IntDistribution(low, high, log=its.log, step=its.step)
        return distributions.FloatDistribution(its.low, its.high, log=its.log)

    def stored(self, value: Any) -> Any:
        """A value as Optuna keeps it: a number, or the text of a choice."""
        if not self.range.choices:
            return value
        # Equal mappings may differ in their order.
        return next(in_yaml(choice) for choice in self.range.choices if choice == value)

    def value(self, stored: Any) -> Any:
        """The value of what Optuna keeps."""
        if not self.range.choices:
            return stored
        return {in_yaml(choice): choice for choice in self.range.choices}[stored]


def in_yaml(value: Any) -> str:
    """A value on one line, as it may be typed."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False)
    return str(text).removesuffix("\n").removesuffix("\n...")


def searched_parameters(models: Iterable[str] = ()) -> dict[str, Range]:
    """Every parameter with a range to search, by its dotted name.

    Args:
        models: Models whose own settings (`baselines.<model>`) are looked at too.
    """
    groups = {name: settings_of(name) for name in GROUPS}
    own = {f"baselines.{name}": found for name, found in settings_of_models(models).items()}
    found: dict[str, Range] = {}
    for group, settings in {**groups, **own}.items():
        found |= ranges_of(group, settings)
    return found


def ranges_of(group: str, settings: type[Settings]) -> dict[str, Range]:
    """The parameters with a range to search of one settings class, by dotted name below `group`."""
    fields = _fields(group, settings)
    return {name: _range(field) for name, field in fields if _mark(field) is not None}


def search_space(
    model: str,
    parameters: Mapping[str, Any],
    wanted: Sequence[str] = (),
    fixed: Iterable[str] = (),
) -> tuple[Knob, ...]:
    """The knobs of a search.

    Args:
        model: The model that is trained.
        parameters: All configured parameters, nested: the search starts from their values.
        wanted: Names of knobs, or of groups of them; none for all that the model looks at.
        fixed: Parameters that the user set for all trials; they are no knobs.

    Raises:
        SettingsError: A wanted knob is none, or none is left.
    """
    known = {
        n: r for n, r in searched_parameters([model]).items() if model_entry(model).looks_at(n)
    }
    for name in wanted:
        if not any(_below(knob, name) for knob in known):
            raise SettingsError(
                f"--knobs has '{name}', which no search of {model} turns{nearest(name, known)}; "
                f"known: {', '.join(known)}"
            )
    held = list(fixed)
    knobs = tuple(
        Knob(name, value, known[name].with_value(value))
        for name in known
        if not wanted or any(_below(name, group) for group in wanted)
        if not any(_below(name, one) or _below(one, name) for one in held)
        for value in [_configured(parameters, name)]
    )
    if not knobs:
        raise SettingsError(
            f"there is nothing to search: --params sets every knob of {model} that --knobs names"
        )
    return knobs


def _fields(path: str, settings: type[Settings]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in settings.model_fields.items():
        below, kind = f"{path}.{field.alias or name}", field.annotation
        if isinstance(kind, type) and issubclass(kind, Settings):
            yield from _fields(below, kind)
        else:
            yield below, field


def _mark(field: FieldInfo) -> Mapping[str, Any] | None:
    extra = field.json_schema_extra
    found = extra.get(SEARCH) if isinstance(extra, Mapping) else None
    return found if isinstance(found, Mapping) else None


def _range(field: FieldInfo) -> Range:
    mark, kind = _mark(field) or {}, field.annotation
    if "choices" in mark:
        return Range(choices=tuple(mark["choices"]))
    if get_origin(kind) is Literal:
        return Range(choices=get_args(kind))
    if kind is bool:
        return Range(choices=(False, True))
    limits = {"low": _limit(field, "ge"), "high": _limit(field, "le"), **mark}
    return Range(**limits, whole=kind is int)


def _limit(field: FieldInfo, name: str) -> Any:
    return next((getattr(m, name) for m in field.metadata if hasattr(m, name)), None)


def _below(name: str, group: str) -> bool:
    return name == group or name.startswith(f"{group}.")


def _configured(parameters: Mapping[str, Any], name: str) -> Any:
    return reduce(lambda group, key: group[key], name.split("."), parameters)
