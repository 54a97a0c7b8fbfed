"""Train convolutional networks with Keras: on a laptop today, on Vertex AI tomorrow, the same command."""
