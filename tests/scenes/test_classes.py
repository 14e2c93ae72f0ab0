"""The classes of a scene, and maps of their ids."""

import pytest

from bdgf.core.errors import SceneError
from bdgf.scenes.scene import (
    ClassTable,
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((1, 3), ("a", "b"), ("#000000", "#ffffff")), "without gaps"),
        (((), (), ()), "without gaps"),
        (((1, 2), ("a", "a"), ("#000000", "#ffffff")), "names repeat"),
        (((1,), ("a",), ("red",)), "'#rrggbb'"),
        (((1,), ("a", "b"), ("#000000",)), "an id, a name and a colour"),
    ],
)
def test_class_tables_that_cannot_be(arguments, message):
    with pytest.raises(SceneError, match=message):
        ClassTable(*arguments)
