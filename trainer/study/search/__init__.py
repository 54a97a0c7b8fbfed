"""The next trial of a study, and when trials and studies stop."""
