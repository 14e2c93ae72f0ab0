"""What turns the channels of one position into a width."""

import pytest
import torch

from bdgf.models.bdgf.stems import FeatureProjection, ModalityStem


@pytest.fixture
def stem():
    torch.manual_seed(0)
    return ModalityStem({"optical": 3, "sar": 2}, 4, 6)


def test_a_position_depends_on_its_own_channels_alone(stem):
    x = torch.randn(2, 5, 5, 5)
    whole = stem(x)
    assert whole.shape == (2, 5, 5, 6)
    torch.testing.assert_close(stem(x[:, 1:3, 2:]), whole[:, 1:3, 2:])


def test_a_hidden_modality_is_not_seen_where_it_is_hidden(stem):
    x, keep = torch.randn(2, 3, 5), torch.tensor([[1.0, 0.0], [1.0, 1.0]])[:, None]
    changed = x.clone()
    changed[..., 3:] += 5
    before, after = stem(x, keep), stem(changed, keep)
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])
    torch.testing.assert_close(before[1], stem(x)[1])


def test_how_bright_a_position_is_is_not_lost(stem):
    x = torch.rand(4, 5) + 1
    assert not torch.allclose(stem(3 * x), stem(x), atol=1e-2)


def test_features_are_standardised_and_kept_within_the_limit():
    torch.manual_seed(0)
    projection, features = FeatureProjection(4, 8, limit=5.0), torch.randn(6, 4)
    plain = projection(features)
    mean, std = torch.tensor([1.0, -2.0, 0.0, 3.0]), torch.tensor([2.0, 0.5, 4.0, 1.0])
    projection.set_moments(mean, std)
    torch.testing.assert_close(projection(features * std + mean), plain, atol=1e-4, rtol=1e-4)
    far, further = (mean + deviations * std for deviations in (5.0, 50.0))
    torch.testing.assert_close(projection(far), projection(further))


def test_a_constant_channel_is_only_centred():
    projection = FeatureProjection(2, 8, limit=5.0)
    projection.set_moments(torch.tensor([3.0, 0.0]), torch.zeros(2))
    assert projection.inverse_std.tolist() == [1, 1]
    assert projection(torch.tensor([3.0, 0.0]).half()).isfinite().all()
