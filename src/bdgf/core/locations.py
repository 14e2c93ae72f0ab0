"""Which folders may lie on object storage, and which must be this machine's."""

from __future__ import annotations

import re

from bdgf.core.errors import SettingsError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_remote(place: str) -> bool:
    """Whether a place is an address such as `s3://bucket/folder`, not a folder."""
    return _ADDRESS.match(place) is not None


def require_local(parameter: str, place: str) -> None:
    """Refuses an address where artifacts are written.

    They appear by renaming, are locked, hard-linked and mapped into memory: object storage knows
    none of that. A shared file system that is mounted does.

    Args:
        parameter: What the place was given as, for the message.
        place: The place.

    Raises:
        SettingsError: It is an address.
    """
    if is_remote(place):
        raise SettingsError(
            f"{parameter} is '{place}', and must be a folder of this machine or of a mounted file "
            "system: artifacts and caches are renamed, locked and mapped, which object storage "
            "cannot; only raw scenes may lie there (ingest.folders)"
        )
