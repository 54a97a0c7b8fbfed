"""A study on this machine."""
