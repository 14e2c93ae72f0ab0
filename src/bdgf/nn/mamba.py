"""The Mamba block and its bidirectional form, on any backend of the selective scan.

Parameters have the names, shapes and initial distribution of `mamba_ssm.Mamba`; those of the second
direction are as in Vision Mamba (Zhu et al., 2024; `bimamba_type="v2"`). So weights of either load.
"""
# ruff: noqa: N806 - A, B, C and D are the papers' names

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its customary name

from bdgf.nn.selective_scan import (
    ScanInputs,
    resolve_backend,
    scan_both_ways,
    scan_channels_last,
)
from bdgf.nn.selective_scan.causal_conv import causal_conv_silu


class Mamba(nn.Module):
    """Gated selective state-space block (Gu and Dao, "Mamba", 2023, section 3.4 and figure 3).

    Args:
        d_model: Channels of the input and the output.
        d_state: N, the size of a channel's state.
        d_conv: Taps of the causal convolution.
        expand: Inner channels as a multiple of `d_model`.
        dt_rank: Rank of the step sizes' projection; "auto" is ceil(d_model / 16).
        dt_min: Smallest initial step size.
        dt_max: Largest initial step size.
        dt_init_floor: Bound under the initial step size.
        conv_bias: Whether the convolution has a bias.
        bias: Whether the input and output projections have one.
        backend: Backend of the scan; see `bdgf.nn.selective_scan`.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 16,
        d_conv: int = 4,
        expand: int = 2,
        dt_rank: int | str = "auto",
        dt_min: float = 0.001,
        dt_max: float = 0.1,
        dt_init_floor: float = 1e-4,
        conv_bias: bool = True,
        bias: bool = False,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        self.d_state = d_state
        self.d_inner = expand * d_model
        self.dt_rank = math.ceil(d_model / 16) if dt_rank == "auto" else int(dt_rank)
        self.backend = backend
        self.in_proj = nn.Linear(d_model, 2 * self.d_inner, bias=bias)
        self.conv1d = nn.Conv1d(
            self.d_inner,
            self.d_inner,
            d_conv,
            padding=d_conv - 1,
            groups=self.d_inner,
            bias=conv_bias,
        )
        self.x_proj = nn.Linear(self.d_inner, self.dt_rank + 2 * d_state, bias=False)
        self.dt_proj = _step_projection(self.dt_rank, self.d_inner, dt_min, dt_max, dt_init_floor)
        rates = torch.arange(1, d_state + 1, dtype=torch.float32).repeat(self.d_inner, 1)
        self.A_log = _without_weight_decay(rates.log())  # S4D-real
        self.D = _without_weight_decay(torch.ones(self.d_inner))
        self.out_proj = nn.Linear(self.d_inner, d_model, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Mix a sequence along time.

        Args:
            x: (B, L, d_model) sequence.

        Returns:
            (B, L, d_model) sequence; step t depends on the steps up to t.
        """
        x, z = self.in_proj(x).chunk(2, dim=-1)  # (B, L, d_inner) each
        backend = resolve_backend(self.backend, x)
        direction = _Direction(self.conv1d, self.x_proj, self.dt_proj, self.A_log, self.D)
        inputs = self._scan_inputs(x, z, direction, False, backend)
        y: Tensor = self.out_proj(scan_channels_last(inputs, True, backend=backend))
        return y

    def _scan_inputs(
        self, x: Tensor, z: Tensor, direction: "_Direction", reverse: bool, backend: str
    ) -> ScanInputs:
        conv1d, x_proj, dt_proj, A_log, D = direction
        u = causal_conv_silu(x, conv1d.weight, conv1d.bias, reverse, backend)
        dt, B, C = x_proj(u).split([self.dt_rank, self.d_state, self.d_state], dim=-1)
        delta = F.linear(dt, dt_proj.weight)  # its bias is added within the scan
        # The decay rates need float32 even where the weights are half that.
        A = -torch.exp(A_log.to(torch.promote_types(A_log.dtype, torch.float32)))
        return ScanInputs(u, delta, A, B, C, D, z, dt_proj.bias)


class _Direction(NamedTuple):
    conv1d: nn.Conv1d
    x_proj: nn.Linear
    dt_proj: nn.Linear
    A_log: Tensor
    D: Tensor


class BidirectionalMamba(Mamba):
    """Mamba that scans a sequence in both directions (Vision Mamba, Zhu et al., 2024, algorithm 1).

    The directions share the input, gate and output projections; convolution, step sizes and states
    are their own. No sequence is flipped: the second convolution and scan run backwards in place.

    Args:
        d_model: Channels of the input and the output.
        **options: Those of `Mamba`.
    """

    def __init__(self, d_model: int, **options: Any) -> None:
        super().__init__(d_model, **options)
        other = Mamba(d_model, **options)
        self.conv1d_b, self.x_proj_b, self.dt_proj_b = other.conv1d, other.x_proj, other.dt_proj
        self.A_b_log, self.D_b = other.A_log, other.D

    def forward(self, x: Tensor) -> Tensor:
        """Mix a sequence along time, both ways.

        Args:
            x: (B, L, d_model) sequence.

        Returns:
            (B, L, d_model) sequence; every step depends on all steps.
        """
        x, z = self.in_proj(x).chunk(2, dim=-1)  # (B, L, d_inner) each
        backend = resolve_backend(self.backend, x)
        onward = _Direction(self.conv1d, self.x_proj, self.dt_proj, self.A_log, self.D)
        back = _Direction(self.conv1d_b, self.x_proj_b, self.dt_proj_b, self.A_b_log, self.D_b)
        forward, backward = scan_both_ways(
            self._scan_inputs(x, z, onward, False, backend),
            self._scan_inputs(x, z, back, True, backend),
            delta_softplus=True,
            backend=backend,
        )
        y: Tensor = self.out_proj(forward + backward)
        return y


def _step_projection(
    rank: int, channels: int, smallest: float, largest: float, floor: float
) -> nn.Linear:
    """Projection to step sizes that start log-uniform in [smallest, largest]."""
    projection = nn.Linear(rank, channels)
    nn.init.uniform_(projection.weight, -(rank**-0.5), rank**-0.5)
    span = math.log(largest) - math.log(smallest)
    dt = torch.exp(torch.rand(channels) * span + math.log(smallest)).clamp(min=floor)
    with torch.no_grad():
        projection.bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # softplus of this is dt
    return projection


def _without_weight_decay(values: Tensor) -> nn.Parameter:
    parameter = nn.Parameter(values)
    parameter._no_weight_decay = True  # type: ignore[attr-defined]  # the mark that mamba_ssm sets
    return parameter
