"""Device and precision, through Lightning Fabric."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from bdgf.core.errors import SettingsError
from bdgf.core.settings import MAIN, Settings
from bdgf.training.allocator import keep_freed_memory
from bdgf.training.ranks import ALONE, Ranks
from bdgf.training.threads import limit_threads

if TYPE_CHECKING:
    from lightning_fabric import Fabric

log = logging.getLogger(__name__)

WITHOUT_FLOAT64 = frozenset({"mps"})
"""Types of devices on which no float64 tensor can be. Not run on an Apple GPU: there was none to
try it on; tests play such a device on the CPU (`tests/training/no_float64.py`)."""


class DeviceSettings(Settings):
    """Device and precision of the computation. Chosen by this project."""

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto",
        description="Device; `auto` uses CUDA, else Apple's GPU, else the CPU.",
        json_schema_extra=MAIN,
    )
    precision: Literal["auto", "32-true", "bf16-mixed"] = Field(
        "auto", description="`auto`: bf16-mixed on CUDA, 32-true elsewhere.", json_schema_extra=MAIN
    )
    count: int = Field(
        1,
        ge=1,
        description="Number of devices that pretraining uses, each in a process of its own "
        "(docs/how_to/several_devices.md). Everything else uses one.",
    )
    deterministic: bool = Field(
        False,
        description="On CUDA: use only deterministic kernels, some of them slower "
        "(docs/reference/reproducibility.md).",
    )
    resident_gib: float = Field(
        1.0,
        ge=0,
        description="A prepared scene up to this size in GiB, with its features, is held "
        "in memory during pretraining, training and evaluation; a larger one "
        "is read from its files window by window (docs/how_to/mapping.md).",
    )


def resolve_accelerator(settings: DeviceSettings) -> str:
    """The accelerator that `settings` mean on this computer: `cpu`, `cuda` or `mps`.

    Raises:
        SettingsError: The accelerator asked for is not there.
    """
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if settings.accelerator == "auto":
        return next(name for name, there in present.items() if there)
    if not present[settings.accelerator]:
        raise SettingsError(
            f"devices.accelerator is {settings.accelerator!r} but PyTorch finds no such device; "
            "use 'auto' or 'cpu', or install a PyTorch build for it"
        )
    return settings.accelerator


def resolve_precision(settings: DeviceSettings) -> str:
    """The precision that `settings` mean on this computer, by Fabric's name for it."""
    if settings.precision != "auto":
        return settings.precision
    return "bf16-mixed" if resolve_accelerator(settings) == "cuda" else "32-true"


def require_devices(settings: DeviceSettings) -> None:
    """Refuses a number of devices that this machine has not.

    A CPU takes any number of processes.

    Raises:
        SettingsError: There are fewer.
    """
    accelerator = resolve_accelerator(settings)
    present = {"cuda": torch.cuda.device_count(), "mps": 1}.get(accelerator, settings.count)
    if settings.count > present:
        raise SettingsError(
            f"devices.count is {settings.count}, and this machine has {present} of "
            f"{accelerator!r}; give devices.count={present}, or devices.accelerator=cpu"
        )


def arithmetic(device: torch.device | str, threads: int | None = None) -> list[Any]:
    """What determines a network's last bits in addition to data, settings, seed and precision.

    On a CPU PyTorch splits some sums among its threads (docs/reference/reproducibility.md), and
    another split rounds otherwise.

    Args:
        device: Where it computes.
        threads: Threads that it computes on; None for as many as PyTorch takes now.

    Returns:
        The type of the device and, on a CPU, the number of threads; for fingerprints.
    """
    limit_threads()  # before anything is named by their number
    kind = torch.device(device).type
    return [kind, threads or torch.get_num_threads()] if kind == "cpu" else [kind]


def as_float64(tensor: Tensor) -> Tensor:
    """The tensor in float64, where it lies; on the CPU where its device has no float64."""
    return (tensor.cpu() if tensor.device.type in WITHOUT_FLOAT64 else tensor).double()


def make_fabric(settings: DeviceSettings | None = None, ranks: Ranks = ALONE) -> Fabric:
    """A Fabric for the device and precision of `settings`, and memory that is kept for it.

    Args:
        settings: Device settings; the defaults when None.
        ranks: This process among those of the training, which are connected already.

    Raises:
        SettingsError: The accelerator asked for is not there.
    """
    # Fabric announces at INFO what our own settings already say.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    from lightning_fabric import Fabric

    keep_freed_memory()
    limit_threads()
    settings = settings or DeviceSettings()
    accelerator, precision = resolve_accelerator(settings), resolve_precision(settings)
    if accelerator == "cuda":
        _configure_cuda(settings)
    from bdgf.training.fabric_ranks import StartedRanks, strategy

    fabric = Fabric(
        accelerator=accelerator,
        devices=ranks.local_count,
        num_nodes=ranks.count // ranks.local_count,
        strategy=strategy(ranks),
        precision=precision,
        plugins=[StartedRanks(ranks)],
    )
    if ranks.count > 1:
        fabric.launch()
    return fabric


def _configure_cuda(settings: DeviceSettings) -> None:
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = not settings.deterministic
    if settings.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
