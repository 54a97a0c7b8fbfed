"""A run's report: its facts, read from its files, and its sections, each a small module."""
