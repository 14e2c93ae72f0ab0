"""What several runs at once write into one row of MLflow's store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_ALREADY_THERE = "RESOURCE_ALREADY_EXISTS"
_UNIQUE = ("IntegrityError", "UniqueViolation")  # as SQLite and MySQL, and PostgreSQL, call it


def made_by_either(call: Callable[[], T]) -> T:
    """Calls MLflow, and again if another run made the same row in that moment.

    An experiment and a dataset belong to all runs. MLflow looks whether they are there and then
    adds them: two runs at once both add, and one of them fails. The second call finds the row.

    Args:
        call: Calls MLflow; it may be made twice.

    Returns:
        What `call` returns.

    Raises:
        MlflowException: Any other failure of the first call, and each of the second.
    """
    from mlflow.exceptions import MlflowException

    try:
        return call()
    except MlflowException as error:
        if error.error_code != _ALREADY_THERE and not any(kind in str(error) for kind in _UNIQUE):
            raise
    return call()
