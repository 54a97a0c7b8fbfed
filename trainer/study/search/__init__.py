"""What a study tries next, and when it stops."""
