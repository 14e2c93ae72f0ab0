import pytest
import torch

from bdgf.nn.group_norm import GroupNorm, calibrate, freeze


def network():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1), GroupNorm(8), torch.nn.Conv2d(8, 16, 3), GroupNorm(16)
    )
    for norm in (layers[1], layers[3]):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    return layers


def test_frozen_to_one_input_it_gives_what_it_gave():
    layers, x = network(), torch.randn(1, 3, 12, 12)
    free = layers(x)
    statistics = calibrate(layers, lambda: layers(x), torch.ones(1, 1, 12, 12))
    assert statistics.shape == (2, layers[1].num_groups + layers[3].num_groups)
    torch.testing.assert_close(layers(x), free, rtol=1e-4, atol=1e-4)
    part = layers(x[..., 4:])
    torch.testing.assert_close(part[..., 1:], free[..., 5:], rtol=1e-4, atol=1e-4)
    freeze(layers, None)
    assert torch.equal(layers(x), free)
    freeze(layers, statistics)
    torch.testing.assert_close(layers(x), free, rtol=1e-4, atol=1e-4)


def test_statistics_pool_the_batch_and_leave_nodata_out():
    norm, x = GroupNorm(8), torch.randn(3, 8, 6, 6) * 4 + 2
    valid = torch.ones(3, 1, 6, 6)
    valid[0, :, :2], valid[2, :, :, 3:] = 0, 0
    x[(valid == 0).expand_as(x)] = 1e3
    mean, scale = calibrate(norm, lambda: norm(x), valid)
    for group, channels in enumerate(x.split(8 // norm.num_groups, dim=1)):
        seen = channels[(valid > 0).expand_as(channels)]
        assert mean[group].item() == pytest.approx(seen.mean().item(), rel=1e-4)
        assert scale[group].item() == pytest.approx(1 / seen.std(correction=0).item(), rel=1e-3)


def test_it_centres_and_scales():
    normed = GroupNorm(16)(torch.randn(2, 16, 5, 5) * 3 + 7)
    assert normed.shape == (2, 16, 5, 5)
    assert normed.mean().item() == pytest.approx(0, abs=1e-4)
    assert normed.std().item() == pytest.approx(1, abs=0.02)


def test_in_bfloat16_on_a_cpu_it_is_that_of_float32():
    norm, x = GroupNorm(8), torch.randn(2, 8, 6, 6).bfloat16()
    x.requires_grad_()
    found = norm(x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, norm(x.float()), rtol=0, atol=0)
    found.sum().backward()
    assert x.grad.dtype == torch.bfloat16
