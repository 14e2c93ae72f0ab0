"""Blocks on the workers of dask.distributed."""

import os
import signal
import socket
import sys
from unittest.mock import patch

import numpy as np
import pytest
from pydantic import ValidationError

from bdgf.core.artifact_cache import ArtifactCache
from bdgf.core.errors import SettingsError
from bdgf.inference.executors import ExecutorSettings, open_workers
from bdgf.inference.mapping import map_scene
from bdgf.inference.settings import InferenceSettings, MappingSettings
from bdgf.inference.stored_step import StoredStep
from bdgf.inference.window_step import CLASS_MAP
from bdgf.scenes.scene_windows import DatasetWindows
from tests.inference.small_models import small_model, small_scene


def mapped(folder, name, executor):
    found = map_scene(
        small_model(name),
        DatasetWindows(small_scene()),
        MappingSettings(block=16, probabilities=True),
        InferenceSettings(),
        ArtifactCache(folder, 4),
        executor=executor,
    )
    return {
        layer: np.concatenate([values for _, values in found.rows(layer)], axis=1)
        for layer in found.file.layers
    }


class Dying(StoredStep):
    """Kills its worker at the first block that any worker makes."""

    def __call__(self, window):
        try:
            os.close(os.open(self.parts["mark"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return super().__call__(window)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("not reached")

    def _step(self):
        parts = {name: part for name, part in self.parts.items() if name != "mark"}
        return StoredStep(self.mark, self.model, parts, self.threads)._step()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bdgf", "random_forest"])
def test_two_workers_one_of_them_killed_make_the_map_that_one_process_makes(tmp_path, name):
    from bdgf.inference import mapping

    original = mapping.stored_step

    def dying_step(*given):
        context = original(*given)

        class Changed:
            def __enter__(self):
                step = context.__enter__()
                parts = {**step.parts, "mark": str(tmp_path / "killed")}
                return Dying(step.mark, step.model, parts, 1)

            def __exit__(self, *error):
                return context.__exit__(*error)

        return Changed()

    expected = mapped(tmp_path / "here", name, None)
    with patch.object(mapping, "stored_step", dying_step):
        found = mapped(tmp_path / "there", name, ExecutorSettings(dask="local:2"))
    assert (tmp_path / "killed").exists()
    for layer, maps in expected.items():
        np.testing.assert_array_equal(found[layer], maps, err_msg=layer)
    assert found[CLASS_MAP].any()
    assert not [path for path in (tmp_path / "there").iterdir() if path.is_dir()][1:]


def test_this_process_is_the_default():
    assert ExecutorSettings.model_validate("local") == ExecutorSettings()
    with open_workers(ExecutorSettings()) as workers:
        assert workers.executor is None


@pytest.mark.parametrize("dask", ["local:", "local:0", "local:two"])
def test_no_workers_are_refused(dask):
    with pytest.raises(ValidationError, match="starts no workers"):
        ExecutorSettings(dask=dask)


def test_without_the_extra_the_line_says_how_to_get_it():
    settings = ExecutorSettings(dask="local:2")
    with (
        patch.dict(sys.modules, {"distributed": None}),
        pytest.raises(SettingsError, match=r"pip install 'bdgf\[cluster\]'"),
        open_workers(settings),
    ):
        pass


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr("bdgf.core.dask_client.CONNECT_SECONDS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with (
        pytest.raises(SettingsError, match="no dask scheduler answers at tcp"),
        open_workers(ExecutorSettings(dask=address)),
    ):
        pass
