"""Compiled kernels: where they may run, and in which threads."""

import os
import subprocess
import sys
import textwrap


def run_in_a_new_process(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cache_that_cannot_be_written_is_no_error() -> None:
    # The kernel's file is where Numba would write next; a file in its place hides that too.
    script = """
    import numba.core.caching as caching
    for locator in caching.CacheImpl._locator_classes:
        locator.ensure_cache_path = lambda self: open("/dev/null/nowhere")
    import torch
    from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
    x = torch.ones(1, 3, 2)
    print(scan_channels_last(ScanInputs(x, x, -torch.ones(2, 2), x, x), backend="cpu").sum().item())
    """
    assert float(run_in_a_new_process(script)) > 0


def test_a_forked_process_can_scan() -> None:
    script = """
    import os, torch
    from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
    torch.set_num_threads(2)
    x = torch.ones(64, 128, 64)
    inputs = ScanInputs(x, x, -torch.ones(64, 4), x[..., :4], x[..., :4])
    expected = scan_channels_last(inputs, backend="cpu").numpy()
    child = os.fork()
    if child == 0:  # torch's own threads do not outlive a fork, so NumPy compares
        same = (scan_channels_last(inputs, backend="cpu").numpy() == expected).all()
        os._exit(0 if same else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run_in_a_new_process(script).strip() == "0"
