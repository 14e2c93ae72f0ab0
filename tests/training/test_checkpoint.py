import logging

import numpy as np
import pytest
import torch

from bdgf.training.checkpoint import (
    TrainingState,
    delete_checkpoint,
    load_checkpoint,
    previous_checkpoint,
    save_checkpoint,
)
from bdgf.training.metric_logger import MemoryLogger
from bdgf.training.optimizer import ExponentialAverage, OptimizationSettings, make_optimizer


def state(seed=0):
    torch.manual_seed(seed)
    model = torch.nn.Linear(3, 2)
    return TrainingState(
        model,
        make_optimizer(model, OptimizationSettings()),
        ExponentialAverage(model, 0.9),
        generators={
            "torch": torch.Generator().manual_seed(seed),
            "numpy": np.random.default_rng(seed),
        },
        parts={"history": MemoryLogger()},
    )


def advance(training):
    """One step that draws from every generator; gives what was drawn."""
    x = torch.randn(4, 3, generator=training.generators["torch"])
    x += float(training.generators["numpy"].normal()) + torch.rand(1)
    training.optimizer.zero_grad()
    loss = training.model(x).square().mean()
    loss.backward()
    training.optimizer.step()
    training.ema.update(training.model, training.step)
    training.parts["history"].log({"loss": loss.item()}, training.step)
    training.means.add({"loss": loss})
    training.step += 1
    return loss.item()


def test_a_restored_state_goes_on_bit_for_bit(tmp_path):
    training = state()
    advance(training)
    save_checkpoint(tmp_path / "deep" / "run.ckpt", training.state_dict(), "mark")
    expected = [advance(training) for _ in range(3)]
    other = state(seed=5)
    other.load_state_dict(load_checkpoint(tmp_path / "deep" / "run.ckpt", "mark"))
    assert [advance(other) for _ in range(3)] == expected
    assert torch.equal(other.ema.tensors["weight"], training.ema.tensors["weight"])
    assert other.parts["history"].records == training.parts["history"].records
    assert other.means.take() == training.means.take()
    assert other.step == 4


def test_no_half_written_file_is_left(tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, {"step": 1}, "mark")

    def interrupted(content, file):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {"step": 2}, "mark")
    assert load_checkpoint(path, "mark") == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["run.ckpt"]


def test_there_may_be_none(tmp_path):
    assert load_checkpoint(tmp_path / "none.ckpt", "mark") is None


def test_a_checkpoint_of_another_training_is_ignored(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    save_checkpoint(tmp_path / "run.ckpt", {"step": 1}, "mark")
    assert load_checkpoint(tmp_path / "run.ckpt", "other") is None
    assert "is of other data or settings (mark, now other)" in caplog.text


@pytest.mark.parametrize("damage", ["empty", "truncated", "text", "flipped", "foreign"])
def test_a_damaged_checkpoint_is_ignored_with_a_warning(tmp_path, caplog, damage):
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, {"weight": torch.arange(1000.0)}, "mark")
    content = bytearray(path.read_bytes())
    middle = content.find(torch.tensor([500.0, 501.0]).numpy().tobytes())
    content[middle] ^= 1
    damaged = {
        "empty": b"",
        "truncated": path.read_bytes()[:-300],
        "text": b"no checkpoint",
        "flipped": bytes(content),
        "foreign": None,
    }[damage]
    if damaged is None:
        torch.save([1, 2], path)
    else:
        path.write_bytes(damaged)
    assert load_checkpoint(path, "mark") is None
    assert f"{path} is damaged" in caplog.text


def test_where_the_last_checkpoint_is_damaged_or_missing_the_one_before_is_used(tmp_path, caplog):
    path = tmp_path / "run.ckpt"
    for step in (1, 2, 3):
        save_checkpoint(path, {"step": step}, "mark")
    assert load_checkpoint(path, "mark") == {"step": 3}
    path.write_bytes(path.read_bytes()[:-300])
    assert load_checkpoint(path, "mark") == {"step": 2}
    assert f"{path} is damaged" in caplog.text
    path.unlink()  # killed between the two renames
    assert load_checkpoint(path, "mark") == {"step": 2}
    previous_checkpoint(path).write_bytes(b"no checkpoint")
    assert load_checkpoint(path, "mark") is None


def test_the_one_before_is_of_the_same_training_or_none(tmp_path):
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, {"step": 1}, "other")
    save_checkpoint(path, {"step": 2}, "mark")
    path.unlink()
    assert load_checkpoint(path, "mark") is None


def test_nothing_of_a_deleted_checkpoint_stays(tmp_path):
    path = tmp_path / "run.ckpt"
    for step in (1, 2):
        save_checkpoint(path, {"step": step}, "mark")
    path.with_name("run.ckpt.part").touch()
    delete_checkpoint(path)
    assert list(tmp_path.iterdir()) == []
    delete_checkpoint(path)
