"""Whether two source trees do the same: see `__main__.py`."""
