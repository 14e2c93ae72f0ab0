"""HDF5 that leads to other files, or in circles; by each reader of such files."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.reading_limits import ReadingLimits, reading_limits
from bdgf.scenes.readers.registry import read_array
from tests.data.matlab_v73 import write_matlab_v73

CUBE = np.arange(24.0).reshape(2, 3, 4)


def _h5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["own"] = CUBE


def _mat(path: Path) -> None:
    write_matlab_v73(path, {"own": CUBE})


def _nc(path: Path) -> None:
    xr.DataArray(CUBE, dims=("y", "x", "b"), name="own").to_netcdf(path, engine="h5netcdf")


WRITERS: dict[str, Callable[[Path], None]] = {"a.h5": _h5, "a.mat": _mat, "a.nc": _nc}
EVERY = pytest.mark.parametrize("name", WRITERS)


def write(folder: Path, name: str) -> Path:
    """A file in a folder of its own, and another one above it."""
    folder.joinpath("mine").mkdir()
    path = folder / "mine" / name
    WRITERS[name](path)
    _h5(folder / "other.h5")
    _h5(folder / "mine" / "beside.h5")
    (folder / "mine" / "raw.bin").write_bytes(CUBE.tobytes())
    (folder / "raw.bin").write_bytes(CUBE.tobytes())
    return path


@EVERY
def test_external_links_lead_no_further_than_the_folder(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    with h5py.File(path, "r+") as file:
        file["v"] = h5py.ExternalLink("../other.h5", "/own")
    with pytest.raises(SceneError, match=r"external link 'v' refers to '\.\./other\.h5'"):
        read_array(path, "own")
    with h5py.File(path, "r+") as file:
        del file["v"]
        file["v"] = h5py.ExternalLink("beside.h5", "/own")
    read_array(path, "own")


@EVERY
def test_a_file_that_a_link_leads_to_is_looked_into(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    with h5py.File(path, "r+") as file:
        file["v"] = h5py.ExternalLink("beside.h5", "/far")
    with h5py.File(path.with_name("beside.h5"), "r+") as file:
        file["far"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/own")
    with pytest.raises(SceneError, match=r"beside\.h5: its external link 'far'"):
        read_array(path, "own")


@EVERY
@pytest.mark.parametrize("target", ["other.h5", "../other.h5"])
def test_virtual_datasets_lead_no_further(tmp_path: Path, name: str, target: str) -> None:
    path = write(tmp_path, name)
    target = str(tmp_path / target) if target == "other.h5" else target
    with h5py.File(path, "r+") as file:
        layout = h5py.VirtualLayout(CUBE.shape, CUBE.dtype)
        layout[:] = h5py.VirtualSource(target, "own", CUBE.shape)
        file.create_virtual_dataset("v", layout)
    with pytest.raises(SceneError, match="its dataset '/v'"):
        read_array(path, "v")


@EVERY
def test_external_storage_leads_no_further(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    with h5py.File(path, "r+") as file:
        raw = [(str(tmp_path / "raw.bin"), 0, CUBE.nbytes)]
        file.create_dataset("v", CUBE.shape, CUBE.dtype, external=raw)
    with pytest.raises(SceneError, match="its dataset '/v' refers to"):
        read_array(path, "v")


def test_parts_within_the_folder_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a.h5")
    with h5py.File(path, "r+") as file:
        layout = h5py.VirtualLayout(CUBE.shape, CUBE.dtype)
        layout[:] = h5py.VirtualSource("beside.h5", "own", CUBE.shape)
        file.create_virtual_dataset("v", layout)
        raw = [(str(path.with_name("raw.bin")), 0, CUBE.nbytes)]
        file.create_dataset("w", CUBE.shape, CUBE.dtype, external=raw)
    for variable in ("v", "w"):
        np.testing.assert_array_equal(read_array(path, variable).values, CUBE)


@pytest.mark.parametrize("soft", [True, False])
def test_groups_in_a_circle_end(tmp_path: Path, soft: bool) -> None:
    path = write(tmp_path, "a.nc")
    with h5py.File(path, "r+") as file:
        inner = file.create_group("g")
        for up in ("up", "down"):
            inner[up] = h5py.SoftLink("/") if soft else file["/"]
    with pytest.raises(SceneError, match="can be reached in two ways"):
        read_array(path, "own")


def test_a_cell_that_holds_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    write_matlab_v73(path, {"own": [CUBE, CUBE]})
    with h5py.File(path, "r+") as file:
        file["own"][0, 0] = file["own"].ref
    with pytest.raises(SceneError, match="the cell 'own' holds itself"):
        read_array(path, "own")


def test_a_dataset_without_a_name_is_looked_at_too(tmp_path: Path) -> None:
    path = tmp_path / "mine" / "a.mat"
    path.parent.mkdir()
    (tmp_path / "raw.bin").write_bytes(CUBE.tobytes())
    write_matlab_v73(path, {"own": [CUBE]})
    with h5py.File(path, "r+") as file:
        raw = [(str(tmp_path / "raw.bin"), 0, CUBE.nbytes)]
        hidden = file.create_dataset("v", CUBE.shape, CUBE.dtype, external=raw)
        file["own"][0, 0] = hidden.ref
    with pytest.raises(SceneError, match="refers to"):
        read_array(path, "own[0]")


@EVERY
def test_huge_arrays_are_refused_before_memory_is_taken(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    with h5py.File(path, "r+") as file:
        file.create_dataset("v", (4096, 4096, 4096), "f8", chunks=(64, 64, 64), compression="gzip")
    limits = ReadingLimits(most_bytes=2**20, seconds=10.0)
    with reading_limits(limits), pytest.raises(SceneError, match=r"ingest\.most_gib=512"):
        read_array(path, "v")


def test_a_pattern_of_files_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.h5")
    with h5py.File(path, "r+") as file:
        unlimited = h5py.h5s.UNLIMITED
        space = h5py.h5s.create_simple((2, 3), (unlimited, 3))
        space.select_hyperslab((0, 0), (unlimited, 1), stride=(1, 3), block=(1, 3))
        source = h5py.h5s.create_simple((1, 3))
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_virtual(space, b"../f%b.h5", b"own", source)
        h5py.h5d.create(file.id, b"v", h5py.h5t.NATIVE_DOUBLE, space, creation)
    with pytest.raises(SceneError, match="files of a pattern"):
        read_array(path, "v")
