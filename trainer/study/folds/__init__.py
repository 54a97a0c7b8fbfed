"""Cross-validation: one run for each fold, and the result of all of them."""
