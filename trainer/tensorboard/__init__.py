"""What a person sees in TensorBoard."""
