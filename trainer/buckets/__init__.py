"""Folders in Cloud Storage: synced, restored and fetched."""
