"""The results of the folds of a cross-validation: of each fold, over all folds, and how much folds differ."""
