"""`docs/reference/parameters.md`: tables of every parameter, the main ones first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bdgf.experiments.tuning.space import searched_parameters
from bdgf.models.registry import MODELS
from tools.settings.parameter_files import flow
from tools.settings.tree import RUN, Group, Parameter

INTRODUCTION = """# Parameters

`make settings` generates this page and the files of `conf/base` from the settings classes. Do not
edit them by hand.

To change a value permanently, write it to a file in `conf/local` that holds only the changed
values, in the form of the files in `conf/base`. For a single run, use `--params`:

    kedro run --pipeline=full --params dataset=trento,train.epochs=20
    kedro run --pipeline=full --params dataset=trento --params 'features.timesteps=[50, 100]'
    kedro run --pipeline=train --params 'train.classifier.guides={cnn: none, mamba: none}'
    kedro run --pipeline=prepare --params split.buffer=null

The option can be repeated. Commas separate parameters, except inside brackets, braces and quotes. A
value is read as YAML, which includes JSON: `3`, `0.5`, `true`, `null`, `[1, 2]`, `{a: 1}`,
`"a text, with a comma"`. Quote brackets, braces and spaces for the shell. A list replaces
the configured list. A mapping changes only the entries that it contains. An unknown name is an
error.

`kedro tune` searches the main parameters that have a range at the end of this page.

`--env paper` replaces some of these defaults with sizes for a GPU from `conf/paper`.
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
    parts = [INTRODUCTION, "## Main parameters\n", _table(main)]
    for group in groups:
        told = group.told if group.name != RUN else "Parameters without a group."
        title = f"`{group.name}`" if group.name != RUN else "A run"
        ordered = sorted(group.parameters(), key=lambda parameter: not parameter.main)
        parts += [f"## {title}\n", f"{told}\n", _table(ordered)]
    parts += ["## Ranges that `kedro tune` searches\n", _ranges()]
    return "\n".join(parts)


def _ranges() -> str:
    rows = ["| parameter | range |", "|---|---|"]
    rows += [
        f"| `{name}` | {_cell(str(its))} |" for name, its in searched_parameters(MODELS).items()
    ]
    return "\n".join(rows) + "\n"


def _table(parameters: Iterable[Parameter]) -> str:
    rows = ["| parameter | default | values | meaning |", "|---|---|---|---|"]
    for parameter in parameters:
        default = parameter.written if parameter.default is None else parameter.default
        cells = (f"`{parameter.path}`", f"`{flow(default)}`", allowed(parameter.allowed))
        rows.append("| " + " | ".join(_cell(cell) for cell in (*cells, parameter.told)) + " |")
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def allowed(schema: Mapping[str, Any]) -> str:
    """The allowed values, in a few words.

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
