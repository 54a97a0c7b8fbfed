"""Which targets are probably wrong, from predictions of networks that were not trained on them."""
