"""Every kind of artifact on a disk that is full: one line, no crash, nothing half-written.

A limit on the size of files stands for the disk; a process of its own bears it, and would bear the
segmentation fault that HDF5 ends with where closing a file fails.
"""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")

SCRIPT = """
import resource, sys
from pathlib import Path
import matplotlib
import numpy as np, pandas as pd, torch, xarray as xr
from matplotlib.figure import Figure
from bdgf.core.weights import Weights, write_weights
from bdgf.datasets.kedro_file import CSVDataset, FigureDataset, JSONDataset
from bdgf.datasets.netcdf import NetCDFDataset
from bdgf.datasets.raster_map import RasterMapDataset
from bdgf.datasets.weights import WeightsDataset
from bdgf.core.storage import user_error
from bdgf.experiments.records import RecordFolder
from bdgf.features.cube_writer import FeatureCubeWriter
from bdgf.training.checkpoint import save_checkpoint
from tests.datasets.small_versions import at
from tests.experiments.small_suite import PLAN, record
from tests.features.small_cube import layout, write_tile

folder = Path(sys.argv[1])
noise = np.random.default_rng(0).normal(size=(3, 60, 60)).astype(np.float32)
weights = Weights({"w": torch.zeros(20_000)})
figure = Figure()
figure.subplots().imshow(noise[0])

def cube():
    write_tile(FeatureCubeWriter(folder / "cube.h5", layout()), 0)

def unfinished_cube():  # its room was there, and then something else fails
    write_tile(writer, 0)

writer = FeatureCubeWriter(folder / "begun.h5", layout("beef"))
writers = {
    "netcdf": lambda: at(NetCDFDataset, folder / "a.nc", "v").save(
        xr.Dataset({"a": (("b", "y", "x"), noise)})
    ),
    "raster": lambda: at(RasterMapDataset, folder / "a.tif", "v").save(
        xr.DataArray(noise[0], dims=("y", "x"))
    ),
    "weights": lambda: at(WeightsDataset, folder / "a.safetensors", "v").save(weights),
    "weights in the cache": lambda: write_weights(weights, folder / "b.safetensors"),
    "checkpoint": lambda: save_checkpoint(folder / "a.ckpt", {"w": torch.zeros(20_000)}, "f"),
    "cube": cube,
    "begun cube": unfinished_cube,
    "json": lambda: at(JSONDataset, folder / "a.json", "v").save(["x"] * 5000),
    "csv": lambda: at(CSVDataset, folder / "a.csv", "v").save(pd.DataFrame(noise[0])),
    "figure": lambda: at(FigureDataset, folder / "a.png", "v").save(figure),
    "record": lambda: RecordFolder(folder / "records").write(*record(PLAN[0])),
}
before = resource.getrlimit(resource.RLIMIT_FSIZE)

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

def files():
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())

there = files()
for name, write in writers.items():
    limit(200 if name == "record" else 1000)
    try:
        write()
        told = "nothing"
    except Exception as error:
        told = type(user_error(error)).__name__
    limit(before[0])
    print(name, told, [f for f in files() if f not in there], sep="|")
for name, write in writers.items():
    write()
print("all", "written", len(files()) > len(there), sep="|")
"""


def test_a_full_disk_is_told_leaves_nothing_and_the_same_is_written_afterwards(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *failed, last = [line.split("|") for line in done.stdout.splitlines()]
    assert len(failed) == 11
    assert [line for line in failed if line[1:] != ["StorageError", "[]"]] == []
    assert last == ["all", "written", "True"]
