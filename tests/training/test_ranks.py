"""What the processes of a training exchange; the second one is `tests.training.rank_helper`."""

import pytest
import torch

from bdgf.core.mapped_file import is_mapped, mapped_array
from bdgf.training.devices import DeviceSettings
from bdgf.training.rank_processes import training_ranks
from bdgf.training.ranks import ALONE, Ranks
from tests.training.rank_helper import ARRAY

TWO = DeviceSettings(accelerator="cpu", count=2)


@pytest.fixture(scope="module")
def ranks():
    with training_ranks(TWO, "tests.training.rank_helper") as first:
        yield first
        first.shared_bytes(b"end")


@pytest.mark.parametrize(("batch", "count"), [(16, 1), (16, 3), (7, 4), (2, 2)])
def test_the_parts_of_a_batch_are_the_batch(batch, count):
    parts = [Ranks(rank, count).part(batch) for rank in range(count)]
    assert [i for part in parts for i in range(batch)[part]] == list(range(batch))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_sums_are_those_of_all_and_gradients_average_to_theirs(ranks):
    ranks.shared_bytes(b"total")
    own = torch.tensor([2.0, 1.0 / 3.0], requires_grad=True)
    summed = ranks.total(own)
    assert summed.tolist() == pytest.approx([12.0, 2.0 / 3.0])
    summed.sum().backward()
    # The average over both of what the network gets is the gradient of the sum.
    assert (ranks.total(own.grad) / ranks.count).tolist() == [2.0, 2.0]
    assert own.grad.tolist() == [2.0, 2.0]


def test_the_first_decides(ranks):
    ranks.shared_bytes(b"first")
    given = ranks.from_first(torch.full((2,), 5.0))
    assert ranks.total(given).tolist() == [10.0, 10.0]  # both had 5


def test_arrays_arrive_as_they_are(ranks):
    ranks.shared_bytes(b"array")
    fixed = ARRAY.copy()
    fixed.flags.writeable = False
    for sent in (fixed, ARRAY > 5, ARRAY[:, :0]):
        ranks.shared_array(sent)
        assert ranks.total(torch.ones(1)).item() == 2  # the other says so


def test_an_array_in_a_file_arrives_in_a_file(ranks, monkeypatch):
    monkeypatch.setattr("bdgf.training.ranks._PIECE", 40)
    ranks.shared_bytes(b"array")
    mapped = mapped_array(ARRAY.shape, ARRAY.dtype)
    mapped[:] = ARRAY
    assert is_mapped(ranks.shared_array(mapped))
    assert ranks.total(torch.ones(1)).item() == 2
    for sent in (ARRAY > 5, ARRAY[:, :0]):
        ranks.shared_array(sent)
        ranks.total(torch.ones(1))


def test_a_checkpoint_s_state_arrives_as_it_is(ranks):
    ranks.shared_bytes(b"state")
    ranks.shared_state({"step": 3, "w": torch.ones(2)})
    ranks.shared_state(None)
    assert ranks.total(torch.ones(1)).item() == 2


def test_one_process_alone_needs_no_connection():
    sums = torch.ones(2, requires_grad=True)
    assert ALONE.total(sums) is sums
    assert ALONE.from_first(sums) is sums
    assert ALONE.shared_bytes(b"x") == b"x"
    assert ALONE.shared_state(None) is None
    assert ALONE.shared_array(ARRAY) is ARRAY
