"""Volumes: what files hold them, the form they are brought to, their random changes."""
