"""The kinds of samples. Rank and file types are known here only."""
