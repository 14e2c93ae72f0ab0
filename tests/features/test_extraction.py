import logging
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SceneError, SettingsError, UserError
from bdgf.features.extraction import FeatureSettings, extract_features
from tests.diffusion.small_scene import prepared_scene
from tests.features.small_extraction import TILE, everything, extract, same, small_weights


def test_shapes_and_statistics_of_a_scene_of_odd_size(tmp_path, fabric):
    scene = prepared_scene(37, 51)
    cube = extract(tmp_path / "cube.h5", fabric, scene=scene)
    assert cube.channels == {0: 16, 1: 32}
    assert {level: x.shape for level, x in everything(cube).items()} == {
        0: (16, 37, 51),
        1: (32, 19, 26),
    }
    valid = scene.valid.to_numpy() > 0
    padded = np.pad(valid, ((0, 1), (0, 1))).reshape(19, 2, 26, 2).any(axis=(1, 3))
    for level, cells in ((0, valid), (1, padded)):
        values = cube.read(level)[:, cells].astype(np.float64)
        mean, std = cube.moments(level)
        np.testing.assert_allclose(mean, values.mean(axis=1), atol=1e-5)
        np.testing.assert_allclose(std, values.std(axis=1), atol=1e-5)


@pytest.mark.parametrize("tile", [8, 16, 24])
def test_the_cut_leaves_no_seam(tmp_path, fabric, tile):
    whole = extract(tmp_path / "whole.h5", fabric)
    tiled = extract(tmp_path / "tiled.h5", fabric, tile=tile)
    for level in whole.levels:
        seam = np.abs(whole.read(level).astype(float) - tiled.read(level))
        # No more than the rounding of float16.
        assert seam.max() <= 2e-3 * np.abs(whole.read(level)).max()
        np.testing.assert_allclose(whole.moments(level), tiled.moments(level), atol=1e-4)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.integers(5, 50), columns=st.integers(5, 50), tiles=st.integers(1, 3))
def test_a_scene_of_any_size_has_no_seam(tmp_path_factory, fabric, rows, columns, tiles):
    folder = tmp_path_factory.mktemp("any")
    scene = prepared_scene(rows, columns)
    chosen = {"scene": scene, "timesteps": (50,), "halo": 24}
    whole = extract(folder / "whole.h5", fabric, **chosen)
    tiled = extract(folder / "tiled.h5", fabric, tile=tiles * TILE, **chosen)
    for level in whole.levels:
        seam = np.abs(whole.read(level).astype(float) - tiled.read(level))
        assert seam.max() <= 2e-3 * np.abs(whole.read(level)).max()


def test_two_extractions_are_equal_and_the_noise_seed_matters(tmp_path, fabric):
    noisy = {"noise": 1.0}
    one, other = (extract(tmp_path / name, fabric, **noisy) for name in ("one.h5", "other.h5"))
    assert same(one, other)
    assert one.fingerprint == other.fingerprint
    reseeded = extract(tmp_path / "reseeded.h5", fabric, noise_seed=1, **noisy)
    assert not same(one, reseeded)


def test_without_noise_its_seed_decides_nothing(tmp_path, fabric):
    one, other = (extract(tmp_path / f"{seed}.h5", fabric, noise_seed=seed) for seed in (0, 1))
    assert same(one, other)
    assert one.fingerprint == other.fingerprint


class KilledError(Exception):
    pass


def test_a_stopped_extraction_continues(tmp_path, fabric, caplog):
    caplog.set_level(logging.INFO)
    computed = []

    def stop(done, total):
        computed.append(done)
        if done == 3:
            raise KilledError

    with pytest.raises(KilledError):
        extract(tmp_path / "cube.h5", fabric, progress=stop, tile=16)
    assert not (tmp_path / "cube.h5").exists()
    continued = extract(tmp_path / "cube.h5", fabric, tile=16)
    assert "3 of 12 tiles are there" in caplog.text
    unbroken = extract(tmp_path / "unbroken.h5", fabric, tile=16)
    assert same(continued, unbroken)
    for level in unbroken.levels:
        assert np.array_equal(continued.moments(level), unbroken.moments(level))


KILLED_EXTRACTION = """
import os, signal, sys
from pathlib import Path
from bdgf.training.devices import DeviceSettings, make_fabric
from tests.features.small_extraction import extract

def die(done, total):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)

fabric = make_fabric(DeviceSettings(accelerator="cpu"))
extract(Path(sys.argv[1]), fabric, progress=die, tile=16)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_a_cube_that_can_be_continued(tmp_path, fabric, caplog):
    caplog.set_level(logging.INFO)
    path = tmp_path / "cube.h5"
    killed = subprocess.run([sys.executable, "-c", KILLED_EXTRACTION, path], cwd=os.getcwd())
    assert killed.returncode == -signal.SIGKILL
    continued = extract(path, fabric, tile=16)
    assert "2 of 12 tiles are there" in caplog.text
    assert same(continued, extract(tmp_path / "unbroken.h5", fabric, tile=16))


@pytest.mark.parametrize("change", ["weights", "scene", "settings"])
def test_a_cube_of_anything_else_is_rebuilt(tmp_path, fabric, change):
    path = tmp_path / "cube.h5"
    first = extract(path, fabric).fingerprint
    changed = {
        "weights": {"weights": small_weights(scale=1.5)},
        "scene": {"scene": prepared_scene(seed=1)},
        "settings": {"timesteps": (50, 201)},
    }[change]
    assert extract(path, fabric, **changed).fingerprint != first


def test_a_damaged_cube_is_rebuilt(tmp_path, fabric):
    path = tmp_path / "cube.h5"
    path.write_bytes(b"damaged")
    assert extract(path, fabric).levels == [0, 1]


def test_only_the_wanted_levels_are_there(tmp_path, fabric):
    cube = extract(tmp_path / "cube.h5", fabric, levels=(1,))
    assert cube.levels == [1]
    assert np.array_equal(cube.read(1), extract(tmp_path / "all.h5", fabric).read(1))


def test_errors_say_what_to_do(tmp_path, fabric):
    path = tmp_path / "cube.h5"
    with pytest.raises(SettingsError, match=r"levels is \(0, 2\); the denoiser has levels 0 to 1"):
        extract(path, fabric, levels=(0, 2))
    with pytest.raises(SettingsError, match="they must lie in 0 to 999"):
        extract(path, fabric, timesteps=(1000,))
    scene = prepared_scene().isel(band_optical=slice(0, 3))
    with pytest.raises(SceneError, match=r"optical \(4\), .* the scene has optical \(3\)"):
        extract(path, fabric, scene=scene)
    with pytest.raises(UserError, match="features are not finite"):
        extract(path, fabric, weights=small_weights(scale=float("nan")))
    assert not path.exists()


def test_under_little_memory_the_features_are_those_of_the_given_normalisation(tmp_path, fabric):
    whole = extract(tmp_path / "whole.h5", fabric)
    bounded = extract(
        tmp_path / "bounded.h5", fabric, memory_gib=0.0008, normalisation=whole.normalisation()
    )
    assert bounded.fingerprint != whole.fingerprint
    np.testing.assert_allclose(bounded.read(0), whole.read(0), rtol=5e-3, atol=5e-3)
    own = extract(tmp_path / "own.h5", fabric, memory_gib=0.0008)
    assert not np.allclose(own.normalisation(), whole.normalisation(), rtol=1e-3)


def test_another_raster_can_be_seen_with_the_training_scene_s_normalisation(tmp_path, fabric):
    scene = prepared_scene(40, 52, nodata=False)
    whole = extract(tmp_path / "whole.h5", fabric, scene=scene)
    part = extract(
        tmp_path / "part.h5",
        fabric,
        scene=scene.isel(y=slice(0, 32)),
        normalisation=whole.normalisation(),
    )
    # Away from the cut, which the part's lower edge is.
    np.testing.assert_allclose(part.read(0)[:, :8], whole.read(0)[:, :8], rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("visible", [[], ["optical", "lidar"]])
def test_only_modalities_of_the_denoiser_can_be_shown(tmp_path, fabric, visible):
    with pytest.raises(SettingsError, match="can be shown optical, sar, height, at least one"):
        extract_features(
            small_weights(), prepared_scene(), FeatureSettings(), tmp_path / "a.h5",
            fabric=fabric, visible=visible,
        )  # fmt: skip


def test_masks_that_are_alike_change_no_feature(tmp_path, fabric):
    scene = prepared_scene()
    masked = scene.assign(valid_sar=scene["valid"])
    whole = extract(tmp_path / "whole.h5", fabric, scene=scene)
    assert same(whole, extract(tmp_path / "masked.h5", fabric, scene=masked))


def test_a_modality_is_not_seen_where_it_is_missing(tmp_path, fabric):
    scene = prepared_scene()
    mask = scene["valid"].copy(deep=True)
    mask[20:30, 30:45] = 0
    masked = scene.assign(valid_sar=mask)
    changed = masked.assign(sar=masked["sar"].where(mask > 0, 7.0))
    cubes = [
        extract(tmp_path / f"{number}.h5", fabric, scene=one)
        for number, one in enumerate((scene, masked, changed))
    ]
    assert len({cube.fingerprint for cube in cubes}) == 3
    assert same(cubes[1], cubes[2])
    assert not same(cubes[0], cubes[1])
    assert all(np.isfinite(values).all() for values in everything(cubes[1]).values())


def test_a_modality_that_is_missing_everywhere_is_one_that_is_not_shown(tmp_path, fabric):
    scene = prepared_scene()
    missing = scene.assign(valid_sar=0 * scene["valid"])
    frozen = extract(tmp_path / "all.h5", fabric, scene=scene).normalisation()
    one = extract(tmp_path / "missing.h5", fabric, scene=missing, normalisation=frozen)
    path, chosen = tmp_path / "hidden.h5", FeatureSettings(timesteps=(50, 200), halo=24)
    other = extract_features(
        small_weights(), scene, chosen, path,
        fabric=fabric, normalisation=frozen, visible=["optical", "height"],
    )  # fmt: skip
    assert same(one, other)
