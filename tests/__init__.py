"""The tests: a package, because an installed one of the same name would stand in front of it."""
