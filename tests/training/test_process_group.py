import os

import pytest
import torch.distributed as dist

from bdgf.core.errors import RankError
from bdgf.training.process_group import lost_ranks_told, process_group
from bdgf.training.ranks import ALONE


def test_the_connection_stays_on_this_machine_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
    store = dist.FileStore(str(tmp_path / "store"), 1)
    with process_group(store, "cpu", ALONE):
        assert dist.get_world_size() == 1
        assert os.environ.get("GLOO_SOCKET_IFNAME", "lo") in ("lo", "lo0")
    assert not dist.is_initialized()
    assert "GLOO_SOCKET_IFNAME" not in os.environ


def test_a_user_s_own_interface_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    with process_group(dist.FileStore(str(tmp_path / "store"), 1), "cpu", ALONE):
        pass
    assert os.environ["GLOO_SOCKET_IFNAME"] == "lo"


@pytest.mark.parametrize(
    "error", [dist.DistNetworkError("gone"), RuntimeError("[gloo/transport/tcp/pair.cc:553] x")]
)
def test_a_broken_connection_is_one_line(error):
    with pytest.raises(RankError, match="a process of the training was lost"), lost_ranks_told():
        raise error
    with pytest.raises(RankError, match="rank 3 fell asleep"):  # noqa: SIM117
        with lost_ranks_told(lambda: "rank 3 fell asleep"):
            raise error


def test_any_other_error_goes_its_way():
    with pytest.raises(RuntimeError, match=r"^mine$"), lost_ranks_told():
        raise RuntimeError("mine")
