"""Workers whose runs would not be those of this machine are refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from bdgf.core.errors import SettingsError
from bdgf.experiments.worker_places import (
    WorkerPlace,
    check_places,
    comparable_versions,
    fewest_threads,
)
from tests.messages import telling


def test_a_worker_elsewhere_has_to_see_the_folder_and_to_have_the_same_versions() -> None:
    versions, folder = comparable_versions(), Path("/data/bench")
    fits = WorkerPlace("a", 4, True, versions)
    check_places({"tcp://a:1": fits}, folder)
    with pytest.raises(SettingsError, match=telling("tcp://b:1 on b", "does not see /data/bench")):
        check_places(
            {"tcp://a:1": fits, "tcp://b:1": replace(fits, host="b", sees_folder=False)}, folder
        )
    other = replace(fits, versions={**versions, "numpy": "0.1"})
    with pytest.raises(SettingsError, match=telling("has numpy 0.1", versions["numpy"])):
        check_places({"tcp://a:1": other}, folder)
    without = {name: found for name, found in versions.items() if name != "skops"}
    with pytest.raises(SettingsError, match="has skops None"):
        check_places({"tcp://a:1": replace(fits, versions=without)}, folder)


def test_no_machine_has_more_threads_than_cores() -> None:
    places = {
        "a1": WorkerPlace("a", 8, True, {}),
        "a2": WorkerPlace("a", 8, True, {}),
        "b1": WorkerPlace("b", 6, True, {}),
    }
    assert fewest_threads(places, {"a1": 1, "a2": 1, "b1": 1}) == 4
    assert fewest_threads(places, {"a1": 1, "a2": 0, "b1": 1}) == 6
    assert fewest_threads(places, {"a1": 9, "a2": 0, "b1": 0}) == 1
