"""What the classical branch sees of a pixel."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from bdgf.models.bdgf.classical.logistic import LinearSettings
from bdgf.models.bdgf.classical.patch_statistics import AVERAGES, FEATURES, PatchStatistics, without

PATCH, CHANNELS = 7, 3


def make_patches(batch: int = 4, holes: bool = True) -> torch.Tensor:
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(batch, PATCH, PATCH, CHANNELS)) + 5
    inside = np.ones((batch, PATCH, PATCH, 1))
    if holes:
        inside[:, :2] = 0
        inside[1, :, 5:] = 0
    return torch.from_numpy(np.concatenate([patches * inside, inside], -1)).float()


def brute_force(patch: np.ndarray, kind: str, sigma: float) -> np.ndarray:
    """(C,) statistic of one patch (P, P, C + 1), cell by cell."""
    values, weights = [], []
    for row in range(PATCH):
        for column in range(PATCH):
            if patch[row, column, -1]:
                distance = (row - PATCH // 2) ** 2 + (column - PATCH // 2) ** 2
                values.append(patch[row, column, :-1])
                weights.append(np.exp(-distance / (2 * sigma**2)))
    mean = np.average(values, axis=0, weights=weights)
    if kind == "mean":
        return mean
    return np.sqrt(np.average((np.array(values) - mean) ** 2, axis=0, weights=weights))


def test_statistics_are_those_of_a_loop_over_valid_cells():
    names = ("deviation:2", "mean:0.5", "mean:2")
    patches = make_patches()
    described = PatchStatistics(names, CHANNELS, PATCH)(patches).numpy()
    assert described.shape == (4, 4 * CHANNELS)
    for patch, found in zip(patches.double().numpy(), described, strict=True):
        wanted = [patch[PATCH // 2, PATCH // 2, :-1]]
        wanted += [brute_force(patch, *_parts(name)) for name in names]
        assert found == pytest.approx(np.concatenate(wanted), rel=1e-3, abs=1e-3)


def _parts(name: str) -> tuple[str, float]:
    kind, sigma = name.split(":")
    return kind, float(sigma)


def test_a_patch_without_any_data_gives_numbers():
    empty = torch.zeros(1, PATCH, PATCH, CHANNELS + 1)
    assert (PatchStatistics(("mean:1", "deviation:2"), CHANNELS, PATCH)(empty) == 0).all()


def test_turning_a_patch_changes_nothing():
    patches = make_patches()
    describe = PatchStatistics(("mean:1", "deviation:2"), CHANNELS, PATCH)
    turned = torch.rot90(patches, 1, (1, 2)).flip(1)
    assert torch.allclose(describe(patches), describe(turned), atol=1e-4)


def test_without_statistics_it_sees_the_pixel():
    patches = make_patches()
    assert torch.equal(
        PatchStatistics((), CHANNELS, PATCH)(patches), patches[:, PATCH // 2, PATCH // 2, :-1]
    )


def test_components_stand_last_and_columns_find_every_part():
    describe = PatchStatistics(("mean:1", "features", "mean:2", "mean:1"), CHANNELS, PATCH, 2)
    assert describe.statistics == ("mean:1", "mean:2", "features")
    components = torch.tensor([[7.0, 8.0]]).expand(4, 2)
    described = describe(make_patches(), components)
    assert described.shape == (4, describe.width) == (4, 3 * CHANNELS + 2)
    alone = PatchStatistics(("mean:2",), CHANNELS, PATCH)(make_patches())
    found = described[:, describe.columns(("mean:2",))]
    assert torch.allclose(found, alone, rtol=1e-6)  # products of other sizes round differently
    assert described[:, describe.columns(("features",))[CHANNELS:]].tolist() == [[7, 8]] * 4


def test_averages_are_among_channels_and_statistics_of_the_sets_that_name_them():
    averages = (1,)
    sets = (("mean:1",), ("mean:1", "averages"), ("averages",))
    names = [name for names in sets for name in names]
    describe = PatchStatistics(names, CHANNELS, PATCH, 0, averages)
    assert describe.statistics == ("mean:1",)
    described, alone = describe(make_patches()), PatchStatistics(("mean:1",), CHANNELS, PATCH)
    assert torch.equal(described, alone(make_patches()))
    assert describe.columns(sets[1]) == list(range(2 * CHANNELS))
    assert describe.columns(sets[2]) == list(range(CHANNELS))
    left = [c for c in range(2 * CHANNELS) if c % CHANNELS not in averages]
    assert describe.columns(sets[0]) == left
    assert without(sets, [AVERAGES]) == (("mean:1",), ())


def test_without_features_every_set_is_there_once():
    sets = ((), ("mean:1",), ("mean:1", "features"), ("features",))
    assert without(sets, [FEATURES]) == ((), ("mean:1",))


@pytest.mark.parametrize(
    "name", ["mean", "median:1", "mean:0", "mean:-1", "deviation:x", "features:3"]
)
def test_names_that_are_none_are_refused(name):
    with pytest.raises(ValidationError, match="is not a statistic; write 'mean:<sigma>'"):
        LinearSettings(candidates=((name,),))
