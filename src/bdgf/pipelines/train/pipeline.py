"""train: PreparedScene, Split, perhaps FeatureCube -> Classifier."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.train.nodes import train_classifier


def create_pipeline() -> Pipeline:
    """One node that trains the chosen model; the features are None for one that uses none."""
    return Pipeline(
        [
            Node(
                train_classifier,
                inputs={
                    "prepared_scene": "prepared_scene",
                    "split": "split",
                    "model": "params:model",
                    "parameters": "params:train",
                    "baselines": "baseline_settings",
                    "devices": "params:devices",
                    "working_folder": "params:working_folder",
                    "dataset": "params:dataset",
                    "seed": "params:seed",
                    "feature_cube": "feature_cube",
                },
                outputs="classifier",
                name="train_classifier",
                tags="train",
            )
        ]
    )
