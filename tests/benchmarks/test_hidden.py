"""The table of hidden modalities, on the smallest settings."""

import pandas as pd
import pytest
from benchmarks.hidden import measure, parameters_of, summary


@pytest.mark.slow
def test_every_modality_is_hidden_in_turn_and_the_forest_is_trained_on_the_rest() -> None:
    parameters = parameters_of("demo", "test")
    parameters["baselines"]["random_forest"]["trees"] = 5
    table = pd.DataFrame(list(measure("demo", 0, parameters)))
    hidden = ["nothing", "optical", "height", "sar"]
    assert list(table["hidden"]) == [name for name in hidden for _ in range(2)]
    assert list(table["model"]) == ["bdgf", "random_forest"] * 4
    for column in ("overall_accuracy", "average_accuracy"):
        assert table[column].between(0, 1).all()
        for _, scores in table.groupby("model")[column]:
            assert scores.nunique() > 1
    lines = summary(table).splitlines()
    assert len(lines) == 2 + len(hidden)
    first = table[["overall_accuracy", "average_accuracy"]].iloc[0] * 100
    assert f"| demo | nothing | {first.iloc[0]:.1f} / {first.iloc[1]:.1f} |" in lines[2]
