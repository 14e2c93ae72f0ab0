"""evaluate: Classifier -> Predictions, Metrics."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.evaluate.nodes import draw_maps, predict_scene, score


def create_pipeline(features: bool = True) -> Pipeline:
    """Prediction of the whole scene, with diffusion features or without; its maps, its score."""
    inputs = {
        "prepared_scene": "prepared_scene",
        "classifier": "classifier",
        "parameters": "params:inference",
        "devices": "params:devices",
    }
    if features:
        inputs["feature_cube"] = "feature_cube"
    return Pipeline(
        [
            Node(
                predict_scene,
                inputs=inputs,
                outputs="predictions",
                name="predict_scene",
                tags="evaluate",
            ),
            Node(
                score,
                inputs=["predictions", "split", "classifier", "params:evaluation"],
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
        ]
    )
