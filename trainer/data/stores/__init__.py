"""Where samples are stored: in memory or in files."""
