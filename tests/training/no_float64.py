"""A device without float64, as Apple's GPUs are, played by the CPU under the name `meta`.

Tensors on it compute on the CPU and say that they lie on `meta`; one of float64 raises where it is
made, as on such a GPU.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators import CPUAccelerator
from lightning_fabric.strategies import SingleDeviceStrategy
from torch import Tensor
from torch.optim import adam
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from bdgf.diffusion.pretraining import pretrain
from bdgf.evaluation import modality_balance
from bdgf.features import cached
from bdgf.models.patch import fit, predict_map
from bdgf.training import devices

DEVICE = torch.device("meta")
_CHOOSING = (pretrain, modality_balance, cached, fit, predict_map)
_ABSENT = (torch.float64, torch.complex128)


class _OnDevice(Tensor):
    """A tensor on the device; `there` is where its values are."""

    there: Tensor

    @staticmethod
    def __new__(cls, there: Tensor) -> "_OnDevice":
        if there.dtype in _ABSENT:
            raise TypeError(f"the device has no {there.dtype}")
        made: _OnDevice = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            there.size(),
            strides=there.stride(),
            storage_offset=there.storage_offset(),
            dtype=there.dtype,
            device=DEVICE,
            requires_grad=there.requires_grad,
        )
        made.there = there
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"on the device: {self.there}"

    def tolist(self) -> Any:  # PyTorch gives no lists of subclasses
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(
        cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _compute(func, args, kwargs or {})


class WithoutFloat64(TorchDispatchMode):
    """While it is on, `meta` is a device that computes, without float64."""

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _compute(func, args, kwargs or {})


def _compute(func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    if torch.is_inference_mode_enabled() and func._can_decompose():  # type: ignore[attr-defined]
        with WithoutFloat64():
            return func.decompose(*args, **kwargs)  # type: ignore[attr-defined]
    given = tree_flatten((args, kwargs))[0]
    device = kwargs.get("device")
    there = any(isinstance(value, _OnDevice) for value in given)
    if device is not None:
        there = torch.device(device).type == DEVICE.type
        kwargs = {**kwargs, "device": torch.device("cpu")}
    known = {id(v.there if isinstance(v, _OnDevice) else v): v for v in given}
    bare = tree_map(lambda v: v.there if isinstance(v, _OnDevice) else v, (args, kwargs))
    made = func(*bare[0], **bare[1])

    def placed(value: Any) -> Any:
        if id(value) in known:  # changed in place
            return known[id(value)]
        return _OnDevice(value) if there and isinstance(value, Tensor) else value

    return tree_map(placed, made)


class _Accelerator(CPUAccelerator):
    def setup_device(self, device: torch.device) -> None: ...


@contextmanager
def device_without_float64() -> Iterator[None]:
    """While it is on, every training, extraction and prediction chooses the device."""
    generator = torch.Generator
    with ExitStack() as stack:
        for module in _CHOOSING:
            stack.enter_context(patch.object(module, "make_fabric", _fabric))
        # No generator is on `meta`; one of the CPU draws for it.
        stack.enter_context(patch.object(torch, "Generator", lambda device=None: generator()))
        autocast, tensor = torch.autocast, torch.tensor
        stack.enter_context(
            patch.object(torch, "autocast", lambda _, **options: autocast("cpu", **options))
        )

        def made(data: Any, device: Any = "cpu", **options: Any) -> Tensor:
            return tensor(data, **options).to(device)

        stack.enter_context(patch.object(torch, "tensor", made))
        stack.enter_context(patch.object(torch, "inference_mode", torch.no_grad))
        # That an optimiser knows the device by name.
        stack.enter_context(patch.object(adam, "_device_dtype_check_for_fused", lambda _: None))
        stack.enter_context(patch.object(devices, "WITHOUT_FLOAT64", {DEVICE.type}))
        stack.enter_context(WithoutFloat64())
        yield


def _fabric(*_: Any) -> Fabric:
    strategy = SingleDeviceStrategy(device=DEVICE, accelerator=_Accelerator())
    return Fabric(strategy=strategy, precision="32-true")
