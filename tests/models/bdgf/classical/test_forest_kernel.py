"""The compiled walk through a forest."""

import torch

from tests.models.bdgf.classical.small_forest import filled, grow


def test_the_compiled_walk_does_not_depend_on_the_number_of_threads():
    forest = filled(grow(trees=300))
    described = torch.randn(2000, 4, generator=torch.Generator().manual_seed(0))
    threads, found = torch.get_num_threads(), []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        found.append(forest(described))
    torch.set_num_threads(threads)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
