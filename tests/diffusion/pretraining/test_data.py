"""What pretraining sees of a scene, and what its fingerprint hangs on."""

import numpy as np
import pytest

from bdgf.diffusion.pretraining.data import PretrainingData
from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.training.devices import DeviceSettings
from tests.diffusion.small_scene import CHANNELS, prepared_scene

CPU = DeviceSettings(accelerator="cpu")


def test_modalities_are_stacked_in_their_order() -> None:
    scene = prepared_scene()
    data = PretrainingData.of(scene)
    assert data.modalities == CHANNELS
    assert data.channels.shape[0] == sum(CHANNELS.values())
    first = next(iter(CHANNELS))
    np.testing.assert_array_equal(data.channels[: CHANNELS[first]], scene[first].to_numpy())
    np.testing.assert_array_equal(data.valid, scene["valid"].to_numpy() > 0)


@pytest.mark.parametrize(
    ("changed", "alike"),
    [
        ({"log_every": 7}, True),
        ({"validate_every": 7}, True),
        ({"checkpoint_seconds": 7.0}, True),
        ({"batch_size": 7}, False),
        ({"masking": {"strategy": "adaptive"}}, False),
    ],
)
def test_settings_that_decide_the_weights_decide_the_fingerprint(
    changed: dict[str, object], alike: bool
) -> None:
    data = PretrainingData.of(prepared_scene())
    one = data.fingerprint(PretrainSettings(), 0, CPU)
    other = data.fingerprint(PretrainSettings.model_validate(changed), 0, CPU)
    assert (one == other) == alike


def test_one_device_decides_it_as_ever_and_several_by_their_number() -> None:
    data, settings = PretrainingData.of(prepared_scene()), PretrainSettings()
    counted = [DeviceSettings(accelerator="cpu", count=count) for count in (1, 2, 3)]
    one, two, three = (data.fingerprint(settings, 0, devices) for devices in counted)
    assert one == data.fingerprint(settings, 0, CPU)
    assert len({one, two, three}) == 3


def test_scene_seed_and_precision_decide_it_too() -> None:
    data, settings = PretrainingData.of(prepared_scene()), PretrainSettings()
    half = DeviceSettings(accelerator="cpu", precision="bf16-mixed")
    marks = {
        data.fingerprint(settings, 0, CPU),
        data.fingerprint(settings, 1, CPU),
        data.fingerprint(settings, 0, half),
        PretrainingData.of(prepared_scene(seed=1)).fingerprint(settings, 0, CPU),
    }
    assert len(marks) == 4


def test_other_scenes_decide_it_by_what_is_in_them() -> None:
    settings, other = PretrainSettings(), PretrainingData.of(prepared_scene(seed=1))
    alone = PretrainingData.of(prepared_scene())
    pair = alone.with_others([other])
    mark = pair.fingerprint(settings, 0, CPU)
    assert mark != alone.fingerprint(settings, 0, CPU)
    third = PretrainingData.of(prepared_scene(seed=2))
    assert mark != alone.with_others([third]).fingerprint(settings, 0, CPU)
    named = PretrainSettings(scenes=("one",))
    assert mark == pair.fingerprint(named, 0, CPU)
    assert pair.valid_pixels == alone.valid_pixels + other.valid_pixels
    assert [scene.name for scene in pair.scenes] == ["small", "small"]


@pytest.mark.parametrize(
    ("typed", "taken"), [(["a", "b"], ("a", "b")), ("a", ("a",)), (2018, ("2018",)), ([], ())]
)
def test_scenes_are_typed_as_a_list_or_as_one_name(typed: object, taken: tuple[str, ...]) -> None:
    assert PretrainSettings.model_validate({"scenes": typed}).scenes == taken
