"""Fixtures that every test may use."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]

os.environ["DO_NOT_TRACK"] = "1"  # read when a package that would send something is imported

# Under `nohup`, and in the background of a script, these signals are ignored, here and in every
# child: tests of signals send them.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-golden",
        action="store_true",
        help="Take the metrics that are measured now over into tests/pipelines/golden.",
    )


# The files that take longest, the longest first: begun last, one of them would hold up the end.
LONGEST = (
    *("pipelines/test_full.py", "models/test_registry.py", "experiments/test_runner.py"),
    *("pipelines/test_as_typed.py", "models/patch/test_fit.py", "pipelines/test_public_layouts.py"),
    *("diffusion/pretraining/test_pretrain.py", "pipelines/test_refusals.py"),
    *("a_scene_and_a_forest.ipynb", "models/bdgf/classical/test_fit.py"),
)
SLOW_NOTEBOOKS = ("another_scene.ipynb",)
# Cases that say little beside others of their test: (end of the file's path, part of the name).
SLOW_CASES = (
    *(
        (f"inference/test_{name}.py", model)
        for name in ("map_model", "prepared_map", "array_model")
        for model in ("bdgf_unguided", "two_stream_cnn", "mft", "svm_windows")
    ),
    ("models/test_registry.py", "bdgf_unguided"),
    ("models/test_layers.py", "bdgf_unguided"),
    *(
        ("experiments/test_suite.py", f"can_be_run[{begin}")
        for begin in ("ce", "ch", "cl", *"abdfglmpqtv")  # of the suites, all but one
    ),
    ("framework/test_config_loader.py", "[scene_numeric_name]"),
    ("framework/test_config_loader.py", "[scene_windows_path]"),
    ("ingest/test_file_windows.py", "windows_too[optical.nc]"),
    ("ingest/test_round_trips.py", "comes_back_equal[netcdf]"),
    ("pipelines/test_full.py", "map_model_draws[bdgf]"),
    ("pipelines/test_stopped.py", "failed_run[bdgf.scenes"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Takes the longest files first; `make test` gives whole files to two processes."""

    def rank(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((i for i, name in enumerate(LONGEST) if path.endswith(name)), len(LONGEST))

    items.sort(key=rank)
    for item in items:
        place = item.path.as_posix()
        slow = any(place.endswith(end) and part in item.name for end, part in SLOW_CASES)
        if slow or item.path.name in SLOW_NOTEBOOKS:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real scenes, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("BDGF_DATA", PROJECT.parent / "shared" / "data"))
    if not (folder / "coast").is_dir():
        pytest.skip(f"no real scenes in {folder}; point BDGF_DATA at a folder that has coast/")
    return folder


@pytest.fixture
def two_threads() -> Iterator[None]:
    """PyTorch computes on two threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
