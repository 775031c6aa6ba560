"""Every primitive op under one roof: what layers lower to and plans run."""

from fastconv.ops.activation import Dropout, Elementwise, Relu, Rescale, Softmax
from fastconv.ops.conv import Conv2D, Dense
from fastconv.ops.conv_pool import Conv2DReluMaxPool2D
from fastconv.ops.depthwise import DepthwiseConv2D
from fastconv.ops.pool import AveragePool2D, MaxPool2D
from fastconv.ops.shape import Reshape, SwapAxes, ZeroPad2D

__all__ = [
    "AveragePool2D",
    "Conv2D",
    "Conv2DReluMaxPool2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Elementwise",
    "MaxPool2D",
    "Relu",
    "Rescale",
    "Reshape",
    "Softmax",
    "SwapAxes",
    "ZeroPad2D",
]
