"""Training and validation tiles, gathered from a scene on the device."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bdgf.core.errors import SceneError
from bdgf.core.mapped_file import is_mapped, mapped_array, release
from bdgf.raster.windows import row_bands, rows_within

log = logging.getLogger(__name__)

_TABLE_BYTES = 16
"""Of a pixel, in the tables that corners of tiles are found with."""
_LEAST_TILES = 4
"""Fewer are too few to hold one out."""
HELD_OUT_SEED = 20230
"""The held-out region is the same for every training, so that trainings can be compared."""


@dataclass(frozen=True)
class TileBatch:
    """Tiles of a scene.

    Attributes:
        x0: Clean channels, (B, C, T, T) float32 in channels-last memory, 0 where not valid.
        valid: (B, 1, T, T) float32, 1 where there are data that this batch may use.
        present: (B, M, T, T) float32, likewise of each modality; None where all have data wherever
            valid.
    """

    x0: Tensor
    valid: Tensor
    present: Tensor | None = None

    @property
    def seen(self) -> Tensor:
        """(B, M, T, T) float32, where each modality has data; (B, 1, T, T) if all are equal."""
        return self.valid if self.present is None else self.present


class TileSource:
    """Random training tiles and fixed validation tiles of one scene.

    A share of the scene's tiles is held out: to training its pixels are nodata. A scene smaller
    than a tile is padded with nodata.

    Attributes:
        tile: Side T of a tile in pixels.
        held_out: (H, W) bool, the pixels that training never sees.
    """

    def __init__(
        self,
        channels: np.ndarray,
        valid: np.ndarray,
        tile: int,
        *,
        held_out_share: float,
        least_valid: float,
        device: torch.device | str = "cpu",
        present: np.ndarray | None = None,
    ) -> None:
        """Copies the scene to the device.

        Args:
            channels: (C, H, W) float32.
            valid: (H, W) bool.
            tile: Side of a tile in pixels.
            held_out_share: Share of the scene's tiles kept for validation.
            least_valid: Least share of usable pixels of a training tile, where the scene has
                such tiles.
            device: Where tiles are gathered.
            present: (M, H, W) bool, where each modality has data; None where all have it wherever
                valid.

        Raises:
            SceneError: No pixel is valid.
        """
        if not valid.any():
            raise SceneError("the prepared scene has no valid pixel; check its nodata values")
        self._channels = len(channels)
        size = valid.shape
        valid = _at_least_a_tile(valid, tile)
        self.tile = tile
        self._validation_corners = held_out_corners(valid, tile, held_out_share)
        self.held_out = np.zeros_like(valid)
        for row, column in self._validation_corners:
            self.held_out[row : row + tile, column : column + tile] = True
        trainable = valid & ~self.held_out
        self._width = valid.shape[1]
        layers = self._channels + (0 if present is None else len(present)) + 2
        # A pixel's channels lie together: a gather copies runs. Where the scene lies in a file, so
        # do they.
        make = mapped_array if is_mapped(channels) else np.zeros
        pixels = make((*valid.shape, layers), np.float32)
        for rows in row_bands(size[0], rows_within(layers * self._width)):
            there = pixels[rows, : size[1]]
            seen = valid[rows, : size[1]]
            there[..., : self._channels] = np.where(seen, channels[:, rows], 0).transpose(1, 2, 0)
            if present is not None:
                there[..., self._channels : -2] = (seen & present[:, rows]).transpose(1, 2, 0)
            there[..., -2], there[..., -1] = seen, trainable[rows, : size[1]]
            release(pixels)
            release(channels)
        self._mapped = pixels if is_mapped(pixels) else None
        self._pixels = torch.from_numpy(pixels).reshape(-1, layers).to(device)
        # (H * W, C + 2, perhaps + M)
        self._corners = torch.from_numpy(_training_corners(trainable, tile, least_valid)).to(device)
        self._symmetries = _symmetries(tile, self._width).to(device)

    def draw(self, batch: int, generator: torch.Generator, part: slice = slice(None)) -> TileBatch:
        """Random tiles, each turned and flipped at random; one gather.

        Args:
            batch: Number of tiles B.
            generator: Random generator on the device.
            part: Those of them that are gathered; all are drawn.
        """
        device = self._pixels.device
        which = torch.randint(len(self._corners), (batch,), generator=generator, device=device)
        symmetry = torch.randint(8, (batch,), generator=generator, device=device)
        corners = self._corners[which[part]].long()
        places = corners[:, None, None] + self._symmetries[symmetry[part]]
        pixels = self._pixels[places].permute(0, 3, 1, 2)  # (B, C + 2, T, T)
        if self._mapped is not None:
            release(self._mapped)
        valid = pixels[:, -1:]
        return TileBatch(pixels[:, : self._channels] * valid, valid, self._present(pixels, valid))

    def validation(self) -> TileBatch:
        """The held-out tiles; if a scene is too small, its upper left tile."""
        corners = self._validation_corners or [(0, 0)]
        starts = torch.tensor([row * self._width + column for row, column in corners])
        places = starts.to(self._pixels.device)[:, None, None] + self._symmetries[0]
        pixels = self._pixels[places].permute(0, 3, 1, 2)
        valid = pixels[:, -2:-1]
        return TileBatch(pixels[:, : self._channels], valid, self._present(pixels, valid))

    def _present(self, pixels: Tensor, valid: Tensor) -> Tensor | None:
        planes = pixels[:, self._channels : -2]
        return planes * valid if planes.shape[1] else None


def held_out_corners(valid: np.ndarray, tile: int, share: float) -> list[tuple[int, int]]:
    """Upper left corners of the held-out tiles: some of the scene's grid of tiles.

    Args:
        valid: (H, W) bool.
        tile: Side of a tile in pixels.
        share: Share of the grid's tiles to take; at least one tile, unless the grid has fewer
            than `_LEAST_TILES`, or `share` is 0.

    Returns:
        (row, column) of each, among the tiles that are valid for the most part.
    """
    rows, columns = valid.shape[0] // tile, valid.shape[1] // tile
    cells = valid[: rows * tile, : columns * tile].reshape(rows, tile, columns, tile)
    usable = np.argwhere(cells.mean(axis=(1, 3)) >= 0.5)
    if share == 0:
        return []
    if len(usable) < _LEAST_TILES:
        log.warning(
            "the scene has fewer than %d tiles of %d px: none is held out, and the denoiser is "
            "validated on pixels that it trains on",
            *(_LEAST_TILES, tile),
        )
        return []
    count = min(max(1, round(share * len(usable))), len(usable) // 2)
    order = np.random.default_rng(HELD_OUT_SEED).permutation(len(usable))
    return [(int(r) * tile, int(c) * tile) for r, c in usable[np.sort(order[:count])]]


def _at_least_a_tile(valid: np.ndarray, tile: int) -> np.ndarray:
    rows, columns = (max(0, tile - side) for side in valid.shape)
    if rows or columns:
        log.info(
            "the scene (%d x %d px) is smaller than a tile of %d px: padded with nodata",
            *valid.shape,
            tile,
        )
    return np.pad(valid, ((0, rows), (0, columns)))


def _training_corners(trainable: np.ndarray, tile: int, least_valid: float) -> np.ndarray:
    # Flat positions of the upper left corners of admissible tiles, from summed-area tables of some
    # rows at a time.
    height, width = trainable.shape
    corners = height - tile + 1, width - tile + 1
    inside = np.empty(corners, np.int32)
    for rows in row_bands(corners[0], rows_within(_TABLE_BYTES * width)):
        part = trainable[rows.start : rows.stop + tile - 1]
        table = np.pad(part, ((1, 0), (1, 0))).cumsum(0, np.int64).cumsum(1)
        inside[rows] = (
            table[tile:, tile:]
            - table[:-tile, tile:]
            - table[tile:, :-tile]
            + table[:-tile, :-tile]
        )
    enough = max(min(least_valid * tile**2, inside.max()), 1)
    kind = np.int32 if trainable.size < 2**31 else np.int64
    found = []
    for rows in row_bands(corners[0], rows_within(_TABLE_BYTES * width)):
        row, column = np.nonzero(inside[rows] >= enough)
        found.append(((row + rows.start) * width + column).astype(kind))
    return np.concatenate(found)


def _symmetries(tile: int, width: int) -> Tensor:
    # Offsets of a tile's pixels in the scene under the square's 8 symmetries: (8, T, T).
    plain = torch.arange(tile)[:, None] * width + torch.arange(tile)
    turned = [torch.rot90(plain, k) for k in range(4)]
    return torch.stack(turned + [t.flip(1) for t in turned])
