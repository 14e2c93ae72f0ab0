"""Errors shown to the user: one line with what is wrong, where, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from bdgf.core.storage_reason import storage_reason

_REASON_CHARACTERS = 200


class UserError(Exception):
    """an error that the user can fix; its message is the one line they read."""


class SceneError(UserError):
    """A scene's files or arrays are missing, damaged or do not fit together."""


class SettingsError(UserError):
    """A parameter is unknown or has a value that cannot be."""


class ArtifactError(UserError):
    """An artifact on disk is damaged, or of another version than this code."""


class MissingArtifactError(UserError):
    """A pipeline needs what another pipeline has not made yet."""


class StorageError(UserError):
    """A disk is full, read-only or broken, or a file or folder cannot be where it should."""


class RankError(UserError):
    """A process of a training on several devices failed, or was killed."""


class TrainingDiverged(UserError):  # noqa: N818 - names the event, as StopIteration does
    """The loss or its gradient was NaN or infinite at more steps than may be skipped."""


@contextmanager
def artifact_errors(what: str, remedy: str) -> Iterator[None]:
    """Turns any error while an artifact is read or rebuilt into one line.

    Args:
        what: The artifact, with its path where it has one.
        remedy: What the user should do.

    Raises:
        ArtifactError: Anything was raised that is no word to the user already.
        StorageError: The disk or the folder is what refused, so the artifact may well be whole.
    """
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:  # readers of archives raise many types on damaged ones
        refused = storage_reason(error)
        if refused is not None:
            raise StorageError(
                f"{what} cannot be read: {refused.words}; fix that, then type the same command "
                "again"
            ) from error
        reason = " ".join(str(error).split())[:_REASON_CHARACTERS] or type(error).__name__
        raise ArtifactError(
            f"{what} is damaged or of another version ({reason}); {remedy}"
        ) from error
