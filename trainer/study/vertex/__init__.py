"""A study on Vertex AI."""
