"""What the last layer of a network means: its loss, its metrics, its results."""

from trainer.objectives.objective import Objective

__all__ = ["Objective"]
