"""config.yaml: its form, its rules, and the lines on which they are broken."""
