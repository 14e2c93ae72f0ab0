"""Settings are written once: files and reference page are what the classes give."""

import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field
from tools.settings.__main__ import BASE, PAGE, PROJECT, differences, generated
from tools.settings.parameter_files import HEADER, WIDTH, parameter_files
from tools.settings.reference_page import allowed, reference_page
from tools.settings.scene_file_page import PARTS, scene_file_page
from tools.settings.tree import Parameter, top_group, top_groups

import bdgf
from bdgf.core.settings import MAIN, Settings


class Inner(Settings):
    """Not shown: the field's description is."""

    rate: float = Field(1, ge=0, description="How fast.")
    kind: Literal["a", "b"] = Field("a", description="Which.", json_schema_extra=MAIN)


class Outer(Settings):
    """A group. Chosen here.

    With a second paragraph.
    """

    quiet: bool = Field(False, description="Says | nothing.")
    sets: tuple[tuple[str, ...], ...] = Field(((), ("mean:1",)), description="Sets")
    inner: Inner = Field(Inner(), description="A part.")
    steps: int | None = Field(
        None, ge=1, description=f"Steps {'and ' * 30}more", json_schema_extra=MAIN
    )


FILE = f"""{HEADER}

# A group. Chosen here.
#
# With a second paragraph.
outer:
  # Steps {"and " * 26}and
  # and and and more
  steps: null
  inner: # A part
    kind: a # Which
    # --- Rarely changed in outer.inner ---
    rate: 1.0 # How fast
  # --- Rarely changed in outer ---
  quiet: false # Says | nothing
  sets: # Sets
    - []
    - ['mean:1']
"""


def every_class(base: type[Settings] = Settings) -> Iterator[type[Settings]]:
    for below in base.__subclasses__():
        yield below
        yield from every_class(below)


def test_files_and_page_are_what_the_classes_give() -> None:
    assert differences(PROJECT) == []


def test_what_differs_is_told_by_file_and_line(tmp_path: Path) -> None:
    for path, text in generated().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    changed = tmp_path / BASE / "parameters_devices.yml"
    changed.write_text(changed.read_text().replace("deterministic: false", "deterministic: true"))
    (tmp_path / BASE / "parameters_mine.yml").touch()
    (tmp_path / PAGE).unlink()
    mine, devices, page = differences(tmp_path)
    assert mine == f"{BASE}/parameters_mine.yml belongs to no settings class; delete it"
    assert devices.startswith(f"{BASE}/parameters_devices.yml, line ")
    assert "deterministic: true" in devices
    assert page == f"{PAGE} is missing"


def test_a_file_has_what_users_turn_first_and_the_descriptions_as_comments() -> None:
    (text,) = parameter_files([top_group("outer", Outer)]).values()
    assert text == FILE


def test_files_are_no_wider_than_they_may_be() -> None:
    for text in parameter_files(top_groups()).values():
        comments = [line for line in text.split("\n") if line.lstrip().startswith("#")]
        assert max(map(len, comments)) <= WIDTH


def test_the_page_lists_what_users_turn_before_the_groups() -> None:
    page = reference_page([top_group("outer", Outer)])
    first, rest = page.split("## `outer`")
    assert "## Main parameters" in first
    assert "| `outer.inner.kind` | `a` | `a`, `b` | Which |" in first
    assert "outer.quiet" not in first
    assert "| `outer.quiet` | `false` | `true`, `false` | Says \\| nothing |" in rest
    assert rest.index("outer.steps") < rest.index("outer.quiet")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "integer", "minimum": 1, "multipleOf": 4}, "integer >= 1 and a multiple of 4"),
        ({"type": "array", "items": {"type": "string"}}, "[text, ...]"),
        ({"anyOf": [{"const": "a"}, {"type": "number", "maximum": 1}]}, "`a` or number <= 1"),
        ({"additionalProperties": {"type": "string"}, "type": "object"}, "mapping"),
    ],
)
def test_what_a_value_may_be_in_words(schema: dict[str, object], told: str) -> None:
    assert allowed(schema) == told


def test_the_ones_to_turn_are_few() -> None:
    found: list[Parameter] = [p for group in top_groups() for p in group.parameters()]
    main = [parameter for parameter in found if parameter.main]
    assert 15 <= len(main) <= 30
    assert len(found) > 5 * len(main)


def test_every_field_of_every_settings_class_says_what_it_is() -> None:
    for module in pkgutil.walk_packages(bdgf.__path__, "bdgf."):
        with suppress(ModuleNotFoundError):  # what only a GPU needs
            import_module(module.name)
    classes = [kind for kind in every_class() if kind.__module__.startswith("bdgf.")]
    assert len(classes) > 40
    for kind in classes:
        unsaid = [name for name, field in kind.model_fields.items() if not field.description]
        assert unsaid == [], kind


def test_every_setting_of_a_scene_file_has_its_line() -> None:
    page = scene_file_page()
    for _, _, settings in PARTS:
        for name in settings.model_fields:
            assert f"| `{name}` |" in page
    assert "| `kind` | required | `spectral`, `auxiliary` |" in page
    assert "| `channels` | `null` | [integer >= 0, ...] or null |" in page
