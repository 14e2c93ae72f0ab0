"""The rules that keep the house in order; `lint-imports` tells the first of them with details."""

import ast
from collections.abc import Iterable
from pathlib import Path

from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

from bdgf.splits.split import SPLITS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "bdgf"
TESTS = ROOT / "tests"

TESTED_ELSEWHERE = {
    # Settings and types alone: their owners' tests hold what they mean.
    "inference/settings.py": "inference/test_predict.py",
    "diffusion/pretraining/settings.py": "diffusion/pretraining/test_pretrain.py",
    "models/bdgf/settings.py": "models/test_registry.py",
    "models/patch/settings.py": "models/patch/test_fit.py",
    "evaluation/scene_check/finding.py": "evaluation/scene_check/test_check.py",
    "preprocessing/settings.py": "preprocessing/test_modality_transform.py",
    "scenes/mask_variables.py": "scenes/test_masks.py",
    "scenes/readers/raw_array.py": "scenes/readers/test_registry.py",
    "splits/parts.py": "splits/test_split.py",
    "splits/settings.py": "splits/test_split.py",
    # Every rule has to keep the same promises.
    "splits/draw_pixels.py": "splits/test_split.py",
    **{f"splits/rules/{name}.py": "splits/test_split.py" for name in ("rule", *SPLITS)},
    # What every registered model has to do.
    "models/baselines/models.py": "models/test_registry.py",
    "models/patch/model.py": "models/test_registry.py",
    "models/sklearn/estimator.py": "models/test_registry.py",
    "models/sklearn/presets.py": "models/test_registry.py",
    # What the check of a scene hands on, by the whole of it.
    "evaluation/scene_check/edges.py": "evaluation/scene_check/test_registration.py",
    "evaluation/scene_check/report.py": "evaluation/scene_check/test_check.py",
    # An interface, by a network that has all of it.
    "models/patch/network.py": "models/bdgf/test_classifier.py",
    # Types and tables alone, by the report that is made of them.
    "evaluation/report_page/map_result.py": "evaluation/report_page/test_map_report.py",
    "evaluation/report_page/run_sections.py": "evaluation/report_page/test_map_report.py",
    # Kernels behind a function of another name.
    "nn/selective_scan/cpu_conv_kernels.py": "nn/selective_scan/test_causal_conv.py",
    "nn/selective_scan/cpu_kernels.py": "nn/selective_scan/test_cpu.py",
    "nn/selective_scan/cuda_package.py": "nn/selective_scan/test_scan.py",
    "nn/simd.py": "nn/selective_scan/test_cpu.py",
    "nn/fused/kernels.py": "models/bdgf/branches/test_pyramid.py",
    "nn/fused/operations.py": "models/bdgf/branches/test_pyramid.py",
    "nn/fused/mamba_kernel.py": "nn/fused/test_mamba.py",
    # The shell: what a command does is tested as a user types it.
    "experiments/bench.py": "experiments/test_runner.py",
    "framework/run_settings.py": "framework/test_validation.py",
    "pipelines": "pipelines/test_full.py",
    # The shell's entrances.
    "__main__.py": "test_cli.py",
    "settings.py": "framework/test_validation.py",
}
"""A source file whose tests have another name -> where they are."""

OF_NO_SINGLE_FILE = {
    "pipelines",  # whole pipelines, as a user types them
    "benchmarks",  # of the folder of this name
    "faults",  # of whole runs, disturbed
    "tools",  # likewise
    "models/test_layers.py",  # of every registered model together
    "datasets/test_damaged_artifacts.py",  # of every kind of artifact together
    "datasets/test_full_disk.py",  # of all that is written
    "fuzz",  # of everything that reads files
    "scenes/ingest/test_raw_file_cases.py",  # of readers and ingest together
    "scenes/ingest/test_round_trips.py",  # likewise
    "scenes/readers/test_raster_round_trips.py",  # of the readers of rasters together
    "scenes/test_documented_scenes.py",  # of docs/ against conf/
    "scenes/test_public_scenes.py",  # of conf/ against the published layouts
    "training/test_no_float64.py",  # of every room that computes on a device
    "test_architecture.py",
}
"""Tests and folders of tests that belong to no file of the package."""


def test_imports_go_downward_and_the_science_knows_no_shell() -> None:
    # The floors are written in pyproject.toml, where a newcomer looks first.
    configure()
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None)


def test_nothing_is_unpickled() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = ast.unparse(node.func)
            assert owner not in {"pickle.load", "pickle.loads", "joblib.load"}, path
            if owner == "torch.load":
                keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert keywords.get("weights_only") == "True", path


def test_file_names_say_something() -> None:
    nothing = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert not [path for path in PACKAGE.rglob("*") if path.stem in nothing]


def test_tests_mirror_the_source() -> None:
    """The tests of `src/bdgf/<room>/<file>.py` are in `tests/<room>/test_<file>.py`.

    A package whose `__init__` holds code may have a test of the package's name beside its folder.
    """

    def listed(path: Path, among: Iterable[str]) -> bool:
        return not {str(path), *map(str, path.parents)}.isdisjoint(among)

    sources = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    tests = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    packages = {Path(f"{path.parent}.py") for path in sources if path.name == "__init__.py"}
    modules = {path for path in sources if path.name != "__init__.py"}
    mirrored = {path.with_name(path.name.removeprefix("test_")) for path in tests}
    untested = modules - mirrored
    unlisted = {path for path in untested if not listed(path, TESTED_ELSEWHERE)}
    assert not unlisted
    homeless = {path.with_name(f"test_{path.name}") for path in mirrored - modules - packages}
    assert not {path for path in homeless if not listed(path, OF_NO_SINGLE_FILE)}
    # The lists hold nothing that is no longer true.
    folders = {folder for path in untested for folder in path.parents}
    assert {Path(path) for path in TESTED_ELSEWHERE} <= untested | folders
    assert {Path(path) for path in TESTED_ELSEWHERE.values()} <= tests
    assert all((TESTS / path).exists() for path in OF_NO_SINGLE_FILE)
