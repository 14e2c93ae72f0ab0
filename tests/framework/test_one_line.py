"""A user's mistake as one line, anything else as it is."""

import click
import pytest
from click.testing import CliRunner

from bdgf.core.errors import SceneError
from bdgf.framework.one_line import one_line


@click.command()
@click.argument("kind")
def failing(kind: str) -> None:
    with one_line():
        raise {"mistake": SceneError("a file\n  is missing"), "defect": ZeroDivisionError()}[kind]


def test_a_mistake_is_one_line_and_exit_code_1() -> None:
    result = CliRunner().invoke(failing, ["mistake"])
    assert result.exit_code == 1
    assert result.stderr == "Error: a file is missing\n"


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(failing, ["defect"], catch_exceptions=False)
