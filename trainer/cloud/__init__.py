"""The machine's surroundings: where a run's output goes, and who is told of its metrics."""
