import numpy as np
import pytest
import xarray as xr

from bdgf.core.errors import SceneError
from bdgf.core.weights import Weights
from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.evaluation.linear_probe import LinearProbeSettings
from bdgf.evaluation.modality_balance import ModalityBalanceSettings, measure_balance
from bdgf.features.extraction import FeatureSettings
from bdgf.splits.parts import TEST, TRAIN, VALIDATION
from bdgf.training.devices import DeviceSettings
from tests.diffusion.small_scene import CHANNELS, prepared_scene

CPU = DeviceSettings(accelerator="cpu")
FEATURES = FeatureSettings(timesteps=(50, 200), halo=8)
SETTINGS = ModalityBalanceSettings(probe=LinearProbeSettings(folds=3, block=8, repeats=1))


@pytest.fixture(scope="module")
def labelled():
    """A prepared scene with labels that its optical channels tell, and a split."""
    scene = prepared_scene()
    rng = np.random.default_rng(0)
    optical = scene["optical"].to_numpy()
    valid = scene["valid"].to_numpy() > 0
    labels = np.where(valid, 1 + (optical[0] > 0), 0).astype(np.uint8)
    parts = np.where(valid, rng.choice([TRAIN, VALIDATION, TEST], valid.shape), 0)
    split = xr.DataArray(parts.astype(np.uint8), dims=("y", "x"), name="split")
    split.attrs.update(name="fraction", seed=0)
    return scene.assign(labels=(("y", "x"), labels)), split


@pytest.fixture(scope="module")
def weights(labelled):
    settings = PretrainSettings(
        steps=6, batch_size=4, tile=8, log_every=2, validate_every=3,
        denoiser={"width": 8, "multipliers": (1, 2), "blocks": 1},
        masking={"strategy": "adaptive", "signal": "modality_sensitivity", "probe": {"every": 2}},
    )  # fmt: skip
    return pretrain(PretrainingData.of(labelled[0]), settings, 3, devices=CPU)


def measure(weights, scene, split, folder=None):
    return measure_balance(weights, scene, split, FEATURES, SETTINGS, devices=CPU, folder=folder)


@pytest.fixture(scope="module")
def record(weights, labelled):
    return measure(weights, *labelled)


def test_the_record_says_what_was_measured(record):
    assert record["scene"] == "small"
    assert (record["strategy"], record["signal"]) == ("adaptive", "modality_sensitivity")
    assert (record["rule"], record["loss_average"]) == ("ratio", "modality")
    assert (record["seed"], record["steps"], record["prediction"]) == (3, 6, "epsilon")
    assert record["split"] == {"name": "fraction", "seed": 0}
    for name in CHANNELS:
        assert 0 <= record[f"mask_rate_{name}"] < 1
    shares = [record[f"feature_share_{name}"] for name in CHANNELS]
    assert sum(shares) == pytest.approx(1)
    assert record["feature_balance_index"] == pytest.approx(min(shares) / max(shares))
    probes = [record[f"probe_average_accuracy_{name}"] for name in CHANNELS]
    assert record["probe_balance_index"] == pytest.approx(min(probes) / max(probes))
    assert 0.5 < record["probe_average_accuracy_all"] <= 1


def test_no_test_pixel_and_no_label_of_one_is_looked_at(record, weights, labelled):
    scene, split = labelled
    changed = scene.copy(deep=True)
    test = split.to_numpy() == TEST
    changed["labels"].to_numpy()[test] = 3 - scene["labels"].to_numpy()[test]
    assert measure(weights, changed, split) == record


def test_a_modality_that_the_denoiser_ignores_has_no_share(weights, labelled):
    tensors = {name: t.clone() for name, t in weights.tensors.items()}
    planes = sum(CHANNELS.values()) + list(CHANNELS).index("sar")
    tensors["stem.weight"][:, [4, 5, planes]] = 0
    record = measure(Weights(tensors, weights.config), *labelled)
    assert record["feature_share_sar"] == 0
    assert record["feature_balance_index"] == 0
    assert record["feature_share_optical"] > 0


def test_no_file_is_left_behind(weights, labelled, tmp_path):
    measure(weights, *labelled, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_of_one_modality_there_is_nothing_to_balance(weights, labelled):
    alone = Weights(weights.tensors, {**weights.config, "modality_order": ["optical"]})
    with pytest.raises(SceneError, match="one modality, optical: there is nothing to balance"):
        measure(alone, *labelled)
