"""The node that takes a feature cube of one's own."""

from pathlib import Path

import numpy as np
import pytest

from bdgf.core.errors import MissingArtifactError
from bdgf.core.weights import Weights
from bdgf.features.external import write_feature_cube
from bdgf.features.extraction import FeatureSettings
from bdgf.pipelines.features.nodes import extract_feature_cube
from bdgf.pipelines.train.nodes import assemble_map_model
from tests.diffusion.small_scene import prepared_scene
from tests.inference.small_models import small_model
from tests.messages import telling


def extract(source: Path, cache: Path):  # type: ignore[no-untyped-def]
    settings = FeatureSettings(external=str(source)).model_dump()
    places = {"folder": str(cache), "keep": 1}
    return extract_feature_cube(Weights({}), prepared_scene(), settings, {}, places, "small")


def test_a_cube_of_one_s_own_is_taken_instead_of_the_denoiser_s(tmp_path: Path) -> None:
    features = {0: np.random.default_rng(0).random((3, 40, 52))}
    mine = write_feature_cube(tmp_path / "mine.h5", features, np.ones((40, 52), bool), "small")
    assert extract(mine.path, tmp_path / "cache").fingerprint == mine.fingerprint
    assert not (tmp_path / "cache").exists()


def test_a_cube_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingArtifactError, match=telling("feature cube", "absent.h5")):
        extract(tmp_path / "absent.h5", tmp_path / "cache")


def test_a_model_of_such_features_is_put_together_for_its_own_scene_alone(tmp_path: Path) -> None:
    prepared, model = prepared_scene(), small_model("bdgf")
    features = {0: np.random.default_rng(0).random((3, 40, 52))}
    mine = write_feature_cube(tmp_path / "mine.h5", features, np.ones((40, 52), bool), "small")
    settings = FeatureSettings(external=str(mine.path)).model_dump()
    preparation = model.preparation.to_weights()
    made = assemble_map_model(prepared, preparation, model.classifier, settings, Weights({}), mine)
    assert made.guidance is None
    assert not made.maps_rasters
