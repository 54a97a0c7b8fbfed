"""The objective of a network: its loss, its metrics, its results."""
