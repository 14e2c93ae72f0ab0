"""FeatureCube: the diffusion features of a whole scene, in one HDF5 file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from bdgf.core.digests import check_digests
from bdgf.core.errors import ArtifactError, MissingArtifactError, SceneError, artifact_errors

_REMEDY = "delete it and run `kedro run --pipeline=features`"


@dataclass(frozen=True)
class _Header:
    fingerprint: str
    scene: str
    timesteps: tuple[int, ...]
    shape: tuple[int, int]
    channels: dict[int, int]


class FeatureCube:
    """A complete feature cube on disk; the file is opened only while it is read.

    At the first opening the file is compared with its digest; from then on each chunk that is read
    is compared with its checksum.

    Level l has 1 / 2**l of the scene's resolution. Its channels are timestep-major: all decoder
    channels of the first timestep, then of the next.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, remedy: str = _REMEDY, *, digest_required: bool = True) -> None:
        """Refers to the file at `path`.

        Args:
            path: The file.
            remedy: What to do where it is damaged, for the message.
            digest_required: Whether a cube without a digest is refused, see `check_digests`.
        """
        self.path, self._remedy = Path(path), remedy
        self._digest_required = digest_required

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"the feature cube {self.path}"

    @property
    def fingerprint(self) -> str:
        """Digest of the weights, the scene and the settings that made the features."""
        return self._header.fingerprint

    @property
    def scene(self) -> str:
        """The scene's name."""
        return self._header.scene

    @property
    def timesteps(self) -> tuple[int, ...]:
        """Diffusion steps t, in the order of the channels."""
        return self._header.timesteps

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the scene."""
        return self._header.shape

    @property
    def levels(self) -> list[int]:
        """The available levels, finest first."""
        return sorted(self.channels)

    @property
    def channels(self) -> dict[int, int]:
        """Level -> number of channels C_l."""
        return dict(self._header.channels)

    def check(self) -> None:
        """Compares the file with its digest, once.

        Raises:
            ArtifactError: It is not as it was written.
            MissingArtifactError: It is not there.
        """
        _ = self._intact

    def read(
        self, level: int, rows: slice | None = None, columns: slice | None = None
    ) -> np.ndarray:
        """Features of one level.

        Args:
            level: One of `levels`.
            rows: Rows of the level's grid; None for all of them.
            columns: Its columns, likewise.

        Returns:
            (C_l, rows, columns) float16.

        Raises:
            ArtifactError: The file is damaged.
            SceneError: It has no such level.
        """
        with self._open() as file:
            features = self._level(file, level)["features"]
            return np.asarray(features[:, rows or slice(None), columns or slice(None)])

    def moments(self, level: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel over cells that hold valid pixels.

        Returns:
            (C_l,) float32 each.
        """
        with self._open() as file:
            group = self._level(file, level)
            return np.asarray(group["mean"]), np.asarray(group["std"])

    def normalisation(self) -> np.ndarray:
        """Frozen statistics of the denoiser's normalisation, as used for the features.

        Returns:
            (timesteps, 2, groups) float32; `extract_features` takes it for another raster.
        """
        with self._open() as file:
            return np.asarray(file["normalisation"])

    @cached_property
    def _header(self) -> _Header:
        with self._open() as file:
            header = file.attrs
            if not header.get("complete", False):
                raise ArtifactError(f"the feature cube {self.path} is not complete; {self._remedy}")
            rows, columns = header["shape"]
            return _Header(
                fingerprint=str(header["fingerprint"]),
                scene=str(header["scene"]),
                timesteps=tuple(int(t) for t in header["timesteps"]),
                shape=(int(rows), int(columns)),
                channels={
                    int(name.removeprefix("level_")): file[name]["features"].shape[0]
                    for name in file
                    if name.startswith("level_")
                },
            )

    @cached_property
    def _intact(self) -> bool:
        if not self.path.exists():
            raise MissingArtifactError(
                f"there is no feature cube at {self.path}; run `kedro run --pipeline=features`"
            )
        with self._errors():
            check_digests([self.path], required=self._digest_required)
        return True

    @contextmanager
    def _open(self) -> Iterator[h5py.File]:
        self.check()
        with self._errors(), h5py.File(self.path, "r") as file:
            yield file

    def _errors(self) -> AbstractContextManager[None]:
        return artifact_errors(f"the feature cube {self.path}", self._remedy)

    def _level(self, file: h5py.File, level: int) -> h5py.Group:
        if level not in self.channels:
            raise SceneError(
                f"the feature cube {self.path} has no level {level}, only "
                f"{', '.join(map(str, self.levels))}; change features.levels and extract again"
            )
        return file[f"level_{level}"]
