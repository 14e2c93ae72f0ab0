import numpy as np
import pytest
from scipy.io import savemat

from bdgf.core.errors import SceneError
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene
from tests.data import fabricate
from tests.data.small_scene import DSM, HSI, LABELS, PLACE, load, npy_config
from tests.scenes.test_config import configured


def test_a_missing_file_says_what_where_and_whence(tmp_path):
    other = tmp_path / "other"
    with pytest.raises(SceneError) as caught:
        read_scene("muufl", configured("muufl"), [tmp_path, other])
    message = str(caught.value)
    assert "no file for modality 'hsi'" in message
    assert "HSI.mat (HSI) or data_HS_LR.mat (hsi_data)" in message
    assert f"{tmp_path}, {other}" in message
    assert "https://github.com/GatorSense/MUUFLGulfport" in message
    assert "\n" not in message


@pytest.mark.parametrize("optional", [False, True])
def test_a_zarr_store_that_is_none_is_refused_even_where_it_is_optional(tmp_path, optional):
    (tmp_path / "cube.zarr").mkdir()
    hsi = {"kind": "spectral", "file": "cube.zarr", "optional": optional}
    config = npy_config(modalities={"hsi": hsi})
    with pytest.raises(SceneError, match=r"^[^\n]*cube\.zarr is no Zarr store[^\n]*$"):
        read_scene("mine", parse_scene_config("mine", config), [tmp_path])


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "tiles").mkdir()
    config = npy_config(modalities={"hsi": {"kind": "spectral", "file": "tiles"}})
    with pytest.raises(SceneError, match=r"tiles is a folder; name the files in it.*tiles/\*\.tif"):
        read_scene("mine", parse_scene_config("mine", config), [tmp_path])


def test_a_missing_file_of_ones_own_names_the_nearest(tmp_path):
    config = npy_config(labels={"file": "label.npy"})
    with pytest.raises(SceneError, match=r"no file for labels: .*\(there is labels\.npy\)"):
        load(tmp_path, config)


def test_scenes_without_known_file_names_say_where_to_give_them(tmp_path):
    with pytest.raises(SceneError, match=r"have no known names; give yours in conf/local/"):
        read_scene("lcz_hk", configured("lcz_hk"), [tmp_path])


def test_a_wrong_variable_lists_those_there(tmp_path):
    fabricate.write_muufl(tmp_path, form="copies")
    savemat(tmp_path / "HSI.mat", {"hsi_cube": HSI, "HSI2": HSI})
    with pytest.raises(SceneError, match=r"no variable 'HSI', did you mean 'HSI2'.*HSI2, hsi_cube"):
        read_scene("muufl", configured("muufl"), [tmp_path])


def test_a_cut_file_is_named(tmp_path):
    fabricate.write_muufl(tmp_path, form="copies")
    content = (tmp_path / "LiDAR.mat").read_bytes()
    (tmp_path / "LiDAR.mat").write_bytes(content[:5000])
    with pytest.raises(SceneError, match=r"cannot read .*LiDAR\.mat: .*cut short"):
        read_scene("muufl", configured("muufl"), [tmp_path])


def test_folders_are_searched_in_order(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    load(second)
    np.save(first / "dsm.npy", DSM + 5)
    scene = read_scene("mine", parse_scene_config("mine", npy_config()), [first, second])
    np.testing.assert_array_equal(scene["dsm"][..., 0], DSM + 5)


def test_files_are_stacked_and_channels_chosen(tmp_path):
    for band in range(3):
        np.save(tmp_path / f"B{band}.npy", HSI[..., band])
    config = npy_config()
    config["modalities"] |= {
        "bands": {"kind": "spectral", "file": ["B2.npy", "B0.npy"], "bands": 2},
        "some": {"kind": "spectral", "file": "hsi.npy", "channels": [4, 1]},
    }
    scene = load(tmp_path, config)
    np.testing.assert_array_equal(scene["bands"], HSI[..., [2, 0]])
    np.testing.assert_array_equal(scene["some"], HSI[..., [4, 1]])
    config["modalities"]["some"]["channels"] = [6]
    with pytest.raises(SceneError, match="has 6 bands, counted from 0, but `channels` names 6"):
        load(tmp_path, config)


def write_tiles(folder, values, name="t"):
    """Four tiles of a scene's layer, in rows and columns."""
    a, b, c, d, e, f = PLACE["transform"]
    for row in (0, 10):
        for column in (0, 12):
            part = values[row : row + (10 if row == 0 else 14), column : column + 12]
            place = {"crs": PLACE["crs"], "transform": (a, b, c + a * column, d, e, f + e * row)}
            fabricate.write_raster(folder / f"{name}_{row}_{column}.tif", part, **place)


def test_patterns_are_tiles_of_one_raster(tmp_path, caplog):
    caplog.set_level("INFO")
    write_tiles(tmp_path / "tiles", HSI)
    write_tiles(tmp_path / "maps", LABELS)
    config = npy_config(official_train=None, official_test=None, labels={"file": "maps/t_*.tif"})
    config["modalities"]["hsi"]["file"] = ["tiles/*.tif"]
    scene = load(tmp_path, config)
    np.testing.assert_array_equal(scene["hsi"], HSI)
    np.testing.assert_array_equal(scene["labels"], LABELS)
    assert "modality 'hsi' from tiles/*.tif: 4 tiles joined to 24 x 20 pixels" in caplog.text
    names = [f"tiles/t_{row}_{column}.tif" for row in (10, 0) for column in (12, 0)]
    config["modalities"]["hsi"] |= {"file": names, "mosaic": True}
    np.testing.assert_array_equal(load(tmp_path, config)["hsi"], HSI)
    (tmp_path / "maps" / "t_10_12.tif").unlink()  # a tile without labels
    labels = load(tmp_path, config)["labels"].to_numpy()
    np.testing.assert_array_equal(labels[:10], LABELS[:10])
    assert not labels[10:, 12:].any()


def test_patterns_may_be_bands(tmp_path):
    for band in range(3):
        np.save(tmp_path / f"B{band}.npy", HSI[..., band])
    config = npy_config()
    config["modalities"]["hsi"] |= {"file": "B[0-9].npy", "mosaic": False}
    np.testing.assert_array_equal(load(tmp_path, config)["hsi"], HSI[..., :3])
    np.save(tmp_path / "B[0-9].npy", HSI)  # a file of the very name is that file
    np.testing.assert_array_equal(load(tmp_path, config)["hsi"], HSI)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("none/*.tif", r"no file for modality 'hsi': looked for none/\*\.tif in "),
        ("../*.npy", r"the pattern '\.\./\*\.npy' leaves the scene's folders"),
        ("/etc/*", r"the pattern '/etc/\*' leaves the scene"),
        ("*.npy", r"has no georeference, .*`mosaic: false`"),
    ],
)
def test_patterns_stay_in_the_scenes_folders(tmp_path, pattern, message):
    config = npy_config()
    config["modalities"]["hsi"] |= {"file": pattern, "axes": ["y", "x"]}
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", DSM)
    with pytest.raises(SceneError, match=message) as caught:
        load(tmp_path, config, **dict.fromkeys(("hsi", "labels", "train", "test"), DSM))
    assert "\n" not in str(caught.value)


def test_zarr_stores_are_found_as_files_are(tmp_path):
    xr = pytest.importorskip("xarray")
    pytest.importorskip("zarr")
    there = {"y": 50.0 - 10 * np.arange(*LABELS.shape[:1]), "x": 10.0 * np.arange(LABELS.shape[1])}
    for name, part in (("north", slice(0, 5)), ("south", slice(5, None))):
        tile = xr.DataArray(HSI, dims=("y", "x", "band"), coords=there, name="hsi")[part]
        tile.to_zarr(tmp_path / f"{name}.zarr", zarr_format=2, consolidated=True)
    xr.DataArray(LABELS, dims=("y", "x"), coords=there, name="v").to_zarr(
        tmp_path / "labels.zarr", zarr_format=3, consolidated=False
    )
    hsi = {"kind": "spectral", "file": "*th.zarr"}
    config = npy_config(modalities={"hsi": hsi}, labels={"file": "labels.zarr"})
    config |= dict.fromkeys(("official_train", "official_test"))
    scene = read_scene("mine", parse_scene_config("mine", config), [tmp_path])
    np.testing.assert_array_equal(scene["hsi"], HSI)
    np.testing.assert_array_equal(scene["labels"], LABELS)
