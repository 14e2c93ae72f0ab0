"""Identical files that are stored on the disk once."""

from __future__ import annotations

import filecmp
import os
from pathlib import Path


def link_if_equal(known: Path, file: Path) -> None:
    """Makes a file a hard link to another one that holds the same bytes; else leaves it.

    Args:
        known: The other one, which need not be there.
        file: The file. It has its bytes at every moment.
    """
    if not known.exists() or known.samefile(file):
        return
    if not filecmp.cmp(known, file, shallow=False):
        return
    link = file.with_name(file.name + ".link")
    try:
        os.link(known, link)
    except OSError:  # a file system without hard links, or another one, keeps the copy
        return
    os.replace(link, file)
