"""The selective scan on the device: its gradients, its own tests, and within `torch.compile`."""

from __future__ import annotations

import copy
import importlib.util
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from functools import partial
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from bdgf.nn.mamba import BidirectionalMamba
from bdgf.nn.selective_scan import ScanInputs, scan_both_ways, scan_channels_last
from benchmarks.children import ROOT, child_environment
from benchmarks.gpu_check.closeness import EXACT, exact_float32, spread, worst
from benchmarks.gpu_check.record import Record, Setting

# Batch, length, channels, states: as the method has it, and one that fits no block.
USUAL, ODD, SMALL = (64, 121, 128, 16), (3, 37, 70, 5), (2, 17, 9, 5)
# Shares of the largest value: rounding of the output, and of sums over a batch.
TOLERANCES = {torch.float32: 3e-5, torch.bfloat16: 1e-2, torch.float16: 2e-3}
NAMES = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias")
TESTS = (
    "tests/nn/selective_scan/test_triton_scan.py",
    "tests/nn/selective_scan/test_scan.py",
)
_WORKERS = 8


def scan(setting: Setting, record: Record) -> None:
    """The scan's output and gradients beside the plain loop in float64 on the CPU."""
    sizes = {
        torch.float32: (USUAL, ODD),
        torch.bfloat16: (USUAL, ODD),
        torch.float16: (USUAL,),
    }
    for dtype, wanted in sizes.items():
        for size in (SMALL,) if setting.tiny else wanted:
            inputs = random_inputs(size, dtype)
            _compare_scan(setting, record, inputs, dtype, size)


def _compare_scan(
    setting: Setting,
    record: Record,
    inputs: ScanInputs,
    dtype: torch.dtype,
    size: tuple[int, ...],
) -> None:
    truth = inputs.with_dtype(torch.float64)
    here = _on(setting.device, inputs)
    expected = []
    for reverse in (False, True):
        expected.append(_gradients(partial(_plain, reverse=reverse), truth))
        found = _gradients(partial(scan_channels_last, delta_softplus=True, reverse=reverse), here)
        what = f"scan {size} {'backwards' if reverse else 'onwards'}"
        _note(record, what, found, expected[-1], dtype)
    onward, back = scan_both_ways(here, here, True)
    for y, (known, _) in zip((onward, back), expected, strict=True):
        error = worst(y, known)
        record.check(f"scan {size} both ways, output", error, TOLERANCES[dtype], str(dtype)[6:])
    bare = inputs._replace(D=None, z=None, delta_bias=None, delta=inputs.delta.abs())
    y = scan_channels_last(_on(setting.device, bare))
    plain = scan_channels_last(bare.with_dtype(torch.float64), backend="reference")
    error = worst(y, plain)
    record.check(f"scan {size} bare, output", error, TOLERANCES[dtype], str(dtype)[6:])


def _on(device: str, inputs: ScanInputs) -> ScanInputs:
    return ScanInputs(*(x if x is None else x.to(device) for x in inputs))  # type: ignore[arg-type]


def _plain(inputs: ScanInputs, reverse: bool) -> Tensor:
    return scan_channels_last(inputs, True, reverse, "reference")


def random_inputs(size: tuple[int, ...], dtype: torch.dtype = torch.float32) -> ScanInputs:
    """Inputs on the CPU as a Mamba block gives them: its weights stay in float32."""
    batch, length, channels, states = size
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return ScanInputs(
        u=normal(batch, length, channels).to(dtype),
        delta=(normal(batch, length, channels) - 1).to(dtype),
        A=-torch.exp(normal(channels, states)),
        B=normal(batch, length, states).to(dtype),
        C=normal(batch, length, states).to(dtype),
        D=normal(channels),
        z=normal(batch, length, channels).to(dtype),
        delta_bias=normal(channels) / 2,
    )


def _gradients(
    function: Callable[[ScanInputs], Tensor], inputs: ScanInputs
) -> tuple[Tensor, list[Tensor]]:
    # The output, and the gradient of each input for a fixed gradient of the output.
    leaves = [x.detach().clone().requires_grad_() for x in inputs if x is not None]
    y = function(ScanInputs(*leaves))
    weights = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).view(y.shape)
    return y.detach(), list(torch.autograd.grad(y, leaves, weights.to(y)))


def _note(
    record: Record,
    what: str,
    found: tuple[Tensor, Sequence[Tensor]],
    expected: tuple[Tensor, Sequence[Tensor]],
    dtype: torch.dtype,
) -> None:
    mode, tolerance = str(dtype)[6:], TOLERANCES[dtype]
    record.check(f"{what}, output", worst(found[0], expected[0]), tolerance, mode)
    errors = {name: worst(a, b) for name, a, b in zip(NAMES, found[1], expected[1], strict=True)}
    name = max(errors, key=lambda key: errors[key])
    record.check(f"{what}, gradients (worst: {name})", errors[name], 2 * tolerance, mode)


def compiled_scan(setting: Setting, record: Record) -> None:
    """The scan within `torch.compile`, beside the plain loop on the CPU."""
    inputs = random_inputs(SMALL if setting.tiny else (8, *USUAL[1:]))
    here = _on(setting.device, inputs)
    expected = _gradients(partial(_plain, reverse=False), inputs.with_dtype(torch.float64))
    function = torch.compile(lambda x: scan_channels_last(x, True), backend=_compiler(setting))
    _note(record, "compiled scan", _gradients(function, here), expected, torch.float32)
    _note_breaks(record)


def compiled_block(setting: Setting, record: Record) -> None:
    """The Mamba block, plain and within `torch.compile`, beside the CPU."""
    batch, length, channels, states = SMALL if setting.tiny else (8, *USUAL[1:])
    torch.manual_seed(0)
    block = BidirectionalMamba(channels // 2, d_state=states)
    x = torch.randn(batch, length, channels // 2)
    known = _block_gradients(block, x)
    with exact_float32():
        there = copy.deepcopy(block).to(setting.device)
        for name, compiler in (("eager", None), ("compiled", _compiler(setting))):
            found = _block_gradients(there, x.to(setting.device), compiler)
            what = f"Mamba block both ways, {name}"
            record.check(f"{what}, output", worst(found[0], known[0]), 1e-4, EXACT)
            record.check(f"{what}, gradients", spread(found[1:], known[1:]), 1e-4, EXACT)
    _note_breaks(record)


def _compiler(setting: Setting) -> str:
    return "eager" if setting.tiny else "inductor"


def _note_breaks(record: Record) -> None:
    from torch._dynamo.utils import counters

    breaks = counters["graph_break"]
    record.note("graph breaks", {str(key)[:200]: count for key, count in breaks.items()})


def _block_gradients(block: nn.Module, x: Tensor, backend: str | None = None) -> list[Tensor]:
    x = x.clone().requires_grad_()
    leaves = [x, *(p for p in block.parameters() if p.requires_grad)]
    y = torch.compile(block, backend=backend)(x) if backend else block(x)
    weights = torch.cos(torch.arange(y.numel())).view(y.shape).to(y)
    return [y.detach(), *torch.autograd.grad(y, leaves, weights)]


def tests(setting: Setting, record: Record) -> None:
    """The tests that are skipped without a CUDA device, in some processes where xdist is there."""
    spread_out = setting.device == "cuda" and importlib.util.find_spec("xdist") is not None
    with TemporaryDirectory() as folder:
        path = f"{folder}/tests.xml"
        # The project's own options ask for plugins that may not be there.
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"),
            *("-p", "no:randomly", "--no-header", f"--junitxml={path}"),
            *(("-n", str(_WORKERS)) if spread_out else ()),
            *TESTS,
        ]
        done = subprocess.run(
            command, cwd=ROOT, env=child_environment(), capture_output=True, text=True, check=False
        )
        tail = done.stdout.splitlines()[-15:] + done.stderr.splitlines()[-5:]
        record.note("pytest", tail)
        counts = _counts(path)
    record.note("counts", counts)
    record.check("tests that fail", counts["failures"] + counts["errors"], 0)
    record.check("tests that are there", 0 if counts["tests"] >= len(TESTS) else 1, 0)
    if setting.device == "cuda":
        record.check("tests of the Triton scan that are skipped", counts["triton skipped"], 0)


def _counts(path: str) -> dict[str, int]:
    suites = list(ElementTree.parse(path).getroot().iter("testsuite"))
    counts = {
        key: sum(int(suite.get(key, 0)) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    }
    cases = (case for suite in suites for case in suite.iter("testcase"))
    skipped = [case.get("name", "") for case in cases if case.find("skipped") is not None]
    counts["triton skipped"] = sum("triton_equals" in name for name in skipped)
    return counts
