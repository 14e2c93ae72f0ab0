"""Lightning Fabric among processes that are there already: it starts none.

Left to itself, Fabric would start the whole command once more for each device.
"""

from __future__ import annotations

from lightning_fabric.plugins.environments import ClusterEnvironment
from lightning_fabric.strategies import DDPStrategy, Strategy

from bdgf.training.ranks import Ranks


class StartedRanks(ClusterEnvironment):
    """Tells Fabric which process this is, whatever the environment's variables say."""

    def __init__(self, ranks: Ranks) -> None:
        """Keeps the process's numbers."""
        super().__init__()
        self._ranks = ranks

    @property
    def creates_processes_externally(self) -> bool:
        """They are there."""
        return True

    @property
    def main_address(self) -> str:
        """Asked for by nobody: the processes are connected."""
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        """Asked for by nobody."""
        return 0

    @staticmethod
    def detect() -> bool:
        """It is given, never found."""
        return False

    def world_size(self) -> int:
        """How many processes train."""
        return self._ranks.count

    def set_world_size(self, size: int) -> None:
        """Fixed."""

    def global_rank(self) -> int:
        """This process's number."""
        return self._ranks.rank

    def set_global_rank(self, rank: int) -> None:
        """Fixed."""

    def local_rank(self) -> int:
        """Its number on its machine."""
        return self._ranks.local_rank

    def node_rank(self) -> int:
        """Its machine's number."""
        return self._ranks.rank // self._ranks.local_count


class StartedStrategy(DDPStrategy):
    """Averages gradients over processes that are there; changes nothing else of this one."""

    @property
    def launcher(self) -> None:
        """None: it would set `OMP_NUM_THREADS` for whatever this process starts later."""
        return None


def strategy(ranks: Ranks) -> Strategy | str:
    """How Fabric trains: on one device, or averaging gradients over several processes."""
    return "auto" if ranks.count == 1 else StartedStrategy()
