"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]

os.environ["DO_NOT_TRACK"] = "1"  # read when a package that would send something is imported


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-golden",
        action="store_true",
        help="Take the metrics that are measured now over into tests/pipelines/golden.",
    )


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real scenes, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("BDGF_DATA", PROJECT.parent / "shared" / "data"))
    if not (folder / "coast").is_dir():
        pytest.skip(f"no real scenes in {folder}; point BDGF_DATA at a folder that has coast/")
    return folder
