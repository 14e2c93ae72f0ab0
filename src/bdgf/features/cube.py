"""FeatureCube: the diffusion features of a whole scene, in one HDF5 file."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bdgf.core.errors import ArtifactError, MissingArtifactError, SceneError, artifact_errors


class FeatureCube:
    """A complete feature cube on disk; nothing is opened before it is asked for, or kept open.

    Level l has 1 / 2**l of the scene's resolution. Its channels are timestep-major: all decoder
    channels of the first timestep, then of the next.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        """Refers to the file at `path`."""
        self.path = Path(path)

    @property
    def fingerprint(self) -> str:
        """Digest of the weights, the scene and the settings that made the features."""
        return str(self._header["fingerprint"])

    @property
    def scene(self) -> str:
        """The scene's name."""
        return str(self._header["scene"])

    @property
    def timesteps(self) -> tuple[int, ...]:
        """Diffusion steps t, in the order of the channels."""
        return tuple(int(t) for t in self._header["timesteps"])

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the scene."""
        rows, columns = self._header["shape"]
        return int(rows), int(columns)

    @property
    def levels(self) -> list[int]:
        """The levels that are there, finest first."""
        return sorted(self.channels)

    @property
    def channels(self) -> dict[int, int]:
        """Level -> number of channels C_l."""
        return dict(self._header["channels"])

    def read(self, level: int, rows: slice | None = None) -> np.ndarray:
        """Features of one level.

        Args:
            level: One of `levels`.
            rows: Rows of the level's grid; None for all of them.

        Returns:
            (C_l, rows, ceil(W / 2**level)) float16.

        Raises:
            ArtifactError: The file is damaged.
            SceneError: It has no such level.
        """
        with self._open() as file:
            features = self._level(file, level)["features"]
            return np.asarray(features[:, rows if rows is not None else slice(None)])

    def moments(self, level: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel over cells that hold valid pixels.

        Returns:
            (C_l,) float32 each.
        """
        with self._open() as file:
            group = self._level(file, level)
            return np.asarray(group["mean"]), np.asarray(group["std"])

    def normalisation(self) -> np.ndarray:
        """Frozen statistics of the denoiser's normalisation that the features were made with.

        Returns:
            (timesteps, 2, groups) float32; `extract_features` takes it for another raster.
        """
        with self._open() as file:
            return np.asarray(file["normalisation"])

    @cached_property
    def _header(self) -> dict[str, Any]:
        with self._open() as file:
            header = dict(file.attrs)
            if not header.get("complete", False):
                raise ArtifactError(
                    f"the feature cube {self.path} is not complete; delete it and run "
                    "`kedro run --pipeline=features`"
                )
            header["channels"] = {
                int(name.removeprefix("level_")): file[name]["features"].shape[0]
                for name in file
                if name.startswith("level_")
            }
        return header

    def _open(self) -> h5py.File:
        if not self.path.exists():
            raise MissingArtifactError(
                f"there is no feature cube at {self.path}; run `kedro run --pipeline=features`"
            )
        remedy = "delete it and run `kedro run --pipeline=features`"
        with artifact_errors(f"the feature cube {self.path}", remedy):
            return h5py.File(self.path, "r")

    def _level(self, file: h5py.File, level: int) -> h5py.Group:
        if level not in self.channels:
            raise SceneError(
                f"the feature cube {self.path} has no level {level}, only "
                f"{', '.join(map(str, self.levels))}; change features.levels and extract again"
            )
        return file[f"level_{level}"]
