import numpy as np
import torch

from bdgf import __version__
from bdgf.core.software_versions import PACKAGES, software_versions


def test_every_package_is_named_in_the_version_that_is_imported() -> None:
    found = software_versions()
    assert set(found) == {"python", *PACKAGES}
    assert found["numpy"] == np.__version__
    assert found["bdgf"] == __version__
    assert torch.__version__.startswith(found["torch"].partition("+")[0])
