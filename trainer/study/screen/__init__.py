"""The output of a study for people: a table, a conclusion, a page in TensorBoard."""
