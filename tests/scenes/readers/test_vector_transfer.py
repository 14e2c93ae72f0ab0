import io
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdgf.scenes.readers.array_transfer import TransferError, read_header, write_header
from bdgf.scenes.readers.vector_transfer import read_written_vectors, write_vectors
from bdgf.scenes.readers.vectors import Vectors

FEATURES = st.lists(
    st.tuples(
        st.binary(max_size=20),
        st.none() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False),
    ),
    max_size=8,
)


def there_and_back(write):
    with tempfile.TemporaryFile() as file:
        write(file)
        return read_written_vectors(file, read_header(file))


@given(features=FEATURES, crs=st.none() | st.text(max_size=9))
def test_what_is_written_is_read(features, crs):
    vectors = Vectors(tuple(s for s, _ in features), tuple(c for _, c in features), crs)
    assert there_and_back(lambda file: write_vectors(vectors, file)) == vectors


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": [2, 2]},
        {"sizes": [-1, 4]},
        {"sizes": [3]},
        {"sizes": ["3", 0]},
        {"classes": ["a"]},
        {"classes": ["a", ["b"]]},
        {"crs": 32632},
    ],
)
def test_what_does_not_fit_is_refused(change):
    said = {"sizes": [1, 2], "classes": ["a", "b"], "crs": None} | change

    def write(file: io.BufferedRandom) -> None:
        write_header(file, {"vectors": said})
        file.write(b"xyz")

    with pytest.raises(TransferError):
        there_and_back(write)
