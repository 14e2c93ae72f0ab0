"""A scene mapped into files, and taken up where it was left."""

import logging
import signal

import numpy as np
import pytest

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.errors import SceneError
from bdgf.core.interruption import Interrupted
from bdgf.inference.mapping import block_side, map_scene
from bdgf.inference.settings import InferenceSettings, MappingSettings
from bdgf.inference.window_step import CLASS_MAP, PROBABILITIES, UNCERTAINTY_MAP, WindowStep
from bdgf.scenes.scene import LABELS
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.small_models import small_model, small_scene


def mapped(folder, name="random_forest", scene=None, **settings):
    scene = small_scene() if scene is None else scene
    return map_scene(
        small_model(name),
        DatasetWindows(scene),
        MappingSettings(**{"block": 16, **settings}),
        InferenceSettings(),
        ArtifactCache(folder, 4),
    )


def whole(found, layer):
    return np.concatenate([values for _, values in found.rows(layer)], axis=1)


def test_the_layers_are_those_of_the_map_in_memory(tmp_path):
    found = mapped(tmp_path, probabilities=True)
    expected = small_model("random_forest").predict(small_scene())
    np.testing.assert_array_equal(whole(found, CLASS_MAP)[0], expected.class_map)
    np.testing.assert_array_equal(whole(found, UNCERTAINTY_MAP)[0], expected.uncertainty_map)
    np.testing.assert_array_equal(whole(found, PROBABILITIES), expected.probabilities)
    at = small_scene()[LABELS].to_numpy() > 0
    np.testing.assert_array_equal(
        found.labelled.probabilities, expected.probabilities.to_numpy()[:, at].T
    )


def test_probabilities_are_kept_on_request_alone(tmp_path):
    assert set(mapped(tmp_path).file.layers) == {CLASS_MAP, UNCERTAINTY_MAP}


def test_a_run_that_was_stopped_goes_on(tmp_path, monkeypatch, caplog):
    made, step = [], WindowStep.__call__

    def stopped(self, window):
        if len(made) == 5:
            raise Interrupted(signal.SIGINT)
        made.append(window)
        return step(self, window)

    monkeypatch.setattr(WindowStep, "__call__", stopped)
    with pytest.raises(Interrupted):
        mapped(tmp_path)
    first, made[:] = list(made), []
    monkeypatch.setattr(
        WindowStep, "__call__", lambda self, window: (made.append(window), step(self, window))[1]
    )
    with caplog.at_level(logging.INFO):
        found = mapped(tmp_path)
    assert "of the map is there" in caplog.text
    assert not [window for window in first if window in made]
    expected = small_model("random_forest").predict(small_scene())
    np.testing.assert_array_equal(whole(found, CLASS_MAP)[0], expected.class_map)
    np.testing.assert_array_equal(
        found.labelled.probabilities.argmax(1) + 1,
        expected.class_map.to_numpy()[small_scene()[LABELS].to_numpy() > 0],
    )
    made.clear()
    mapped(tmp_path)
    assert not made


@pytest.mark.parametrize("change", [{"adapt": "statistics"}, {"block": 17}])
def test_other_settings_make_another_map(tmp_path, change):
    assert mapped(tmp_path).file.place != mapped(tmp_path, **change).file.place


def test_labels_go_by_the_names_of_the_classes(tmp_path, caplog):
    scene = small_scene()
    names = small_model("random_forest").classes.names
    renamed = scene.attrs["classes"].replace(names[0], "lava")
    found = mapped(tmp_path, scene=scene.assign_attrs(classes=renamed))
    assert "classes that the model does not know (lava)" in caplog.text
    assert 1 not in found.labelled.truth
    for name in names:
        renamed = renamed.replace(f'"{name}"', f'"not {name}"')
    with pytest.raises(SceneError, match="none of which is a class of the model"):
        mapped(tmp_path, scene=scene.assign_attrs(classes=renamed))


def test_an_overview_is_every_nth_pixel(tmp_path):
    found = mapped(tmp_path)
    classes = whole(found, CLASS_MAP)[0]
    np.testing.assert_array_equal(found.overview(CLASS_MAP, 56), classes)
    np.testing.assert_array_equal(found.overview(CLASS_MAP, 20), classes[::3, ::3])


def test_blocks_are_as_large_as_the_memory_allows():
    step = small_model("bdgf").step(DatasetWindows(small_scene()))
    sides = [block_side(step, MappingSettings(memory_gib=gib)) for gib in (1e-3, 0.1, 0.4)]
    assert sides == sorted(sides)
    assert sides[0] == step.alignment
    assert all(side % step.alignment == 0 for side in sides)
    assert block_side(step, MappingSettings(block=20)) == 20
