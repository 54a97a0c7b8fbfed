"""Samples whose labels are probably wrong, and near-duplicates: arrays in, rankings and lists out."""
