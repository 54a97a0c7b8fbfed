"""Samples where they are kept: in memory or in files."""
