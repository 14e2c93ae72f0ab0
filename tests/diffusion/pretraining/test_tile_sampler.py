import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.errors import SceneError
from bdgf.core.mapped_file import mapped_array
from bdgf.diffusion.pretraining import tile_sampler
from bdgf.diffusion.pretraining.tile_sampler import TileSource, held_out_corners


def position_scene(rows, columns):
    """Two channels that tell each pixel's row and column."""
    return np.indices((rows, columns), dtype=np.float32)


def source(valid, tile=8, held_out_share=0.1, least_valid=0.5):
    return TileSource(
        position_scene(*valid.shape),
        valid,
        tile,
        held_out_share=held_out_share,
        least_valid=least_valid,
    )


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("cut", [0, 3, 8])
def test_the_parts_of_a_draw_are_the_whole(cut):
    tiles, drawn = source(np.ones((20, 30), bool)), []
    for part in (slice(None), slice(0, cut), slice(cut, 8)):
        own = generator()
        drawn.append(tiles.draw(8, own, part).x0)
        drawn.append(own.get_state())  # moves alike
    whole, one, other = drawn[::2]
    assert torch.equal(torch.cat([one, other]), whole)
    assert torch.equal(drawn[1], drawn[3])
    assert torch.equal(drawn[1], drawn[5])


def test_tiles_are_turned_and_flipped_squares_of_the_scene():
    channels = position_scene(20, 30)
    batch = source(np.ones((20, 30), bool), held_out_share=0).draw(64, generator())
    seen = set()
    for x0, valid in zip(batch.x0.numpy(), batch.valid, strict=True):
        assert valid.all()
        top, left = int(x0[0].min()), int(x0[1].min())
        square = channels[:, top : top + 8, left : left + 8]
        symmetries = [np.rot90(square, k, (1, 2)) for k in range(4)]
        symmetries += [s[:, :, ::-1] for s in symmetries]
        matches = [i for i, s in enumerate(symmetries) if np.array_equal(s, x0)]
        assert len(matches) == 1
        seen.add(matches[0])
    assert seen == set(range(8))


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_held_out_and_nodata_pixels_never_reach_training(seed):
    valid = np.ones((40, 48), bool)
    valid[:10, 20:] = False
    tiles = source(valid)
    forbidden = tiles.held_out | ~valid
    batch = tiles.draw(50, generator(seed))
    rows, columns = batch.x0[:, 0][batch.valid[:, 0] > 0], batch.x0[:, 1][batch.valid[:, 0] > 0]
    assert not forbidden[rows.int().numpy(), columns.int().numpy()].any()
    assert not batch.x0[(batch.valid == 0).expand_as(batch.x0)].any()
    assert (batch.valid.mean(dim=(1, 2, 3)) >= 0.5).all()


def test_validation_tiles_are_the_held_out_ones():
    tiles = source(np.ones((40, 48), bool))
    batch = tiles.validation()
    assert len(batch.x0) == 3
    rows, columns = batch.x0.int().numpy().transpose(1, 0, 2, 3).reshape(2, -1)
    expected = np.zeros((40, 48), bool)
    expected[rows, columns] = True
    assert np.array_equal(expected, tiles.held_out)


def test_drawing_repeats_with_the_seed():
    tiles = source(np.ones((40, 48), bool))
    assert torch.equal(tiles.draw(9, generator(3)).x0, tiles.draw(9, generator(3)).x0)
    assert not torch.equal(tiles.draw(9, generator(3)).x0, tiles.draw(9, generator(4)).x0)


def test_a_scene_smaller_than_a_tile_is_padded_with_nodata(caplog):
    caplog.set_level(logging.INFO)
    tiles = source(np.ones((5, 6), bool))
    assert "smaller than a tile of 8 px: padded with nodata" in caplog.text
    assert "none is held out" in caplog.text
    batch = tiles.draw(4, generator())
    assert batch.x0.shape == (4, 2, 8, 8)
    assert batch.valid.sum(dim=(1, 2, 3)).tolist() == [30.0] * 4
    assert tiles.validation().valid.sum() == 30


def test_tiles_take_what_there_is_where_no_tile_has_enough():
    valid = np.zeros((30, 30), bool)
    valid[4:6, 4:6] = True
    batch = source(valid).draw(6, generator())
    assert (batch.valid.sum(dim=(1, 2, 3)) == 4).all()


def test_a_scene_without_valid_pixels_is_refused():
    with pytest.raises(SceneError, match="no valid pixel; check its nodata"):
        source(np.zeros((20, 20), bool))


@given(rows=st.integers(16, 90), columns=st.integers(16, 90), share=st.floats(0.01, 0.5))
@settings(max_examples=30, deadline=None)
def test_held_out_tiles_lie_inside_and_leave_enough(rows, columns, share):
    corners = held_out_corners(np.ones((rows, columns), bool), 8, share)
    assert corners == held_out_corners(np.ones((rows, columns), bool), 8, share)
    grid = (rows // 8) * (columns // 8)
    assert 1 <= len(set(corners)) == len(corners) <= grid // 2
    assert all(r % 8 == c % 8 == 0 and r + 8 <= rows and c + 8 <= columns for r, c in corners)


def test_each_modality_s_mask_is_cut_and_turned_with_its_pixels():
    valid = np.ones((24, 32), bool)
    valid[:3] = False
    present = np.stack([valid, valid.copy()])
    present[1, :, 10:] = False
    tiles = TileSource(
        position_scene(*valid.shape), valid, 8, held_out_share=0.2, least_valid=0.5, present=present
    )
    plain = source(valid, held_out_share=0.2)
    for batch, other in (
        (tiles.draw(60, generator()), plain.draw(60, generator())),
        (tiles.validation(), plain.validation()),
    ):
        assert torch.equal(batch.x0, other.x0)
        assert torch.equal(batch.valid, other.valid)
        assert other.present is None
        assert other.seen is other.valid
        assert batch.seen is batch.present
        assert torch.equal(batch.present[:, :1], batch.valid)
        rows, columns = batch.x0.long().unbind(1)
        there = torch.from_numpy(present[1])[rows, columns]
        assert torch.equal(batch.present[:, 1] > 0, there & (batch.valid[:, 0] > 0))


@pytest.mark.parametrize("missing", [False, True])
def test_a_scene_in_a_file_gives_the_tiles_of_one_in_memory(tmp_path, monkeypatch, missing):
    rng = np.random.default_rng(0)
    channels, valid = rng.random((3, 40, 48), np.float32), rng.random((40, 48)) < 0.9
    present = rng.random((2, 40, 48)) < 0.8 if missing else None
    stored = mapped_array(channels.shape, np.float32, tmp_path)
    stored[:] = channels
    found = []
    for values, rows in ((channels, 100), (stored, 7)):
        monkeypatch.setattr(tile_sampler, "rows_within", lambda _, rows=rows: rows)
        tiles = TileSource(values, valid, 8, held_out_share=0.1, least_valid=0.5, present=present)
        found.append((tiles.draw(64, generator()), tiles.validation()))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one.x0, other.x0)
        assert torch.equal(one.valid, other.valid)
        assert (one.present is None) == (not missing)
        assert one.present is None or torch.equal(one.present, other.present)
