"""A user's mistake as one line, anything else as it is."""

import click
import pytest
from click.testing import CliRunner
from mlflow.exceptions import MlflowException

from bdgf.core.errors import SceneError
from bdgf.framework.one_line import one_line


@click.command()
@click.argument("kind")
def failing(kind: str) -> None:
    with one_line():
        raise {
            "mistake": SceneError("a file\n  is missing"),
            "defect": ZeroDivisionError(),
            "server": MlflowException(
                "API request to http://h:5/api/x failed with exception HTTPConnectionPool(...)"
            ),
            "of mlflow": MlflowException("API request to endpoint was successful but"),
        }[kind]


def test_a_mistake_is_one_line_and_exit_code_1() -> None:
    result = CliRunner().invoke(failing, ["mistake"])
    assert result.exit_code == 1
    assert result.stderr == "Error: a file is missing\n"


def test_a_server_that_stopped_answering_is_one_line() -> None:
    result = CliRunner().invoke(failing, ["server"])
    assert result.exit_code == 1
    assert "Error: the MLflow server stopped answering (http://h:5/api/x); when" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("kind", ["defect", "of mlflow"])
def test_a_defect_keeps_its_traceback(kind: str) -> None:
    with pytest.raises((ZeroDivisionError, MlflowException)):
        CliRunner().invoke(failing, [kind], catch_exceptions=False)
