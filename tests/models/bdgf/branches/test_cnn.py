"""The block of the CNN branch."""

import pytest
import torch

from bdgf.models.bdgf.branches.cnn import CnnBlock, CnnSettings


@pytest.mark.parametrize(("kernel", "reach"), [(1, 0), (3, 1), (5, 2)])
def test_a_cell_sees_its_surroundings_as_far_as_the_kernel_reaches(kernel, reach):
    torch.manual_seed(0)
    block = CnnBlock(7, 8, CnnSettings(kernel=kernel))
    grid = torch.randn(1, 7, 7, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(block(grid)[0, 3, 3].square().sum(), grid)
    rows, columns = (gradient[0].abs().sum(-1) > 0).nonzero(as_tuple=True)
    span = list(range(3 - reach, 4 + reach))
    assert rows.unique().tolist() == columns.unique().tolist() == span
    assert len(rows) == len(span) ** 2


def test_it_adds_to_what_it_is_given():
    block = CnnBlock(3, 8, CnnSettings())
    for parameter in block.mix[-1].parameters():
        torch.nn.init.zeros_(parameter)
    grid = torch.randn(2, 3, 3, 8)
    assert torch.equal(block(grid), grid)
