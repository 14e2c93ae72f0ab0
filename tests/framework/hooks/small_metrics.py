"""A metrics file of a run, as small as can be."""

METRICS = {
    "overall_accuracy": 0.9,
    "average_accuracy": 0.8,
    "kappa": 0.85,
    "leakage": 0.1,
    "calibration_error": 0.05,
    "per_class": {"trees (old)": {"f1": 0.7}},
    "confusion_matrix": [[1, 2], [3, 4]],
    "split": {"name": "official", "seed": 3, "test": 100},
    "seed": 3,
    "model": "bdgf",
    "scene": "demo",
}
