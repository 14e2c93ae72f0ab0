import pytest

from bdgf.scenes.readers.vectors import Vectors


def test_each_shape_has_a_class():
    with pytest.raises(ValueError, match="2 shapes, but 1 classes"):
        Vectors((b"", b""), ("a",))
