"""Every registered baseline: deterministic, stored safely, the same map again."""

import numpy as np
import pytest

from bdgf.baselines.registry import BASELINES
from bdgf.errors import MissingArtifactError
from bdgf.evaluation.report import evaluate_predictions
from bdgf.scenes.demo import DemoSettings, make_demo_scene
from bdgf.scenes.preparation import PreparationSettings, fit_preparation
from bdgf.scenes.scene import class_table, valid_mask
from bdgf.scenes.split import SplitSettings, make_split

SMALL = {"random_forest": {"trees": 20}}


@pytest.fixture(scope="module")
def prepared():
    scene = make_demo_scene(DemoSettings(size=64, bands=12))
    return fit_preparation(scene, PreparationSettings()).apply(scene)


@pytest.fixture(scope="module")
def split(prepared):
    return make_split(prepared, SplitSettings(), 0, 5)


@pytest.fixture(params=sorted(BASELINES))
def named(request):
    baseline = BASELINES[request.param]
    return baseline, baseline.settings(**SMALL[request.param])


def test_probabilities_are_probabilities_and_better_than_chance(named, prepared, split):
    baseline, settings = named
    probabilities = baseline.fit(prepared, split, settings, 0).predict_map(prepared)
    mask = valid_mask(prepared)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (6, 64, 64)
    assert (probabilities[:, ~mask] == 0).all()
    np.testing.assert_allclose(probabilities[:, mask].sum(axis=0), 1, atol=1e-5)
    patch = baseline.patch(settings)
    metrics = evaluate_predictions(
        probabilities, prepared["labels"].to_numpy(), split, class_table(prepared), patch, 0
    )
    assert metrics["overall_accuracy"] > 0.5
    assert metrics["patch"] == patch


def test_the_seed_decides_everything(named, prepared, split):
    baseline, settings = named
    first, second = (baseline.fit(prepared, split, settings, 3) for _ in range(2))
    np.testing.assert_array_equal(first.predict_map(prepared), second.predict_map(prepared))
    other = baseline.fit(prepared, split, settings, 4)
    assert (other.predict_map(prepared) != first.predict_map(prepared)).any()


def test_it_is_stored_and_draws_the_same_map(named, prepared, split, tmp_path):
    baseline, settings = named
    fitted = baseline.fit(prepared, split, settings, 0)
    path = tmp_path / "model" / "baseline.skops"
    fitted.save(path)
    assert [p.name for p in path.parent.iterdir()] == ["baseline.skops"]
    stored = baseline.load(path)
    np.testing.assert_array_equal(stored.predict_map(prepared), fitted.predict_map(prepared))


def test_a_missing_or_damaged_file_is_one_clear_line(named, prepared, split, tmp_path):
    baseline, settings = named
    path = tmp_path / "baseline.skops"
    with pytest.raises(MissingArtifactError, match="cannot read"):
        baseline.load(path)
    baseline.fit(prepared, split, settings, 0).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(MissingArtifactError, match="train again") as error:
        baseline.load(path)
    assert "\n" not in str(error.value)


def test_test_labels_are_not_looked_at(named, prepared, split):
    baseline, settings = named
    first = baseline.fit(prepared, split, settings, 0).predict_map(prepared)
    hidden = prepared.assign(labels=prepared["labels"].where(split != 3, 0))
    second = baseline.fit(hidden, split, settings, 0).predict_map(hidden)
    np.testing.assert_array_equal(first, second)
