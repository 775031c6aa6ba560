"""Settings and shapes that a layer refuses, when it is made and when it is built."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Sequential

MADE = [
    (lambda: L.Conv2D(0, 3, name="n"), "filters=0"),
    (lambda: L.Conv2D(2.0, 3, name="n"), "filters=2.0"),
    (lambda: L.Conv2D(True, 3, name="n"), "filters=True"),
    (lambda: L.Conv2D(4, 0, name="n"), "kernel_size=0"),
    (lambda: L.Conv2D(4, (3,), name="n"), r"kernel_size=\(3,\)"),
    (lambda: L.Conv2D(4, (3, 3, 3), name="n"), "kernel_size"),
    (lambda: L.Conv2D(4, 3.5, name="n"), "kernel_size=3.5"),
    (lambda: L.Conv2D(4, "33", name="n"), "kernel_size='33'"),
    (lambda: L.Conv2D(4, 3, strides=-1, name="n"), "strides=-1"),
    (lambda: L.Conv2D(4, 3, dilation_rate=(1, 0), name="n"), "dilation_rate"),
    (lambda: L.Conv2D(4, 3, strides=2, dilation_rate=2, name="n"), r"strides=.*dilation_rate=.*only one"),
    (lambda: L.Conv2D(4, 3, padding="sane", name="n"), "padding='sane'.*Did you mean 'same'"),
    (lambda: L.Conv2D(4, 3, padding=1, name="n"), "padding=1"),
    (lambda: L.Conv2D(4, 3, groups=0, name="n"), "groups=0"),
    (lambda: L.Conv2D(4, 3, groups=3, name="n"), "filters=4 is not divisible by groups=3"),
    (lambda: L.DepthwiseConv2D(0, name="n"), "kernel_size=0"),
    (lambda: L.DepthwiseConv2D(3, depth_multiplier=0, name="n"), "depth_multiplier=0"),
    (lambda: L.DepthwiseConv2D(3, depth_multiplier=None, name="n"), "depth_multiplier=None"),
    (lambda: L.DepthwiseConv2D(3, strides=(1, 0), name="n"), "strides"),
    (lambda: L.DepthwiseConv2D(3, padding="causal", name="n"), "padding='causal'"),
    (lambda: L.SeparableConv2D(0, 3, name="n"), "filters=0"),
    (lambda: L.SeparableConv2D(4, 3, depth_multiplier=1.5, name="n"), "depth_multiplier=1.5"),
    (lambda: L.SeparableConv2D(4, 3, dilation_rate=0, name="n"), "dilation_rate=0"),
    (lambda: L.Dense(-1, name="n"), "units=-1"),
    (lambda: L.Dense(None, name="n"), "units=None"),
    (lambda: L.MaxPooling2D(0, name="n"), "pool_size=0"),
    (lambda: L.MaxPooling2D(2, strides=(0, 1), name="n"), "strides"),
    (lambda: L.AveragePooling2D(2, padding="full", name="n"), "padding='full'"),
    (lambda: L.ReLU(max_value=-1, name="n"), "max_value=-1"),
    (lambda: L.ReLU(negative_slope=-0.1, name="n"), "negative_slope=-0.1"),
    (lambda: L.ReLU(threshold=None, name="n"), "threshold=None"),
    (lambda: L.Permute((0, 1), name="n"), "dims"),
    (lambda: L.Cropping2D(-1, name="n"), "cropping"),
    (lambda: L.Cropping3D((1, 2), name="n"), r"cropping=\(1, 2\)"),
    (lambda: L.UpSampling2D(0, name="n"), "size=0"),
    (lambda: L.UpSampling3D((1, 2), name="n"), "size"),
    (lambda: L.UpSampling2D(2, interpolation="linear", name="n"), "interpolation='linear'.*Did you mean 'bilinear'"),
    (lambda: L.RepeatVector(0, name="n"), "n=0"),
    (lambda: L.Reshape((2, 0), name="n"), "target_shape"),
    (lambda: L.Reshape((-1, -1), name="n"), "target_shape"),
    (lambda: L.Reshape((2.5,), name="n"), "target_shape"),
    (lambda: L.ZeroPadding2D(-1, name="n"), "padding"),
    (lambda: L.ZeroPadding2D((1, 2, 3), name="n"), "padding"),
    (lambda: L.ZeroPadding2D(((1, 2), 3.5), name="n"), "padding"),
]


@pytest.mark.parametrize(("make", "message"), MADE, ids=[message for _, message in MADE])
def test_settings_that_cannot_be(make, message):
    with pytest.raises(ValueError, match=rf"Layer 'n' \(\w+\): .*{message}"):
        make()


BUILT = [
    (lambda: L.Conv2D(4, 3, name="n"), (5, 5), "expected inputs with 4 axes"),
    (lambda: L.Conv2D(4, 6, name="n"), (5, 9, 1), r"kernel of \(6, 6\).*does not fit"),
    (lambda: L.Conv2D(4, 3, dilation_rate=3, name="n"), (6, 9, 1), r"dilation \(3, 3\) does not fit"),
    (lambda: L.Conv2D(4, 3, groups=2, name="n"), (5, 5, 3), "3 channels.*not divisible by groups=2"),
    (lambda: L.DepthwiseConv2D(3, name="n"), (5, 5), "expected inputs with 4 axes"),
    (lambda: L.DepthwiseConv2D(6, name="n"), (5, 9, 1), r"kernel of \(6, 6\).*does not fit"),
    (lambda: L.SeparableConv2D(4, 3, dilation_rate=3, name="n"), (6, 9, 1), r"dilation \(3, 3\) does not fit"),
    (lambda: L.MaxPooling2D(6, name="n"), (5, 9, 1), r"window of \(6, 6\) does not fit"),
    (lambda: L.AveragePooling2D(2, name="n"), (5, 9), "expected inputs with 4 axes"),
    (lambda: L.GlobalMaxPooling2D(name="n"), (5, 9), "expected inputs with 4 axes"),
    (lambda: L.ZeroPadding2D(name="n"), (5, 9), "expected inputs with 4 axes"),
    (lambda: L.Cropping2D(3, name="n"), (6, 9, 1), "cropping=.*leaves nothing"),
    (lambda: L.Permute((2, 1), name="n"), (6, 9, 1), "expected inputs with 3 axes"),
    (lambda: L.RepeatVector(2, name="n"), (6, 9), "expected inputs with 2 axes"),
    (lambda: L.UpSampling2D(2, name="n"), (6, 9), "expected inputs with 4 axes"),
    (lambda: L.Reshape((4,), name="n"), (5,), "5 values a sample.*target_shape"),
    (lambda: L.Reshape((4, -1), name="n"), (5,), "5 values a sample.*target_shape"),
    (lambda: L.Rescaling([1, 2], name="n"), (3,), "scale has shape"),
    (lambda: L.Rescaling(1, offset=[[1, 2, 3]], name="n"), (3,), "offset has shape"),
    (lambda: L.Dense(4, name="n"), (), "at least 2 axes"),
]


@pytest.mark.parametrize(("make", "shape", "message"), BUILT, ids=[message for *_, message in BUILT])
def test_inputs_that_do_not_fit(make, shape, message):
    for run in (lambda layer: Sequential([L.Input(shape), layer]), lambda layer: layer(np.ones((2, *shape)))):
        layer = make()
        with pytest.raises(ValueError, match=rf"Layer 'n' \(\w+\): .*{message}"):
            run(layer)
        assert layer.weights == []


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: L.Conv2D(4, 3, name="n"), (None, None, None, 3)),
        (lambda: L.Dense(4, name="n"), (None, None)),
        (lambda: L.Flatten(name="n"), (None, None, 3)),
        (lambda: L.MaxPooling2D(name="n"), (None, None, 8, 1)),
    ],
    ids=["Conv2D", "Dense", "Flatten", "MaxPooling2D"],
)
def test_unknown_sizes_are_not_supported(make, shape):
    with pytest.raises(NotImplementedError, match=r"Layer 'n'.*unknown size"):
        Sequential([L.Input(shape[1:]), make()])


@pytest.mark.parametrize("argument", ["lora_rank", "lora_alpha", "quantization_config"])
def test_dense_refuses_what_belongs_to_large_models(argument):
    with pytest.raises(NotImplementedError, match=rf"Layer 'n': {argument}=4 is not supported"):
        L.Dense(4, name="n", **{argument: 4})


def test_autocast_cannot_be_switched_off():
    with pytest.raises(NotImplementedError, match="Layer 'n': autocast=False"):
        L.Dense(4, name="n", autocast=False)


def test_softmax_over_another_axis():
    for axis in (0, 3, -3, (1, 1), (), "a", None):
        with pytest.raises(ValueError, match=r"Layer 'n' \(Softmax\): axis=.*expected an axis behind the batch"):
            L.Softmax(axis=axis, name="n")(np.ones((2, 3, 4)))
    assert L.Softmax(axis=2)(np.ones((2, 3, 4))).shape == (2, 3, 4)


@pytest.mark.parametrize("cls", [L.Flatten, L.GlobalMaxPooling2D, L.MaxPooling2D, L.ZeroPadding2D])
def test_unknown_data_formats_name_the_layer(cls):
    with pytest.raises(ValueError, match=r"Layer 'n'.*data_format='channels_lats'.*Did you mean 'channels_last'"):
        cls(data_format="channels_lats", name="n")
