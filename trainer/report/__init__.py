"""Writes the report of a run or of a study: `python -m trainer.report --job_dir=…`."""
