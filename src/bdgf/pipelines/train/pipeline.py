"""train: PreparedScene, Split, FeatureCube -> Classifier."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.train.nodes import train_classifier


def create_pipeline(features: bool = True) -> Pipeline:
    """One node that trains the chosen model, with diffusion features or without."""
    inputs = {
        "prepared_scene": "prepared_scene",
        "split": "split",
        "model": "params:model",
        "parameters": "params:train",
        "baselines": "baseline_settings",
        "devices": "params:devices",
        "working_folder": "params:working_folder",
        "dataset": "params:dataset",
        "seed": "params:seed",
    }
    if features:
        inputs["feature_cube"] = "feature_cube"
    return Pipeline(
        [
            Node(
                train_classifier,
                inputs=inputs,
                outputs="classifier",
                name="train_classifier",
                tags="train",
            )
        ]
    )
