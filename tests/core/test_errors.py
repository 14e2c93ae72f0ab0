"""Errors of damaged artifacts: one line, whatever went wrong."""

import pytest

from bdgf.core import errors
from bdgf.core.errors import ArtifactError, SceneError, UserError, artifact_errors


def told(error: BaseException) -> str:
    with pytest.raises(ArtifactError) as caught, artifact_errors("the file a.h5", "delete it"):
        raise error
    assert caught.value.__cause__ is error
    return str(caught.value)


def test_whatever_goes_wrong_is_one_line_with_the_remedy():
    message = told(OSError("cannot open:\n  no such\tfile"))
    assert message == (
        "the file a.h5 is damaged or of another version (cannot open: no such file); delete it"
    )


def test_an_error_without_words_is_told_by_its_kind():
    assert "(EOFError)" in told(EOFError())


def test_long_reasons_are_cut():
    assert len(told(ValueError("x" * 10_000))) < 300


@pytest.mark.parametrize("error", [SceneError("a scene's"), MemoryError("no memory")])
def test_what_is_no_damage_passes(error):
    with pytest.raises(type(error)) as caught, artifact_errors("the file", "delete it"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_user_who_stops_the_run_is_not_told_of_damage(stop):
    with pytest.raises(stop), artifact_errors("the file", "delete it"):
        raise stop


def test_every_error_of_the_project_speaks_to_the_user():
    own = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kinds = [kind for kind in own if issubclass(kind, Exception)]
    assert len(kinds) > 4
    assert all(issubclass(kind, UserError) for kind in kinds)
