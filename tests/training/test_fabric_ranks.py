import pytest
from lightning_fabric.strategies import DDPStrategy

from bdgf.training.fabric_ranks import StartedRanks, strategy
from bdgf.training.ranks import ALONE, Ranks


@pytest.mark.parametrize(
    ("ranks", "node"), [(ALONE, 0), (Ranks(1, 2, 1, 2), 0), (Ranks(5, 8, 1, 4), 1)]
)
def test_fabric_is_told_which_process_this_is(ranks, node):
    told = StartedRanks(ranks)
    told.set_global_rank(99)
    told.set_world_size(99)
    assert (told.global_rank(), told.world_size()) == (ranks.rank, ranks.count)
    assert (told.local_rank(), told.node_rank()) == (ranks.local_rank, node)
    assert told.creates_processes_externally  # it starts none


def test_one_process_trains_as_ever():
    assert strategy(ALONE) == "auto"
    several = strategy(Ranks(0, 2, 0, 2))
    assert isinstance(several, DDPStrategy)
    assert several.launcher is None  # it would set variables of this process
