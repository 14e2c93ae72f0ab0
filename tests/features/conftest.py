import pytest

from bdgf.training.devices import DeviceSettings, make_fabric


@pytest.fixture(scope="module")
def fabric():
    return make_fabric(DeviceSettings(accelerator="cpu"))
