"""Many runs: a tuning job read from config.yaml, its trials suggested, run here or on Vertex AI, and ranked."""
