"""Closeness by the largest value."""


def assert_close(result, expected, tolerance=1e-5):
    scale = expected.abs().max().clamp(min=1e-12)
    assert ((result - expected).abs().max() / scale).item() < tolerance
