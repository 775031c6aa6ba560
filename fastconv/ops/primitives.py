"""Every primitive op under one roof: what layers lower to and plans run."""

from fastconv.ops.activation import (
    Elementwise,
    Glu,
    LogSoftmax,
    PRelu,
    Relu,
    Rescale,
    Softmax,
    Sparsemax,
    Standardize,
)
from fastconv.ops.adaptive_pool import AdaptiveAveragePool, AdaptiveMaxPool
from fastconv.ops.augment import Brightness, Contrast, Flip, Warp, Window
from fastconv.ops.conv import Conv1D, Conv2D, Dense
from fastconv.ops.conv3d import Conv3D
from fastconv.ops.conv_add import Conv2DAdd
from fastconv.ops.conv_pool import (
    Conv1DAveragePool1D,
    Conv1DReluMaxPool1D,
    Conv2DAveragePool2D,
    Conv2DReluMaxPool2D,
)
from fastconv.ops.conv_transpose import ConvTranspose1D, ConvTranspose2D, ConvTranspose3D
from fastconv.ops.depthwise import DepthwiseConv1D, DepthwiseConv2D, DepthwiseConv3D
from fastconv.ops.function import Function
from fastconv.ops.merge import Concatenate, Merge, Sum
from fastconv.ops.noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from fastconv.ops.normalization import BatchNorm, GroupNorm, LayerNorm, Moments, Normalize, UnitNorm
from fastconv.ops.penalty import ActivityPenalty
from fastconv.ops.pool import AveragePool1D, AveragePool2D, MaxPool1D, MaxPool2D
from fastconv.ops.pool3d import AveragePool3D, MaxPool3D
from fastconv.ops.pooled import ActivationAveragePool2D, BatchNormMaxPool2D
from fastconv.ops.resample import Repeat, Resample, ResampleImages
from fastconv.ops.rules import ArrayOp, Assign, Paired, Read
from fastconv.ops.shape import Crop, Permute, Reshape, SwapAxes, ZeroPad

__all__ = [
    "ActivationAveragePool2D",
    "ActivityPenalty",
    "AdaptiveAveragePool",
    "AdaptiveMaxPool",
    "AlphaDropout",
    "ArrayOp",
    "Assign",
    "AveragePool1D",
    "AveragePool2D",
    "AveragePool3D",
    "BatchNorm",
    "BatchNormMaxPool2D",
    "Brightness",
    "Concatenate",
    "Contrast",
    "Conv1D",
    "Conv1DAveragePool1D",
    "Conv1DReluMaxPool1D",
    "Conv2D",
    "Conv2DAdd",
    "Conv2DAveragePool2D",
    "Conv2DReluMaxPool2D",
    "Conv3D",
    "ConvTranspose1D",
    "ConvTranspose2D",
    "ConvTranspose3D",
    "Crop",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "DepthwiseConv3D",
    "Dropout",
    "Elementwise",
    "Flip",
    "Function",
    "GaussianDropout",
    "GaussianNoise",
    "Glu",
    "GroupNorm",
    "LayerNorm",
    "LogSoftmax",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "Merge",
    "Moments",
    "Normalize",
    "PRelu",
    "Paired",
    "Permute",
    "Read",
    "Relu",
    "Repeat",
    "Resample",
    "ResampleImages",
    "Rescale",
    "Reshape",
    "Softmax",
    "Sparsemax",
    "Standardize",
    "Sum",
    "SwapAxes",
    "UnitNorm",
    "Warp",
    "Window",
    "ZeroPad",
]
