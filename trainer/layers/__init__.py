"""Convolution of any rank, with every padding."""

from trainer.layers.conv import Conv1D, Conv2D, Conv3D

__all__ = ["Conv1D", "Conv2D", "Conv3D"]
