"""Event files on a bucket: appended record by record."""
