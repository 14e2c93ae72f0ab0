"""The selective scan of Mamba on named backends: a plain definition, fast ones for CPU and CUDA."""

from bdgf.nn.selective_scan.scan import (
    BACKENDS,
    ScanInputs,
    resolve_backend,
    scan_both_ways,
    scan_channels_last,
    selective_scan,
)

__all__ = [
    "BACKENDS",
    "ScanInputs",
    "resolve_backend",
    "scan_both_ways",
    "scan_channels_last",
    "selective_scan",
]
