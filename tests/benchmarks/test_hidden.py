"""The table of hidden modalities, on the smallest settings."""

from pathlib import Path

import pandas as pd
import pytest
from benchmarks.accuracy_records import MEASURES, parameters_of
from benchmarks.hidden import measure, summary


@pytest.mark.slow
def test_every_modality_is_hidden_in_turn_and_the_forest_is_trained_on_the_rest(
    tmp_path: Path,
) -> None:
    parameters = parameters_of("demo", "test")
    parameters["baselines"]["random_forest"]["trees"] = 5
    records = list(measure("demo", 0, parameters, tmp_path))
    table = pd.DataFrame(records)
    hidden = ["nothing", "optical", "height", "sar"]
    assert list(table["hidden"]) == [name for name in hidden for _ in range(2)]
    assert list(table["model"]) == ["bdgf", "random_forest"] * 4
    assert table["scored"].nunique() == 1
    for column in MEASURES:
        assert table[column].between(-1, 1).all()
        for _, scores in table.groupby("model")[column]:
            assert scores.nunique() > 1
    assert len(summary(records).splitlines()) == 2 + len(hidden)


def test_the_table_has_the_means_of_the_seeds() -> None:
    def record(seed: int, model: str, share: float) -> dict[str, object]:
        run = {"scene": "coast", "seed": seed, "hidden": "sar", "model": model}
        return {**run, **dict.fromkeys(MEASURES, share)}

    records = [record(0, "bdgf", 0.5), record(0, "random_forest", 0.25), record(1, "bdgf", 0.7)]
    records.append(record(1, "random_forest", 0.75))
    assert summary(records).splitlines()[2] == "| coast | sar | 60.0 / 60.0 | 50.0 / 50.0 | 0, 1 |"
