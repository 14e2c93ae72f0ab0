"""The folder of a MapModel: what is in it, and what is refused."""

import json
import shutil

import pytest

from bdgf.core.errors import ArtifactError, MissingArtifactError
from bdgf.core.software_versions import software_versions
from bdgf.inference.map_model import load_map_model
from bdgf.inference.map_model_folder import files_of_a_copy, map_model_files
from tests.inference.small_models import model_with_fast, small_model


@pytest.mark.parametrize("name", ["bdgf", "random_forest"])
def test_a_damaged_file_is_refused(name, tmp_path):
    small_model(name).save(tmp_path / "map_model.json")
    for path in map_model_files(tmp_path / "map_model.json"):
        kept = path.read_bytes()
        changed = bytearray(kept)
        changed[len(kept) // 2] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ArtifactError):
            load_map_model(tmp_path)
        path.write_bytes(kept)
    load_map_model(tmp_path)


def test_no_model_and_one_of_another_format_are_told_in_one_line(tmp_path):
    with pytest.raises(MissingArtifactError, match=r"no model at .*map_model\.json"):
        load_map_model(tmp_path)
    path = tmp_path / "map_model.json"
    small_model("random_forest").save(path)
    told = json.loads(path.read_text()) | {"format": 99}
    path.write_text(json.dumps(told))
    (tmp_path / "map_model.json.sha256").unlink()
    with pytest.raises(ArtifactError, match="the format 99, this version of bdgf reads 1"):
        load_map_model(path)


def test_the_main_file_says_what_the_model_is(tmp_path):
    model = small_model("random_forest")
    model.save(tmp_path / "map_model.json")
    told = json.loads((tmp_path / "map_model.json").read_text())
    assert told["model"] == "random_forest"
    assert [row["name"] for row in told["classes"]] == list(model.classes.names)
    assert [row["name"] for row in told["modalities"]] == list(model.modalities)
    assert told["reach"] == 0
    assert told["uses_features"] is False
    assert told["card"]["versions"] == software_versions()


def test_a_copy_of_its_files_is_the_model(tmp_path):
    model = small_model("bdgf")
    for place, digests in (("digested", True), ("plain", False)):
        path, copy = tmp_path / place / "map_model.json", tmp_path / f"copy of {place}"
        model.save(path)
        path.with_name("made_from.json").write_text("{}")
        for file in [] if digests else path.parent.glob("*.sha256"):
            file.unlink()
        copy.mkdir()
        for file in files_of_a_copy(path):
            shutil.copy(file, copy)
        assert not (copy / "made_from.json").exists()
        assert load_map_model(copy).card == model.card


def test_a_fast_network_is_part_of_the_folder(tmp_path):
    path = tmp_path / "map_model.json"
    model_with_fast("random_forest").save(path)
    names = {file.name for file in map_model_files(path)}
    assert {"fast.safetensors", "fast.json"} <= names
    assert names < {file.name for file in files_of_a_copy(path)}
    (tmp_path / "fast.safetensors").unlink()
    with pytest.raises(ArtifactError):
        load_map_model(tmp_path)


def test_what_earlier_versions_wrote_has_no_fast_network(tmp_path):
    path = tmp_path / "map_model.json"
    small_model("random_forest").save(path)
    told = json.loads(path.read_text())
    del told["has_fast"]
    path.write_text(json.dumps(told))
    path.with_name("map_model.json.sha256").unlink()
    assert load_map_model(path).fast is None
