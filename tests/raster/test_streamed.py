import numpy as np
import xarray as xr

from bdgf.raster.streamed import Part, StreamedDataset, hollow


def test_the_parts_and_the_rest_are_the_dataset() -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    made = StreamedDataset(
        {"optical": hollow(("band", "y", "x"), values.shape, "float32", {"kind": "spectral"})},
        lambda: (
            Part("optical", (slice(None), slice(r, r + 1), slice(None)), values[:, r : r + 1])
            for r in range(3)
        ),
        lambda: xr.Dataset({"valid": (("y", "x"), np.ones((3, 4), np.uint8))}, attrs={"a": "b"}),
    )
    wanted = xr.Dataset(
        {
            "valid": (("y", "x"), np.ones((3, 4), np.uint8)),
            "optical": (("band", "y", "x"), values, {"kind": "spectral"}),
        },
        attrs={"a": "b"},
    )
    xr.testing.assert_identical(made.load(), wanted)


def test_what_is_hollow_takes_no_memory() -> None:
    array = hollow(("y", "x"), (100_000, 100_000), "float32", {})
    assert array.shape == (100_000, 100_000)
    assert array.to_numpy().base.nbytes == np.dtype("float32").itemsize
