"""Networks on patches: any modalities, gradients everywhere, the same map by patches and rows."""

import numpy as np
import pytest
import torch

from bdgf.core.errors import SettingsError
from bdgf.models.base import PredictionSettings
from bdgf.models.baselines.mft import MultimodalTransformer, MultimodalTransformerSettings
from bdgf.models.baselines.two_stream_cnn import TwoStreamCNN, TwoStreamSettings
from bdgf.models.patch.predict_map import predict_map
from bdgf.raster.patches import SceneTensors, gather_batch, level_valid

HEIGHT, WIDTH, CLASSES = 15, 13, 4


SMALL = {
    "two_stream_cnn": (TwoStreamCNN, TwoStreamSettings(width=4, embedding=8)),
    "mft": (MultimodalTransformer, MultimodalTransformerSettings(width=8, heads=2)),
}


MODALITIES = [
    {"optical": 5, "height": 1},
    {"optical": 3, "sar": 2, "height": 1},
    {"radar": 2, "optical": 3, "thermal": 2, "height": 1},
    {"optical": 3},
    {"sar": 2, "height": 1},
]


@pytest.fixture(params=SMALL)
def make(request):
    network, settings = SMALL[request.param]

    def build(modalities, patch=5, **changes):
        torch.manual_seed(0)
        spectral = [name for name in modalities if name in ("optical", "thermal")]
        own = settings.model_copy(update=changes)
        return network(own, modalities, spectral, patch, CLASSES)

    return build


def scene(modalities):
    generator = torch.Generator().manual_seed(1)
    channels = torch.randn(sum(modalities.values()), HEIGHT, WIDTH, generator=generator)
    stops = np.cumsum(list(modalities.values()))
    slices = {
        name: slice(int(stop) - count, int(stop))
        for (name, count), stop in zip(modalities.items(), stops, strict=True)
    }
    return SceneTensors(channels, slices)


def batch_of(arrays, patch, count=12):
    valid = level_valid(torch.ones(HEIGHT, WIDTH, dtype=torch.bool), 1)
    rows, cols = torch.arange(count) % HEIGHT, torch.arange(count) % WIDTH
    return gather_batch(arrays, valid, rows, cols, patch)


@pytest.mark.parametrize("modalities", MODALITIES)
@pytest.mark.parametrize("patch", [1, 5, 11])
def test_forward_and_backward_with_any_modalities(make, modalities, patch):
    network = make(modalities, patch)
    output = network(batch_of(scene(modalities), patch))
    (name,) = network.branch_names
    assert output.logits[name].shape == (12, CLASSES)
    assert output.embeddings[name].shape[0] == 12
    torch.nn.functional.cross_entropy(output.logits[name], torch.arange(12) % CLASSES).backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path


@pytest.mark.parametrize("modalities", MODALITIES)
def test_every_modality_counts_and_a_hidden_one_does_not(make, modalities):
    network, arrays = make(modalities).eval(), scene(modalities)
    (branch,) = network.branch_names
    for index, name in enumerate(modalities):
        changed = arrays.channels.clone()
        changed[arrays.modalities[name]] += 1
        other = SceneTensors(changed, arrays.modalities)
        keep = torch.ones(12, len(modalities))
        seen = [network(batch_of(a, 5), keep).logits[branch] for a in (arrays, other)]
        assert not torch.allclose(*seen)
        keep[:, index] = 0
        hidden = [network(batch_of(a, 5), keep).logits[branch] for a in (arrays, other)]
        torch.testing.assert_close(*hidden)


def test_the_map_is_that_of_raw_windows(make):
    modalities = MODALITIES[1]
    network, arrays = make(modalities).eval(), scene(modalities)
    valid = np.ones((HEIGHT, WIDTH), bool)
    valid[3:6, 4:9] = False
    settings = PredictionSettings(batch_size=17, block_megabytes=1)
    found = predict_map(network, arrays, valid, settings)
    rows, cols = (torch.from_numpy(index) for index in np.nonzero(valid))
    masks = level_valid(torch.from_numpy(valid), 1)
    with torch.no_grad():
        output = network(gather_batch(arrays, masks, rows, cols, 5))
    (logits,) = output.logits.values()
    np.testing.assert_allclose(found[:, valid].T, logits.softmax(1).numpy(), atol=1e-5)
    assert (found[:, ~valid] == 0).all()


def test_size_follows_the_settings(make):
    sizes = [make(MODALITIES[0], width=width).parameter_count() for width in (8, 16)]
    assert 2 * sizes[0] < sizes[1] < 5 * sizes[0]


def test_a_single_class_is_refused():
    with pytest.raises(SettingsError, match="nothing to tell apart"):
        TwoStreamCNN(TwoStreamSettings(), {"optical": 2, "sar": 1}, ["optical"], 5, 1)
