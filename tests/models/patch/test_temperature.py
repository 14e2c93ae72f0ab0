"""The temperature of probabilities."""

import numpy as np
import pytest

from bdgf.models.patch.temperature import fit_temperature, sharpened


def calibrated(count=4000, classes=4):
    """Probabilities, and classes that are drawn from them."""
    rng = np.random.default_rng(0)
    said = rng.dirichlet(np.full(classes, 0.4), count)
    targets = np.array([rng.choice(classes, p=each) for each in said])
    return said, targets


def test_calibrated_probabilities_have_a_temperature_of_one():
    said, targets = calibrated()
    assert fit_temperature(said, targets, np.ones(len(said)), 500) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_it_undoes_what_made_them_too_sure_or_not_sure_enough(temperature):
    said, targets = calibrated()
    moved = sharpened(said, 1 / temperature)
    found = fit_temperature(moved, targets, np.ones(len(said)), 500)
    assert found == pytest.approx(temperature, rel=0.08)


def test_with_few_blocks_it_stays_near_one():
    said, targets = calibrated()
    moved = sharpened(said, 0.5)
    few, many = (fit_temperature(moved, targets, np.ones(len(said)), n) for n in (1, 100))
    assert 1 < few < many


def test_without_pixels_it_is_one():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, int), np.zeros(0), 0) == 1


def test_a_sharpened_row_keeps_its_order_and_its_sum():
    said = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]])
    found = sharpened(said, 0.5)
    assert found.sum(1) == pytest.approx(1)
    assert found[0] == pytest.approx(np.array([25, 9, 4]) / 38)
    assert found[1] == pytest.approx([1, 0, 0], abs=1e-12)
