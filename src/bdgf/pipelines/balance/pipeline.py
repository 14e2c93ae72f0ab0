"""balance: Denoiser, PreparedScene, Split -> balance of modalities in the features."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.balance.nodes import measure_modality_balance


def create_pipeline() -> Pipeline:
    """One node that measures the latest denoiser."""
    return Pipeline(
        [
            Node(
                measure_modality_balance,
                inputs=[
                    "denoiser",
                    "prepared_scene",
                    "split",
                    "params:features",
                    "params:balance",
                    "params:devices",
                    "params:working_folder",
                    "params:dataset",
                ],
                outputs="modality_balance",
                name="measure_modality_balance",
                tags="balance",
            )
        ]
    )
