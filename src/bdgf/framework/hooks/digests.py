"""Switches the comparison of artifacts with their digests on or off."""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol

from bdgf.core.digests import check_at_load


class DigestHooks:
    """Lets a run read artifacts unchecked if `check_digests` is false."""

    @hook_impl(tryfirst=True)  # before any artifact is read
    def before_pipeline_run(self, run_params: dict[str, Any], catalog: CatalogProtocol) -> None:
        """Takes the parameter for this run."""
        from bdgf.framework.validation import check_parameters

        wanted = catalog.load("params:check_digests")
        check_parameters({"check_digests": wanted})
        check_at_load(wanted)

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Checks again: a process may go on after a run."""
        check_at_load(True)

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Checks again: a process may go on after a run."""
        check_at_load(True)
