"""`docs/reference/parameters.md`: every parameter in tables, those that users turn first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tools.settings.parameter_files import flow
from tools.settings.tree import RUN, Group, Parameter

INTRODUCTION = """# Parameters

Made by `make settings` from the settings classes, as the files of `conf/base` are; change neither
by hand.

A value that is to last goes to `conf/local`, into a file like those of `conf/base` that holds only
what differs; one for a single run goes behind `--params`:

    kedro run --pipeline=full --params dataset=trento,train.epochs=20
    kedro run --pipeline=full --params dataset=trento --params 'features.timesteps=[50, 100]'
    kedro run --pipeline=train --params 'train.classifier.guides={cnn: none, mamba: none}'
    kedro run --pipeline=prepare --params split.buffer=null

The option may be repeated. Commas separate parameters, except inside brackets, braces and quotes. A
value is read as YAML, of which JSON is a part: `3`, `0.5`, `true`, `null`, `[1, 2]`, `{a: 1}`,
`"a text, with a comma"`. The shell wants quotes around brackets, braces and spaces. A list replaces
the configured one; a mapping changes the entries that it names. An unknown name is refused.

`--env paper` takes sizes for a GPU from `conf/paper` in place of some of these defaults.
"""

LIMITS = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
    "multipleOf": "a multiple of",
}
KINDS = {
    "integer": "integer",
    "number": "number",
    "boolean": "`true`, `false`",
    "string": "text",
    "null": "null",
    "object": "mapping",
}


def reference_page(groups: Iterable[Group]) -> str:
    """The page.

    Args:
        groups: The top groups, in the order of the page.
    """
    groups = list(groups)
    main = [parameter for group in groups for parameter in group.parameters() if parameter.main]
    parts = [INTRODUCTION, "## The ones to turn\n", _table(main)]
    for group in groups:
        told = group.told if group.name != RUN else "What belongs to no group."
        title = f"`{group.name}`" if group.name != RUN else "A run"
        ordered = sorted(group.parameters(), key=lambda parameter: not parameter.main)
        parts += [f"## {title}\n", f"{told}\n", _table(ordered)]
    return "\n".join(parts)


def _table(parameters: Iterable[Parameter]) -> str:
    rows = ["| parameter | default | may be | what it is |", "|---|---|---|---|"]
    for parameter in parameters:
        default = parameter.written if parameter.default is None else parameter.default
        cells = (f"`{parameter.path}`", f"`{flow(default)}`", allowed(parameter.allowed))
        rows.append("| " + " | ".join(_cell(cell) for cell in (*cells, parameter.told)) + " |")
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def allowed(schema: Mapping[str, Any]) -> str:
    """What a value may be, in a few words.

    Args:
        schema: Its JSON schema.
    """
    if "anyOf" in schema:
        return " or ".join(allowed(part) for part in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"[{allowed(schema.get('items', {}))}, ...]"
    limits = " and ".join(f"{sign} {schema[key]}" for key, sign in LIMITS.items() if key in schema)
    return f"{KINDS.get(schema.get('type', ''), 'anything')} {limits}".strip()
