"""The output for TensorBoard."""
