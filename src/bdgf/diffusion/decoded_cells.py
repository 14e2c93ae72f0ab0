"""Which cells of each level a decoder needs for the activations of a part of its input."""

from __future__ import annotations

from typing import Self

Span = tuple[int, int]
"""First cell along a side, and the one after the last."""


class DecodedCells:
    """The cells that are decoded at each level.

    The coarsest level is computed whole: its attention and the encoder see all of the input. A
    finer level is needed only where it reaches the activations that are asked for.

    Attributes:
        decoded: By level, the (rows, columns) that are computed.
        asked: By level, the (rows, columns) of the activations that are asked for.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        core: tuple[slice, slice],
        *,
        levels: int,
        finest: int,
        reach: int,
    ) -> None:
        """Plans the cells.

        Args:
            shape: (H, W) of the input in pixels, multiples of a cell of the coarsest level.
            core: Rows and columns of the input whose activations are asked for.
            levels: Number of levels.
            finest: The finest level that is decoded.
            reach: How many cells of its own level a level's decoder looks at in each direction.
        """
        self.asked = {
            level: (_cells(core[0], level), _cells(core[1], level))
            for level in range(finest, levels)
        }
        self.decoded: dict[int, tuple[Span, Span]] = {}
        needed = self.asked[finest]
        for level in range(finest, levels - 1):
            rows, columns = (
                _grown(span, reach, side >> level) for span, side in zip(needed, shape, strict=True)
            )
            self.decoded[level] = rows, columns
            needed = (rows[0] // 2, rows[1] // 2), (columns[0] // 2, columns[1] // 2)
        self.decoded[levels - 1] = (0, shape[0] >> levels - 1), (0, shape[1] >> levels - 1)

    @classmethod
    def whole(cls, shape: tuple[int, int], levels: int, finest: int) -> Self:
        """All cells of all levels."""
        core = slice(0, shape[0]), slice(0, shape[1])
        return cls(shape, core, levels=levels, finest=finest, reach=0)

    def under(self, level: int) -> tuple[slice, slice]:
        """The cells of the next coarser level that lie over those of `level`, within its own."""
        spans = zip(self.decoded[level], self.decoded[level + 1], strict=True)
        rows, columns = (slice(own[0] // 2 - over[0], own[1] // 2 - over[0]) for own, over in spans)
        return rows, columns

    def within(self, level: int) -> tuple[slice, slice]:
        """The cells that are asked for, within those of the level that are decoded."""
        spans = zip(self.asked[level], self.decoded[level], strict=True)
        rows, columns = (slice(own[0] - over[0], own[1] - over[0]) for own, over in spans)
        return rows, columns

    def of(self, level: int) -> tuple[slice, slice]:
        """The decoded cells of a level, within the whole level."""
        rows, columns = (slice(*span) for span in self.decoded[level])
        return rows, columns


def _cells(part: slice, level: int) -> Span:
    return part.start >> level, -(-part.stop // 2**level)


def _grown(span: Span, reach: int, side: int) -> Span:
    # To whole cells of the next coarser level.
    start, stop = max(span[0] - reach, 0), min(span[1] + reach, side)
    return start // 2 * 2, min(-(-stop // 2) * 2, side)
