"""The denoiser: one U-Net on all modalities together (Ho et al., 2020; sizes chosen here)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own name for it
from pydantic import Field, model_validator
from torch import Tensor, nn

from bdgf.core.settings import Settings
from bdgf.core.weights import Weights, rebuild
from bdgf.diffusion.blocks import CONVOLUTIONS, ResidualBlock, TimeEmbedding, WindowAttention
from bdgf.diffusion.decoded_cells import DecodedCells
from bdgf.nn.group_norm import GroupNorm


class DenoiserSettings(Settings):
    """Size and parts of the U-Net. Chosen by this project, not the paper."""

    width: int = Field(32, ge=4, multiple_of=4, description="Channels at the finest level.")
    multipliers: tuple[int, ...] = Field(
        (1, 2, 4),
        min_length=1,
        description="Channels of each level as multiples of `width`, finest first.",
    )
    blocks: int = Field(
        2, ge=1, description="Residual blocks per level, in encoder and decoder each."
    )
    attention: bool = Field(True, description="Self-attention at the coarsest level.")
    head_channels: int = Field(32, ge=4, description="Channels per attention head.")
    time_multiplier: int = Field(
        4, ge=1, description="Channels of the time embedding as a multiple of `width`."
    )

    @model_validator(mode="after")
    def _multipliers_are_positive(self) -> Self:
        if min(self.multipliers) < 1:
            raise ValueError("multipliers must be at least 1")
        return self

    @property
    def levels(self) -> int:
        """Number of resolutions."""
        return len(self.multipliers)

    @property
    def stride(self) -> int:
        """Pixels along the side of a cell of the coarsest level."""
        return 2 ** (self.levels - 1)


class DenoiserOutput(NamedTuple):
    """The denoiser's output.

    Attributes:
        prediction: Of the schedule's target, (B, C, H, W).
        reconstruction: Of the clean channels, meant for the hidden ones, (B, C, H, W).
    """

    prediction: Tensor
    reconstruction: Tensor


class Denoiser(nn.Module):
    """U-Net on the noisy modalities and one visibility plane a modality.

    Attributes:
        settings: Its size.
        modalities: Channels of each modality, by name, in the order of the stack.
        tile: Side of a training tile, which is a window of the attention, in pixels.
        widths: Channels of each level, finest first.
    """

    def __init__(
        self, settings: DenoiserSettings, modalities: Mapping[str, int], tile: int
    ) -> None:
        """Makes a denoiser with fresh weights from PyTorch's global generator.

        Args:
            settings: Size and parts.
            modalities: Channels of each modality.
            tile: Side of a training tile in pixels, a multiple of `settings.stride`.

        Raises:
            ValueError: `tile` is no such multiple.
        """
        super().__init__()
        if tile % settings.stride:
            raise ValueError(f"the tile ({tile} px) must be a multiple of {settings.stride} px")
        self.settings, self.modalities, self.tile = settings, dict(modalities), tile
        channels = sum(modalities.values())
        self.widths = widths = [settings.width * m for m in settings.multipliers]
        time = settings.width * settings.time_multiplier
        self.time = TimeEmbedding(settings.width, time)
        self.stem = nn.Conv2d(channels + len(modalities), widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(_level(w, w, time, settings) for w in widths)
        self.down = nn.ModuleList(
            nn.Conv2d(fine, coarse, 3, stride=2, padding=1) for fine, coarse in pairwise(widths)
        )
        self.attention = (
            WindowAttention(widths[-1], tile // settings.stride, settings.head_channels)
            if settings.attention
            else nn.Identity()
        )
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        joined = [2 * w for w in widths[:-1]] + [widths[-1]]  # with the encoder's, but coarsest
        self.decoder = nn.ModuleList(
            _level(j, w, time, settings) for j, w in zip(joined, widths, strict=True)
        )
        self.head_norm = GroupNorm(widths[0])
        self.head = nn.Conv2d(widths[0], 2 * channels, 3, padding=1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x_t: Tensor, t: Tensor, visible: Tensor) -> DenoiserOutput:
        """Predicts the target of the visible channels and reconstructs the hidden ones.

        Args:
            x_t: Noisy channels, (B, C, H, W) float; hidden ones are zeroed here. H and W are
                multiples of `tile`.
            t: Diffusion steps, (B,) int64.
            visible: (B, M, H, W) float, 1 where a modality is visible.

        Returns:
            Prediction and reconstruction, (B, C, H, W) each.
        """
        finest = self.decode(x_t, t, visible)[0]
        prediction, reconstruction = self.head(F.silu(self.head_norm(finest))).chunk(2, dim=1)
        return DenoiserOutput(prediction, reconstruction)

    def decode(
        self,
        x_t: Tensor,
        t: Tensor,
        visible: Tensor,
        finest: int = 0,
        core: tuple[slice, slice] | None = None,
    ) -> list[Tensor]:
        """Runs encoder and decoder down to level `finest`; arguments as in `forward`.

        Args:
            x_t: Noisy channels.
            t: Diffusion steps.
            visible: Which modalities are visible.
            finest: The finest level that is decoded.
            core: Rows and columns of the input whose activations are wanted; None takes all. The
                decoder computes no more of its finer levels than those need, if its norms are
                frozen: else their statistics would be those of a part.

        Returns:
            Activations after each level's last decoder block, from level `finest` to the
            coarsest: (B, width * multiplier, H / 2**level, W / 2**level), or the cells of `core`.
        """
        cells = self._cells((x_t.shape[2], x_t.shape[3]), finest, core)
        time = self.time(t)
        planes = channel_planes(visible, list(self.modalities.values()))
        x = torch.cat([x_t * planes, visible], dim=1)  # hidden channels are zero
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        skips: list[Tensor] = []
        for level, blocks in enumerate(self.encoder):
            x = _run(blocks, x, time)
            if level < len(self.down):
                if level >= finest:  # a copy of a part, so that the whole is freed
                    skips.append(x if core is None else _copy(x, cells.of(level)))
                x = self.down[level](x)
        x = _run(self.decoder[-1], self.attention(x), time)
        levels = [x[..., *cells.within(self.settings.levels - 1)]]
        for level in range(self.settings.levels - 2, finest - 1, -1):
            over = self.up[level](x[..., *cells.under(level)])
            over = F.interpolate(over, scale_factor=2.0, mode="nearest")
            joined = torch.cat([over, skips.pop()], dim=1)
            del over
            x = _run(self.decoder[level], joined, time)
            levels.insert(0, x[..., *cells.within(level)])
        return levels

    def _cells(
        self, shape: tuple[int, int], finest: int, core: tuple[slice, slice] | None
    ) -> DecodedCells:
        count = self.settings.levels
        if core is None:
            return DecodedCells.whole(shape, count, finest)
        reach = CONVOLUTIONS * self.settings.blocks
        return DecodedCells(shape, core, levels=count, finest=finest, reach=reach)


def decoder_features(
    denoiser: Denoiser,
    x_t: Tensor,
    t: Tensor,
    visible: Tensor,
    levels: Sequence[int],
    core: tuple[slice, slice] | None = None,
) -> dict[int, Tensor]:
    """Decoder activations at `levels`; nothing finer than the finest of them is computed.

    Args:
        denoiser: The network.
        x_t: Noisy channels, (B, C, H, W); H and W multiples of `denoiser.tile`.
        t: Diffusion steps, (B,) int64.
        visible: (B, M, H, W) float, 1 where a modality is visible.
        levels: Levels wanted; level 0 has the resolution of the input.
        core: Rows and columns of the input whose activations are wanted, if the norms are frozen;
            None takes all.

    Returns:
        Level -> (B, width * multiplier, H / 2**level, W / 2**level), or the cells of `core`.
    """
    finest = min(levels)
    computed = denoiser.decode(x_t, t, visible, finest, core)
    return {level: computed[level - finest] for level in levels}


def channel_planes(visible: Tensor, channel_counts: Sequence[int]) -> Tensor:
    """Gives every channel its modality's plane.

    Args:
        visible: (B, M, H, W).
        channel_counts: Channels of each of the M modalities.

    Returns:
        (B, C, H, W).
    """
    planes = [
        plane.expand(-1, count, -1, -1)
        for plane, count in zip(visible.split(1, dim=1), channel_counts, strict=True)
    ]
    return torch.cat(planes, dim=1)


def load_denoiser(weights: Weights, device: torch.device | str = "cpu") -> Denoiser:
    """Rebuilds a pretrained denoiser in evaluation mode.

    Args:
        weights: What pretraining gave: averaged weights; in the configuration `settings`
            (`denoiser`, `tile`), `modalities` and their order.
        device: Where to put it.

    Raises:
        ArtifactError: The weights are not those of a denoiser of this version.
    """

    def make(config: dict[str, Any]) -> Denoiser:
        modalities = {name: config["modalities"][name] for name in config["modality_order"]}
        settings = DenoiserSettings.model_validate(config["settings"]["denoiser"])
        return Denoiser(settings, modalities, config["settings"]["tile"])

    remedy = "run `kedro run --pipeline=pretrain` again"
    return rebuild(weights, "a pretrained denoiser", make, remedy).to(device)


def _level(channels_in: int, channels: int, time: int, settings: DenoiserSettings) -> nn.ModuleList:
    widths = [channels_in] + [channels] * (settings.blocks - 1)
    return nn.ModuleList(ResidualBlock(w, channels, time) for w in widths)


def _copy(x: Tensor, cells: tuple[slice, slice]) -> Tensor:
    return x[..., *cells].clone(memory_format=torch.channels_last)


def _run(blocks: nn.Module, x: Tensor, time: Tensor) -> Tensor:
    assert isinstance(blocks, nn.ModuleList)
    for block in blocks:
        x = block(x, time)
    return x
