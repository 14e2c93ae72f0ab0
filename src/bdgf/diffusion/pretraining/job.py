"""All that the processes of one pretraining must know, sent by the first to the others."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.training.devices import DeviceSettings
from bdgf.training.ranks import Ranks


class Job(NamedTuple):
    """One pretraining.

    Attributes:
        data: The prepared scene or scenes.
        settings: The group `pretrain`.
        seed: Seed of initial weights, tiles, noise, masks.
        devices: Devices and precision.
    """

    data: PretrainingData
    settings: PretrainSettings
    seed: int
    devices: DeviceSettings


def send_job(job: Job, ranks: Ranks) -> None:
    """Sends the job from the first process to the others, which call `receive_job`."""
    if ranks.count == 1:
        return
    scenes = [
        {
            "name": scene.name,
            "modalities": list(scene.modalities.items()),
            "masked": scene.present is not None,
        }
        for scene in job.data.scenes
    ]
    told = {
        "scenes": scenes,
        "settings": job.settings.model_dump(mode="json"),
        "seed": job.seed,
        "devices": job.devices.model_dump(mode="json"),
    }
    ranks.shared_bytes(json.dumps(told).encode())
    for scene in job.data.scenes:
        for array in scene.arrays:
            ranks.shared_array(array)


def receive_job(ranks: Ranks) -> Job:
    """The job that the first process sends."""
    told = json.loads(ranks.shared_bytes())
    first, *others = [_received_scene(scene, ranks) for scene in told["scenes"]]
    return Job(
        first.with_others(others),
        PretrainSettings.model_validate(told["settings"]),
        int(told["seed"]),
        DeviceSettings.model_validate(told["devices"]),
    )


def _received_scene(told: dict[str, Any], ranks: Ranks) -> PretrainingData:
    return PretrainingData(
        channels=ranks.shared_array(),
        valid=ranks.shared_array(),
        modalities=dict(told["modalities"]),
        present=ranks.shared_array() if told["masked"] else None,
        name=told["name"],
    )
