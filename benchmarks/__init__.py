"""Measurements in comparison with named peers, each one command: `python -m benchmarks.NAME`."""
