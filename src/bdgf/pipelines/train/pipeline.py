"""train: PreparedScene, FeatureCube, Split -> Classifier."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.train.nodes import train_classifier


def create_pipeline() -> Pipeline:
    """One node that trains the guided multi-branch network."""
    return Pipeline(
        [
            Node(
                train_classifier,
                inputs=[
                    "prepared_scene",
                    "feature_cube",
                    "split",
                    "params:train",
                    "params:devices",
                    "params:working_folder",
                    "params:dataset",
                    "params:seed",
                ],
                outputs="classifier",
                name="train_classifier",
                tags="train",
            )
        ]
    )
