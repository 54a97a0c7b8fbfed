"""Convolution of any rank, with every padding, and dropout that any number of devices share."""

from trainer.layers.conv import Conv1D, Conv2D, Conv3D
from trainer.layers.dropout import Dropout

__all__ = ["Conv1D", "Conv2D", "Conv3D", "Dropout"]
