"""The rules that keep the house in order."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "bdgf"
BELOW = {
    "nn": set(),
    "raster": {"diffusion"},
    "scenes": {"raster"},
    "diffusion": {"scenes", "nn", "raster"},
    "networks": {"scenes", "nn", "raster"},
    "training": {"networks", "diffusion", "scenes", "raster"},
    "evaluation": {"training", "networks", "diffusion", "scenes", "raster"},
    "baselines": {"evaluation", "training", "networks", "diffusion", "scenes", "raster"},
    "models": {"baselines", "evaluation", "training", "networks", "diffusion", "scenes", "raster"},
}
SHARED = {"core", "__version__"}


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it the statement stands."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("package", BELOW)
def test_science_knows_no_shell_and_imports_downward(package: str) -> None:
    files = sorted((PACKAGE / package).rglob("*.py"))
    assert files
    for path in files:
        for name in imported(path):
            parts = name.split(".")
            assert parts[0] not in {"kedro", "kedro_mlflow", "kedro_datasets", "mlflow"}, path
            if parts[0] == "bdgf":
                assert parts[1] in BELOW[package] | SHARED | {package}, f"{path} imports {name}"


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
