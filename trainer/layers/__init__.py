"""Convolution of any rank with all paddings, dropout that is independent of the devices, and layers around
pretrained networks and ensembles."""

from trainer.layers.average import AveragePredictions
from trainer.layers.conv import Conv1D, Conv2D, Conv3D
from trainer.layers.dropout import Dropout
from trainer.layers.power import PowerNormalization
from trainer.layers.preprocessing import Preprocessing

__all__ = ["AveragePredictions", "Conv1D", "Conv2D", "Conv3D", "Dropout", "PowerNormalization", "Preprocessing"]
