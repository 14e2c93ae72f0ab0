"""The pipeline `predict`."""

from bdgf.pipelines.predict.pipeline import create_pipeline

__all__ = ["create_pipeline"]
