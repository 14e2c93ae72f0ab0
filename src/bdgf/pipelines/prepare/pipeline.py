"""prepare: Scene -> PreparedScene, Split."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.prepare.nodes import prepare_scene, split_pixels


def create_pipeline() -> Pipeline:
    """Normalisation and the split, side by side."""
    return Pipeline(
        [
            Node(
                prepare_scene,
                inputs=["scene", "params:preparation"],
                outputs=["prepared_scene", "preparation"],
                name="prepare_scene",
                tags="prepare",
            ),
            Node(
                split_pixels,
                inputs=["scene", "params:split", "params:train.classifier.patch", "params:seed"],
                outputs="split",
                name="split_pixels",
                tags="prepare",
            ),
        ]
    )
