"""Event files in a bucket, appended record by record."""
