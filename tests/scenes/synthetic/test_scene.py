"""The demo scene: reproducible, and hard in the ways it is meant to be."""

import subprocess
import sys

import numpy as np
import pytest
from rasterio.crs import CRS
from scipy.ndimage import gaussian_filter, maximum_filter
from sklearn.ensemble import RandomForestClassifier

from bdgf.core.fingerprint import fingerprint
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.prepared_channels import stack_channels
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.scene import (
    check_scene,
    class_table,
    georeference,
    modality_names,
    valid_mask,
)
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene


@pytest.fixture(scope="module")
def demo():
    return make_demo_scene(DemoSettings())


def digest(scene):
    return fingerprint(*(scene[name].to_numpy() for name in sorted(scene.data_vars)))


def forest_accuracy(channels, train, test):
    forest = RandomForestClassifier(500, random_state=0, n_jobs=2)
    forest.fit(channels[:, train > 0].T, train[train > 0])
    return (forest.predict(channels[:, test > 0].T) == test[test > 0]).mean()


def test_it_is_a_complete_georeferenced_scene(demo):
    check_scene(demo)
    assert modality_names(demo) == ["optical", "height", "sar"]
    assert demo["optical"].shape == (96, 96, 48)
    assert demo["height"].shape == (96, 96, 1)
    assert demo["sar"].shape == (96, 96, 2)
    assert demo["sar"].attrs["scale"] == "log"
    assert (demo["sar"].to_numpy()[valid_mask(demo)] > 0).all()
    assert class_table(demo).count == 6
    assert set(np.unique(demo["labels"])) == set(range(7))
    crs, transform = georeference(demo)
    assert crs == CRS.from_epsg(32632)
    assert transform.a == -transform.e == 5.0


def test_a_corner_has_no_data_and_no_labels(demo):
    invalid = ~valid_mask(demo)
    assert 0 < invalid.sum() < 100
    assert invalid[0, 0]
    for name in ("labels", "official_train", "official_test"):
        assert (demo[name].to_numpy()[invalid] == 0).all()


def test_the_official_maps_are_small_clustered_and_apart(demo):
    train, test = demo["official_train"].to_numpy(), demo["official_test"].to_numpy()
    counts = np.bincount(train.ravel(), minlength=7)[1:]
    assert ((counts >= 20) & (counts <= 30)).all()
    assert (np.bincount(test.ravel(), minlength=7)[1:] >= 100).all()
    near = maximum_filter(train, size=2 * DemoSettings().margin + 1) > 0
    assert not (near & (test > 0)).any()


@pytest.mark.slow
def test_the_same_settings_give_the_same_bits_in_another_process(demo):
    code = (
        "from bdgf.core.fingerprint import fingerprint\n"
        "from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene\n"
        "s = make_demo_scene(DemoSettings())\n"
        "print(fingerprint(*(s[n].to_numpy() for n in sorted(s.data_vars))))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == digest(demo)


def test_the_bits_are_the_published_ones(demo):
    """A change of this digest changes everyone's demo results: say so in the change log."""
    assert digest(demo) == "357c9f3bbf549b7d"


def test_another_seed_gives_another_landscape(demo):
    other = make_demo_scene(DemoSettings(seed=1))
    assert (other["labels"] != demo["labels"]).mean() > 0.2


@pytest.mark.parametrize("size", [48, 64])
def test_small_demos_still_train_every_class(size):
    demo = make_demo_scene(DemoSettings(size=size, bands=8))
    assert set(np.unique(demo["official_train"])) == set(range(7))


@pytest.mark.slow
def test_no_modality_suffices_and_neighbours_help(demo):
    prepared = fit_preparation(demo, PreparationSettings()).apply(demo)
    channels, slices = stack_channels(prepared)
    train, test = demo["official_train"].to_numpy(), demo["official_test"].to_numpy()
    every = forest_accuracy(channels, train, test)
    assert 0.7 < every < 0.88
    for name in modality_names(demo):
        assert forest_accuracy(channels[slices[name]], train, test) < every - 0.05
    context = [gaussian_filter(channels, (0, s, s)) for s in (1, 2, 4)]
    details = [channels - context[0], context[0] - context[2]]
    with_context = forest_accuracy(np.concatenate([channels, *context, *details]), train, test)
    assert with_context > every + 0.04
