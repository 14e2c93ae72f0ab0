"""Feature cubes: HDF5 files that the extraction writes itself, kept as versions by hard link."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bdgf.core.digests import read_digests, write_digests
from bdgf.core.storage import require_space
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.features.cube import FeatureCube


class FeatureCubeDataset(LocalVersionedDataset[FeatureCube]):
    """A `FeatureCube`: gigabytes that are written tile by tile and read by windows.

    Saving links the cube's file to the version's path (copies where linking is impossible), so
    that a cube which several runs share exists once. Loading opens nothing yet.

    Example:
        ```yaml
        feature_cube:
          type: bdgf.datasets.feature_cube.FeatureCubeDataset
          filepath: data/04_feature/demo/feature_cube.h5
          versioned: true
        ```
    """

    def _read(self, path: Path) -> FeatureCube:
        return FeatureCube(path)

    def _write(self, content: FeatureCube, path: Path) -> None:
        content.check()  # a link would carry damage into the version
        digests = read_digests(content.path)
        try:
            os.link(content.path, path)
        except OSError:
            require_space(path, content.path.stat().st_size)
            shutil.copyfile(content.path, path)
        if digests is not None:
            write_digests(path, {path.name: digests[content.path.name]})
