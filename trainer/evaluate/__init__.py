"""Measures how good a trained model is on labelled samples."""
