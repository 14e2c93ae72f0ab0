from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.job import Job, send_job
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.training.devices import DeviceSettings
from bdgf.training.ranks import ALONE
from tests.diffusion.small_scene import prepared_scene

# What arrives is seen in test_rank_process.py: whatever is lost, another network is trained.


def test_one_process_sends_nothing(monkeypatch):
    monkeypatch.delattr(type(ALONE), "shared_bytes")
    data = PretrainingData.of(prepared_scene())
    send_job(Job(data, PretrainSettings(), 0, DeviceSettings()), ALONE)
