import logging

import pytest
import torch

from bdgf.core.errors import SettingsError
from bdgf.training.devices import (
    DeviceSettings,
    arithmetic,
    make_fabric,
    require_devices,
    resolve_accelerator,
    resolve_precision,
)


def pretend(monkeypatch, cuda=False, mps=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "accelerator", "precision"),
    [
        (True, False, "cuda", "bf16-mixed"),
        (False, True, "mps", "32-true"),
        (False, False, "cpu", "32-true"),
    ],
)
def test_auto_takes_what_is_there(monkeypatch, cuda, mps, accelerator, precision):
    pretend(monkeypatch, cuda, mps)
    assert resolve_accelerator(DeviceSettings()) == accelerator
    assert resolve_precision(DeviceSettings()) == precision
    assert resolve_accelerator(DeviceSettings(accelerator="cpu")) == "cpu"
    assert resolve_precision(DeviceSettings(precision="32-true")) == "32-true"


def test_a_missing_accelerator_is_told_in_one_line(monkeypatch):
    pretend(monkeypatch)
    with pytest.raises(SettingsError, match="accelerator is 'cuda' but PyTorch finds no such"):
        make_fabric(DeviceSettings(accelerator="cuda"))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_fabric_computes_in_its_precision_and_keeps_quiet(precision, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    fabric = make_fabric(DeviceSettings(accelerator="cpu", precision=precision))
    layer = torch.nn.Linear(2, 2)
    model, _ = fabric.setup(layer, torch.optim.SGD(layer.parameters()))
    with fabric.autocast():
        inside = torch.nn.functional.linear(torch.ones(1, 2), layer.weight).dtype
    assert inside == (torch.float32 if precision == "32-true" else torch.bfloat16)
    assert model(torch.ones(1, 2)).dtype == torch.float32
    assert not caplog.records
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_more_devices_than_there_are_are_told_in_one_line(monkeypatch):
    require_devices(DeviceSettings(accelerator="cpu", count=8))  # processes
    pretend(monkeypatch, cuda=True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    require_devices(DeviceSettings())
    told = r"devices\.count is 2, and this machine has 1 of 'cuda'"
    with pytest.raises(SettingsError, match=told):
        require_devices(DeviceSettings(count=2))
    pretend(monkeypatch, mps=True)
    with pytest.raises(SettingsError, match="has 1 of 'mps'"):
        require_devices(DeviceSettings(count=2))


def test_bits_belong_to_the_number_of_threads_on_a_cpu_alone() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = arithmetic("cpu")
        torch.set_num_threads(2)
        assert arithmetic(torch.device("cpu")) != one
        assert arithmetic("cuda:1") == ["cuda"]
    finally:
        torch.set_num_threads(threads)
