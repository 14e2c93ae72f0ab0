import logging

import numpy as np
import pytest
from scipy.io import savemat

from bdgf.pipelines.ingest.nodes import ingest_scene
from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.ingest.read_scene import read_scene
from bdgf.scenes.scene import georeference, modality_names, valid_mask
from tests.data import fabricate
from tests.scenes.test_config import configured


@pytest.mark.parametrize(
    ("name", "form", "modalities"),
    [
        ("muufl", "official", ["hsi", "lidar"]),
        ("muufl", "official_v73", ["hsi", "lidar"]),
        ("muufl", "copies", ["hsi", "lidar"]),
        ("muufl", "other_copies", ["hsi", "lidar"]),
        ("trento", "italy", ["hsi", "lidar"]),
        ("trento", "copies", ["hsi", "lidar"]),
        ("augsburg", "maps", ["hsi", "sar", "dsm"]),
        ("augsburg", "index", ["hsi", "sar"]),
        ("houston2013", "copies", ["hsi", "lidar"]),
        ("houston2013", "contest", ["hsi", "lidar"]),
    ],
)
def test_public_layouts_at_true_size(tmp_path, caplog, name, form, modalities):
    config = configured(name)
    bands = config.modalities["hsi"].bands[0]
    if name == "houston2013":  # the true 144 bands take seconds, and show nothing more
        bands = 4
        fewer = config.modalities["hsi"].model_copy(update={"bands": (bands,)})
        config = config.model_copy(update={"modalities": config.modalities | {"hsi": fewer}})
    maps = getattr(fabricate, f"write_{name}")(tmp_path, bands=bands, form=form)
    scene = read_scene(name, config, [tmp_path])
    assert modality_names(scene) == modalities
    assert scene["hsi"].shape == (*config.shape, bands)
    for key, expected in maps.items():
        np.testing.assert_array_equal(scene[key], expected)
    assert "differ from" not in caplog.text  # the counts are the published ones


@pytest.mark.parametrize("form", ["maps", "index"])
def test_berlin_layouts(tmp_path, caplog, form):
    maps = fabricate.write_berlin(tmp_path, form=form, shape=(60, 40))
    scene = read_scene("berlin", configured("berlin"), [tmp_path])
    for key, expected in maps.items():
        np.testing.assert_array_equal(scene[key], expected)
    assert "train pixels differ from the unverified counts" in caplog.text
    assert "forest 5 (443)" in caplog.text
    assert "60x40 pixels, but published with 1723x476" in caplog.text


def test_the_forms_of_trento_can_be_mixed(tmp_path, caplog):
    images, split = tmp_path / "images", tmp_path / "split"
    fabricate.write_trento(images, form="italy")
    fabricate.write_trento(split, form="copies")
    (split / "HSI.mat").unlink()
    (split / "LiDAR.mat").unlink()
    with caplog.at_level(logging.INFO):
        scene = read_scene("trento", configured("trento"), [images, split])
    assert scene["lidar"].shape == (166, 600, 2)
    assert int((scene["official_train"] > 0).sum()) == 819
    assert int((scene["official_test"] > 0).sum()) == 29_395
    assert "from Italy_hsi.mat (data)" in caplog.text
    assert "official_train from TRLabel.mat (TRLabel)" in caplog.text


def test_trento_without_its_split_says_so(tmp_path, caplog):
    fabricate.write_trento(tmp_path, form="italy")
    assert "official_train" not in read_scene("trento", configured("trento"), [tmp_path])
    assert "its official split is not there; choose another split" in caplog.text


def test_a_differing_copy_is_only_warned_of(tmp_path, caplog):
    fabricate.write_muufl(tmp_path, form="official")
    read_scene("muufl", configured("muufl"), [tmp_path])
    assert caplog.text.count("is not the published file (sha256 ") == 1


def test_real_parts_of_muufl(tmp_path, data_folder, caplog):
    np.save(tmp_path / "cube.npy", fabricate.image(np.ones((325, 220), np.uint8), 64))
    config = configured("muufl")
    hsi = {"kind": "spectral", "file": "cube.npy"}
    parameters = config.model_dump(exclude_unset=True) | {
        "modalities": {"hsi": hsi, "lidar": config.modalities["lidar"].model_dump()}
    }
    folders = [tmp_path, data_folder / "public" / "muufl"]
    scene = read_scene("muufl", parse_scene_config("muufl", parameters), folders)
    assert "differ" not in caplog.text
    assert int((scene["labels"] > 0).sum()) == 53_687
    assert float(scene["lidar"][..., 0].max()) == pytest.approx(25.48, abs=0.01)


def test_real_parts_of_trento_and_augsburg(tmp_path, data_folder, caplog):
    for name, shape, bands in (("trento", (166, 600), 63), ("augsburg", (332, 485), 180)):
        cube = np.ones((*shape, bands), np.uint8)
        cube[0, 0] = 2
        hsi = {"trento": ("HSI.mat", "HSI"), "augsburg": ("data_HS_LR.mat", "data_HS_LR")}[name]
        folder = tmp_path / name
        folder.mkdir()
        savemat(folder / hsi[0], {hsi[1]: cube})
        if name == "augsburg":
            savemat(folder / "data_SAR_HR.mat", {"data_SAR_HR": cube[..., :4]})
        scene = read_scene(name, configured(name), [folder, data_folder / "public" / name])
        totals = {"trento": (819, 29_395), "augsburg": (761, 77_533)}[name]
        found = [int((scene[key] > 0).sum()) for key in ("official_train", "official_test")]
        assert found == list(totals)
    assert "differ" not in caplog.text
    assert "is not the published file" not in caplog.text


REAL = {  # shapes, code of the reference system, size of a pixel, pixels without data
    "coast": (
        {"msi": (224, 224, 12), "sar": (224, 224, 2), "elevation": (224, 224, 1)},
        32722,
        10,
        0,
    ),
    "pines": ({"hsi": (176, 204, 369), "canopy_height": (176, 204, 1)}, 32617, 1, 20_304),
    "gulfport": ({"hsi": (100, 100, 64), "lidar": (100, 100, 2)}, None, None, 0),
    "potsdam": ({"vnir": (192, 160, 91), "swir": (192, 160, 127)}, 32633, 30, 12_288),
    "village": ({"rgb": (126, 200, 3), "lidar": (126, 200, 6)}, 2154, 0.5, 0),
    "slovenia": (
        {"msi": (101, 100, 39), "ndvi": (101, 100, 30), "elevation": (101, 100, 1)},
        *(32633, 9.99479222007154, 0),
    ),
    # 6,484 pixels have no reflectance, and an elevation: they are mapped by it.
    "zion": ({"msi": (800, 800, 4), "elevation": (800, 800, 1)}, 32612, 30, 0),
}


@pytest.mark.parametrize("name", REAL)
def test_real_scenes(data_folder, caplog, name):
    if not (data_folder / name).is_dir():
        pytest.skip(f"no folder {name} in {data_folder}")
    shapes, code, pixel, empty = REAL[name]
    scene = read_scene(name, configured(name), [data_folder / name])
    assert {m: scene[m].shape for m in modality_names(scene)} == shapes
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]  # counts as published
    crs, transform = georeference(scene)
    assert (crs and crs.to_epsg(), transform and transform.a) == (code, pixel)
    assert int((~valid_mask(scene)).sum()) == empty
    assert not scene["labels"].to_numpy()[~valid_mask(scene)].any()


@pytest.mark.parametrize(("name", "labelled"), [("muufl_lidar", 53_687), ("trento_lidar", 30_214)])
def test_scenes_of_lidar_alone_share_another_scenes_files(name, labelled, data_folder, caplog):
    parameters = configured(name).model_dump(exclude_unset=True)
    scene = ingest_scene(parameters, name, {"folders": [str(data_folder / "public")]})
    assert "differ" not in caplog.text
    assert modality_names(scene) == ["intensity", "height"]
    assert int((scene["labels"] > 0).sum()) == labelled
    assert float(scene["height"].max()) < 30 < float(scene["intensity"].max())
