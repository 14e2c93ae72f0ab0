import pytest
import torch

from bdgf.core.errors import ArtifactError
from bdgf.core.weights import Weights
from bdgf.diffusion.unet import Denoiser, DenoiserSettings, decoder_features, load_denoiser
from bdgf.nn.group_norm import calibrate

MODALITIES = {"optical": 3, "sar": 2}


def small(tile=8, **chosen):
    torch.manual_seed(0)
    denoiser = Denoiser(
        DenoiserSettings(**{"width": 8, "multipliers": (1, 2), "blocks": 1, **chosen}),
        MODALITIES,
        tile,
    )
    # Fresh residual paths are zero; give them weight, so that every path shows.
    with torch.no_grad():
        for parameter in denoiser.parameters():
            if not parameter.any():
                parameter.normal_(std=0.2)
    return denoiser


def batch(rows=8, columns=8, size=3):
    generator = torch.Generator().manual_seed(1)
    x_t = torch.randn(size, 5, rows, columns, generator=generator)
    return x_t, torch.tensor([5, 300, 999][:size]), torch.ones(size, 2, rows, columns)


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("multipliers", [(1,), (1, 2), (1, 2, 4)])
def test_every_option_runs_forward_and_backward(attention, multipliers):
    denoiser = small(attention=attention, multipliers=multipliers)
    output = denoiser(*batch())
    assert output.prediction.shape == output.reconstruction.shape == (3, 5, 8, 8)
    (output.prediction.square().sum() + output.reconstruction.square().sum()).backward()
    for name, parameter in denoiser.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_hidden_channels_are_not_seen():
    denoiser, (x_t, t, visible) = small(), batch()
    visible[:, 1] = 0
    changed = x_t.clone()
    changed[:, 3:] = 100
    assert torch.equal(denoiser(x_t, t, visible)[0], denoiser(changed, t, visible)[0])
    changed[:, 0] = 100
    assert not torch.equal(denoiser(x_t, t, visible)[0], denoiser(changed, t, visible)[0])


def test_time_and_visibility_matter():
    denoiser, (x_t, t, visible) = small(), batch()
    plain = denoiser(x_t, t, visible)[0]
    assert not torch.allclose(plain, denoiser(x_t, t + 1, visible)[0])
    x_t[:, 3:] = 0
    assert not torch.allclose(
        denoiser(x_t, t, visible)[0],
        denoiser(x_t, t, visible * torch.tensor([1.0, 0])[:, None, None])[0],
    )


def test_levels_are_decoder_activations_of_their_resolution():
    denoiser = small(multipliers=(1, 2, 4))
    everything = decoder_features(denoiser, *batch(16, 24), levels=[0, 1, 2])
    assert {level: tuple(x.shape[1:]) for level, x in everything.items()} == {
        0: (8, 16, 24),
        1: (16, 8, 12),
        2: (32, 4, 6),
    }
    coarse = decoder_features(denoiser, *batch(16, 24), levels=[2])
    assert list(coarse) == [2]
    assert torch.equal(coarse[2], everything[2])


def test_features_depend_on_the_surroundings_only_within_reach():
    denoiser = small()
    x_t, t, visible = batch(64, 64, size=1)
    calibrate(denoiser, lambda: denoiser.decode(x_t, t, visible), visible[:, :1])
    whole = decoder_features(denoiser, x_t, t, visible, levels=[0, 1])
    part = decoder_features(denoiser, x_t[..., 16:, 16:], t, visible[..., 16:, 16:], levels=[0, 1])
    torch.testing.assert_close(part[0][..., 24:, 24:], whole[0][..., 40:, 40:])
    torch.testing.assert_close(part[1][..., 12:, 12:], whole[1][..., 20:, 20:])


def test_a_tile_that_does_not_fit_the_levels_is_refused():
    with pytest.raises(ValueError, match="must be a multiple of 2 px"):
        small(tile=9)


def test_weights_rebuild_the_denoiser():
    denoiser = small()
    config = {
        "settings": {"denoiser": denoiser.settings.model_dump(mode="json"), "tile": 8},
        "modalities": MODALITIES,
        "modality_order": list(MODALITIES),
    }
    rebuilt = load_denoiser(Weights(denoiser.state_dict(), config))
    assert torch.equal(rebuilt(*batch())[0], denoiser(*batch())[0])
    with pytest.raises(ArtifactError, match=r"a pretrained denoiser.*pipeline=pretrain"):
        load_denoiser(Weights({}, config))
    with pytest.raises(ArtifactError, match="a pretrained denoiser"):
        load_denoiser(Weights(denoiser.state_dict(), {}))
