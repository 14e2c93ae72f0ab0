"""Patches gathered from maps in memory, without storing any patch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bdgf.core.errors import SettingsError
from bdgf.core.mapped_file import release
from bdgf.raster.interpolation import interpolate_cells
from bdgf.raster.patch_kernel import Wanted, copy_patches

SYMMETRIES = 8  # of the square: four rotations, each with and without a transposition


@dataclass(frozen=True)
class SceneTensors:
    """Input of a classifier: a scene in the memory of one device.

    Attributes:
        channels: (C, H, W) float32, the normalised scene.
        modalities: Each modality's slice of the channels.
        features: Diffusion features, finest level first: level l is
            (C_l, ceil(H / 2**l), ceil(W / 2**l)) float16; empty without guidance.
        feature_mean: Per level (C_l,) float32, over cells that hold valid pixels.
        feature_std: Per level (C_l,) float32, likewise.
        present: (M, H, W) bool, where each modality has data, in the order of the channels; None
            where all have it on every valid pixel.
        digest: Of channels and features, for tensors that are too large to be hashed once more.
        averages: Which of the channels are averages of adjacent bands.
        files: The arrays in files (`bdgf.core.mapped_file`) that channels and features lie in.
    """

    channels: Tensor
    modalities: dict[str, slice]
    features: tuple[Tensor, ...] = ()
    feature_mean: tuple[Tensor, ...] = ()
    feature_std: tuple[Tensor, ...] = ()
    present: Tensor | None = None
    digest: str | None = None
    files: tuple[np.ndarray, ...] = ()
    averages: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the scene."""
        return self.channels.shape[1], self.channels.shape[2]

    @cached_property
    def complete(self) -> tuple[Tensor, ...] | None:
        """Per level (1, h_l, w_l) bool, which cells hold a pixel with data of all modalities.

        None where all modalities have data on every valid pixel. Features of other cells were
        computed without a modality and guide nothing.
        """
        if self.present is None:
            return None
        return level_valid(self.present.all(dim=0), len(self.features))

    def release(self) -> None:
        """Releases the memory of tensors stored in files."""
        for array in self.files:
            release(array)

    @property
    def level_channels(self) -> tuple[int, ...]:
        """C_l of every level."""
        return tuple(level.shape[0] for level in self.features)

    @property
    def modality_channels(self) -> dict[str, int]:
        """Each modality's number of channels, in the order of the channels.

        Raises:
            SettingsError: The modalities' slices do not cover the channels one after the other.
        """
        counts, stop = {}, 0
        for name, part in sorted(self.modalities.items(), key=lambda item: item[1].start):
            if part.start != stop or part.stop <= part.start:
                raise SettingsError(
                    f"modality {name!r} has the channels {part.start}:{part.stop} but {stop} was "
                    "expected as its first; stack the modalities one after the other"
                )
            counts[name], stop = part.stop - part.start, part.stop
        if stop != self.channels.shape[0]:
            raise SettingsError(
                f"the modalities cover {stop} channels of {self.channels.shape[0]}; "
                "give every channel to a modality"
            )
        return counts

    def to(self, device: torch.device | str) -> SceneTensors:
        """The arrays on `device`, laid out channels last, so that a gather copies whole pixels."""
        return SceneTensors(
            channels=channels_last(self.channels.to(device)),
            modalities=self.modalities,
            features=tuple(channels_last(level.to(device)) for level in self.features),
            feature_mean=tuple(mean.to(device) for mean in self.feature_mean),
            feature_std=tuple(std.to(device) for std in self.feature_std),
            present=None if self.present is None else channels_last(self.present.to(device)),
            digest=self.digest,
            files=self.files,
            averages=self.averages,
        )


class PatchBatch(NamedTuple):
    """Raw patches of a batch of pixels, as `gather_batch` makes them.

    Attributes:
        scene: (B, C, P, P) float32.
        scene_inside: (B, 1, P, P) bool: inside the scene and not nodata.
        features: Per level (B, C_l, P_l, P_l) float16.
        features_inside: Per level (B, 1, P_l, P_l) bool: the cell holds a valid pixel, and one with
            data of all modalities.
        centres: Per level (B, C_l) float32, the features interpolated at the centre pixel; empty
            where they were not asked for.
        scene_present: (B, M, P, P) bool, where each modality has data; None where all are alike.
    """

    scene: Tensor
    scene_inside: Tensor
    features: tuple[Tensor, ...]
    features_inside: tuple[Tensor, ...]
    centres: tuple[Tensor, ...] = ()
    scene_present: Tensor | None = None

    def centre_inside(self, level: int) -> Tensor:
        """(B, 1) bool, `features_inside` of the cell that the pixel lies in."""
        cells = self.features_inside[level]
        return cells[:, :, cells.shape[2] // 2, cells.shape[3] // 2]

    def part(self, samples: slice) -> PatchBatch:
        """Some of the samples; nothing is copied."""
        return PatchBatch(
            self.scene[samples],
            self.scene_inside[samples],
            tuple(level[samples] for level in self.features),
            tuple(level[samples] for level in self.features_inside),
            tuple(level[samples] for level in self.centres),
            None if self.scene_present is None else self.scene_present[samples],
        )


def level_patch(patch: int, level: int) -> int:
    """Width in cells of the patch at `level`, for one of `patch` pixels at level 0.

    The smallest odd number of cells as wide as the patch: 11, 7, 3 for 11 px (chosen here).
    """
    cells = -(-patch // 2**level)
    return cells if cells % 2 else cells + 1


def level_valid(valid: Tensor, levels: int) -> tuple[Tensor, ...]:
    """Which cells of each level hold a valid pixel.

    Args:
        valid: (H, W) bool.
        levels: Number of levels.

    Returns:
        Per level l (1, ceil(H / 2**l), ceil(W / 2**l)) bool.
    """
    full = valid[None, None].float()  # (1, 1, H, W)
    pooled = (functional.max_pool2d(full, 2**level, ceil_mode=True) for level in range(levels))
    return tuple(cells[0] > 0 for cells in pooled)


def gather_cells(
    maps: Tensor, rows: Tensor, cols: Tensor, size: int, symmetry: Tensor | None = None
) -> Tensor:
    """Patches of a channels-last map, zero outside it.

    Args:
        maps: (h, w, C) contiguous, any dtype.
        rows: (B,) int64, rows of the patches' centres in the map.
        cols: (B,) int64, their columns.
        size: Odd width of the patches.
        symmetry: (B,) int64 in 0..7, an element of the dihedral group D4 for each: the patch of
            number k + 4 t is the plain one, transposed when t is 1, then turned k times as by
            `torch.rot90`. The same number means the same symmetry at every level. None: plain.

    Returns:
        (B, size, size, C).
    """
    if maps.device.type == "cpu" and not maps.requires_grad:
        offsets = _symmetric_offsets(size, maps.device)
        return copy_patches([Wanted(maps, rows, cols, offsets)], symmetry)[0]
    return index_patches(maps, rows, cols, size, symmetry)


def index_patches(
    maps: Tensor, rows: Tensor, cols: Tensor, size: int, symmetry: Tensor | None = None
) -> Tensor:
    """`gather_cells` in torch's own operations, on any device and differentiable."""
    height, width, channels = maps.shape
    index, inside = patch_positions(rows, cols, size, (height, width), symmetry)
    patches = maps.view(-1, channels).index_select(0, index.reshape(-1))
    patches = patches.view(len(rows), size, size, channels)
    # Looking first whether anything is outside would make the host wait.
    return patches.masked_fill(~inside[..., None], 0)


def patch_positions(
    rows: Tensor,
    cols: Tensor,
    size: int,
    shape: tuple[int, int],
    symmetry: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Where the cells of patches lie in a flattened map.

    Args:
        rows: (B,) int64, rows of the patches' centres in the map.
        cols: (B,) int64, their columns.
        size: Odd width of the patches.
        shape: (h, w) of the map.
        symmetry: As in `gather_cells`.

    Returns:
        (B, size, size) int64 positions row * w + column, clamped into the map, and
        (B, size, size) bool, whether the cell is inside it.
    """
    offsets = _symmetric_offsets(size, rows.device)  # (8, 2, size, size)
    offsets = offsets[:1] if symmetry is None else offsets[symmetry]
    window_rows = rows[:, None, None] + offsets[:, 0]  # (B, size, size)
    window_cols = cols[:, None, None] + offsets[:, 1]
    height, width = shape
    inside = (window_rows >= 0) & (window_rows < height)
    inside &= (window_cols >= 0) & (window_cols < width)
    index = window_rows.clamp_(0, height - 1) * width + window_cols.clamp_(0, width - 1)
    return index, inside


def gather_batch(
    arrays: SceneTensors,
    valid: tuple[Tensor, ...],
    rows: Tensor,
    cols: Tensor,
    patch: int,
    symmetry: Tensor | None = None,
    levels: int | None = None,
    *,
    centres: bool = False,
) -> PatchBatch:
    """The patches on scene and features of a batch of pixels.

    Args:
        arrays: The scene and its features.
        valid: `level_valid` of the scene's valid pixels, for as many levels as are gathered, at
            least one.
        rows: (B,) int64.
        cols: (B,) int64.
        patch: Width of the patch in pixels, odd.
        symmetry: As in `gather_cells`, the same for scene and features.
        levels: How many levels to gather, finest first; None for all.
        centres: Whether to interpolate the features at the pixels too, which takes as long as the
            patches; networks ask for it in evaluation.
    """
    count = len(arrays.features) if levels is None else levels
    sizes = [(level, level_patch(patch, level)) for level in range(count)]
    maps = [
        (arrays.channels, 0, patch),
        (valid[0], 0, patch),
        *((arrays.features[level], level, size) for level, size in sizes),
        *((valid[level], level, size) for level, size in sizes),
    ]
    complete = arrays.complete
    if arrays.present is not None and complete is not None:
        maps += [(complete[level], level, size) for level, size in sizes]
        maps.append((arrays.present, 0, patch))
    scene, scene_inside, *levelled = _gather(maps, rows, cols, symmetry)
    inside = levelled[count : 2 * count]
    if complete is not None:
        inside = [a & b for a, b in zip(inside, levelled[2 * count : 3 * count], strict=True)]
    patches = PatchBatch(
        scene,
        scene_inside,
        tuple(levelled[:count]),
        tuple(inside),
        scene_present=levelled[-1] if arrays.present is not None else None,
    )
    if not centres:
        return patches
    interpolated = (
        interpolate_cells(
            *(features.permute(1, 2, 0), valid[level][0], rows, cols, level),
            complete=None if complete is None else complete[level][0],
        )
        for level, features in enumerate(arrays.features[:count])
    )
    return patches._replace(centres=tuple(interpolated))


def _gather(
    maps: list[tuple[Tensor, int, int]], rows: Tensor, cols: Tensor, symmetry: Tensor | None
) -> list[Tensor]:
    # Patches (B, C, size, size) of maps (C, h, w), each with its level and size.
    wanted = [
        Wanted(
            m.permute(1, 2, 0).contiguous(),  # a view where `SceneTensors.to` laid it out
            rows >> level,
            cols >> level,
            _symmetric_offsets(size, m.device),
        )
        for m, level, size in maps
    ]
    if rows.device.type == "cpu":
        patches = copy_patches(wanted, symmetry)
    else:
        patches = [
            index_patches(m, at_rows, at_cols, offsets.shape[-1], symmetry)
            for m, at_rows, at_cols, offsets in wanted
        ]
    return [w.permute(0, 3, 1, 2) for w in patches]


@cache
def _symmetric_offsets(size: int, device: torch.device) -> Tensor:
    # (8, 2, size, size): the row and column offsets of a patch under each symmetry.
    steps = torch.arange(size) - size // 2
    plain = torch.stack(torch.meshgrid(steps, steps, indexing="ij"))  # (2, size, size)
    turned = [plain, plain.transpose(1, 2)]
    return torch.stack([torch.rot90(grid, k, (1, 2)) for grid in turned for k in range(4)]).to(
        device
    )


def channels_last(maps: Tensor) -> Tensor:
    """(C, h, w) laid out so that a pixel's channels lie together; itself where it is so already."""
    return maps.permute(1, 2, 0).contiguous().permute(2, 0, 1)
