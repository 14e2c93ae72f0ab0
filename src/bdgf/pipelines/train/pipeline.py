"""train: PreparedScene, Split, optional FeatureCube -> Classifier."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.train.nodes import assemble_map_model, train_classifier


def create_pipeline() -> Pipeline:
    """Trains the chosen model, and puts all together that maps other scenes with it.

    With `inference.fast` that includes the fast network, which is distilled here.
    Denoiser and features are None for a model that uses none.
    """
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
            ),
            Node(
                assemble_map_model,
                inputs={
                    "prepared_scene": "prepared_scene",
                    "preparation": "preparation",
                    "classifier": "classifier",
                    "features": "params:features",
                    "denoiser": "denoiser",
                    "feature_cube": "feature_cube",
                    "fast": "params:inference.fast",
                    "distil": "params:distil",
                    "devices": "params:devices",
                    "seed": "params:seed",
                },
                outputs="map_model",
                name="assemble_map_model",
                tags="train",
            ),
        ]
    )
