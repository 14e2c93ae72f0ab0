"""The expected calibration error against a loop over bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdgf.evaluation.calibration import expected_calibration_error, reliability


def brute_force(probabilities, truth, bins):
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) + 1 == truth
    error = 0.0
    for i in range(bins):
        inside = (confidence * bins > i) & (confidence * bins <= i + 1)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            error += inside.mean() * gap
    return error


@given(seed=st.integers(0, 10_000), bins=st.integers(1, 30))
def test_equal_to_brute_force(seed, bins):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(4, 0.5), 150)
    truth = rng.integers(1, 5, 150)
    assert expected_calibration_error(probabilities, truth, bins) == pytest.approx(
        brute_force(probabilities, truth, bins)
    )


def test_sure_and_right_is_0_sure_and_wrong_is_1():
    sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert expected_calibration_error(sure, np.array([1, 1])) == 0.0
    assert expected_calibration_error(sure, np.array([2, 2])) == 1.0


def test_the_bins_of_the_diagram_give_the_error_again():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet((1, 1, 1), 500)
    truth = rng.integers(1, 4, 500)
    bins = reliability(probabilities, truth, 10)
    pixels = np.array(bins["pixels"])
    gaps = [
        n * abs(a - c)
        for n, a, c in zip(pixels, bins["accuracy"], bins["confidence"], strict=True)
        if n
    ]
    assert pixels.sum() == 500
    error = expected_calibration_error(probabilities, truth, 10)
    assert sum(gaps) / 500 == pytest.approx(error)
    assert bins["accuracy"][0] is None  # three classes: no confidence below a third
