"""The pipeline `baseline`."""

from bdgf.pipelines.baseline.pipeline import create_pipeline

__all__ = ["create_pipeline"]
