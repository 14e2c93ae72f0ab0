"""The same questions on a CUDA device, timed by its events: `python -m benchmarks --gpu`."""

from __future__ import annotations

import importlib.util
import statistics
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.pretrain import pretrain
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.diffusion.unet import decoder_features, load_denoiser
from bdgf.models.patch.mutual_learning import classification_loss
from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
from bdgf.raster.patches import gather_batch, level_valid
from bdgf.training.devices import DeviceSettings
from bdgf.training.optimizer import make_optimizer
from benchmarks import machine, table
from benchmarks.comparison import ROUNDS, Comparison
from benchmarks.patches import PATCH, random_pixels
from benchmarks.scenes import (
    COAST_CLASSES,
    base_settings,
    classifier_for,
    denoiser_weights,
    prepared_scene,
    scene_arrays,
    train_settings,
)

BATCH, LENGTH, CHANNELS, STATES = 64, 121, 128, 16
CALLS = 20
"""Calls between two events: one call may be shorter than the clock's resolution."""
LEAST_PERCENT = 60
DEVICE = "cuda"


def main(output: Path) -> int:
    """Measures and writes `gpu.md` and `gpu.json`; refuses in one line where there is no GPU."""
    if not torch.cuda.is_available():
        print(
            "Error: PyTorch finds no CUDA device here; `make bench` measures on a CPU",
            file=sys.stderr,
        )
        return 1
    rates = measured_rates()
    found = [*scan(rates), features(rates), training(rates), host_syncs()]
    table.write(
        output, "gpu", "Speed on a GPU", machine.description(),
        machine.Rates(rates["float32"], rates["float32"], rates["bfloat16"], rates["bytes"]), found,
    )  # fmt: skip
    print("\n".join(table.lines(found)))
    return 0


def milliseconds(function: Callable[[], object], calls: int = CALLS) -> float:
    """Time of one call on the device, between two events around several calls."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(calls):
        function()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / calls


def interleave(functions: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Times of the functions in turn, after two rounds that compile and choose kernels."""
    values: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(ROUNDS + 2):
        for name, function in functions.items():
            time = milliseconds(function)
            if turn >= 2:
                values[name].append(time)
    return values


def measured_rates() -> dict[str, float]:
    """Operations a second of matrix products and bytes a second of a copy, on the device."""
    rates = {}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        a, b = (torch.rand(8192, 8192, device=DEVICE, dtype=dtype) for _ in range(2))
        times = interleave({name: lambda a=a, b=b: a @ b})[name]
        rates[name] = 2 * 8192**3 / (min(times) / 1e3)
    source = torch.rand(1 << 28, device=DEVICE)
    target = torch.empty_like(source)
    times = interleave({"copy": lambda: target.copy_(source)})["copy"]
    rates["bytes"] = 2 * 4 * source.numel() / (min(times) / 1e3)
    return rates


def scan(rates: Mapping[str, float]) -> list[Comparison]:
    """The Triton scan beside mamba_ssm's kernel, or the plain loop where that is not installed."""
    other = "mamba_ssm" if importlib.util.find_spec("mamba_ssm") else "reference"
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        leaves = [x.requires_grad_() for x in _scan_inputs(dtype)]
        forward, both = {}, {}
        for backend in (other, "triton"):
            run = _scan_of(backend, leaves)
            forward[f"`{backend}`"] = torch.no_grad()(run)
            both[f"`{backend}`"] = lambda run=run, leaves=leaves: _gradients(run, leaves)
        size = dtype.itemsize * BATCH * LENGTH * CHANNELS
        for what, functions, tensors in (
            ("forward", forward, 4),
            ("forward + backward", both, 11),
        ):
            found.append(
                Comparison(
                    f"selective scan with gate, B {BATCH}, L {LENGTH}, D {CHANNELS}, N {STATES}, "
                    f"{str(dtype)[6:]}: {what}",
                    "ms",
                    interleave(functions),
                    floor=1e3 * tensors * size / rates["bytes"],
                    bound="bytes",
                    target=1.0,
                )
            )
    return found


def _scan_inputs(dtype: torch.dtype) -> list[Tensor]:
    def uniform(*shape: int, kind: torch.dtype = dtype) -> Tensor:
        return torch.rand(*shape, device=DEVICE).to(kind)

    rows = BATCH, LENGTH, CHANNELS
    single = torch.float32
    rates = -(1 + torch.arange(STATES, device=DEVICE)).expand(CHANNELS, STATES).float().contiguous()
    between = [uniform(BATCH, LENGTH, STATES) for _ in range(2)]
    return [
        *(uniform(*rows), uniform(*rows), rates, *between),
        *(uniform(CHANNELS, kind=single), uniform(*rows), uniform(CHANNELS, kind=single)),
    ]


def _scan_of(backend: str, leaves: list[Tensor]) -> Callable[[], Tensor]:
    return lambda: scan_channels_last(ScanInputs(*leaves), True, backend=backend)


def _gradients(run: Callable[[], Tensor], leaves: list[Tensor]) -> None:
    y = run()
    torch.autograd.grad(y, leaves, torch.ones_like(y))


def features(rates: Mapping[str, float]) -> Comparison:
    """One dense pass of the denoiser over a scene, against what binds it."""
    denoiser = load_denoiser(denoiser_weights("paper"), DEVICE)
    side = 512
    x = torch.randn(1, sum(denoiser.modalities.values()), side, side, device=DEVICE)
    visible = torch.ones(1, len(denoiser.modalities), side, side, device=DEVICE)
    t, levels = torch.tensor([100], device=DEVICE), range(denoiser.settings.levels)

    @torch.inference_mode()
    def run() -> None:
        with torch.autocast(DEVICE, torch.bfloat16):
            decoder_features(denoiser, x, t, visible, levels)

    bound, what = least_milliseconds(denoiser, run, rates)
    return _share(f"features of {side}x{side} px, one timestep, `paper` settings", run, bound, what)


def training(rates: Mapping[str, float]) -> Comparison:
    """A training step of the whole network, against what binds it."""
    arrays = scene_arrays().to(DEVICE)
    classifier = classifier_for(arrays).to(DEVICE)
    optimizer = make_optimizer(classifier, train_settings().optimization)
    rows, cols = (index.to(DEVICE) for index in random_pixels(arrays, 512))
    seen = torch.ones(arrays.shape, dtype=torch.bool, device=DEVICE)
    valid = level_valid(seen, len(arrays.features))
    targets = torch.arange(len(rows), device=DEVICE) % COAST_CLASSES
    settings = train_settings().mutual_learning

    def forward() -> Tensor:
        with torch.autocast(DEVICE, torch.bfloat16):
            output = classifier(gather_batch(arrays, valid, rows, cols, PATCH))
            return classification_loss(output.logits, output.embeddings, targets, settings)["loss"]

    def run() -> None:
        forward().backward()
        optimizer.step()
        optimizer.zero_grad()

    bound, what = least_milliseconds(classifier, forward, rates)
    task = f"training step of the three-branch network, batch {len(rows)}"
    return _share(task, run, 3 * bound, what)


def _share(task: str, run: Callable[[], object], bound: float, what: str) -> Comparison:
    values = {what: [bound] * ROUNDS, "bdgf": interleave({"bdgf": run})["bdgf"]}
    share = [100 * bound / value for value in values["bdgf"]]
    return Comparison(
        f"{task}: share of what {what} allow", "%", {"bdgf": share}, more_is_better=True,
        limit=LEAST_PERCENT, details={"milliseconds": statistics.median(values["bdgf"])},
        note="The bound is the longer of: operations over the measured bf16 rate of matrix "
        "products; inputs and outputs of every layer, read and written once, over the measured "
        "rate of a copy.",
    )  # fmt: skip


def least_milliseconds(
    network: nn.Module, run: Callable[[], object], rates: Mapping[str, float]
) -> tuple[float, str]:
    """The least time of a pass, and which rate binds it."""
    moved = 0

    def count(layer: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        nonlocal moved
        tensors = [x for x in (*inputs, output) if isinstance(x, Tensor)]
        moved += sum(x.numel() * x.element_size() for x in tensors)

    leaves = [layer for layer in network.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(count) for layer in leaves]
    with FlopCounterMode(display=False) as counter:
        run()
    for hook in hooks:
        hook.remove()
    operations = 1e3 * counter.get_total_flops() / rates["bfloat16"]
    bytes_ = 1e3 * moved / rates["bytes"]
    return (operations, "operations") if operations > bytes_ else (bytes_, "bytes")


def host_syncs() -> Comparison:
    """How often a pretraining step makes the host wait: a longer training less a shorter one."""
    scene = prepared_scene()
    few, many = 20, 60
    waits = [_waits(scene, steps) for steps in (few, many)]
    return Comparison(
        "times that a pretraining step waits for the device",
        "a step",
        {"bdgf": [(waits[1] - waits[0]) / (many - few)]},
        limit=0,
    )


def _waits(scene: object, steps: int) -> int:
    settings = base_settings(
        "pretrain", PretrainSettings, steps=steps, log_every=steps, validate_every=steps
    )
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pretrain(
                PretrainingData.of(scene), settings, 0, devices=DeviceSettings(accelerator="cuda")
            )  # type: ignore[arg-type]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in caught)
