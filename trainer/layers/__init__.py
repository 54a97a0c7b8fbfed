"""Convolution of any rank with all paddings, dropout that is independent of the devices, and layers around
pretrained networks."""

from trainer.layers.conv import Conv1D, Conv2D, Conv3D
from trainer.layers.dropout import Dropout
from trainer.layers.power import PowerNormalization
from trainer.layers.preprocessing import Preprocessing

__all__ = ["Conv1D", "Conv2D", "Conv3D", "Dropout", "PowerNormalization", "Preprocessing"]
