"""The selective scan as a plain loop over time: the reference for all other backends."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its customary name

from bdgf.nn.selective_scan.inputs import ScanInputs


def scan(inputs: ScanInputs, delta_softplus: bool, reverse: bool) -> Tensor:
    """Scan step by step; autograd does the backward pass.

    h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t,  y_t = (C_t h_t + D u_t) silu(z_t):
    Gu and Dao, "Mamba: linear-time sequence modeling with selective state spaces" (2023), eq. 2
    and 4, with Euler's rule for B as in their code.

    Args:
        inputs: The tensors; the state is kept in float32, or in float64 where `u` is.
        delta_softplus: Whether the step sizes pass through softplus.
        reverse: Whether to scan from the last step to the first.

    Returns:
        (B, L, D) output in the dtype of `u`.
    """
    dtype = torch.promote_types(inputs.u.dtype, torch.float32)
    u, delta, A, B, C, D, z, delta_bias = inputs.with_dtype(dtype)
    if delta_bias is not None:
        delta = delta + delta_bias
    if delta_softplus:
        delta = F.softplus(delta)
    length = u.shape[1]
    state = u.new_zeros(u.shape[0], *A.shape)  # (B, D, N)
    outputs = [torch.zeros_like(u[:, 0])] * length if length else []
    for t in reversed(range(length)) if reverse else range(length):
        decay = torch.exp(delta[:, t, :, None] * A)
        drive = (delta[:, t] * u[:, t])[..., None] * B[:, t, None, :]
        state = decay * state + drive
        outputs[t] = (state @ C[:, t, :, None]).squeeze(-1)  # (B, D)
    y = torch.stack(outputs, dim=1) if outputs else torch.zeros_like(u)
    if D is not None:
        y = y + D * u
    if z is not None:
        y = y * F.silu(z)
    return y.to(inputs.u.dtype)
