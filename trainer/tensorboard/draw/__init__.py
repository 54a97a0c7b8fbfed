"""Arrays in, pixels out."""
