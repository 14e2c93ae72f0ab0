"""What a scan is given."""

import pytest

from bdgf.nn.selective_scan import scan_channels_last
from tests.nn.selective_scan.small_scans import random_inputs


def test_wrong_shapes_are_named() -> None:
    inputs = random_inputs()
    with pytest.raises(ValueError, match="scan's B has shape"):
        scan_channels_last(inputs._replace(B=inputs.B[:, :-1]))
    with pytest.raises(ValueError, match="three axes"):
        scan_channels_last(inputs._replace(u=inputs.u[0]))
