"""A model and samples in, arrays out: what a network has learned."""
