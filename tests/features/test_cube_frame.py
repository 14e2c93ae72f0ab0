"""What holds a cube's values together is compared before HDF5 sees it."""

import h5py
import numpy as np
import pytest

from bdgf.features.cube_frame import check_frame, frame_path, write_frame

VALUES = np.arange(600, dtype=np.int32).reshape(20, 30)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.h5"
    with h5py.File(path, "w") as file:
        file.attrs["name"] = "some"
        file.create_group("deep").create_dataset("values", data=VALUES, chunks=(8, 8))
        file.create_dataset("more", data=VALUES, chunks=(20, 30))
    write_frame(path)
    return path


def test_values_may_change_and_nothing_else(path):
    with h5py.File(path, "r+") as file:
        file["deep/values"][3:9] = -1
        file["more"][...] = 0
    check_frame(path)
    with h5py.File(path, "r+") as file:
        file.attrs["name"] = "other"
    with pytest.raises(ValueError, match="not as it was written"):
        check_frame(path)


def test_every_byte_is_a_values_or_the_frames(path):
    content = path.read_bytes()
    with h5py.File(path) as file:
        chunks = [
            file[name].id.get_chunk_info(number)
            for name in ("deep/values", "more")
            for number in range(file[name].id.get_num_chunks())
        ]
    of_values = np.zeros(len(content), bool)
    for chunk in chunks:
        of_values[chunk.byte_offset : chunk.byte_offset + chunk.size] = True
    noticed = np.zeros(len(content), bool)
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        try:
            check_frame(path)
        except ValueError:
            noticed[place] = True
    assert np.array_equal(noticed[::7], ~of_values[::7])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_cut_short_is_noticed(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="not as it was written"):
        check_frame(path)


@pytest.mark.parametrize("kept", ["", "{", "3", "{}", '{"values": 3}', '{"values": [[1, "a"]]}'])
def test_a_frame_that_cannot_be_read_is_told(path, kept):
    frame_path(path).write_text(kept)
    with pytest.raises(ValueError, match=r"."):
        check_frame(path)
