"""The two streams and where they meet."""

import pytest
import torch

from bdgf.models.baselines.two_stream_cnn import TwoStreamCNN, TwoStreamSettings

MODALITIES = {"radar": 2, "optical": 3, "thermal": 1, "height": 1}


@pytest.fixture
def network():
    torch.manual_seed(0)
    settings = TwoStreamSettings(width=4, embedding=6)
    return TwoStreamCNN(settings, MODALITIES, ["optical", "thermal"], 5, 3).eval()


def test_each_stream_sees_the_modalities_of_its_kind_in_order(network):
    seen = {}
    for name in ("spectral_stream", "auxiliary_stream"):
        stream = getattr(network, name)
        stream.register_forward_pre_hook(lambda _, inputs, name=name: seen.update({name: inputs}))
    patches = torch.randn(2, 5, 5, 7)
    network.classify(network.embed_scene(patches, torch.ones(2, 5, 5, 1)), [], [])
    channels = patches.permute(0, 3, 1, 2)
    assert torch.equal(seen["spectral_stream"][0], channels[:, 2:6])
    assert torch.equal(seen["auxiliary_stream"][0], channels[:, [0, 1, 6]])


def test_both_streams_reach_the_embedding(network):
    spectral = torch.randn(2, 4, 5, 5, requires_grad=True)
    auxiliary = torch.randn(2, 3, 5, 5, requires_grad=True)
    logits, embedding = network.embed(spectral, auxiliary)
    assert logits.shape == (2, 3)
    assert embedding.shape == (2, 6)
    embedding.sum().backward()
    assert spectral.grad.any()
    assert auxiliary.grad.any()
