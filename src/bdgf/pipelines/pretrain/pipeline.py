"""pretrain: PreparedScene -> Denoiser."""

from kedro.pipeline import Node, Pipeline

from bdgf.framework.session import DIFFUSION
from bdgf.pipelines.pretrain.nodes import pretrain_denoiser


def create_pipeline() -> Pipeline:
    """One node that pretrains the masked multimodal DDPM."""
    return Pipeline(
        [
            Node(
                pretrain_denoiser,
                inputs=[
                    "prepared_scene",
                    "preparation",
                    "pretraining_configurations",
                    "params:ingest",
                    "params:pretrain",
                    "params:devices",
                    "params:cache",
                    "params:dataset",
                    "params:seed",
                ],
                outputs="denoiser",
                name="pretrain_denoiser",
                tags=["pretrain", DIFFUSION],
            )
        ]
    )
