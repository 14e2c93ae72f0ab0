"""The README's recipes work in any order, from an empty folder."""

import random
import re
import shlex
from pathlib import Path

import pytest

from tests.pipelines.project import ROOT, Project

# On a small scene, with the small settings of the tests.
IN_PLACE = {"dataset": "demo", "train.epochs": "2"}
RUNS = (
    "run --pipeline=full --params dataset=coast",
    "run --pipeline=full --params dataset=coast,seed=3",
    "run --pipeline=train --params dataset=coast,train.epochs=20",
    "run --pipeline=evaluate --params dataset=coast",
    "run --pipeline=evaluate --params dataset=coast,model=svm",
    "run --pipeline=evaluate --params dataset=coast,inference.smoothing.sigma=2",
    "run --pipeline=full --params dataset=coast --params 'features.timesteps=[50, 100]'",
)
"""What users type of one scene, beside the recipes of the README."""


def recipes() -> list[list[str]]:
    """The arguments of every `kedro run` in the README, and of `RUNS`."""
    lines = re.findall(r"^kedro (run .*?)(?:\s+#.*)?$", (ROOT / "README.md").read_text(), re.M)
    return [[_small(argument) for argument in shlex.split(line)] for line in (*lines, *RUNS)]


def _small(argument: str) -> str:
    for name, value in IN_PLACE.items():
        argument = re.sub(rf"\b{re.escape(name)}=\w+", f"{name}={value}", argument)
    return argument


def test_the_recipes_of_the_readme_are_found() -> None:
    found = [" ".join(recipe) for recipe in recipes()]
    assert len(found) >= len(RUNS) + 2  # or the test looks at the wrong text
    assert any("--pipeline=predict" in recipe for recipe in found)


@pytest.mark.slow
@pytest.mark.parametrize("order", range(3))
def test_recipes_in_a_random_order(tmp_path: Path, order: int) -> None:
    project = Project.create(tmp_path / "project")
    shuffled = recipes()
    random.Random(order).shuffle(shuffled)
    for recipe in shuffled:
        result = project.command(*recipe, "--env=test")
        assert result.code == 0, (recipe, result.printed)
        asked = " ".join(recipe)
        if "evaluate" in asked or "full" in asked:
            metrics = project.metrics("demo")
            assert metrics["seed"] == (3 if "seed=3" in asked else 0), recipe
            model = re.search(r"model=(\w+)", asked)
            assert metrics["model"] == (model[1] if model else "bdgf"), recipe
    assert {state for _, state in project.mlflow_runs()} == {"FINISHED"}
