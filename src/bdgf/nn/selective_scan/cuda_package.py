"""The selective scan of the CUDA package mamba-ssm."""

import torch
from torch import Tensor

from bdgf.core.errors import UserError
from bdgf.nn.selective_scan.inputs import ScanInputs


def scan(inputs: ScanInputs, delta_softplus: bool, reverse: bool) -> Tensor:
    """Scan with `mamba_ssm.selective_scan_fn`; see `reference.scan`.

    Raises:
        UserError: The package is not installed, or the tensors are not on a CUDA device.
    """
    try:
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
    except ImportError as error:
        raise UserError(
            "the scan backend 'mamba_ssm' needs the package mamba-ssm: "
            "pip install '.[cuda]' --no-build-isolation, or choose 'auto'"
        ) from error
    u = inputs.u
    if u.device.type != "cuda":
        raise UserError(f"the scan backend 'mamba_ssm' needs a CUDA device, not {u.device.type}")

    def channels_first(x: Tensor) -> Tensor:
        return (x.flip(1) if reverse else x).transpose(1, 2).to(u.dtype)

    y: Tensor = selective_scan_fn(
        channels_first(u),
        channels_first(inputs.delta),
        inputs.A.float(),
        channels_first(inputs.B),
        channels_first(inputs.C),
        D=_weights(inputs.D),
        z=None if inputs.z is None else channels_first(inputs.z),
        delta_bias=_weights(inputs.delta_bias),
        delta_softplus=delta_softplus,
    )
    y = y.transpose(1, 2)
    return y.flip(1) if reverse else y


def _weights(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.to(torch.float32)
