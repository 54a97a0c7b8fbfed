"""`python -m trainer.data --suspects`: from a data set and the predictions of its folds to a list and a page."""
