"""Random input for everything that reads what people write: `python -m tests.fuzz --minutes=10 --seed=1`

A case is a kind, a seed and a number, and the same three are the same input on any machine. The only allowed ends are
success and the project's own errors, in one line each.
"""
