"""The table of a suite's accuracies with one modality spoilt."""

from bdgf.experiments.damage_table import damage_markdown, damaged_metrics
from bdgf.experiments.records import Record


def scores(oa: float | None) -> dict[str, float | int | None]:
    return {"overall_accuracy": oa, "average_accuracy": oa and oa / 2, "scored": 9}


def run(variant: str, seed: int, damaged: dict[str, dict[str, float | None]]) -> tuple[str, Record]:
    told = {kind: {m: scores(oa) for m, oa in of.items()} for kind, of in damaged.items()}
    metrics = {"overall_accuracy": 0.9, "leakage": 0.0, **damaged_metrics(told)}
    record = Record(
        *("f", "demo", seed, "bdgf", {}, metrics, {"test": 9}, 1.0, 1, None, False, "m", "0", "t"),
    )
    return variant, record


def test_records_hold_each_kind_and_modality_that_was_scored() -> None:
    found = damaged_metrics({"noise": {"sar": scores(0.5), "a/b": scores(None)}})
    assert found == {
        "damaged/noise/sar/overall_accuracy": 0.5,
        "damaged/noise/sar/average_accuracy": 0.25,
    }


def test_rows_have_the_mean_over_modalities_and_the_worst_of_them() -> None:
    runs = [
        run("plain", 0, {"hidden": {"sar": 0.8, "a/b": 0.6}, "noise": {"sar": 0.5}}),
        run("plain", 1, {"hidden": {"sar": 0.8, "a/b": 0.4}, "noise": {"sar": 0.5}}),
        run("masked", 0, {"hidden": {"sar": 0.8, "a/b": 0.8}, "noise": {"sar": 0.5}}),
    ]
    text = damage_markdown(runs, {"masked": "ours", "plain": "", "not run": ""})
    head, _, masked, plain = text.splitlines()[-4:]
    names = [f"{kind}: {told}" for kind in ("hidden", "noise") for told in ("OA", "AA", "worst OA")]
    assert [cell.strip() for cell in head.split("|")[3:-1]] == names
    assert "| masked | 80.00 | 40.00 | 80.00 | 50.00 | 25.00 | 50.00 |" in masked
    assert "| plain | 65.00 +- 7.07 | 32.50 +- 3.54 | 50.00 +- 14.14 |" in plain


def test_nothing_spoilt_is_no_table() -> None:
    assert damage_markdown([run("plain", 0, {})], {"plain": ""}) == ""
