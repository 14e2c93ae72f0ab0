"""References to other files inside a file: they must stay within the scene's folders.

Links on the disk are followed, because anyone who can create a link can also
put the file there. A name inside a file is untrusted and is checked by its real target.
"""

from __future__ import annotations

import os
from pathlib import Path

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.reading_limits import limits_in_force


def check_inside(path: Path, name: str, relative_to: Path, what: str) -> Path:
    """The file that a name inside another file refers to.

    Args:
        path: The file that holds the name.
        name: The name, relative or absolute.
        relative_to: Folder that a relative name is understood from.
        what: What holds the name, for the message.

    Raises:
        SceneError: It lies outside the scene's folders, or the name is none of a plain file.
    """
    refusal = SceneError(
        f"{path}: {what} refers to '{shortened(name)}', which is no file in the scene's folders "
        f"({', '.join(map(str, dict.fromkeys(scene_folders(path))))}) and is not read; put the "
        "file there and refer to it there, or save the image itself to a file"
    )
    if not name or "\0" in name:
        raise refusal
    joined = os.path.join(os.path.abspath(relative_to), name)
    target = Path(os.path.normpath(joined))
    if ".." in Path(name).parts:
        # Behind a link, `..` leads to the folder above the link's target.
        target = Path(os.path.realpath(os.path.dirname(joined))) / target.name
    if not is_inside(target, path):
        raise refusal
    return target


def is_inside(target: Path, path: Path) -> bool:
    """Whether an absolute path lies in a scene's folder, as this is named or where it really is."""
    folders = scene_folders(path)
    places = [os.path.abspath(folder) for folder in folders]
    places += [os.path.realpath(folder) for folder in folders]
    return any(target.is_relative_to(place) and target != Path(place) for place in places)


def scene_folders(path: Path) -> tuple[Path, ...]:
    """The folders of the scene that a file belongs to, the file's own among them."""
    return (*limits_in_force().folders, path.parent)


def shortened(name: str) -> str:
    """A name from a file for a message: printable, and not longer than it helps."""
    most = 100
    shown = "".join(c if c.isprintable() else "?" for c in name)
    return shown if len(shown) <= most else f"{shown[:most]}..."
