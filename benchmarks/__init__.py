"""Measurements beside named peers, each one command: `python -m benchmarks.NAME`."""
