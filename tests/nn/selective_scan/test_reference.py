"""The scan that all backends are measured by."""

import pytest
import torch
from mambapy.mamba import MambaBlock
from torch.nn.functional import silu, softplus

from bdgf.nn.selective_scan import ScanInputs, scan_channels_last
from tests.nn.selective_scan.small_scans import assert_close, random_inputs


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_equals_an_independent_implementation(backend) -> None:
    inputs = random_inputs(3, 21, 6, 4, optional=("D", "z", "delta_bias"), double=False)
    delta = softplus(inputs.delta + inputs.delta_bias)
    u, _, A, B, C, D, z, _ = inputs
    expected = MambaBlock.selective_scan(None, u, delta, A, B, C, D) * silu(z)
    result = scan_channels_last(inputs, True, backend=backend)
    assert_close([result], [expected.double()])


def test_gradients_of_the_reference() -> None:
    inputs = [x.requires_grad_() for x in random_inputs(2, 4, 3, 2)]
    for reverse in (False, True):
        assert torch.autograd.gradcheck(
            lambda *x, reverse=reverse: scan_channels_last(
                ScanInputs(*x), True, reverse, "reference"
            ),
            inputs,
        )
