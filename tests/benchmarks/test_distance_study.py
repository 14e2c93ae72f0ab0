"""Tables and figure of accuracy against distance."""

import json

import pytest

from benchmarks import distance_study


def run(variant, distance, oa, *, seed=0, scene="a"):
    return {
        "scene": scene,
        "variant": f"{variant}, {distance} px",
        "seed": seed,
        "params": {"split": {"distance": distance}},
        "metrics": {"overall_accuracy": oa, "average_accuracy": oa - 0.1},
    }


@pytest.fixture
def document(tmp_path):
    page = tmp_path / "page.md"
    markers = ("<!-- bench distance -->", "<!-- bench distance_gains -->")
    page.write_text("\n".join(f"{marker}\n\n<!-- end -->" for marker in markers) + "\n")
    folder = tmp_path / "page"
    folder.mkdir()
    runs = [
        *(run("bdgf", d, oa, seed=s) for s in (0, 1) for d, oa in ((0, 0.9), (16, 0.7))),
        *(run("bdgf_unguided", d, 0.8 - s / 10, seed=s) for s in (0, 1) for d in (0, 16)),
        run("forest", 0, 0.6),
    ]
    (folder / "leakage_a_runs.json").write_text(json.dumps(runs))
    (folder / "leakage_all_scenes_runs.json").write_text(json.dumps(runs))
    return page


def test_gains_are_differences_of_pairs_of_one_seed(document):
    distance_study.write(document)
    text = document.read_text()
    assert "| a | `bdgf`, guided | 90.0 / 80.0 | 70.0 / 60.0 | 2 |" in text
    assert "| a | `random_forest` | 60.0 / 50.0 |  | 1 |" in text
    # (0.9 - 0.8 + 0.9 - 0.7) / 2 and (0.7 - 0.8 + 0.7 - 0.7) / 2
    assert "| a | diffusion guidance | +15.0 / +15.0 | -5.0 / -5.0 | 2 |" in text
    assert (document.with_suffix("") / distance_study.FIGURE).stat().st_size > 0


def test_without_runs_it_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="run the suite leakage first"):
        distance_study.accuracies(tmp_path)
