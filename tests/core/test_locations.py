import pytest

from bdgf.core.errors import SettingsError
from bdgf.core.locations import is_remote, require_local


@pytest.mark.parametrize("place", ["s3://bucket/x", "gs://b", "abfs://c@a/x", "https://h/x"])
def test_an_address_is_refused_in_one_line(place):
    assert is_remote(place)
    told = f"^data_folder is '{place}', and must be a folder of this"
    with pytest.raises(SettingsError, match=told) as e:
        require_local("data_folder", place)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("place", ["data", "../data", "/mnt/shared/data", "C:/data", "a:b"])
def test_a_folder_is_not(place):
    assert not is_remote(place)
    require_local("data_folder", place)
