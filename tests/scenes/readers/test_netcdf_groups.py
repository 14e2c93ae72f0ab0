import numpy as np
import xarray as xr

from bdgf.scenes.readers.netcdf_groups import decoded, open_groups


def test_variables_as_seen_from_a_group(tmp_path):
    path = tmp_path / "a.nc"
    dims = ("y", "x")
    root = xr.Dataset({"m": 1, "lat": (dims, np.ones((2, 3)))}, {"y": [1.0, 2.0]})
    inside = xr.Dataset({"v": (dims, np.ones((2, 3)), {"coordinates": "lat"}), "m": 2})
    root.to_netcdf(path, engine="h5netcdf")
    inside.to_netcdf(path, mode="a", group="a/b", engine="h5netcdf")
    xr.Dataset({"w": ("x", [1.0, 2.0, 3.0])}).to_netcdf(path, "a", group="c", engine="h5netcdf")
    with open_groups(path) as groups:
        assert set(groups.named()) == {"m", "lat", "y", "a/b/v", "a/b/m", "c/w"}
        assert groups.maps() == {"a/b/v": (2, 3)}  # lat is a coordinate of it
        assert groups.visible("a/b", "m").item() == 2
        assert groups.visible("a", "m").item() == 1
        assert groups.visible("a/b", "none") is None
        assert [name for name, _ in groups.along("a/b", "y", 2)] == ["y"]
        assert [name for name, _ in groups.along("a/b", "x", 3)] == ["c/w"]
        assert list(groups.along("a/b", "x", 4)) == []
        assert list(groups.over("y", "x", (2, 3))) == ["lat", "a/b/v"]


def test_packed_coordinates_are_decoded():
    packed = xr.Variable("x", np.int16([1, 2]), {"scale_factor": 0.5, "add_offset": 3.0})
    np.testing.assert_array_equal(decoded("x", packed), [3.5, 4.0])
