"""Opens a scene to be read window by window: from memory where it fits, else from its files."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bdgf.core.errors import SceneError
from bdgf.core.machine_memory import GIB
from bdgf.scenes.config import SceneConfig, parse_scene_config
from bdgf.scenes.ingest.file_windows import FileWindows, ResampledError
from bdgf.scenes.ingest.read_scene import IngestSettings, read_scene
from bdgf.scenes.readers.raw_array import WindowsError
from bdgf.scenes.readers.reading_limits import ReadingLimits, ReadingSettings
from bdgf.scenes.scene_folders import scene_folders
from bdgf.scenes.scene_windows import DatasetWindows, SceneWindows

log = logging.getLogger(__name__)


def open_scene(
    name: str,
    configuration: Mapping[str, Any],
    settings: IngestSettings,
    resident_gib: float = 1.0,
) -> SceneWindows:
    """A scene to be read window by window: from memory where it fits, else from its files.

    Both give the same numbers.

    Args:
        name: The scene's name.
        configuration: What its YAML file holds below the name.
        settings: Where its files are looked for.
        resident_gib: What a scene in memory may take, in GiB.

    Raises:
        SettingsError: The configuration is wrong.
        SceneError: The files are.
    """
    config = parse_scene_config(name, configuration)
    folders = scene_folders(name, config, settings.folders, settings.mirror)
    opened = large_windows(name, config, folders, settings, resident_gib)
    if opened is None:
        return DatasetWindows(read_scene(name, config, folders, settings))
    log.info(
        "%s: %dx%d pixels, %.3g GiB: read from its files, window by window",
        *(name, *opened.shape, opened.resident_bytes / GIB),
    )
    opened.tell_tiles()
    return opened


def large_windows(
    name: str,
    config: SceneConfig,
    folders: Sequence[Path],
    settings: IngestSettings,
    resident_gib: float,
) -> FileWindows | None:
    """The windows of a scene that takes more than `resident_gib` in memory.

    None where it takes less, and where its files can only be read whole.

    Raises:
        SceneError: The files are wrong, or a scene that can only be read whole takes more than the
            limit.
    """
    try:
        opened = FileWindows.open(name, config, folders, settings)
    except ResampledError as reason:
        if reason.resident_bytes > resident_gib * GIB:
            _check_room(reason, settings)
            log.info("%s; it is read whole", reason)
        return None
    except WindowsError as reason:
        log.debug("%s: read whole (%s)", name, reason)
        return None
    return opened if opened.resident_bytes > resident_gib * GIB else None


def _check_room(reason: ResampledError, settings: ReadingSettings) -> None:
    """Refuses a scene that is read whole and does not fit.

    Raises:
        SceneError: It takes more than the limit of reading.
    """
    needed, most = reason.resident_bytes, ReadingLimits.of(settings).most_bytes
    if needed > most:
        raise SceneError(
            f"{reason}, and the whole scene takes {needed / GIB:.3g} GiB, more than the limit of "
            f"{most / GIB:.3g} GiB; write that layer on the grid of the others beforehand, as by "
            "gdalwarp, or where the memory is there raise the limit: --params "
            f"ingest.most_gib={math.ceil(needed / GIB)}"
        )
