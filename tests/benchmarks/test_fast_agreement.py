"""The table of fast networks, on the smallest settings."""

import pytest
from benchmarks.accuracy_records import parameters_of
from benchmarks.fast_agreement import measure, summary


@pytest.mark.slow
def test_model_and_fast_network_draw_the_scene_and_are_compared(tmp_path):
    parameters = parameters_of("demo", "test")
    runs = list(measure("demo", 0, [5, 40], parameters, tmp_path))
    assert [found["steps"] for found in runs] == [5, 40]
    assert runs[0]["model"] == runs[1]["model"]
    assert runs[0]["agreement_held_out"] < runs[1]["agreement_held_out"] < 1
    for found in runs:
        assert found["model"] != found["fast"]
        assert 0.2 < found["model"]["overall_accuracy"] <= 1
    assert len(summary(runs).splitlines()) == 4


def test_a_row_has_both_accuracies_and_all_agreements():
    scores = {"overall_accuracy": 0.9, "average_accuracy": 0.8, "calibration_error": 0.03}
    run = {
        "scene": "coast",
        "seed": 0,
        "steps": 3200,
        "model": {**scores, "pixels_per_second": 750.4},
        "fast": {**scores, "overall_accuracy": 0.89, "pixels_per_second": 50_000.0},
        "agreement": 0.99,
        "agreement_test": 0.985,
        "agreement_held_out": 0.98,
    }
    assert summary([run]).splitlines()[2] == (
        "| coast | 0 | 3,200 | 90.0 / 80.0 | 89.0 / 80.0 | 99.0 / 98.5 / 98.0 | 3.0 / 3.0 "
        "| 750 / 50,000 |"
    )
