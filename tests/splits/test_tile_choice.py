import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.splits.tile_choice import carve_tiles, choose_tiles, pixels_of_tiles


def test_pixels_are_counted_by_tile_and_class():
    labels = np.array([[1, 1, 3, 0], [3, 3, 1, 1]])
    tiles = np.array([[1, 1, 5, 5], [1, 1, 5, 0]])
    ids, pixels = pixels_of_tiles(labels, tiles)
    assert ids.tolist() == [1, 5]
    assert pixels.tolist() == [[2, 2], [1, 1]]


@settings(max_examples=60, deadline=None)
@given(
    tiles=st.integers(2, 14),
    classes=st.integers(1, 4),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 1000),
)
def test_the_first_part_has_every_class_and_either_part_a_tile(tiles, classes, share, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 30, (tiles, classes)) * (rng.random((tiles, classes)) < 0.6)
    pixels[0] += pixels.sum(axis=0) == 0
    chosen = choose_tiles(pixels, share, np.random.default_rng(seed))
    again = choose_tiles(pixels, share, np.random.default_rng(seed))
    if chosen is None:
        assert again is None
        return
    np.testing.assert_array_equal(chosen, again)
    assert pixels[chosen].sum(axis=0).all()
    assert not chosen.all()
    assert chosen.sum() >= min(max(1, round(share * tiles)), tiles - 1)


def test_classes_are_as_even_as_tiles_allow():
    # Ten tiles of which four hold the second class: half of the tiles can have half of both.
    pixels = np.full((10, 2), 100)
    pixels[4:, 1] = 0
    for seed in range(20):
        chosen = choose_tiles(pixels, 0.5, np.random.default_rng(seed))
        assert chosen.sum() == 5
        assert pixels[chosen, 1].sum() == 200


def test_seeds_differ():
    pixels = np.full((8, 2), 50)
    drawn = {choose_tiles(pixels, 0.5, np.random.default_rng(s)).tobytes() for s in range(20)}
    assert len(drawn) > 10


def test_the_draw_in_which_no_class_lacks_is_taken():
    pixels = np.concatenate([7 * np.eye(4, dtype=int), [[5, 5, 5, 5]]])
    chosen = choose_tiles(pixels, 0.2, np.random.default_rng(0))
    assert chosen[4]
    assert not chosen[:4].any()  # that one tile trains all, and all are tested
    assert choose_tiles(np.eye(3, dtype=int), 0.3, np.random.default_rng(0)) is None


@pytest.mark.parametrize(("fraction", "expected"), [(0, 0), (0.2, 1), (0.5, 2)])
def test_whole_training_tiles_validate(fraction, expected):
    tiles = np.repeat(np.arange(1, 5), 6).reshape(4, 6)
    labels = np.tile([1, 2, 0], 8).reshape(4, 6)
    held = carve_tiles(labels, tiles, fraction, np.random.default_rng(0))
    assert not held[labels == 0].any()
    assert len(np.unique(tiles[held])) == expected
    for number in np.unique(tiles[held]):
        assert (held | (labels == 0))[tiles == number].all()


def test_the_only_training_tile_trains():
    labels = np.array([[1, 2, 1, 2]])
    assert not carve_tiles(labels, np.ones_like(labels), 0.5, np.random.default_rng(0)).any()
