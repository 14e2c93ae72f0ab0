"""The compiled scan on a GPU, or interpreted."""

import pytest
import torch

from bdgf.nn.selective_scan import ScanInputs, scan_both_ways
from tests.nn.selective_scan.small_scans import (
    INTERPRETED,
    assert_close,
    random_inputs,
    values_and_gradients,
)


@pytest.mark.skipif(
    not torch.cuda.is_available() and not INTERPRETED,
    reason="the Triton scan needs a CUDA device, or triton with TRITON_INTERPRET=1",
)
@pytest.mark.parametrize("optional", [(), ("D", "z", "delta_bias")])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", [(2, 1, 3, 1), (2, 17, 70, 5), (1, 40, 33, 16), (1, 9, 8, 64)])
def test_triton_equals_the_reference(size, reverse, optional) -> None:
    pytest.importorskip("triton")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    inputs = random_inputs(*size, optional=optional)
    inputs = ScanInputs(*(x if x is None else x.to(device) for x in inputs))
    expected = values_and_gradients(inputs, True, reverse, "reference")
    single = inputs.with_dtype(torch.float32)
    assert_close(values_and_gradients(single, True, reverse, "triton"), expected)
    onward, back = scan_both_ways(single, single, True, "triton")
    pair = (onward, back) if not reverse else (back, onward)
    assert_close(pair[:1], expected[:1])
