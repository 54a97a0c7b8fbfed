"""The forms in which data sets list their samples."""
