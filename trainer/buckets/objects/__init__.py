"""Requests to one bucket that read, write and list objects; they are verified and retried."""
