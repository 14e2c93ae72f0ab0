"""A pretraining on two devices (processes on the CPU, over gloo) beside one on one."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import torch

from bdgf.core.errors import RankError, SettingsError
from bdgf.core.interruption import Interrupted, listening
from bdgf.training.devices import DeviceSettings
from bdgf.training.metric_logger import MemoryLogger
from tests.diffusion.pretraining.test_pretrain import FOLLOWS_FEATURES, further, run, same

TWO = DeviceSettings(accelerator="cpu", count=2)
UNEVEN = {"batch_size": 5}
"""Tiles of a step: two for one process, three for the other."""
CURVE = 1e-3
"""Largest relative difference of the curves: float32 sums in another order, for 12 steps."""


def helpers():
    found = psutil.Process().children(recursive=True)
    return [
        child
        for child in found
        if child.status() != psutil.STATUS_ZOMBIE  # other tests' processes, that ended
        and "bdgf.diffusion.pretraining.rank_process" in child.cmdline()
    ]


class At:
    """Does something when the curve reaches a step, and lists the curve."""

    def __init__(self, step, action):
        self.step, self.action = step, action

    def log(self, metrics, step):
        if step == self.step:
            self.action()


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        pytest.param(
            {
                "masking": FOLLOWS_FEATURES,
                "others": further(),
                "objective": {"loss_average": "element"},
            },
            marks=pytest.mark.slow,
        ),
    ],
)
def test_two_processes_give_the_curves_of_one(chosen):
    logger, settings = MemoryLogger(), {**UNEVEN, "log_every": 1, **chosen}
    one = run(**settings)
    variables = dict(os.environ)  # libraries have set theirs
    two = run(devices=TWO, logger=logger, **settings)
    wanted, found = one.config["history"], two.config["history"]
    assert wanted.keys() == found.keys()
    for name, series in wanted.items():
        assert [step for step, _ in found[name]] == [step for step, _ in series]
        values = [value for _, value in found[name]]
        assert values == pytest.approx([value for _, value in series], rel=CURVE, abs=1e-5), name
    assert logger.series("pretrain/loss") == found["pretrain/loss"]  # live, from this process
    for name, tensor in one.tensors.items():
        torch.testing.assert_close(two.tensors[name], tensor, rtol=0.05, atol=2e-3)
    assert two.config["fingerprint"] != one.config["fingerprint"]
    assert dict(os.environ) == variables  # those of what this process starts later


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.diffusion.pretraining.test_rank_process import At, TWO, helpers
from tests.diffusion.pretraining.test_pretrain import run

def kill():
    print(helpers()[0].pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

run(checkpoint=Path(sys.argv[1]), logger=At(8, kill), devices=TWO)
"""


@pytest.mark.slow  # what is lost at any moment goes on below
def test_killed_and_restarted_it_ends_with_the_same_weights(tmp_path):
    checkpoint = tmp_path / "pretrain.ckpt"
    command = [sys.executable, "-c", KILLED, checkpoint]
    killed = subprocess.run(command, cwd=os.getcwd(), stdout=subprocess.PIPE, text=True)
    assert killed.returncode == -signal.SIGKILL
    helper = int(killed.stdout)
    logger = MemoryLogger()
    restarted = run(checkpoint=checkpoint, devices=TWO, logger=logger)
    assert logger.records[0][0] == 8  # it went on from step 7
    unbroken = run(devices=TWO)
    assert same(restarted, unbroken)
    assert restarted.config == unbroken.config
    assert not psutil.pid_exists(helper) or psutil.Process(helper).status() == "zombie"


@pytest.mark.slow
def test_a_signal_saves_a_checkpoint_and_leaves_no_process(tmp_path):
    checkpoint = tmp_path / "pretrain.ckpt"
    stop = At(4, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted) as stopped, listening():
        run(checkpoint=checkpoint, devices=TWO, logger=stop, checkpoint_seconds=1000)
    assert stopped.value.checkpoint == checkpoint
    assert checkpoint.exists()
    assert not helpers()


@pytest.mark.slow
def test_where_a_process_is_lost_it_goes_on_from_the_checkpoint(tmp_path):
    checkpoint, logger = tmp_path / "pretrain.ckpt", MemoryLogger()

    def lose():
        helpers()[0].kill()
        time.sleep(0.2)

    with pytest.raises(RankError, match="rank 1 was killed by SIGKILL; type the same command"):
        run(checkpoint=checkpoint, devices=TWO, logger=At(4, lose))
    assert not torch.distributed.is_initialized()
    restarted, unbroken = run(checkpoint=checkpoint, devices=TWO, logger=logger), run(devices=TWO)
    assert logger.records[0][0] > 4  # it went on
    assert same(restarted, unbroken)
    assert restarted.config["history"] == unbroken.config["history"]


def test_more_devices_than_tiles_are_refused():
    with pytest.raises(SettingsError, match=r"devices\.count is 8 and pretrain\.batch_size 4"):
        run(devices=DeviceSettings(accelerator="cpu", count=8))
