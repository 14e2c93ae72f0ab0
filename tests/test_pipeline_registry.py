"""One family of pipelines, each named after its verb."""

import subprocess
import sys

import pytest
from kedro.pipeline import Pipeline

from bdgf.framework.session import DIFFUSION, concerns_model
from bdgf.pipeline_registry import register_pipelines


@pytest.fixture(scope="module")
def pipelines() -> dict[str, Pipeline]:
    return register_pipelines()


def test_full_holds_every_step(pipelines: dict[str, Pipeline]) -> None:
    steps = ("ingest", "prepare", "pretrain", "features", "train", "evaluate", "report")
    named = {node.name for step in steps for node in pipelines[step].nodes}
    assert {node.name for node in pipelines["full"].nodes} == named
    assert pipelines["__default__"] is pipelines["full"]


def test_what_makes_features_is_tagged_so_that_a_model_can_do_without(
    pipelines: dict[str, Pipeline],
) -> None:
    tagged = pipelines["full"].only_nodes_with_tags(DIFFUSION)
    assert tagged.all_outputs() == {"denoiser", "feature_cube"}


@pytest.mark.parametrize(
    ("name", "concerned"),
    [
        *(("full", True), ("train", True), ("evaluate", True), ("report", True)),
        *(("ingest", False), ("prepare", False), ("pretrain", False), ("features", False)),
        ("balance", False),
    ],
)
def test_which_pipelines_ask_for_a_model(
    pipelines: dict[str, Pipeline], name: str, concerned: bool
) -> None:
    assert concerns_model(pipelines[name]) == concerned


def test_to_read_the_pipelines_imports_nothing_of_what_they_compute_with() -> None:
    code = (
        "import sys; from bdgf.pipeline_registry import register_pipelines; register_pipelines();"
        "heavy = {'torch', 'numba', 'sklearn', 'scipy', 'xarray', 'pandas', 'matplotlib',"
        "'rasterio', 'mlflow', 'lightning_fabric'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
