from pathlib import Path

import pytest
import yaml

from bdgf.core.errors import SettingsError
from bdgf.scenes.config import Modality, SceneConfig, parse_scene_config
from tests.data import fabricate
from tests.data.small_scene import npy_config

SCENES = Path(__file__).resolve().parents[2] / "conf" / "base" / "parameters_scenes"
NAMES = (
    *("demo", "coast", "pines", "muufl", "trento", "houston2013", "augsburg", "berlin"),
    *("yellow_river_estuary", "lcz_hk", "tuning", "muufl_lidar", "trento_lidar", "wake_landsat"),
    *("gulfport", "potsdam", "village", "slovenia", "zion"),
)


def configured(name: str) -> SceneConfig:
    (key, parameters), *others = yaml.safe_load((SCENES / f"{name}.yml").read_text()).items()
    assert (key, others) == (name, [])
    return parse_scene_config(name, parameters)


AUXILIARY = {"kind": "auxiliary", "file": "c.tif"}
TWO = {"optical": {"kind": "spectral", "file": "a.tif"}, "height": AUXILIARY}


def smallest(**changes):
    return {
        "modalities": {
            "optical": {"kind": "spectral", "file": "a.tif"},
            "height": {"kind": "auxiliary", "file": "b.tif"},
        },
        "labels": {"file": "gt.tif"},
        "classes": [{"id": 1, "name": "water"}, {"id": 2, "name": "land"}],
    } | changes


def test_every_scene_of_the_project_is_configured():
    assert sorted(path.stem for path in SCENES.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_configured_scene_is_sound(name):
    config = configured(name)
    if config.fabricate is not None:
        return
    assert "spectral" in [m.kind for m in config.modalities.values()]
    assert len({c.name for c in config.classes}) == len(config.classes)
    colors = [c.color for c in config.classes]
    assert None not in colors
    assert len(set(colors)) == len(colors)


@pytest.mark.parametrize(
    ("name", "key", "counts"),
    [
        ("muufl", "labelled", fabricate.MUUFL),
        ("trento", "train", fabricate.TRENTO_TRAIN),
        ("trento", "test", fabricate.TRENTO_TEST),
        ("augsburg", "train", fabricate.AUGSBURG_TRAIN),
        ("augsburg", "test", fabricate.AUGSBURG_TEST),
        ("houston2013", "train", fabricate.HOUSTON_TRAIN),
        ("houston2013", "test", fabricate.HOUSTON_TEST),
        ("berlin", "train", fabricate.BERLIN_TRAIN),
        ("berlin", "test", fabricate.BERLIN_TEST),
    ],
)
def test_published_counts(name, key, counts):
    assert tuple(getattr(c, key) for c in configured(name).classes) == counts


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("trento", 819, 29_395),
        ("augsburg", 761, 77_533),
        ("houston2013", 2_832, 12_197),
        ("berlin", 2_820, 461_851),
        ("coast", 240, 19_380),
        ("pines", 2_945, 3_162),
        ("gulfport", 201, 3_577),
        ("potsdam", 211, 4_432),
        ("village", 153, 7_174),
        ("slovenia", 124, 4_612),
        ("zion", 460, 484_120),
    ],
)
def test_published_totals(name, train, test):
    classes = configured(name).classes
    assert sum(c.train for c in classes) == train
    assert sum(c.test for c in classes) == test


def test_muufl_total():
    assert sum(c.labelled for c in configured("muufl").classes) == 53_687


def test_a_single_source_may_stand_in_place():
    config = parse_scene_config("mine", smallest())
    assert config.modalities["optical"].sources[0].file == ("a.tif",)
    spelled_out = smallest(labels={"sources": [{"file": "gt.tif"}]})
    assert parse_scene_config("mine", spelled_out) == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modalites": {}}, r"modalites: there is no such setting"),
        (
            {"modalities": {"a": {"kind": "optical", "file": "a.tif"}}},
            r"modalities\.a\.kind: Input",
        ),
        ({"modalities": {}}, "needs one of `modalities`"),
        ({"labels": {"file": "a", "sources": []}}, "either `file` or `sources`, not both"),
        ({"labels": {"file": ["a", "b"]}}, r"labels\.sources\.0\.file: "),
        ({"official_train": {"file": "a"}}, "give both `official_train` and `official_test`"),
        ({"classes": [{"id": 2, "name": "a"}]}, "ids 1, 2, ... in order, without gaps"),
        ({"classes": [{"id": 1, "name": "a", "color": "red"}]}, r"classes\.0\.color: "),
        ({"unlabelled": 1}, "the label value 1 stands for two classes"),
        ({"grid": "dsm"}, "`grid` names 'dsm', which is none of the modalities optical, height"),
        (
            {"grid": "a", "modalities": {**TWO, "a": {**AUXILIARY, "resample": "nearest"}}},
            "leave out its `resample` and `cell_size`",
        ),
        (
            {"modalities": {**TWO, "a": {**AUXILIARY, "resample": "nearest", "cell_size": 2}}},
            r"modalities\.a: give either `cell_size` or `resample`",
        ),
        (
            {"modalities": {**TWO, "a": {**AUXILIARY, "cell_size": 1}}},
            r"modalities\.a\.cell_size: ",
        ),
        ({"labels": {"file": "a", "resample": "bilinear"}}, r"labels\.resample: .*'nearest'"),
        ({"labels": {"file": "*.tif", "mosaic": False}}, "labels have one band"),
        ({"fabricate": {"seed": 1}}, "a scene with `fabricate` has no files"),
    ],
)
def test_mistakes_are_one_line_that_names_the_setting(changes, message):
    with pytest.raises(SettingsError, match=message) as caught:
        parse_scene_config("mine", smallest(**changes))
    assert str(caught.value).startswith("scene 'mine'")
    assert "\n" not in str(caught.value)


def test_several_mistakes_are_counted():
    with pytest.raises(SettingsError, match=r"\(and 1 more\)"):
        parse_scene_config("mine", smallest(a=1, b=2))


def test_the_scale_of_a_modality_was_renamed(caplog):
    image = {"kind": "auxiliary", "file": "sar.tif", "scale": "log"}
    assert Modality.model_validate(image).to_decibels
    assert "`to_decibels: true`" in caplog.text
    assert Modality.model_validate({**image, "scale": "none"}).sources[0].scale == "none"


@pytest.mark.parametrize("name", ["../../x", "a/b", "..", "", "/elsewhere/x"])
def test_a_name_that_leads_out_of_the_data_folder_is_refused(name):
    with pytest.raises(SettingsError, match=r"a scene.s name .*choose another name"):
        parse_scene_config(name, {"fabricate": {"size": 48}})


@pytest.mark.parametrize("folder", ["../other", "a/../../b", "/tmp"])
def test_the_folder_of_the_files_stays_below_the_data_folders(folder):
    with pytest.raises(SettingsError, match="leaves the data folders"):
        parse_scene_config("mine", npy_config(folder=folder))
    assert parse_scene_config("mine", npy_config(folder="a/b")).folder == "a/b"


@pytest.mark.parametrize(
    ("files", "sha256", "words"),
    [
        ({"a.tif": "ftp://x.org/a.tif"}, {"a.tif": "0" * 64}, "is not an address"),
        ({"a.tif": "x.org/a.tif"}, {"a.tif": "0" * 64}, "is not an address"),
        ({"a.tif": "https://x.org/a.tif"}, {}, "without its digest"),
        ({"a.tif": "https://x.org/a.tif"}, {"a.tif": "12"}, "without its digest"),
        ({"../a.tif": "https://x.org/a.tif"}, {"../a.tif": "0" * 64}, "begins with a dot"),
        ({"b/a.tif": "https://x.org/a.tif"}, {"b/a.tif": "0" * 64}, "parts folders"),
    ],
)
def test_files_to_fetch_have_a_name_an_address_and_a_digest(files, sha256, words):
    with pytest.raises(SettingsError, match=words):
        parse_scene_config("small", smallest(source={"files": files, "sha256": sha256}))
