"""A catalog entry that a run does not use."""

from __future__ import annotations

from typing import Any

from kedro.io import AbstractDataset, DatasetError


class AbsentDataset(AbstractDataset[None, None]):
    """Loads None, for an input that is optional: Kedro's own datasets refuse to hold it.

    A pipeline is static, and not every model uses diffusion features: for one that does not, this
    stands in the place of the denoiser and of its features.
    """

    def load(self) -> None:
        """Gives None."""

    def save(self, data: None) -> None:
        """Refuses.

        Raises:
            DatasetError: Always: nobody should make what is done without.
        """
        raise DatasetError("an absent entry cannot be saved")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {}
