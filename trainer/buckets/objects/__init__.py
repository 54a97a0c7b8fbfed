"""Requests to one bucket: objects read, written and listed, verified and repeated."""
