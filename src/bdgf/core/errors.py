"""Errors that speak to the user: one line with what is wrong, where, and what to do."""


class UserError(Exception):
    """A mistake that the user can mend; its message is the one line they read."""


class SceneError(UserError):
    """A scene's files or arrays are missing, damaged or do not fit together."""


class SettingsError(UserError):
    """A parameter is unknown or has a value that cannot be."""


class MissingArtifactError(UserError):
    """A pipeline needs what another pipeline has not made yet."""


class TrainingDiverged(UserError):  # noqa: N818 - names the event, as StopIteration does
    """A loss became NaN or infinite."""
