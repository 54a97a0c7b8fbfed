"""What the last layer means: the loss, the metrics, the results."""
