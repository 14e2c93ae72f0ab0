"""The rules that keep the house in order; `lint-imports` tells the first of them with details."""

import ast
from pathlib import Path

from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "bdgf"


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
