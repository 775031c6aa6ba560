"""Floor 3: layers, under Keras's names.

One family a file; a layer holds settings and weights and lowers itself to ops.
"""

from fastconv.layers.activation import Activation, ReLU, Softmax
from fastconv.layers.conv import Conv2D
from fastconv.layers.dense import Dense
from fastconv.layers.input import Input, InputLayer
from fastconv.layers.layer import Layer
from fastconv.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from fastconv.layers.preprocessing import Rescaling
from fastconv.layers.regularization import Dropout
from fastconv.layers.reshaping import Flatten, Reshape, ZeroPadding2D

# Keras's second names
Convolution2D = Conv2D
MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalAvgPool2D = GlobalAveragePooling2D

__all__ = [
    "Activation",
    "AveragePooling2D",
    "AvgPool2D",
    "Conv2D",
    "Convolution2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling2D",
    "Input",
    "InputLayer",
    "Layer",
    "MaxPool2D",
    "MaxPooling2D",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Softmax",
    "ZeroPadding2D",
]
