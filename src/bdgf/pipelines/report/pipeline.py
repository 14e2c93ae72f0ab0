"""report: maps, metrics and histories -> figures and a report."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.report.nodes import draw_curves, draw_figures, write_report


def create_pipeline() -> Pipeline:
    """Figures of the maps and of the training, including pretraining if there was one."""
    return Pipeline(
        [
            Node(
                draw_figures,
                inputs=["class_map", "uncertainty_map", "predictions", "metrics", "params:model"],
                outputs=["class_map_figure", "uncertainty_figure", "confusion_matrix_figure"],
                name="draw_figures",
                tags="report",
            ),
            Node(
                draw_curves,
                inputs={"classifier": "classifier", "denoiser": "denoiser"},
                outputs="curves_figure",
                name="draw_curves",
                tags="report",
            ),
            Node(
                write_report,
                inputs={
                    "scene": "scene",
                    "split": "split",
                    "predictions": "predictions",
                    "class_map": "class_map",
                    "uncertainty_map": "uncertainty_map",
                    "metrics": "metrics",
                    "classifier": "classifier",
                    "run_record": "run_record",
                    "model": "params:model",
                    "denoiser": "denoiser",
                },
                outputs="report",
                name="write_report",
                tags="report",
            ),
        ]
    )
