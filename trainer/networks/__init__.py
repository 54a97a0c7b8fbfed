"""The networks that can be trained."""

from trainer.networks.convolutional import build
from trainer.networks.network import Network, Stage

__all__ = ["Network", "Stage", "build"]
