"""How far attributions can be believed: maps and a model's output in, scores out; for one to three spatial axes."""
