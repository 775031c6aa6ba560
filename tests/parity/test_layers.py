"""Every layer against Keras's layer of the same name: arguments, weights, outputs, gradients, shapes, configs, errors.

`CASES` says how each layer is made; two tables say where the two differ on purpose: `CONFIGS` and `STRICTER`. What
differs otherwise is a test that is expected to fail, with the reason.
"""

import inspect
import os
from dataclasses import dataclass, field
from math import prod

import numpy as np
import pytest

from fastconv import activations, layers
from fastconv.layers.layer import reset_names

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]
if keras.backend.backend() != "torch":
    pytest.skip("gradients are taken with PyTorch", allow_module_level=True)

BOTH = (keras, layers)


def differs(why):
    """Mark a test that shows a difference from Keras."""
    return pytest.mark.xfail(reason=why, strict=True)


IMAGES = (2, 7, 6, 4)
ROWS = (3, 5)
SERIES = (2, 7, 4)
VOLUMES = (2, 3, 4, 5, 2)

#: What our configs say otherwise, on purpose: layer (or "*") -> key -> why.
CONFIGS = {
    "*": {"dtype": "the name of the type instead of a policy"},
    "Dense": {
        "quantization_config": "there is no quantization",
        "activity_regularizer": "Keras leaves it out of Dense's config alone",
    },
    "InputLayer": dict.fromkeys(("sparse", "ragged", "optional"), "not supported, so never anything else"),
}


@dataclass(frozen=True)
class Case:
    """A layer, its arguments, and the shape of the arrays it is tried on."""

    name: str
    shape: tuple
    args: tuple = ()
    kwargs: dict = field(default_factory=dict)

    def __str__(self):
        words = [str(value) for value in (*self.args, *self.kwargs.values())]
        return "-".join([self.name, *words]).replace(" ", "")

    def make(self, module, **more):
        """Return the layer as Keras or as we make it."""
        return getattr(getattr(module, "layers", module), self.name)(*self.args, **{**self.kwargs, **more})


def case(layer, on, /, *args, **kwargs):
    """Return the case of a layer tried `on` a shape, with the arguments as they are written in a call."""
    return Case(layer, on, args, kwargs)


ACTIVATIONS = [name for name in activations.OPS if name not in ("linear", "glu", "sparsemax")]
CASES = [
    case("Activation", ROWS, None),
    *(case("Activation", ROWS, name) for name in ACTIVATIONS),
    case("Activation", ROWS, "hard_swish"),
    case("ReLU", ROWS),
    case("ReLU", ROWS, 1.0),
    case("ReLU", ROWS, max_value=1.0, negative_slope=0.25, threshold=0.5),
    case("Softmax", ROWS),
    case("Softmax", (2, 3, 4, 5)),
    case("Softmax", (2, 3, 4, 5), 1),
    case("Softmax", (2, 3, 4, 5), [2, -3]),
    case("LeakyReLU", ROWS),
    case("LeakyReLU", ROWS, 0.5),
    case("ELU", ROWS),
    case("ELU", ROWS, alpha=0.5),
    case("PReLU", ROWS),
    case("PReLU", IMAGES, "ones", shared_axes=[1, 2]),
    case("PReLU", IMAGES, alpha_regularizer="l2", alpha_constraint="non_neg", shared_axes=2),
    case("Conv2D", IMAGES, 5, 3),
    case("Conv2D", IMAGES, 5, (3, 2), (2, 1)),
    case("Conv2D", IMAGES, 5, 3, 2, "same"),
    case("Conv2D", IMAGES, 5, [2, 4], padding="SAME"),
    case("Conv2D", IMAGES, 5, 3, dilation_rate=(2, 1)),
    case("Conv2D", IMAGES, 5, 3, padding="same", dilation_rate=2),
    case("Conv2D", IMAGES, 6, 3, groups=2),
    case("Conv2D", IMAGES, 8, 3, padding="same", groups=4, use_bias=False),
    case("Conv2D", IMAGES, 5, 1, use_bias=False),
    case("Conv2D", IMAGES, 5, 3, activation="relu", kernel_initializer="he_normal", bias_initializer="ones"),
    case("Conv2D", IMAGES, 5, 3, activation="softmax"),
    case("Conv2D", IMAGES, 5, 3, activation="swish"),
    case("Conv2D", IMAGES, 8, 3, 2, groups=4, activation="relu"),
    case("DepthwiseConv2D", IMAGES, 3),
    case("DepthwiseConv2D", IMAGES, (3, 2), (2, 1), "same"),
    case("DepthwiseConv2D", IMAGES, 3, 2, "SAME", 2, use_bias=False),
    case("DepthwiseConv2D", IMAGES, 3, dilation_rate=(1, 2), activation="relu", depthwise_initializer="he_normal"),
    case("DepthwiseConv2D", IMAGES, 2, strides=2, dilation_rate=2, activation="softmax", bias_initializer="ones"),
    case("SeparableConv2D", IMAGES, 5, 3),
    case("SeparableConv2D", IMAGES, 5, [2, 3], [1, 2], "same", activation="relu"),
    case("SeparableConv2D", IMAGES, 3, 3, depth_multiplier=3, use_bias=False, pointwise_initializer="ones"),
    case("SeparableConv2D", IMAGES, 3, 3, 2, dilation_rate=2, padding="same", bias_initializer="random_normal"),
    case("Conv1D", SERIES, 5, 3),
    case("Conv1D", SERIES, 5, 3, 2, "same", activation="relu"),
    case("Conv1D", SERIES, 6, 2, padding="causal", dilation_rate=2, groups=2),
    case("Conv1D", SERIES, 4, (3,), strides=(3,), padding="causal", use_bias=False),
    case("Conv1D", SERIES, 8, 3, groups=4, kernel_regularizer="l2", bias_constraint="non_neg"),
    case("Conv3D", VOLUMES, 5, 2),
    case("Conv3D", VOLUMES, 4, (2, 3, 1), (1, 2, 3), "same", groups=2, activation="tanh"),
    case("Conv3D", VOLUMES, 4, 2, dilation_rate=(1, 2, 3), use_bias=False),
    case("Conv3D", VOLUMES, 3, (1, 3, 3), padding="same", kernel_constraint="max_norm"),
    case("Conv1DTranspose", SERIES, 3, 3),
    case("Conv1DTranspose", SERIES, 3, 4, 2, "same", activation="relu"),
    case("Conv1DTranspose", SERIES, 3, 2, 3, output_padding=1, use_bias=False),
    case("Conv2DTranspose", IMAGES, 3, 3),
    case("Conv2DTranspose", IMAGES, 5, (3, 2), (2, 3), "same"),
    case("Conv2DTranspose", IMAGES, 40, 3, 2, "SAME", (1, 0), activation="relu"),
    case("Conv2DTranspose", IMAGES, 3, 3, dilation_rate=2, padding="same", bias_initializer="ones"),
    case("Conv2DTranspose", IMAGES, 3, 2, 3, kernel_regularizer="l2", bias_regularizer="l2"),
    case("Conv3DTranspose", VOLUMES, 3, 2),
    case("Conv3DTranspose", VOLUMES, 3, 3, 2, "same", activation="softmax"),
    case("Conv3DTranspose", VOLUMES, 3, (2, 3, 1), (1, 2, 3), use_bias=False, kernel_constraint="unit_norm"),
    case("DepthwiseConv1D", SERIES, 3),
    case("DepthwiseConv1D", SERIES, 3, 2, "same", 2, activation="relu", depthwise_regularizer="l2"),
    case("DepthwiseConv1D", SERIES, 2, dilation_rate=2, use_bias=False, depthwise_constraint="max_norm"),
    case("SeparableConv1D", SERIES, 5, 3),
    case("SeparableConv1D", SERIES, 5, 2, 2, "same", depth_multiplier=2, activation="relu"),
    case("SeparableConv1D", SERIES, 5, 2, pointwise_regularizer="l2", depthwise_constraint="non_neg"),
    case("MaxPooling3D", VOLUMES),
    case("MaxPooling3D", VOLUMES, 2, (1, 2, 3), "same"),
    case("AveragePooling3D", VOLUMES, 2),
    case("AveragePooling3D", VOLUMES, (3, 2, 1), 1),
    case("GlobalMaxPooling3D", VOLUMES),
    case("GlobalAveragePooling3D", VOLUMES, keepdims=True),
    *(case(f"Adaptive{kind}Pooling1D", SERIES, size) for kind in ("Max", "Average") for size in (3, (7,))),
    *(case(f"Adaptive{kind}Pooling2D", IMAGES, size) for kind in ("Max", "Average") for size in (3, (5, 1))),
    *(case(f"Adaptive{kind}Pooling3D", VOLUMES, size) for kind in ("Max", "Average") for size in (2, (3, 1, 4))),
    case("DepthwiseConv2D", IMAGES, 3, depthwise_regularizer="l2", bias_regularizer="l2", activity_regularizer="l2"),
    case("SeparableConv2D", IMAGES, 3, 3, pointwise_constraint="non_neg", bias_constraint="max_norm"),
    case("Dense", ROWS, 4),
    case("Dense", ROWS, 4, "relu"),
    case("Dense", ROWS, 4, activation="softmax", use_bias=False),
    case("Dense", (2, 3, 4, 5), 6, kernel_initializer="ones", bias_initializer="random_normal"),
    case("MaxPooling2D", IMAGES),
    case("MaxPooling2D", IMAGES, 3),
    case("MaxPooling2D", IMAGES, (2, 3), (1, 2), "same"),
    case("MaxPooling2D", IMAGES, pool_size=3, strides=2, padding="same"),
    case("AveragePooling2D", IMAGES, 2),
    case("AveragePooling2D", IMAGES, (3, 2), 1),
    case("AveragePooling2D", IMAGES, [2, 3], [1, 2]),
    case("AveragePooling2D", IMAGES, 3, (2, 1), "same"),
    case("GlobalMaxPooling2D", IMAGES),
    case("GlobalMaxPooling2D", IMAGES, keepdims=True),
    case("GlobalAveragePooling2D", IMAGES),
    case("GlobalAveragePooling2D", IMAGES, keepdims=True),
    case("MaxPooling1D", SERIES),
    case("MaxPooling1D", SERIES, 3, 2, "same"),
    case("MaxPooling1D", SERIES, (3,), [1]),
    case("AveragePooling1D", SERIES, 2),
    case("AveragePooling1D", SERIES, 3, 1, "same"),
    case("GlobalMaxPooling1D", SERIES),
    case("GlobalMaxPooling1D", SERIES, keepdims=True),
    case("GlobalAveragePooling1D", SERIES),
    case("GlobalAveragePooling1D", SERIES, keepdims=True),
    case("Rescaling", IMAGES, 1 / 255),
    case("Rescaling", IMAGES, 0.5, offset=-1),
    case("Rescaling", IMAGES, [0.5, 1.0, 2.0, 3.0], [1.0, 0.0, -1.0, 0.5]),
    case("ActivityRegularization", ROWS, 0.5, l2=0.25),
    case("Dropout", ROWS, 0.5),
    case("Dropout", ROWS, 0),
    case("Dropout", ROWS, 0.25, seed=3),
    case("Dropout", IMAGES, 0.25, (None, 1, 1, 4)),
    case("AlphaDropout", ROWS, 0.5, seed=3),
    case("AlphaDropout", IMAGES, 0.5, (None, 1, 1, None)),
    case("GaussianDropout", ROWS, 0.5, seed=3),
    case("GaussianNoise", ROWS, 0.5),
    case("SpatialDropout1D", (2, 5, 3), 0.5),
    case("SpatialDropout2D", IMAGES, 0.5, seed=3),
    case("SpatialDropout3D", VOLUMES, 0.5),
    case("Cropping1D", (2, 5, 3)),
    case("Cropping1D", (2, 5, 3), (0, 3)),
    case("Cropping1D", (2, 5, 3), 2),
    case("Cropping2D", IMAGES, 2),
    case("Cropping2D", IMAGES, (1, 2)),
    case("Cropping2D", IMAGES, ((1, 0), (2, 3))),
    case("Cropping3D", VOLUMES),
    case("Cropping3D", VOLUMES, ((1, 0), (0, 2), (1, 1))),
    case("ZeroPadding1D", (2, 5, 3)),
    case("ZeroPadding1D", (2, 5, 3), (2, 0)),
    case("ZeroPadding3D", VOLUMES),
    case("ZeroPadding3D", VOLUMES, (0, 1, 2)),
    case("UpSampling1D", (2, 5, 3)),
    case("UpSampling1D", (2, 5, 3), 3),
    case("UpSampling2D", IMAGES),
    case("UpSampling2D", IMAGES, (1, 3)),
    case("UpSampling2D", IMAGES, 2, interpolation="bilinear"),
    case("UpSampling2D", IMAGES, (3, 2), interpolation="bilinear"),
    case("UpSampling3D", VOLUMES),
    case("UpSampling3D", VOLUMES, (1, 2, 3)),
    case("Permute", IMAGES, (3, 1, 2)),
    case("Permute", ROWS, (1,)),
    case("RepeatVector", ROWS, 3),
    case("Identity", IMAGES),
    case("BatchNormalization", IMAGES),
    case("BatchNormalization", ROWS, -1, 0.9, 0.01),
    case("BatchNormalization", IMAGES, axis=1),
    case("BatchNormalization", IMAGES, 2, center=False),
    case("BatchNormalization", IMAGES, scale=False, momentum=0.5, moving_variance_initializer="zeros"),
    case("BatchNormalization", (2, 5, 4), center=False, scale=False, moving_mean_initializer="ones"),
    case("GroupNormalization", IMAGES, 2),
    case("GroupNormalization", IMAGES, -1),
    case("GroupNormalization", IMAGES, 2, 2, epsilon=0.1, scale=False),
    case("GroupNormalization", (2, 32), center=False, gamma_initializer="zeros"),
    case("LayerNormalization", IMAGES),
    case("LayerNormalization", ROWS, epsilon=0.01, scale=False),
    case("LayerNormalization", IMAGES, [2, 3], center=False),
    case("LayerNormalization", IMAGES, (3, 1, 2)),
    case("BatchNormalization", ROWS, gamma_regularizer="l2", beta_constraint="non_neg"),
    case("LayerNormalization", ROWS, beta_regularizer="l2", gamma_constraint="unit_norm"),
    case("UnitNormalization", ROWS),
    case("UnitNormalization", IMAGES, [1, 2]),
    case("UnitNormalization", IMAGES, (2, 3)),
    case("Flatten", IMAGES),
    case("Flatten", ROWS),
    case("Reshape", IMAGES, (-1, 4)),
    case("Reshape", ROWS, [5, 1]),
    case("Reshape", IMAGES, (168,)),
    case("ZeroPadding2D", IMAGES),
    case("ZeroPadding2D", IMAGES, 2),
    case("ZeroPadding2D", IMAGES, [0, 3]),
    case("ZeroPadding2D", IMAGES, ((1, 0), (2, 3))),
    case("Normalization", IMAGES),
    case("Normalization", IMAGES, (1, -1)),
    case("Normalization", ROWS, None),
    case("Normalization", IMAGES, -1, 2.0, 3.0),
    case("Normalization", IMAGES, [1, 3], [1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0], True),
    case("Resizing", IMAGES, 5, 9),
    case("Resizing", IMAGES, 10, 3, "nearest"),
    case("Resizing", IMAGES, 4, 4, crop_to_aspect_ratio=True),
    case("Resizing", IMAGES, 8, 4, pad_to_aspect_ratio=True, fill_value=2.0),
    case("Resizing", IMAGES, 3, 9, pad_to_aspect_ratio=True),
    case("Resizing", IMAGES, 3, 4, antialias=True),
    case("CenterCrop", IMAGES, 4, 3),
    case("CenterCrop", IMAGES, 7, 6),
    case("CenterCrop", IMAGES, 8, 4),
    case("RandomCrop", IMAGES, 7, 6, 3),
    case("RandomFlip", IMAGES),
    case("RandomFlip", IMAGES, "vertical", seed=3),
    case("RandomTranslation", IMAGES, 0.3, (-0.1, 0.2)),
    case("RandomTranslation", IMAGES, 0, -0.5, "constant", "nearest", 3, 2.0),
    case("RandomRotation", IMAGES, 0.3),
    case("RandomRotation", IMAGES, (-0.1, 0.25), "nearest", fill_value=0.5),
    case("RandomZoom", IMAGES, 0.3),
    case("RandomZoom", IMAGES, (-0.5, 0.25), 0.1, "wrap", seed=2),
    case("RandomContrast", IMAGES, 0.3),
    case("RandomContrast", IMAGES, (0.1, 0.5), (0, 1), 3),
    case("RandomBrightness", IMAGES, 0.3),
    case("RandomBrightness", IMAGES, (-0.1, 0.5), (1, 0), 3),
]
#: Those of them that know data_format, with channels second.
FORMATTED = (
    "Conv", "DepthwiseConv", "SeparableConv", "Adaptive", "MaxPooling", "AveragePooling", "Global", "Flatten",
    "ZeroPadding", "Cropping2D", "Cropping3D", "UpSampling2D", "UpSampling3D", "Resizing", "CenterCrop", "Random",
)  # fmt: skip
CASES += [
    Case(c.name, (c.shape[0], c.shape[-1], *c.shape[1:-1]), c.args, {**c.kwargs, "data_format": "channels_first"})
    for c in CASES
    if c.name.startswith(FORMATTED) and len(c.shape) > 2
]


# ---- running both -----------------------------------------------------------------------------------------


class Tape:
    """What a layer lowers itself into to be run and differentiated, op by op."""

    def __init__(self, training):
        self.training = training
        self.records = []

    def shape(self, value):
        return value.shape

    def add(self, op, value, *variables):
        y, backprop = op(value, *(None if v is None else v.array for v in variables))
        self.records.append((value, y, variables, backprop))
        return y

    def differentiate(self, x, y, dy, wanted):
        """Return the gradients of x and of the wanted variables."""
        grads = {id(y): dy}
        for value, result, variables, backprop in reversed(self.records):
            dx, *dparams = backprop(grads.pop(id(result)))
            grads[id(value)] = dx
            grads.update({id(v): grad for v, grad in zip(variables, dparams, strict=True) if v is not None})
        return [grads[id(x)], *(grads[id(v)] for v in wanted)]


def run(layer, x, draw, training=False):
    """Return our layer's output and gradients, and the output's gradient that was drawn."""
    layer.build_once(x.shape)
    tape = Tape(training)
    y = layer.lower(tape, x)
    dy = draw(y.shape)
    return [y, *tape.differentiate(x, y, dy, layer.trainable_weights)], dy


def run_keras(layer, x, dy, training=False):
    """Return Keras's output and gradients."""
    x = torch.tensor(x, requires_grad=True)
    y = layer(x, training=training) if accepts_training(layer) else layer(x)
    weights = [v.value for v in layer.trainable_weights]
    grads = torch.autograd.grad(y, [x, *weights], torch.tensor(dy))
    return [y.detach().numpy(), *(grad.numpy() for grad in grads)]


def accepts_training(layer):
    """Tell whether a Keras layer has a training mode."""
    return "training" in inspect.signature(layer.call).parameters


def pair(c, **more):
    """Return the layer made by Keras and by us, built for the case's shape, with the same random weights."""
    theirs, ours = (c.make(module, **more) for module in BOTH)
    theirs.build(c.shape)
    ours.build_once(c.shape)
    rng = np.random.default_rng(5)
    weights = [rng.standard_normal(v.shape) for v in theirs.weights]
    weights = [np.abs(w) if "variance" in v.name else w for v, w in zip(theirs.weights, weights, strict=True)]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    return theirs, ours


#: Keras on torch computes these with float32 constants, or in float32, whatever the type.
ROUGH = {"hard_sigmoid": 1e-7, "softplus": 1e-7, "GlobalAverage": 1e-6, "Dense": 1e-5, "Normalization": 1e-5}


@pytest.fixture
def floatx(dtype):
    """Make `dtype` Keras's default: some of its steps follow that instead of their inputs."""
    keras.config.set_floatx(dtype)
    yield
    keras.config.set_floatx("float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("c", CASES, ids=str)
def test_outputs_and_gradients(c, dtype, floatx, rng):
    theirs, ours = pair(c, dtype=dtype)

    def draw(shape):
        return rng.standard_normal(shape).astype(dtype)

    x = draw(c.shape)
    actual, dy = run(ours, x, draw)
    near = 2e-5 if dtype == "float32" else next((ROUGH[word] for word in ROUGH if word in str(c)), 1e-11)
    for a, e in zip(actual, run_keras(theirs, x, dy), strict=True):
        assert (a.dtype, a.shape) == (dtype, e.shape)
        np.testing.assert_allclose(a, e, rtol=near, atol=near)
    alone = ours(x, training=False) if "Random" in c.name else ours(x)
    np.testing.assert_array_equal(alone, actual[0], strict=True)


@pytest.mark.parametrize(
    "c", [c for c in CASES if c.name in ("Dropout", "Conv2D", "Dense") and c.args[1:] != ((None, 1, 1, 4),)], ids=str
)
def test_training_mode(c, rng):
    """Whatever a layer does in training, what it lets through is Keras's, and Dropout lets as much through."""
    theirs, ours = pair(c)
    x = rng.standard_normal((400, *c.shape[1:]), np.float32)
    y = ours(x, training=True)
    expected = run_keras(theirs, x, np.ones_like(y), True)[0]
    rate = ours.rate if c.name == "Dropout" else 0
    kept = (y != 0) & (expected != 0)
    np.testing.assert_allclose(y[kept], expected[kept], rtol=2e-5, atol=2e-5)
    if c.name == "Dropout":
        assert (y != 0).mean() == pytest.approx(1 - rate, abs=0.06)
        assert (expected != 0).mean() == pytest.approx(1 - rate, abs=0.06)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("c", [c for c in CASES if c.name == "BatchNormalization"], ids=str)
def test_batch_normalization_in_training(c, dtype, floatx, rng):
    """Outputs, gradients and moving statistics over some steps; then frozen, when nothing moves; then in inference."""
    theirs, ours = pair(c, dtype=dtype)

    def draw(shape):
        return rng.standard_normal(shape).astype(dtype)

    near = 1e-4 if dtype == "float32" else 1e-5
    c_shape = (9, *c.shape[1:])
    for step in range(6):
        theirs.trainable = ours.trainable = step != 4
        x = draw(c_shape) * 3 + 1
        before = ours.get_weights()
        actual, dy = run(ours, x, draw, training=True)
        for a, e in zip(actual, run_keras(theirs, x, dy, True), strict=True):
            np.testing.assert_allclose(a, e, rtol=near, atol=near)
        for a, e in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, e, rtol=near / 10, atol=near / 10)
        moved = [not np.array_equal(a, b) for a, b in zip(before, ours.get_weights(), strict=True)]
        assert moved[-2:] == [step != 4] * 2 and not any(moved[:-2])
    np.testing.assert_allclose(ours(x), theirs(x, training=False).detach(), rtol=near, atol=near)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64, bool])
def test_inputs_of_other_types(dtype, rng):
    x = rng.integers(0, 2, IMAGES).astype(dtype)
    theirs, ours = pair(case("Conv2D", IMAGES, 5, 3))
    y = ours(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, theirs(x.astype(np.float32)).detach(), rtol=2e-5, atol=2e-5)


def test_layer_normalization_of_an_inner_axis_fails_in_keras_on_torch(rng):
    """There it takes every axis for the last one; its other backends, and we, normalize over the one that was named."""
    theirs, ours = pair(case("LayerNormalization", IMAGES, 1))
    x = rng.standard_normal(IMAGES).astype(np.float32)
    assert error_of(lambda: theirs(x)) is RuntimeError
    last, turned = pair(case("LayerNormalization", (2, 6, 4, 7)))
    for layer in (last, turned):
        layer.set_weights(ours.get_weights())
    expected = np.moveaxis(last(np.moveaxis(x, 1, -1).copy()).detach().numpy(), -1, 1)
    np.testing.assert_allclose(ours(x), expected, rtol=2e-5, atol=2e-5)


def test_average_pool_with_one_sided_padding_differs_from_keras_on_torch():
    """Keras's torch backend repeats the outermost cell and counts it; its other backends, and we, leave padding out."""
    theirs, ours = pair(case("AveragePooling2D", (1, 1, 6, 1), (1, 3), (1, 2), "same"))
    x = np.arange(1, 7, dtype=np.float32).reshape(1, 1, 6, 1)
    np.testing.assert_allclose(ours(x).ravel(), [2, 4, 5.5])
    np.testing.assert_allclose(theirs(x).detach().ravel(), [2, 4, 17 / 3], rtol=1e-6)


def test_sparsemax_differs_from_keras_where_its_rows_are_no_probabilities(rng):
    """Some rows of Keras's do not add up to 1; where they do, both say the same."""
    x = rng.standard_normal((200, 5)).astype(np.float32)
    theirs, ours = (case("Activation", ROWS, "sparsemax").make(module)(x) for module in BOTH)
    theirs = theirs.detach().numpy()
    good = np.abs(theirs.sum(-1) - 1) < 1e-5
    assert 0 < good.sum() < 200
    np.testing.assert_allclose(ours.sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(ours[good], theirs[good], rtol=1e-5, atol=1e-6)


# ---- arguments, names, weights ----------------------------------------------------------------------------

CLASSES = [name for name in layers.__all__ if name not in ("Layer", "Input", "InputSpec")]
MERGING = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"}
ALONE = {"InputLayer", "Lambda"} | MERGING  # with tests of their own


def test_every_layer_has_a_case():
    named = {getattr(layers, name).__name__ for name in CLASSES if name[0].isupper()}
    assert named == {c.name for c in CASES} | ALONE


@pytest.mark.parametrize("name", [*CLASSES, "Input"])
def test_signatures(name):
    theirs, ours = (
        [(p.name, p.default, p.kind) for p in inspect.signature(getattr(module, name)).parameters.values()]
        for module in (keras.layers, layers)
    )
    assert ours == theirs


@pytest.mark.parametrize("name", CLASSES)
def test_second_names_are_the_same_classes(name):
    assert getattr(layers, name).__name__ == getattr(keras.layers, name).__name__


@pytest.fixture
def fresh_names():
    """Number names from the beginning in both libraries."""
    keras.utils.clear_session(free_memory=False)
    reset_names()


def test_names_are_numbered_alike(fresh_names):
    made = [(c.make(keras).name, c.make(layers).name) for c in CASES]
    assert [ours for _, ours in made] == [theirs for theirs, _ in made]
    assert made[0] == ("activation", "activation")
    assert len(set(made)) == len(CASES)


NOISE = {c.name for c in CASES if "Dropout" in c.name or "Noise" in c.name or "Random" in c.name}


@pytest.mark.parametrize("c", CASES, ids=str)
def test_weights(c):
    theirs, ours = pair(c, name="eyes")
    for attribute in ("weights", "trainable_weights", "non_trainable_weights"):
        described = [
            [(v.name, v.path, tuple(v.shape), v.dtype, v.trainable) for v in getattr(layer, attribute)]
            for layer in (theirs, ours)
        ]
        if c.name in NOISE:  # Keras counts the state of the random numbers, which no layer of ours holds
            described[0] = [row for row in described[0] if row[0] != "seed_generator_state"]
        assert described[1] == described[0]
    if c.name not in ("BatchNormalization", "Normalization"):
        assert ours.count_params() == sum(prod(v.shape) for v in theirs.trainable_weights)
    if c.name not in NOISE:
        assert ours.count_params() == theirs.count_params()
    for got, expected in zip(ours.get_weights(), theirs.get_weights(), strict=c.name not in NOISE):
        np.testing.assert_array_equal(got, expected)


def test_freezing():
    theirs, ours = pair(case("Dense", ROWS, 4))
    for value in (False, True):
        theirs.trainable = ours.trainable = value
        for attribute in ("trainable_weights", "non_trainable_weights"):
            assert len(getattr(ours, attribute)) == len(getattr(theirs, attribute))
        assert [v.trainable for v in ours.weights] == [v.trainable for v in theirs.weights]
        assert ours.get_config()["trainable"] == theirs.get_config()["trainable"] == value


#: Layers that Keras calls built only behind build(): those that have one of their own.
BUILT_LATER = (
    "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Dense", "DepthwiseConv1D",
    "DepthwiseConv2D", "Flatten", "PReLU", "Permute", "RepeatVector", "Rescaling", "SeparableConv1D", "SeparableConv2D",
    *(f"{kind}{rank}D" for kind in ("Cropping", "UpSampling", "ZeroPadding") for rank in (1, 2, 3)),
)  # fmt: skip
BUILT_LATER += ("BatchNormalization", "GroupNormalization", "LayerNormalization", "Normalization")
BUILT_LATER += ("Resizing", "CenterCrop", *(name for name in layers.__all__ if name.startswith("Random")))
BUILT_LATER += tuple(f"Adaptive{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3))
FIRST_CASES = list({c.name: c for c in reversed(CASES)}.values())


@pytest.mark.parametrize("c", [c for c in FIRST_CASES if c.name in BUILT_LATER], ids=str)
def test_not_built_when_made(c):
    assert not c.make(layers).built
    assert not c.make(keras).built


@pytest.mark.parametrize("c", [c for c in FIRST_CASES if c.name not in BUILT_LATER], ids=str)
def test_built_when_made(c):
    assert c.make(keras).built
    assert c.make(layers).built
    assert c.make(layers).count_params() == 0


@pytest.mark.parametrize("module", [keras, layers])
def test_build_by_hand(module):
    layer = case("Dense", ROWS, 4).make(module)
    layer.build((None, 5))
    assert layer.built
    layer(np.ones(ROWS, np.float32))
    assert len(layer.weights) == 2


@pytest.mark.parametrize("module", [keras, layers])
def test_building_twice_is_refused(module):
    layer = case("Conv2D", IMAGES, 5, 3).make(module)
    layer(np.ones(IMAGES, np.float32))
    assert error_of(lambda: layer.build((None, 7, 6, 3))) is ValueError


# ---- shapes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("c", [*CASES, case("AveragePooling2D", IMAGES, 2, padding="same")], ids=str)
def test_output_shapes(c, batch):
    shape = (batch, *c.shape[1:])
    expected = c.make(keras).compute_output_shape(shape)
    answer = c.make(layers).compute_output_shape(shape)
    assert answer == tuple(expected)
    assert type(answer) is tuple


@pytest.mark.parametrize(
    ("c", "shape"),
    [
        (case("Conv2D", None, 4, 3), (None, None, None, 3)),
        (case("MaxPooling2D", None), (None, None, None, 3)),
        (case("GlobalAveragePooling2D", None), (None, None, None, 3)),
        (case("Dense", None, 3), (None, None, 4)),
        (case("Flatten", None), (None, 3, None)),
        (case("Reshape", None, (-1, 2)), (None, None, 2)),
        (case("ZeroPadding2D", None), (None, None, 5, 1)),
    ],
    ids=str,
)
def test_unknown_sizes_are_refused_where_keras_takes_them(c, shape):
    assert None in c.make(keras).compute_output_shape(shape)[:2]
    with pytest.raises(NotImplementedError, match="unknown size"):
        c.make(layers).compute_output_shape(shape)


# ---- configs ----------------------------------------------------------------------------------------------

CONFIG_CASES = [
    *CASES,
    case("Conv2D", IMAGES, 4, 3, trainable=False),
    case(
        "Conv2D",
        IMAGES,
        4,
        3,
        kernel_regularizer="l1l2",
        bias_regularizer="l1",
        activity_regularizer="l2",
        kernel_constraint="max_norm",
        bias_constraint="non_neg",
    ),
    case("Dense", ROWS, 4, kernel_regularizer="l1", bias_regularizer="L2", kernel_constraint="unit_norm"),
    case("ReLU", ROWS, activity_regularizer="l2"),
    case(
        "Conv2D", IMAGES, 4, 3, kernel_initializer={"class_name": "RandomNormal", "config": {"stddev": 0.1, "seed": 3}}
    ),
    case("AveragePooling2D", IMAGES, 2, padding="same"),
    case("InputLayer", ROWS, (5,)),
    case("InputLayer", ROWS, (5,), 3, "float64"),
    case("InputLayer", ROWS, batch_shape=(None, 5)),
]


def as_given(config):
    """Return a config with the factor of L1 as it was given: Keras 3.15 keeps it in float32, of L1 alone."""
    if isinstance(config, dict):
        if config.get("class_name") == "L1":
            rounded = config["config"]["l1"]
            given = float(f"{rounded:.7g}")
            assert rounded in (given, float(np.float32(given)))
            return {**config, "config": {"l1": given}}
        return {key: as_given(value) for key, value in config.items()}
    return config


@pytest.mark.parametrize("c", CONFIG_CASES, ids=str)
def test_configs(c):
    theirs, ours = (c.make(module, name="eyes").get_config() for module in BOTH)
    excused = {**CONFIGS["*"], **CONFIGS.get(c.name, {})}
    for config in (theirs, ours):
        for key in excused:
            config.pop(key, None)
    assert ours == as_given(theirs)
    for key, value in ours.items():
        same = isinstance(theirs[key], type(value))  # Keras has a list of its own
        assert same or isinstance(value, (float, bool))  # of a number that equals Keras's
    if c.name not in ("InputLayer", "ELU"):
        assert list(ours) == list(theirs)


@pytest.mark.parametrize("c", CONFIG_CASES, ids=str)
def test_keras_reads_our_configs_and_we_read_theirs(c):
    theirs, ours = (c.make(module) for module in BOTH)
    read = type(theirs).from_config(ours.get_config())
    assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()
    supported = {k: v for k, v in theirs.get_config().items() if k != "quantization_config"}
    back = type(ours).from_config({**supported, "name": ours.name})
    assert as_given(back.get_config()) == ours.get_config()
    assert read.get_config() == {**theirs.get_config(), "name": ours.name}


def test_config_of_array_arguments():
    theirs, ours = (module.Rescaling(np.array([0.5, 2.0]), np.float32(1)) for module in (keras.layers, layers))
    assert theirs.get_config()["offset"] == 1.0
    assert type(ours.get_config()["offset"]) is float
    assert not isinstance(ours.get_config()["scale"], np.ndarray)


# ---- errors -----------------------------------------------------------------------------------------------

#: Calls that both refuse, with the same class of error; those with a shape fail at the first call on such inputs.
REFUSED = [
    case("Conv2D", None, 0, 3),
    case("Conv2D", None, -1, 3),
    case("Conv2D", None),
    case("Conv2D", None, 4),
    case("Conv2D", IMAGES, 2.5, 3),
    *(case("Conv2D", None, 4, size) for size in (0, -1, (3,), (3, 3, 3), "3", 2.5, (3, 0), None)),
    *(case("Conv2D", None, 4, 3, strides) for strides in (0, (1, 1, 1), "a")),
    case("Conv2D", None, 4, 3, padding="full"),
    case("Conv2D", None, 4, 3, padding="causal"),
    case("Conv2D", None, 4, 3, data_format="nhwc"),
    case("Conv2D", None, 4, 3, dilation_rate=0),
    case("Conv2D", None, 4, 3, strides=(1, 2), dilation_rate=(2, 1)),
    *(case("Conv2D", None, 4, 3, groups=groups) for groups in (0, -1, 3)),
    case("Conv2D", IMAGES, 6, 3, groups=3),
    case("Conv2D", None, 4, 3, activation="rellu"),
    case("Conv2D", None, 4, 3, activation=5),
    case("Conv2D", None, 4, 3, kernel_initializer="glorot"),
    case("Conv2D", None, 4, 3, kernel_initializer=5),
    case("Conv2D", None, 4, 3, kernel_regularizer="l22"),
    case("Conv2D", None, 4, 3, bias_constraint=5),
    case("Conv2D", None, 4, 3, foo=5),
    case("Conv2D", None, 4, 3, name=5),
    case("Conv2D", None, 4, 3, name="a/b"),
    case("Conv2D", None, 4, 3, dtype="float33"),
    case("Conv2D", IMAGES, 4, 8),
    case("Conv2D", IMAGES, 4, 3, dilation_rate=3),
    case("Conv2D", (2, 5, 6), 4, 3),
    case("Conv2D", (2, 5, 6, 4, 1), 4, 3),
    case("DepthwiseConv2D", None),
    *(case("DepthwiseConv2D", None, size) for size in (0, -1, (3, 3, 3), 2.5)),
    *(case("DepthwiseConv2D", None, 3, depth_multiplier=m) for m in (0, -2)),
    case("DepthwiseConv2D", IMAGES, 3, depth_multiplier=1.5),
    case("DepthwiseConv2D", None, 3, padding="causal"),
    case("DepthwiseConv2D", None, 3, strides=0),
    case("DepthwiseConv2D", IMAGES, 8),
    case("DepthwiseConv2D", (2, 5, 6), 3),
    case("DepthwiseConv2D", None, 3, foo=1),
    *(case("SeparableConv2D", None, filters, 3) for filters in (0, -1)),
    case("SeparableConv2D", IMAGES, None, 3),
    case("SeparableConv2D", None, 4, 3, depth_multiplier=0),
    case("SeparableConv2D", None, 4, 3, pointwise_initializer="glorot"),
    case("SeparableConv2D", IMAGES, 4, 8),
    *(case("Conv1D", None, filters, 3) for filters in (0, -1)),
    *(case("Conv1D", None, 4, size) for size in (0, (3, 3), None)),
    case("Conv1D", None, 4, 3, padding="full"),
    case("Conv1D", None, 4, 3, 2, dilation_rate=2),
    case("Conv1D", SERIES, 4, 8),
    case("Conv1D", IMAGES, 4, 3),
    *(case("Conv3D", None, 4, size) for size in (0, (3, 3), 2.5)),
    case("Conv3D", None, 4, 3, padding="causal"),
    case("Conv3D", VOLUMES, 4, 4),
    case("Conv3D", VOLUMES, 3, 2, groups=3),
    *(case("Conv2DTranspose", None, filters, 3) for filters in (0, -1)),
    *(case("Conv2DTranspose", None, 4, size) for size in (0, (3, 3, 3), None)),
    case("Conv2DTranspose", None, 4, 3, padding="causal"),
    case("Conv2DTranspose", None, 4, 3, 2, dilation_rate=2),
    *(case("Conv2DTranspose", None, 4, 3, 2, output_padding=more) for more in (2, -1, (0, 2), (0, 0, 0))),
    case("Conv1DTranspose", None, 4, 3, output_padding=1),
    case("DepthwiseConv1D", None, 0),
    case("DepthwiseConv1D", None, 3, padding="causal"),
    case("SeparableConv1D", None, 0, 3),
    case("SeparableConv1D", None, 4, 3, padding="causal"),
    *(case("MaxPooling3D", None, size) for size in (0, (2, 2), "2")),
    case("MaxPooling3D", IMAGES),
    case("AveragePooling3D", None),
    *(case("AdaptiveMaxPooling1D", None, size) for size in ("2", 2.5, (1, 2))),
    *(case("AdaptiveAveragePooling2D", None, size) for size in ("2", None, (1, 2, 3))),
    case("AdaptiveAveragePooling3D", None, 2, "x"),
    *(case(f"Adaptive{kind}Pooling2D", IMAGES, 0) for kind in ("Max", "Average")),
    case("Dense", None),
    *(case("Dense", None, units) for units in (0, -1, 2.5, 3.0, "4", None)),
    case("Dense", None, 3, "rellu"),
    case("Dense", None, 3, bias_initializer="zeroes"),
    case("Dense", None, 3, foo=1),
    case("Dense", (2,), 3),
    *(case("MaxPooling2D", None, size) for size in (0, -1, (2, 2, 2), "2")),
    case("MaxPooling2D", None, 2, data_format="x"),
    case("MaxPooling2D", None, 2, foo=1),
    case("MaxPooling2D", (2, 3, 4), 2),
    case("AveragePooling2D", None),
    case("AveragePooling2D", None, 0),
    case("AveragePooling2D", (2, 3, 4), 2),
    case("GlobalAveragePooling2D", (2, 3, 4)),
    *(case("MaxPooling1D", None, size) for size in (0, -1, (2, 2))),
    case("MaxPooling1D", (2, 3, 4, 5), 2),
    case("AveragePooling1D", None),
    case("GlobalMaxPooling1D", (2, 3)),
    case("GlobalAveragePooling1D", IMAGES),
    case("GlobalMaxPooling2D", (2, 3)),
    case("GlobalMaxPooling2D", None, "x"),
    case("Dropout", None, 1.5),
    case("Dropout", None, -0.1),
    *(case("Dropout", None, 0.5, shape) for shape in ("a", 5, (0, 1), (1.5,), (-1,))),
    *(
        case(name, None, value)
        for name in ("AlphaDropout", "GaussianDropout", "SpatialDropout2D", "GaussianNoise")
        for value in (1.5, -0.1)
    ),
    case("SpatialDropout2D", None, 0.5, "x"),
    case("SpatialDropout2D", (2, 3, 4), 0.5),
    case("Dropout", None, 0.5, seed="a"),
    case("Dropout", None, 0.5, seed=1.5),
    case("ReLU", None, -1),
    *(case("ReLU", None, **{key: value}) for key in ("negative_slope", "threshold") for value in (-1, None)),
    case("LeakyReLU", None, -1),
    case("Activation", None),
    case("Activation", None, "rellu"),
    case("Activation", None, 5),
    case("BatchNormalization", None, "a"),
    case("BatchNormalization", None, foo=1),
    case("BatchNormalization", None, synchronized=True),
    case("BatchNormalization", None, gamma_initializer="onez"),
    *(case("GroupNormalization", None, groups) for groups in (0, -2, 2.5, "2")),
    *(case("GroupNormalization", IMAGES, groups) for groups in (3, 5)),
    case("LayerNormalization", None, "a"),
    case("LayerNormalization", None, 1.5),
    case("UnitNormalization", None, None),
    case("Softmax", None, foo=1),
    *(case("Permute", None, dims) for dims in ((0, 1), (1, 3), (2, 2), (-1,))),
    *(case("RepeatVector", None, n) for n in (0, -1, 2.0, "a", True)),
    case("RepeatVector", IMAGES, 2),
    *(case("UpSampling1D", None, n) for n in (0, 2.0)),
    case("UpSampling2D", None, 0),
    case("UpSampling2D", None, (1, 2, 3)),
    case("UpSampling3D", None, (1, 2)),
    *(case("Cropping2D", None, value) for value in (-1, (1, 2, 3), "a", None, 1.5)),
    case("Cropping2D", IMAGES, 3),
    case("Cropping1D", (2, 3, 3), 2),
    case("Cropping3D", None, (1, 2)),
    case("ZeroPadding3D", None, (1, 2)),
    case("ZeroPadding1D", None, (1, 2, 3)),
    case("Flatten", None, "x"),
    case("Flatten", None, foo=1),
    case("Reshape", None),
    case("Reshape", (2, 4), (3,)),
    case("Reshape", (2, 4), (-1, 3)),
    case("Reshape", (2, 4), (-1, -1)),
    *(case("ZeroPadding2D", None, value) for value in ((1, 2, 3), ((1, 2, 3), (1, 2)), "a", None, 1.5)),
    case("ZeroPadding2D", None, 1, data_format="x"),
    case("ZeroPadding2D", (2, 3, 4)),
    case("Rescaling", None),
    case("InputLayer", None),
    case("InputLayer", None, (-1,)),
    case("InputLayer", None, (2.5,)),
    case("InputLayer", None, (3,), batch_shape=(None, 3)),
    case("InputLayer", None, (3,), dtype="foo"),
    case("Input", None),
    case("Input", None, (3,), batch_shape=(None, 3)),
]


def error_of(call):
    """Return the class of the error that a call raises, None if it goes through."""
    try:
        call()
    except Exception as error:
        return type(error)
    return None


def error_in(module, c):
    """Return the class of the error that making a layer raises, or, where the case has a shape, its first call."""

    def make():
        layer = c.make(module)
        if c.shape is not None:
            layer(np.ones(c.shape, np.float32))

    return error_of(make)


@pytest.mark.parametrize("c", REFUSED, ids=str)
def test_errors(c):
    expected = error_in(keras, c)
    assert expected is not None
    assert error_in(layers, c) is expected


#: Calls that we refuse with ValueError while Keras takes them (None) or fails elsewhere (the class of its error).
STRICTER = [
    (case("Conv1D", None, 4, "3"), TypeError),
    (case("Conv2DTranspose", (2, 1, 1, 4), 4, 2, 2, "same", (0, 0)), None),  # an empty result
    (case("MaxPooling3D", VOLUMES, 4), RuntimeError),
    (case("Conv2D", None, "4", 3), TypeError),
    (case("Conv2D", None, None, 3), None),
    (case("Conv2D", IMAGES, True, 3), None),
    (case("Conv2D", None, 4, 3, padding=1), AttributeError),
    (case("Conv2D", None, 4, 3, padding=None), AttributeError),
    (case("Conv2D", None, 4, 3, groups=2.0), None),
    (case("Dense", None, True), None),
    (case("MaxPooling2D", None, 2, 0), None),
    (case("MaxPooling1D", None, "2"), TypeError),
    (case("MaxPooling2D", None, 2, padding="full"), None),
    (case("AveragePooling2D", None, 2, padding="causal"), None),
    (case("MaxPooling2D", IMAGES, 8), RuntimeError),
    (case("AveragePooling2D", IMAGES, 8), RuntimeError),
    (case("Dropout", None, "a"), TypeError),
    (case("Dropout", None, None), TypeError),
    (case("Dropout", None, True), None),
    (case("AlphaDropout", None, 1), None),  # Keras divides by zero in training
    (case("GaussianDropout", None, 1), None),
    (case("BatchNormalization", None, momentum=1.5), None),
    (case("BatchNormalization", None, epsilon=-1), None),
    (case("BatchNormalization", ROWS, 3), IndexError),
    (case("UnitNormalization", ROWS, 2), IndexError),
    (case("LayerNormalization", ROWS, 0), RuntimeError),
    (case("Reshape", None, "a"), None),
    (case("Reshape", (2, 4), (2.0, 2)), None),
    (case("ZeroPadding2D", IMAGES, -1), None),  # Keras crops
    (case("Rescaling", (2, 3), [1.0, 2.0]), RuntimeError),
    (case("Softmax", ROWS, 3), IndexError),
    (case("Softmax", ROWS, 0), None),  # over the batch
    (case("InputLayer", None, (0,)), None),
    (case("InputLayer", None, (3,), 0), None),
    (case("InputLayer", None, (3,), foo=0), None),
]


@pytest.mark.parametrize(("c", "theirs"), STRICTER, ids=str)
def test_stricter_errors(c, theirs):
    assert error_in(layers, c) is ValueError
    assert error_in(keras, c) is theirs, "Keras has changed: move this row"


@pytest.mark.parametrize("name", ["kernel_regularizer", "bias_regularizer", "activity_regularizer"])
@pytest.mark.parametrize("layer", [("Conv2D", 4, 3), ("Dense", 4)])
def test_functions_as_regularizers_are_refused(layer, name):
    c = case(layer[0], None, *layer[1:], **{name: abs})
    assert error_in(keras, c) is None
    assert error_in(layers, c) is NotImplementedError


def test_sizes_may_be_numpy_integers():
    assert error_in(keras, case("Conv2D", IMAGES, np.int64(4), 3)) is None
    assert error_in(layers, case("Conv2D", IMAGES, np.int64(4), np.int32(3))) is None


DIFFERENT = [
    (case("Input", None, 3), "a plain number is taken as a shape; Keras raises ValueError"),
    (case("Reshape", None, 4), "a plain number is taken as a shape; Keras raises TypeError"),
]


@pytest.mark.parametrize("c", [pytest.param(c, marks=differs(why)) for c, why in DIFFERENT], ids=str)
def test_errors_that_should_be_the_same(c):
    assert error_in(layers, c) is error_in(keras, c)


@pytest.mark.parametrize(
    "call",
    [
        lambda layer: layer(np.ones((2, 7, 6, 5), np.float32)),
        lambda layer: layer(np.ones((2, 7, 6), np.float32)),
        lambda layer: layer(5.0),
        lambda layer: layer.set_weights([]),
        lambda layer: layer.set_weights([np.ones((3, 3, 4, 5)), np.ones(4)]),
        lambda layer: type(layer)(4, 3).count_params(),
        lambda layer: type(layer)(4, 3).set_weights([np.ones(1)]),
    ],
    ids=["channels", "rank", "number", "no-weights", "shape-of-weights", "count-unbuilt", "set-unbuilt"],
)
def test_errors_of_built_layers(call):
    for layer in pair(case("Conv2D", IMAGES, 5, 3)):
        before = [v.numpy() for v in layer.weights]
        assert error_of(lambda layer=layer: call(layer)) is ValueError
        for v, values in zip(layer.weights, before, strict=True):
            if isinstance(layer, layers.Layer):  # Keras has set the first weights by the time it complains
                np.testing.assert_array_equal(v.numpy(), values)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_built_layers_take_images_of_other_sizes_only(data_format, rng):
    def shape(height, width, channels):
        return (2, channels, height, width) if data_format == "channels_first" else (2, height, width, channels)

    theirs, ours = pair(case("Conv2D", shape(7, 6, 4), 5, 3, data_format=data_format))
    x = rng.standard_normal(shape(5, 9, 4), np.float32)
    np.testing.assert_allclose(ours(x), theirs(x).detach(), rtol=2e-5, atol=2e-5)
    for layer in (theirs, ours):
        assert error_of(lambda layer=layer: layer(np.ones(shape(7, 6, 6), np.float32))) is ValueError
