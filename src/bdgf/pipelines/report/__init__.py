"""The pipeline `report`."""

from bdgf.pipelines.report.pipeline import create_pipeline

__all__ = ["create_pipeline"]
