"""The configuration loader: scenes, and parameters that are not defined."""

from pathlib import Path

import pytest
import xarray as xr

from bdgf.core.errors import SettingsError
from bdgf.framework.config_loader import SceneConfigLoader, refuse_unknown
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest
from tests.data import raw_file_cases
from tests.messages import telling


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    files = {
        "base/globals.yml": "dataset: one\nseed: 0\n",
        "base/parameters.yml": "dataset: ${runtime_params:dataset, ${globals:dataset}}\nseed: 0\n",
        "base/parameters_train.yml": "train: {epochs: 10, optimizer: {lr: 0.1}}\n",
        "base/parameters_scenes/one.yml": "one: {title: One, size: {rows: 3, columns: 4}}\n",
        "local/parameters_scenes/mine.yml": "mine: {title: Mine}\n",
        "paper/parameters_train.yml": "train: {epochs: 99}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def loader(conf: Path, env: str = "local", **runtime: object) -> SceneConfigLoader:
    return SceneConfigLoader(
        str(conf),
        env=env,
        base_env="base",
        default_run_env="local",
        runtime_params=runtime,
        config_patterns={"parameters": ["parameters*.yml"]},
        merge_strategy={"parameters": "soft"},
    )


def test_the_chosen_scene_becomes_a_parameter(conf: Path) -> None:
    assert loader(conf)["parameters"]["scene"]["title"] == "One"


def test_scenes_in_local_are_known_in_every_environment(conf: Path) -> None:
    parameters = loader(conf, env="paper", dataset="mine")["parameters"]
    assert parameters["scene"] == {"title": "Mine"}
    assert parameters["train"] == {"epochs": 99, "optimizer": {"lr": 0.1}}


def test_runtime_parameters_reach_every_level(conf: Path) -> None:
    typed = {"train": {"optimizer": {"lr": 0.5}}, "scene": {"size": {"rows": 7}}}
    parameters = loader(conf, **typed)["parameters"]
    assert parameters["train"] == {"epochs": 10, "optimizer": {"lr": 0.5}}
    assert parameters["scene"] == {"title": "One", "size": {"rows": 7, "columns": 4}}


def test_what_one_reader_changes_no_other_sees(conf: Path) -> None:
    read_once = loader(conf)
    read_once["parameters"]["train"]["epochs"] = 1
    assert read_once["parameters"]["train"]["epochs"] == 10


def test_an_unknown_model_lists_the_known_ones_and_the_nearest(conf: Path) -> None:
    (conf / "base" / "parameters_model.yml").write_text("model: random_forrest\n")
    told = telling("'random_forrest'", "'random_forest'", "mft")
    with pytest.raises(SettingsError, match=told):
        _ = loader(conf)["parameters"]


def test_an_unknown_scene_lists_the_known_ones_and_the_nearest(conf: Path) -> None:
    with pytest.raises(SettingsError, match=telling("'mime'", "'mine'", "one")):
        _ = loader(conf, dataset="mime")["parameters"]


def test_an_unknown_parameter_names_the_nearest_and_its_siblings(conf: Path) -> None:
    with pytest.raises(SettingsError, match=telling("'train.epoch'", "'train.epochs'", "optim")):
        _ = loader(conf, train={"epoch": 3})["parameters"]


def test_an_unknown_parameter_below_a_known_group_is_refused(conf: Path) -> None:
    with pytest.raises(SettingsError, match=telling("'train.optimizer.rate'")):
        _ = loader(conf, train={"optimizer": {"rate": 3}})["parameters"]


def test_an_empty_group_is_left_to_its_model() -> None:
    refuse_unknown({"extra": {"a": 1}}, {"extra": {}})


@pytest.mark.parametrize(
    "case", ["scene_numeric_name", "scene_cp1252", "scene_tab", "scene_windows_path"]
)
def test_scene_files_that_are_easily_broken(case: str, conf: Path) -> None:
    folder = raw_file_cases.write_cases(conf / "cases", case) / case
    expected = raw_file_cases.expected_of(folder)
    scenes = conf / "local/parameters_scenes"
    for name in (expected["scene"], expected["neighbour"]):
        (folder / f"{name}.yml").rename(scenes / f"{name}.yml")
        (folder / name).symlink_to(folder / "raw")

    def read(name: str) -> xr.Dataset:
        scene = loader(conf, dataset=name)["parameters"]["scene"]
        return ingest(name, scene, IngestSettings(folders=(str(folder),)))

    assert read(expected["neighbour"]).attrs["scene"] == expected["neighbour"]
    try:
        scene = read(expected["scene"])
    except SettingsError as error:
        raw_file_cases.check_error(str(error), expected, folder)
    else:
        raw_file_cases.check_scene(scene, expected, folder)


@pytest.mark.parametrize("named", [["mine", "one"], "mine", ["mine"]])
def test_scenes_to_pretrain_on_become_a_parameter_but_for_the_run_s_own(
    conf: Path, named: object
) -> None:
    (conf / "base" / "parameters_pretrain.yml").write_text("pretrain: {scenes: []}\n")
    assert loader(conf)["parameters"]["pretraining_scenes"] == {}
    parameters = loader(conf, pretrain={"scenes": named})["parameters"]
    assert parameters["pretraining_scenes"] == {"mine": {"title": "Mine"}}


def test_an_unknown_scene_to_pretrain_on_is_refused(conf: Path) -> None:
    (conf / "base" / "parameters_pretrain.yml").write_text("pretrain: {scenes: [mime]}\n")
    with pytest.raises(SettingsError, match=telling("'mime'", "'mine'", "one")):
        _ = loader(conf)["parameters"]


@pytest.mark.parametrize("name", ["data_folder", "working_folder", "cache.folder", "ingest.mirror"])
def test_what_is_written_must_be_local(conf: Path, name: str) -> None:
    (conf / "base/parameters_places.yml").write_text(
        "data_folder: data\nworking_folder: data/w\ncache: {folder: c}\ningest: {mirror: m}\n"
    )
    assert loader(conf)["parameters"]["data_folder"] == "data"
    group, _, place = name.rpartition(".")
    typed: dict[str, object] = {place: "s3://bucket/data"}
    with pytest.raises(SettingsError, match=f"^{name} is 's3://bucket/data', and must be a folder"):
        _ = loader(conf, **({group: typed} if group else typed))["parameters"]
