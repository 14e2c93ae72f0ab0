"""What a model says of blocks of its scene."""

import numpy as np
import pytest

from bdgf.features.extraction import extract_features
from bdgf.inference.fast.teacher import Teacher
from bdgf.inference.settings import InferenceSettings
from bdgf.raster.windows import Window
from bdgf.scenes.scene import valid_mask
from bdgf.scenes.scene_windows import DatasetWindows
from bdgf.training.devices import make_fabric
from tests.inference.small_models import small_model, small_scene

BLOCK = Window(slice(32, 48), slice(48, 56))
MARGIN = 4


def teacher_of(model, scene=None):
    source = DatasetWindows(small_scene() if scene is None else scene)
    return Teacher(source, model.preparation, model.classifier, model.guidance)


@pytest.mark.parametrize("hidden", [(), ("sar",)])
@pytest.mark.parametrize("name", ["bdgf", "random_forest"])
def test_a_lesson_is_the_models_own_map(name, hidden):
    model = small_model(name)
    lesson = teacher_of(model).lesson(BLOCK, MARGIN, hidden)
    whole = model.predict(small_scene(), InferenceSettings(hide=hidden)).probabilities.to_numpy()
    np.testing.assert_allclose(lesson.said, whole[:, *BLOCK.index].transpose(1, 2, 0), atol=1e-3)
    channels, present, valid = lesson.planes
    assert channels.shape[:2] == present.shape[:2] == (16 + 2 * MARGIN, 8 + 2 * MARGIN)
    assert not valid[:, -MARGIN:].any()  # the scene ends there
    assert valid[:, MARGIN : -2 * MARGIN].all()
    sar = list(model.modalities).index("sar")
    assert present[..., sar].any() == (not hidden)


def test_features_that_are_there_are_not_made_again(tmp_path):
    model = small_model("bdgf")
    prepared, guidance = model.preparation.apply(small_scene()), model.guidance
    cube = extract_features(
        *(guidance.denoiser, prepared, guidance.settings, tmp_path / "cube.h5"),
        fabric=make_fabric(None),
        normalisation=guidance.normalisation,
    )
    parts = (prepared, model.classifier, guidance)
    with_cube = Teacher.of_prepared(*parts, cube).lesson(BLOCK, MARGIN)
    without = Teacher.of_prepared(*parts).lesson(BLOCK, MARGIN)
    np.testing.assert_allclose(with_cube.said, without.said, atol=1e-3)
    unmade = Teacher.of_prepared(prepared, model.classifier, None, cube).lesson(BLOCK, MARGIN)
    np.testing.assert_array_equal(unmade.said, with_cube.said)


def test_a_block_without_data_teaches_nothing():
    scene = small_scene()
    valid = valid_mask(scene).copy()
    valid[BLOCK.index] = False
    scene = scene.assign(valid=(("y", "x"), valid.astype(np.uint8)))
    assert teacher_of(small_model("random_forest"), scene).lesson(BLOCK, MARGIN) is None


def test_the_tiles_are_the_scene_in_an_order_of_the_seed():
    teacher = teacher_of(small_model("random_forest"))
    one, same, other = ([*teacher.tiles(np.random.default_rng(seed))] for seed in (0, 0, 1))
    seen = np.zeros((56, 56), int)
    for window in one:
        seen[window.index] += 1
    assert (seen == 1).all()
    assert one == same
    assert len(one) == 1 or one != other


def test_a_smaller_block_is_filled_up_without_data():
    lesson = teacher_of(small_model("random_forest")).lesson(BLOCK, MARGIN)
    padded = lesson.padded(16)
    assert padded.said.shape[:2] == (16, 16)
    assert padded.planes[0].shape[:2] == (16 + 2 * MARGIN, 16 + 2 * MARGIN)
    assert padded.known.sum() == lesson.known.sum()
