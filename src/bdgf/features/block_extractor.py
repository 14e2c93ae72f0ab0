"""The features of one tile of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bdgf.core.errors import UserError
from bdgf.diffusion.schedule import NoiseSchedule
from bdgf.diffusion.unet import Denoiser, decoder_features
from bdgf.features.noise_field import NoiseField
from bdgf.nn.group_norm import calibrate, freeze
from bdgf.raster.blocks import FeatureTile
from bdgf.raster.patches import level_valid
from bdgf.scenes.masks import modality_masks
from bdgf.scenes.scene import valid_mask

if TYPE_CHECKING:
    import xarray as xr
    from lightning_fabric import Fabric

FLOAT16_MAX = 65504.0


class TileExtractor:
    """Adds noise to a region of the scene, denoises it, and keeps the decoder's activations."""

    def __init__(
        self,
        denoiser: Denoiser,
        schedule: NoiseSchedule,
        prepared: xr.Dataset,
        timesteps: Sequence[int],
        levels: Sequence[int],
        noise: NoiseField,
        fabric: Fabric,
        visible: Sequence[str] | None = None,
    ) -> None:
        """Stores a reference to the scene without reading it.

        Args:
            denoiser: The pretrained denoiser, on the device.
            schedule: Its noise levels.
            prepared: The prepared scene.
            timesteps: Diffusion steps at which features are taken.
            levels: Decoder levels that are kept.
            noise: The scene's noise field.
            fabric: Device and precision.
            visible: Modalities that the denoiser sees; None shows it all of them.
        """
        self.denoiser, self.schedule, self.prepared = denoiser, schedule, prepared
        self.timesteps, self.levels, self.fabric = timesteps, levels, fabric
        self.noise = noise
        seen = [float(visible is None or name in visible) for name in denoiser.modalities]
        self.seen = torch.tensor(seen, device=fabric.device).view(1, -1, 1, 1)  # (1, M, 1, 1)

    @torch.inference_mode()
    def calibrate(self, regions: Sequence[tuple[slice, slice]]) -> np.ndarray:
        """Measures the statistics for the denoiser's frozen normalisation.

        Args:
            regions: (rows, columns) of regions of one size, which are taken together.

        Returns:
            (timesteps, 2, groups) float32.
        """
        parts = [self._read(rows, columns) for rows, columns in regions]
        x0, noise, valid, present = (torch.cat(maps) for maps in zip(*parts, strict=True))
        measured = [
            calibrate(self.denoiser, partial(self._maps, x0, noise, present, t), valid)
            for t in self.timesteps
        ]
        return torch.stack(measured).cpu().numpy()

    @torch.inference_mode()
    def features(
        self, tile: FeatureTile, normalisation: np.ndarray
    ) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
        """Features of one tile.

        Args:
            tile: The tile.
            normalisation: What `calibrate` gave.

        Returns:
            Level -> (C_l, h, w) float16, and level -> (h, w) bool: the cell holds a valid pixel.

        Raises:
            UserError: An activation is NaN or infinite.
        """
        x0, noise, valid, present = self._read(tile.region_rows, tile.region_columns)
        statistics = torch.from_numpy(normalisation).to(self.fabric.device)
        kept: dict[int, np.ndarray] = {}
        for number, (timestep, frozen) in enumerate(zip(self.timesteps, statistics, strict=True)):
            freeze(self.denoiser, frozen)
            maps = self._maps(x0, noise, present, timestep, tile.inside())
            for level, values in maps.items():
                width, *sides = values.shape[1:]
                if number == 0:
                    kept[level] = np.empty((len(self.timesteps) * width, *sides), np.float16)
                kept[level][number * width :][:width] = _to_float16(values[0])
            del maps, values  # the next timestep needs the room
        cells = level_valid(valid[0, 0][tile.inside()].cpu() > 0, max(self.levels) + 1)
        return (
            {level: kept[level] for level in self.levels},
            {level: cells[level][0].numpy() for level in self.levels},
        )

    def _maps(
        self,
        x0: Tensor,
        noise: Tensor,
        present: Tensor,
        timestep: int,
        core: tuple[slice, slice] | None = None,
    ) -> dict[int, Tensor]:
        t = torch.full((len(x0),), timestep, device=x0.device)
        visible = present * self.seen
        with self.fabric.autocast():
            x_t = self.schedule.q_sample(x0, noise, t)
            return decoder_features(self.denoiser, x_t, t, visible, self.levels, core)

    def _read(self, rows: slice, columns: slice) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # Channels and noise (1, C, h, w), validity (1, 1, h, w), where each modality has data
        # (1, M, h, w), or (1, 1, h, w) where all are alike, float32; beyond the scene's lower and
        # right edges zero and invalid.
        part = self.prepared.isel(y=rows, x=columns)
        valid, masks = valid_mask(part), modality_masks(part)
        present = valid[None] if masks is None else masks & valid
        channels = np.concatenate(
            [part[name].to_numpy() for name in self.denoiser.modalities], dtype=np.float32
        )
        channels[:, ~valid] = 0
        below = rows.stop - rows.start - valid.shape[0]
        right = columns.stop - columns.start - valid.shape[1]
        maps = (
            np.pad(channels, ((0, 0), (0, below), (0, right))),
            self.noise.region(rows, columns),
            np.pad(valid[None], ((0, 0), (0, below), (0, right))),
            np.pad(present, ((0, 0), (0, below), (0, right))),
        )
        x0, noise, *planes = (torch.from_numpy(m)[None].to(self.fabric.device) for m in maps)
        return x0, noise, planes[0].float(), planes[1].float()


def _to_float16(values: Tensor) -> np.ndarray:
    if not bool(values.isfinite().all()):
        raise UserError(
            "the diffusion features are not finite: the pretrained weights are damaged; "
            "delete them and run `kedro run --pipeline=pretrain` again"
        )
    return values.clamp(-FLOAT16_MAX, FLOAT16_MAX).half().contiguous().cpu().numpy()
