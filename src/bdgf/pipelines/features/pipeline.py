"""features: Denoiser, PreparedScene -> FeatureCube."""

from kedro.pipeline import Node, Pipeline

from bdgf.framework.session import DIFFUSION
from bdgf.pipelines.features.nodes import extract_feature_cube


def create_pipeline() -> Pipeline:
    """One node that extracts the diffusion features densely."""
    return Pipeline(
        [
            Node(
                extract_feature_cube,
                inputs=[
                    "denoiser",
                    "prepared_scene",
                    "params:features",
                    "params:devices",
                    "params:cache",
                    "params:dataset",
                ],
                outputs="feature_cube",
                name="extract_features",
                tags=["features", DIFFUSION],
            )
        ]
    )
