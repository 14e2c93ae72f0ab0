"""evaluate: MapModel -> Predictions, Metrics."""

from kedro.pipeline import Node, Pipeline

from bdgf.framework.session import OF_SETS
from bdgf.pipelines.evaluate.nodes import draw_maps, predict_scene, score
from bdgf.pipelines.evaluate.set_sizes import draw_set_sizes


def create_pipeline() -> Pipeline:
    """Prediction of the whole scene, its maps, its score."""
    return Pipeline(
        [
            Node(
                predict_scene,
                inputs={
                    "prepared_scene": "prepared_scene",
                    "map_model": "map_model",
                    "parameters": "params:inference",
                    "evaluation": "params:evaluation",
                    "devices": "params:devices",
                    "working_folder": "params:working_folder",
                    "dataset": "params:dataset",
                    "feature_cube": "feature_cube",
                },
                outputs="predictions",
                name="predict_scene",
                tags="evaluate",
            ),
            Node(
                score,
                inputs=[
                    "predictions",
                    "split",
                    "classifier",
                    "params:evaluation",
                    "params:inference",
                ],
                outputs=["metrics", "per_class_table", "confusion_matrix_table"],
                name="score",
                tags="evaluate",
            ),
            Node(
                draw_maps,
                inputs="predictions",
                outputs=["class_map", "uncertainty_map"],
                name="draw_maps",
                tags="evaluate",
            ),
            Node(
                draw_set_sizes,
                inputs=["predictions", "classifier", "params:inference"],
                outputs="set_size_map",
                name="draw_set_sizes",
                tags=["evaluate", OF_SETS],
            ),
        ]
    )
