"""Speed and memory, side by side with what others do: `python -m benchmarks`."""
