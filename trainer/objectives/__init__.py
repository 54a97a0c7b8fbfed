"""The objective of a network: its loss, its metrics, its results."""

from trainer.objectives.objective import Objective

__all__ = ["Objective"]
