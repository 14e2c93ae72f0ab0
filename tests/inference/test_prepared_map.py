"""The map of a prepared scene in blocks is that of the scene in memory."""

import numpy as np
import pytest

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.features.cached import cached_feature_cube
from bdgf.inference.predict import predict
from bdgf.inference.prepared_map import predict_blocks
from bdgf.inference.settings import InferenceSettings
from bdgf.models.base import SceneInputs
from tests.inference.small_models import MODELS, small_model, small_scene


@pytest.mark.parametrize("smooth", [0.0, 1.0])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_blocks_are_parts_of_the_map(tmp_path, name, smooth):
    model = small_model(name)
    prepared = model.preparation.apply(small_scene())
    cube = None
    if model.guidance is not None:
        guidance = model.guidance
        cache = ArtifactCache(tmp_path, 1)
        cube = cached_feature_cube(guidance.denoiser, prepared, guidance.settings, cache).cube
    inputs = SceneInputs(prepared, cube)
    settings = InferenceSettings(smoothing={"sigma": smooth})
    whole = predict(model.classifier, inputs, settings)
    seen = np.zeros(whole.shape[1:], int)
    for window, found in predict_blocks(model.classifier, inputs, settings, side=24):
        seen[window.index] += 1
        there = whole[:, *window.index]
        np.testing.assert_array_equal(found.argmax(0), there.argmax(0))
        np.testing.assert_allclose(found, there, atol=2**-11)  # float16 rounding
    assert (seen == 1).all()
