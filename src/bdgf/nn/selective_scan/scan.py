"""The selective scan with a backend for the tensors' device."""

import difflib
import importlib.util
import logging
from collections.abc import Callable
from functools import lru_cache
from types import ModuleType

import torch
from torch import Tensor

from bdgf.core.errors import SettingsError, UserError
from bdgf.nn.selective_scan import cpu, cuda_package, reference
from bdgf.nn.selective_scan.inputs import ScanInputs

log = logging.getLogger(__name__)

Backend = Callable[[ScanInputs, bool, bool], Tensor]


def _triton() -> ModuleType:
    try:
        return importlib.import_module("bdgf.nn.selective_scan.triton_scan")
    except ImportError as error:
        raise UserError(
            "the scan backend 'triton' needs the package triton, which comes with torch for CUDA: "
            "install that torch, or choose 'auto'"
        ) from error


BACKENDS: dict[str, Backend] = {
    "reference": reference.scan,
    "cpu": cpu.scan,
    "triton": lambda inputs, softplus, reverse: _triton().scan(inputs, softplus, reverse),
    "mamba_ssm": cuda_package.scan,
}
"""Backends by name; they take the inputs, whether to apply softplus, whether to run backwards."""


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    backend: str = "auto",
) -> Tensor:
    """Selective state-space scan, its layout and names those of `mamba_ssm.selective_scan_fn`.

    h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t,  y_t = (C_t h_t + D u_t) silu(z_t)
    (Gu and Dao, "Mamba", 2023, eq. 2 and 4), with the state in float32 or wider.

    Args:
        u: (B, D, L) input.
        delta: (B, D, L) step sizes.
        A: (D, N) state matrix, diagonal for each channel.
        B: (B, N, L) input matrix.
        C: (B, N, L) output matrix.
        D: (D,) skip weights.
        z: (B, D, L) gate.
        delta_bias: (D,) added to `delta` before softplus.
        delta_softplus: Whether the step sizes pass through softplus.
        backend: A name from `BACKENDS`, or "auto".

    Returns:
        (B, D, L) output in the dtype of `u`; its memory is channels last.

    Raises:
        SettingsError: There is no such backend.
        UserError: The backend cannot work here.
        ValueError: Shapes or devices do not fit together.
    """
    inputs = ScanInputs(
        u.transpose(1, 2),
        delta.transpose(1, 2),
        A,
        B.transpose(1, 2),
        C.transpose(1, 2),
        D,
        None if z is None else z.transpose(1, 2),
        delta_bias,
    )
    return scan_channels_last(inputs, delta_softplus, backend=backend).transpose(1, 2)


def scan_channels_last(
    inputs: ScanInputs, delta_softplus: bool = False, reverse: bool = False, backend: str = "auto"
) -> Tensor:
    """`selective_scan` of tensors (B, L, D), which spares the fast backends a transposed copy.

    Args:
        inputs: The tensors.
        delta_softplus: Whether the step sizes pass through softplus.
        reverse: Whether to scan from the last step to the first; the output stays in place.
        backend: A name from `BACKENDS`, or "auto".

    Returns:
        (B, L, D) output in the dtype of `u`.
    """
    inputs.check()
    return BACKENDS[resolve_backend(backend, inputs.u)](inputs, delta_softplus, reverse)


def scan_both_ways(
    forward: ScanInputs, backward: ScanInputs, delta_softplus: bool = False, backend: str = "auto"
) -> tuple[Tensor, Tensor]:
    """One scan from first to last and one from last to first, in one launch where that exists.

    Args:
        forward: The tensors of the scan from the first step to the last.
        backward: The tensors of the other, of the same shapes.
        delta_softplus: Whether the step sizes pass through softplus.
        backend: A name from `BACKENDS`, or "auto".

    Returns:
        The two outputs, (B, L, D) each.
    """
    forward.check()
    backward.check()
    name = resolve_backend(backend, forward.u)
    if name == "triton":
        both: tuple[Tensor, Tensor] = _triton().scan_both_ways(forward, backward, delta_softplus)
        return both
    run = BACKENDS[name]
    return run(forward, delta_softplus, False), run(backward, delta_softplus, True)


def resolve_backend(backend: str, u: Tensor) -> str:
    """The name of the backend that serves `u`; what "auto" chose is logged once."""
    if backend == "auto":
        return _choose(u.device.type, u.dtype)
    if backend not in BACKENDS:
        names = [*BACKENDS, "auto"]
        near = difflib.get_close_matches(backend, names, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise SettingsError(f"no scan backend '{backend}'; there are {', '.join(names)}{hint}")
    return backend


@lru_cache
def _choose(device: str, dtype: torch.dtype) -> str:
    if dtype == torch.float64:
        name = "reference"
    elif device == "cuda":
        packages = {"triton": "triton", "mamba_ssm": "mamba_ssm"}
        present = [name for name, package in packages.items() if _is_installed(package)]
        name = present[0] if present else "reference"
    else:
        name = "cpu" if device == "cpu" and _is_installed("numba") else "reference"
    log.info("selective scan on %s in %s: backend '%s'", device, str(dtype)[6:], name)
    return name


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
