"""The pipeline `balance`."""

from bdgf.pipelines.balance.pipeline import create_pipeline

__all__ = ["create_pipeline"]
