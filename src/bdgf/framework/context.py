"""The context of a session: the project's configured parameters."""

from __future__ import annotations

from typing import Any

from kedro.framework.context import KedroContext


class ProjectContext(KedroContext):
    """Leaves the parameters to the project's own checks.

    Kedro would resolve the type hints of every node, and so import all that they name: PyTorch,
    scikit-learn and the like. The hints of the project's nodes are names of groups, which
    `bdgf.framework.validation` checks.
    """

    @property
    def params(self) -> dict[str, Any]:
        """All parameters, nested."""
        parameters: dict[str, Any] = self.config_loader["parameters"]
        return parameters
