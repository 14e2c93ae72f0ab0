"""The block of the transformer branch."""

import pytest
import torch

from bdgf.core.errors import SettingsError
from bdgf.models.bdgf.branches import BranchSettings, block_maker
from bdgf.models.bdgf.branches.transformer import TransformerBlock, TransformerSettings


def test_unequal_heads_are_refused():
    maker = block_maker("transformer", 15, BranchSettings(transformer={"heads": 2}))
    with pytest.raises(SettingsError, match="width 15 over 2 heads"):
        maker(3)


def test_only_the_positional_embedding_tells_cells_apart():
    torch.manual_seed(0)
    block = TransformerBlock(3, 8, TransformerSettings(heads=2)).eval()
    grid = torch.randn(2, 3, 3, 8)
    turned = torch.rot90(grid, 1, (1, 2))
    assert not torch.allclose(block(turned), torch.rot90(block(grid), 1, (1, 2)), atol=1e-6)
    torch.nn.init.zeros_(block.positional_embedding)
    torch.testing.assert_close(block(turned), torch.rot90(block(grid), 1, (1, 2)))


def test_every_cell_asks_every_other():
    torch.manual_seed(0)
    block = TransformerBlock(3, 8, TransformerSettings())
    grid = torch.randn(1, 3, 3, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(block(grid)[0, 0, 0].square().sum(), grid)
    assert (gradient.abs().sum(-1) > 0).all()
