"""One command that checks everything on a CUDA device: `python -m benchmarks.gpu_check`."""
