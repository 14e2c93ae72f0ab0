"""baseline: PreparedScene, Split -> Baseline, its Metrics."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.baseline.nodes import fit_baseline, score_baseline


def create_pipeline() -> Pipeline:
    """What a user would try first, on the same split and with the same measures."""
    return Pipeline(
        [
            Node(
                fit_baseline,
                inputs=[
                    "prepared_scene",
                    "split",
                    "params:baseline",
                    "params:baselines",
                    "params:seed",
                ],
                outputs="fitted_baseline",
                name="fit_baseline",
                tags="baseline",
            ),
            Node(
                score_baseline,
                inputs=[
                    "fitted_baseline",
                    "prepared_scene",
                    "split",
                    "params:baseline",
                    "params:baselines",
                    "params:evaluation",
                    "params:seed",
                ],
                outputs="baseline_metrics",
                name="score_baseline",
                tags="baseline",
            ),
        ]
    )
