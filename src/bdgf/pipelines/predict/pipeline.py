"""predict: MapModel, another scene -> its maps, and scores if it has labels."""

from kedro.pipeline import Node, Pipeline

from bdgf.framework.session import OF_LABELS, OF_PROBABILITIES, OF_SETS
from bdgf.pipelines.predict.nodes import (
    draw_target_maps,
    keep_target_probabilities,
    keep_target_set_sizes,
    map_target,
    score_target,
    write_target_report,
)


def create_pipeline() -> Pipeline:
    """The map of the target; the session omits nodes that are not requested or not possible."""
    return Pipeline(
        [
            Node(
                map_target,
                inputs=[
                    "map_model",
                    "params:target",
                    "target_configuration",
                    "params:ingest",
                    "params:predict",
                    "params:inference",
                    "params:devices",
                    "params:cache",
                    "params:executor",
                ],
                outputs="target_map",
                name="map_target",
                tags="predict",
            ),
            Node(
                draw_target_maps,
                inputs="target_map",
                outputs=["target_class_map", "target_uncertainty_map", "target_quick_look"],
                name="draw_target_maps",
                tags="predict",
            ),
            Node(
                keep_target_probabilities,
                inputs="target_map",
                outputs="target_probabilities",
                name="keep_target_probabilities",
                tags=["predict", OF_PROBABILITIES],
            ),
            Node(
                keep_target_set_sizes,
                inputs="target_map",
                outputs="target_set_size_map",
                name="keep_target_set_sizes",
                tags=["predict", OF_SETS],
            ),
            Node(
                score_target,
                inputs=["target_map", "params:evaluation"],
                outputs=[
                    "target_metrics",
                    "target_per_class_table",
                    "target_confusion_matrix_table",
                ],
                name="score_target",
                tags=["predict", OF_LABELS],
            ),
            Node(
                write_target_report,
                inputs=["target_map", "params:evaluation", "run_record"],
                outputs="target_report",
                name="write_target_report",
                tags="predict",
            ),
        ]
    )
