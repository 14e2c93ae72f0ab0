"""ingest: raw files -> Scene."""

from kedro.pipeline import Node, Pipeline

from bdgf.pipelines.ingest.nodes import ingest_scene


def create_pipeline() -> Pipeline:
    """One node that reads the scene's raw files."""
    return Pipeline(
        [
            Node(
                ingest_scene,
                inputs=["scene_configuration", "params:dataset", "params:ingest"],
                outputs="scene",
                name="ingest_scene",
                tags="ingest",
            )
        ]
    )
