import hashlib
import subprocess

from bdgf.scenes.config import parse_scene_config
from bdgf.scenes.file_search import find_scene_files, raw_digest, raw_size


def scene(**changes):
    return parse_scene_config(
        "small",
        {
            "modalities": {
                "optical": {"kind": "spectral", "sources": [{"file": "a.tif"}, {"file": "b.tif"}]},
                "height": {"kind": "auxiliary", "file": ["h1.tif", "h2.tif"], "optional": True},
            },
            "labels": {"file": "gt.tif"},
        }
        | changes,
    )


def touch(folder, *names):
    folder.mkdir(exist_ok=True, parents=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(b"")


def test_the_first_alternative_that_is_all_there(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    touch(one, "b.tif", "h1.tif")
    touch(two, "b.tif", "gt.tif")
    optical, height, labels = find_scene_files(scene(), [one, two])
    assert optical.paths == (one / "b.tif",)
    assert optical.wanted == ("a.tif", "b.tif")
    assert height.paths == ()
    assert not height.is_missing
    assert labels.paths == (two / "gt.tif",)
    touch(two, "a.tif", "h2.tif")
    optical, height, _ = find_scene_files(scene(), [one, two])
    assert optical.paths == (two / "a.tif",)
    assert height.paths == (one / "h1.tif", two / "h2.tif")


def test_what_is_missing_and_not_optional(tmp_path):
    items = find_scene_files(scene(), [tmp_path])
    assert [item.item for item in items if item.is_missing] == ["optical", "labels"]


def test_patterns_of_tiles(tmp_path):
    touch(tmp_path, "tiles/2.tif", "tiles/1.tif")
    modalities = {
        "optical": {"kind": "spectral", "file": "tiles/*.tif"},
        "height": {"kind": "auxiliary", "file": "h.tif"},
    }
    optical, *_ = find_scene_files(scene(modalities=modalities), [tmp_path])
    assert optical.paths == (tmp_path / "tiles/1.tif", tmp_path / "tiles/2.tif")


def test_a_fabricated_scene_has_no_files(tmp_path):
    config = parse_scene_config("demo", {"fabricate": {"seed": 0}})
    assert find_scene_files(config, [tmp_path]) == []


def test_a_zarr_store_is_a_raw_file(tmp_path):
    touch(tmp_path, "tiles/b.zarr/zarr.json", "tiles/a.zarr/zarr.json", "tiles/other/zarr.json")
    modalities = {
        "optical": {"kind": "spectral", "file": "tiles/*"},
        "height": {"kind": "auxiliary", "file": "tiles/b.zarr"},
    }
    optical, height, _ = find_scene_files(scene(modalities=modalities), [tmp_path])
    assert [path.name for path in optical.paths] == ["a.zarr", "b.zarr"]
    assert height.paths == (tmp_path / "tiles/b.zarr",)


def test_size_and_digest_of_files_and_stores(tmp_path):
    file, store = tmp_path / "a.tif", tmp_path / "a.zarr"
    file.write_bytes(b"123")
    assert (raw_size(file), raw_digest(file)) == (3, hashlib.sha256(b"123").hexdigest())
    for name in ("v/c/0", "v/c.x", "v/zarr.json", "zarr.json"):
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_text(name)
    command = "find . -type f | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum"
    told = subprocess.run(command, shell=True, cwd=store, capture_output=True, check=True).stdout
    assert raw_digest(store) == told.decode().split()[0]
    assert raw_size(store) == sum(map(len, ("v/c/0", "v/c.x", "v/zarr.json", "zarr.json")))
