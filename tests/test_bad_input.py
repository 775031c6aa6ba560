"""Wrong calls: each raises, never crashes, and says who complains about what, and what was expected."""

import contextlib
import inspect
import io
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import fastconv as keras
from fastconv import (
    activations,
    backend,
    callbacks,
    config,
    dtype_policies,
    initializers,
    kernels,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    saving,
    testing,
    utils,
    visualize,
)
from fastconv import layers as L
from fastconv.layers.variable import Variable
from fastconv.models import Sequential
from fastconv.optimizers import schedules
from tests.layers.catalogue import LAYERS as CATALOGUE

X, Y = np.zeros((6, 4)), np.zeros(6, int)
IMAGES = np.ones((2, 5, 6, 3))
RAGGED = [[1.0, 2.0], [3.0]]


def model(loss="sparse_categorical_crossentropy", outputs=3, activation="softmax", **settings):
    """Return a small compiled model named m."""
    made = Sequential([L.Input((4,)), L.Dense(outputs, activation, name="d")], name="m")
    made.compile("sgd", loss, **settings)
    return made


def pictures(loss):
    """Return a compiled model of small pictures named m."""
    made = chain(L.Input((4,)), L.Reshape((2, 2)))
    made.compile("sgd", loss)
    return made


def chain(*layers):
    """Return an uncompiled model named m."""
    return Sequential(list(layers), name="m")


def two():
    """Return a compiled model named m with two inputs, a and b, and two outputs, y and z."""
    a, b = L.Input((4,), name="a"), L.Input((3,), name="b")
    x = L.Concatenate(name="c")([a, b])
    made = models.Model([a, b], [L.Dense(3, "softmax", name="y")(x), L.Dense(1, name="z")(x)], name="m")
    made.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
    return made


def fit_two(x, y, **settings):
    return two().fit(x, y, verbose=0, **settings)


class Data(utils.PyDataset):
    """Some batches, or things that are none."""

    def __init__(self, batch=(X, Y), n=2, **settings):
        super().__init__(**settings)
        self.batch, self.n = batch, n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return self.batch


class Unwritten(utils.PyDataset):
    def __len__(self):
        return 1


def fit(data, *y, **settings):
    return model().fit(data, *y, verbose=0, **settings)


@dataclass(frozen=True)
class Wrong:
    """A call, the error it must raise, and the words that its message must hold."""

    name: str
    call: object
    error: type
    words: tuple


def wrong(name, call, error, *words):
    return Wrong(name, call, error, words)


LAYERS = [
    wrong("conv-filters", lambda: L.Conv2D(-4, 3, name="n"), ValueError, "'n'", "filters=-4", "above 0"),
    wrong("conv-filters-text", lambda: L.Conv2D("4", 3, name="n"), ValueError, "'n'", "filters='4'", "integer"),
    wrong("conv-kernel", lambda: L.Conv2D(4, (3, 0), name="n"), ValueError, "'n'", "kernel_size=(3, 0)", "at least 1"),
    wrong("conv-kernel-none", lambda: L.Conv2D(4, None, name="n"), ValueError, "'n'", "kernel_size=None", "pair"),
    wrong("conv-strides", lambda: L.Conv2D(4, 3, strides="2", name="n"), ValueError, "'n'", "strides='2'"),
    wrong("conv-padding", lambda: L.Conv2D(4, 3, padding="vaild", name="n"), ValueError, "padding='vaild'", "'valid'?"),
    wrong("conv-groups", lambda: L.Conv2D(4, 3, groups=3, name="n"), ValueError, "'n'", "filters=4", "groups=3"),
    wrong(
        "conv-dilation",
        lambda: L.Conv2D(4, 3, 2, dilation_rate=2),
        ValueError,
        "strides=(2, 2)",
        "dilation_rate=(2, 2)",
    ),
    wrong("conv-activation", lambda: L.Conv2D(4, 3, activation="rleu"), ValueError, "activation", "'rleu'", "'relu'?"),
    wrong(
        "conv-initializer",
        lambda: L.Conv2D(4, 3, kernel_initializer="glorot_unifrom"),
        ValueError,
        "initializer",
        "'glorot_unifrom'",
        "'glorot_uniform'?",
    ),
    wrong(
        "conv-regularizer",
        lambda: L.Conv2D(4, 3, kernel_regularizer=abs, name="n"),
        NotImplementedError,
        "'n'",
        "kernel_regularizer=<built-in function abs>",
        "has no gradient",
    ),
    wrong(
        "conv-data-format",
        lambda: L.Conv2D(4, 3, data_format="channel_last", name="n"),
        ValueError,
        "'n'",
        "data_format='channel_last'",
        "channels_last",
    ),
    wrong("conv-keyword", lambda: L.Conv2D(4, 3, stride=2), ValueError, "Conv2D", "'stride': 2", "Unrecognized"),
    wrong(
        "conv-rank", lambda: L.Conv2D(4, 3, name="n")(np.ones((2, 5, 5))), ValueError, "'n'", "4 axes", "(None, 5, 5)"
    ),
    wrong("conv-too-large", lambda: L.Conv2D(4, 7, name="n")(IMAGES), ValueError, "'n'", "(7, 7)", "(None, 5, 6, 3)"),
    wrong(
        "conv-channels", lambda: L.Conv2D(4, 3, groups=2, name="n")(IMAGES), ValueError, "'n'", "3 channels", "groups=2"
    ),
    wrong("batch-norm-axis", lambda: L.BatchNormalization("a", name="n"), ValueError, "'n'", "axis='a'", "integer"),
    wrong("batch-norm-batch", lambda: L.BatchNormalization(0, name="n")(X), ValueError, "'n'", "axis=0", "1 to 1"),
    wrong("batch-norm-rank", lambda: L.BatchNormalization(4, name="n")(IMAGES), ValueError, "'n'", "axis=4", "6, 3)"),
    wrong("batch-norm-momentum", lambda: L.BatchNormalization(momentum=2, name="n"), ValueError, "'n'", "momentum=2"),
    wrong("batch-norm-epsilon", lambda: L.BatchNormalization(epsilon=-1, name="n"), ValueError, "'n'", "epsilon=-1"),
    wrong(
        "batch-norm-sync", lambda: L.BatchNormalization(synchronized=True, name="n"), ValueError, "'n'", "one device"
    ),
    wrong(
        "batch-norm-renorm", lambda: L.BatchNormalization(renorm=True, name="n"), NotImplementedError, "'n'", "renorm"
    ),
    wrong(
        "batch-norm-renorm-momentum",
        lambda: L.BatchNormalization(renorm_momentum=0.5, name="n"),
        NotImplementedError,
        "'n'",
        "renorm_momentum=0.5",
    ),
    wrong(
        "batch-norm-regularizer",
        lambda: L.BatchNormalization(gamma_regularizer="l3", name="n"),
        ValueError,
        "'n'",
        "gamma_regularizer",
        "'l3'",
    ),
    wrong("group-norm-groups", lambda: L.GroupNormalization(0, name="n"), ValueError, "'n'", "groups=0", "above 0"),
    wrong(
        "group-norm-fit", lambda: L.GroupNormalization(2, name="n")(IMAGES), ValueError, "'n'", "3 channels", "groups=2"
    ),
    wrong("layer-norm-axis", lambda: L.LayerNormalization("a", name="n"), TypeError, "'n'", "axis='a'", "list"),
    wrong("layer-norm-twice", lambda: L.LayerNormalization([1, -1], name="n")(X), ValueError, "'n'", "different axes"),
    wrong(
        "layer-norm-apart",
        lambda: L.LayerNormalization([1, 3], name="n")(IMAGES),
        NotImplementedError,
        "'n'",
        "axis=[1, 3]",
        "side by side",
    ),
    wrong(
        "layer-norm-rms",
        lambda: L.LayerNormalization(rms_scaling=True, name="n"),
        NotImplementedError,
        "'n'",
        "rms_scaling=True",
    ),
    wrong("unit-norm-axis", lambda: L.UnitNormalization(3, name="n")(X), ValueError, "'n'", "axis=3", "(6, 4)"),
    wrong("dense-units", lambda: L.Dense(0, name="n"), ValueError, "'n'", "Dense", "units=0", "above 0"),
    wrong("dense-units-float", lambda: L.Dense(2.5, name="n"), ValueError, "'n'", "units=2.5", "integer"),
    wrong("dense-rank", lambda: L.Dense(2, name="n")(np.ones(3)), ValueError, "'n'", "2 axes", "(None,)"),
    wrong("dense-size", lambda: model().layers[0](np.ones((2, 7))), ValueError, "'d'", "(None, 4)", "(None, 7)"),
    wrong("dense-lora", lambda: L.Dense(2, lora_rank=4, name="n"), NotImplementedError, "'n'", "lora_rank=4"),
    wrong("pool-size", lambda: L.MaxPooling2D(0, name="n"), ValueError, "'n'", "pool_size=0"),
    wrong("pool-strides", lambda: L.AveragePooling2D(2, (1, 2, 3), name="n"), ValueError, "'n'", "strides=(1, 2, 3)"),
    wrong("pool-too-large", lambda: L.MaxPooling2D(9, name="n")(IMAGES), ValueError, "'n'", "(9, 9)", "5, 6, 3)"),
    wrong("global-pool-rank", lambda: L.GlobalMaxPooling2D(name="n")(X), ValueError, "'n'", "4 axes", "(6, 4)"),
    wrong("dropout-rate", lambda: L.Dropout(1.5, name="n"), ValueError, "'n'", "rate=1.5", "0 to 1"),
    wrong("dropout-rate-text", lambda: L.Dropout("a", name="n"), ValueError, "'n'", "rate='a'"),
    wrong(
        "dropout-seed",
        lambda: L.Dropout(0.5, seed="a", name="n"),
        ValueError,
        "'n'",
        "seed='a'",
    ),
    wrong("dropout-noise", lambda: L.Dropout(0.5, (1,), name="n")(X), ValueError, "'n'", "noise_shape=(1,)", "fit"),
    wrong("relu-maximum", lambda: L.ReLU(max_value=-1, name="n"), ValueError, "'n'", "max_value=-1", "at least 0"),
    wrong(
        "relu-text",
        lambda: L.ReLU(max_value="a", name="n"),
        ValueError,
        "'n'",
        "max_value='a'",
    ),
    wrong("softmax-axis", lambda: L.Softmax(axis=4, name="n")(IMAGES), ValueError, "'n'", "axis=4", "behind the batch"),
    wrong("reshape-sizes", lambda: L.Reshape((-1, -1), name="n"), ValueError, "'n'", "target_shape=(-1, -1)"),
    wrong(
        "reshape-none",
        lambda: L.Reshape(None, name="n"),
        ValueError,
        "'n'",
        "target_shape=None",
    ),
    wrong("reshape-count", lambda: L.Reshape((5,), name="n")(X), ValueError, "'n'", "4 values", "(5,)"),
    wrong("padding", lambda: L.ZeroPadding2D((1, -1), name="n"), ValueError, "'n'", "padding=-1", "at least 0"),
    wrong("padding-text", lambda: L.ZeroPadding2D("same", name="n"), ValueError, "'n'", "padding='same'"),
    wrong("resizing-size", lambda: L.Resizing(0, 2, name="n"), ValueError, "'n'", "height=0", "above 0"),
    wrong("resizing-way", lambda: L.Resizing(2, 2, "cubic", name="n"), ValueError, "'n'", "'cubic'", "'bicubic'?"),
    wrong("resizing-rank", lambda: L.Resizing(2, 2, name="n")(X), ValueError, "'n'", "4 axes"),
    wrong("crop-size", lambda: L.CenterCrop(2, 2.5, name="n"), ValueError, "'n'", "width=2.5"),
    wrong("flip-mode", lambda: L.RandomFlip("both", name="n"), ValueError, "'n'", "mode='both'", "vertical"),
    wrong("rotation", lambda: L.RandomRotation(2, name="n"), ValueError, "'n'", "factor=2", "[-1, 1]"),
    wrong(
        "shift-down",
        lambda: L.RandomTranslation(1.5, 0, name="n"),
        ValueError,
        "'n'",
        "height_factor=1.5",
        "[-1.0, 1.0]",
    ),
    wrong(
        "shift-up", lambda: L.RandomTranslation((-1.5, 0), 0, name="n"), ValueError, "'n'", "height_factor=(-1.5, 0)"
    ),
    wrong(
        "shift-right",
        lambda: L.RandomTranslation(0, 1.5, name="n"),
        ValueError,
        "'n'",
        "width_factor=1.5",
        "[-1.0, 1.0]",
    ),
    wrong("zoom", lambda: L.RandomZoom(0.1, -1.0, name="n"), ValueError, "'n'", "width_factor=-1.0", "(-1.0, 1.0]"),
    wrong("zoom-fill", lambda: L.RandomZoom(0.1, fill_mode="x", name="n"), NotImplementedError, "'n'", "fill_mode='x'"),
    wrong("contrast-range", lambda: L.RandomContrast(0.1, 5, name="n"), ValueError, "'n'", "value_range=5"),
    wrong("boxes", lambda: L.RandomFlip(bounding_box_format="xyxy", name="n"), NotImplementedError, "'n'", "bounding_"),
    wrong("image-dict", lambda: L.RandomFlip(name="n")({"images": IMAGES}), NotImplementedError, "'n'", "dict"),
    wrong("norm-half", lambda: L.Normalization(mean=1, name="n"), ValueError, "'n'", "mean=1", "variance=None"),
    wrong("norm-axis", lambda: L.Normalization(4, name="n")(IMAGES), ValueError, "'n'", "axis=(4,)"),
    wrong("norm-fit", lambda: L.Normalization(-1, [1, 2], [1, 2], name="n")(IMAGES), ValueError, "'n'", "(2,)", "(3,)"),
    wrong("adapt-number", lambda: L.Normalization(name="n").adapt(5), TypeError, "'n'", "int"),
    wrong("adapt-nothing", lambda: L.Normalization(name="n").adapt([]), ValueError, "'n'", "no batch"),
    wrong("adapt-lists", lambda: L.Normalization(name="n").adapt([[1.0]]), TypeError, "'n'", "list", "shape"),
    wrong("adapt-shapes", lambda: L.Normalization(name="n").adapt([X, X[:, :2]]), ValueError, "'n'", "(6, 2)"),
    wrong(
        "rescaling-size", lambda: L.Rescaling([1, 2], name="n")(IMAGES), ValueError, "'n'", "scale", "(2,)", "3 places"
    ),
    wrong(
        "rescaling-text",
        lambda: L.Rescaling("a", name="n")(IMAGES),
        ValueError,
        "'n'",
        "scale='a'",
    ),
    wrong("activation-name", lambda: L.Activation("softmaks"), ValueError, "activation", "'softmaks'", "'softmax'?"),
    wrong("input-nothing", lambda: L.Input(), ValueError, "Input", "shape", "batch_shape"),
    wrong("input-zero", lambda: L.Input((4, 0), name="n"), ValueError, "'n'", "(None, 4, 0)", "above 0"),
    wrong(
        "input-number",
        lambda: L.Input(2.5, name="n"),
        ValueError,
        "'n'",
        "2.5",
    ),
    wrong(
        "input-batch-shape",
        lambda: L.Input(batch_shape=4, name="n"),
        ValueError,
        "'n'",
        "batch_shape=4",
    ),
    wrong("input-sparse", lambda: L.Input((4,), sparse=True, name="n"), NotImplementedError, "'n'", "sparse=True"),
    wrong("name-slash", lambda: L.Dense(2, name="a/b"), ValueError, "Dense", "name='a/b'"),
    wrong("dtype", lambda: L.Dense(2, dtype="float16", name="n"), ValueError, "'n'", "'float16'", "'float32'"),
    wrong(
        "call-text",
        lambda: L.Dense(2, name="n")("abc"),
        TypeError,
        "'n'",
        "<U3",
        "numbers",
    ),
    wrong(
        "call-ragged",
        lambda: L.Dense(2, name="n")(RAGGED),
        ValueError,
        "'n'",
        "ragged",
    ),
    wrong(
        "call-complex",
        lambda: L.Dense(2, name="n")(X + 1j),
        TypeError,
        "'n'",
        "complex128",
    ),
    wrong(
        "call-scalar",
        lambda: L.ReLU(name="n")(3.0),
        ValueError,
        "'n'",
        "single number",
    ),
    wrong("count-unbuilt", lambda: L.Dense(2, name="n").count_params(), ValueError, "'n'", "isn't built"),
    wrong("set-weights-count", lambda: model().layers[0].set_weights([X]), ValueError, "'d'", "1 arrays", "expected 2"),
    wrong(
        "set-weights-none",
        lambda: model().layers[0].set_weights(None),
        ValueError,
        "'d'",
        "weights=None",
        "2 arrays",
    ),
    wrong(
        "set-weights-shape",
        lambda: model().layers[0].set_weights([X, np.zeros(3)]),
        ValueError,
        "d/kernel'",
        "(6, 4)",
        "expected (4, 3)",
    ),
    wrong(
        "add-weight",
        lambda: L.Layer(name="n").add_weight((2,), "zeors"),
        ValueError,
        "initializer",
        "'zeors'",
        "'zeros'?",
    ),
    wrong("no-lower", lambda: L.Layer(name="n")(X), NotImplementedError, "Layer", "call"),
    wrong("variable-shape", lambda: Variable("ones", name="w"), ValueError, "'w'", "shape"),
    wrong("variable-assign", lambda: Variable([1.0], name="w").assign([1, 2]), ValueError, "'w'", "(2,)", "(1,)"),
    wrong("from-config", lambda: L.Dense.from_config({"units": 2, "unit": 3}), ValueError, "Dense", "'unit': 3"),
]

SEQUENTIAL = [
    wrong("add-text", lambda: chain("relu"), ValueError, "'m'", "'relu'", "Layer"),
    wrong("add-class", lambda: chain(L.Flatten), ValueError, "'m'", "Flatten", "Layer"),
    wrong(
        "layers-number",
        lambda: Sequential(3, name="m"),
        TypeError,
        "'m'",
        "3",
    ),
    wrong("late-input", lambda: chain(L.Dense(2), L.Input((2,), name="i")), ValueError, "'m'", "'i'", "first"),
    wrong("same-names", lambda: chain(L.Dense(2, name="a"), L.ReLU(name="a")), ValueError, "'m'", "unique", "'a'"),
    wrong("same-layer", lambda: chain(*[L.Dense(2, name="a")] * 2), ValueError, "'m'", "'a'", "new layer"),
    wrong(
        "dtypes",
        lambda: chain(L.Input((2,)), L.Dense(2), L.Dense(2, dtype="float64", name="a")),
        ValueError,
        "'m'",
        "'a'",
        "'float64'",
        "'float32'",
    ),
    wrong("pop-empty", lambda: chain().pop(), IndexError, "'m'", "no layer"),
    wrong("build-unknown", lambda: chain(L.Dense(2)).build(), ValueError, "'m'", "input_shape"),
    wrong("build-other", lambda: model().build((None, 5)), ValueError, "'m'", "(None, 5)", "(None, 4)"),
    wrong(
        "build-number",
        lambda: chain(L.Dense(2)).build(5),
        ValueError,
        "'m'",
        "input_shape=5",
    ),
    wrong("get-layer", lambda: model().get_layer("e"), ValueError, "'m'", "'e'", "['d']"),
    wrong("get-layer-index", lambda: model().get_layer(index=3), ValueError, "'m'", "index=3", "1 layers"),
    wrong("get-layer-nothing", lambda: model().get_layer(), ValueError, "'m'", "name", "index"),
    wrong("plan-unbuilt", lambda: chain(L.Dense(2)).plan, ValueError, "'m'", "not built", "Input"),
    wrong(
        "no-layers",
        lambda: chain(L.Input((4,))).predict(X, verbose=0),
        ValueError,
        "'m'",
        "has no layers",
    ),
    wrong("set-weights", lambda: model().set_weights([X]), ValueError, "'m'", "1 arrays", "expected 2"),
    wrong("mask", lambda: model()(X, mask=X), NotImplementedError, "'m'", "mask"),
    wrong("summary-positions", lambda: model().summary(positions=[1.0]), ValueError, "summary", "positions=[1.0]", "3"),
    wrong("summary-range", lambda: model().summary(layer_range=("d", "e")), ValueError, "summary", "'e'", "['d']"),
    wrong(
        "from-config-class",
        lambda: Sequential.from_config({"name": "m", "layers": [{"class_name": "Dence", "config": {}}]}),
        ValueError,
        "'Dence'",
        "'Dense'?",
    ),
    wrong(
        "from-config-other",
        lambda: Sequential.from_config(
            {"name": "m", "layers": [{"class_name": "InputLayer", "config": {"shape": (2,)}}] * 2}
        ),
        ValueError,
        "'m'",
        "first",
    ),
]

COMPILE = [
    wrong("not-compiled", lambda: chain(L.Input((4,)), L.Dense(1)).fit(X, Y), ValueError, "'m'", "compile()", "fit"),
    wrong("no-loss", lambda: model(loss=None).evaluate(X, Y), ValueError, "'m'", "evaluate", "loss=None"),
    wrong("optimizer", lambda: chain(L.Dense(1)).compile("adm", "mse"), ValueError, "optimizer", "'adm'", "'adam'?"),
    wrong(
        "optimizer-none",
        lambda: chain(L.Dense(1)).compile(None, "mse"),
        ValueError,
        "'m'",
        "optimizer=None",
        "Optimizer",
    ),
    wrong("loss", lambda: model("sparse_categorical_crossentrpy"), ValueError, "loss", "crossentrpy'", "'sparse_cat"),
    wrong("loss-number", lambda: model(3), ValueError, "loss", "3"),
    wrong("metric", lambda: model(metrics=["acuracy"]), ValueError, "metric", "'acuracy'", "'accuracy'?"),
    wrong("loss-weights", lambda: model(loss_weights=[1.0, 2.0]), ValueError, "'m'", "loss_weights has 2 entries"),
    wrong("eagerly", lambda: model(run_eagerly=True), NotImplementedError, "'m'", "run_eagerly=True"),
    wrong("steps", lambda: model(steps_per_execution=4), NotImplementedError, "'m'", "steps_per_execution=4"),
    wrong("learning-rate", lambda: optimizers.SGD(-0.1), ValueError, "SGD", "learning_rate=-0.1", "at least 0"),
    wrong("momentum", lambda: optimizers.SGD(momentum=2), ValueError, "SGD", "momentum=2", "between 0 and 1"),
    wrong("optimizer-lr", lambda: optimizers.Adam(lr=0.1), ValueError, "Adam", "'lr': 0.1", "'learning_rate'?"),
    wrong("reduction", lambda: losses.MeanSquaredError("summ"), ValueError, "reduction='summ'", "'sum'"),
    wrong("metric-dtype", lambda: metrics.Mean(dtype="int8"), ValueError, "Mean", "dtype='int8'", "float32"),
    wrong(
        "initializer", lambda: initializers.get("he_nromal"), ValueError, "initializer", "'he_nromal'", "'he_normal'?"
    ),
]

FIT = [
    wrong("lengths", lambda: model().fit(X, Y[:5], verbose=0), ValueError, "'m'", "fit", "x: 6", "y: 5"),
    wrong(
        "weights-length",
        lambda: model().fit(X, Y, sample_weight=[1.0]),
        ValueError,
        "'m'",
        "sample_weight",
        "1 values",
        "6",
    ),
    wrong(
        "weights-rank",
        lambda: model().fit(X, Y, sample_weight=np.ones((6, 2))),
        ValueError,
        "sample_weight",
        "(6, 2)",
    ),
    wrong("weights-text", lambda: model().fit(X, Y, sample_weight=["a"] * 6), TypeError, "'m'", "sample_weight", "<U1"),
    wrong(
        "x-shape", lambda: model().fit(np.zeros((6, 5)), Y), ValueError, "'m'", "x has shape (6, 5)", "expected (4,)"
    ),
    wrong("x-text", lambda: model().fit(np.array([["a"] * 4] * 6), Y), TypeError, "'m'", "x has dtype <U1", "numbers"),
    wrong("x-none", lambda: model().fit(None, Y), TypeError, "'m'", "x has dtype object", "numbers"),
    wrong("x-number", lambda: model().fit(np.float64(3), Y), ValueError, "'m'", "x is a single number"),
    wrong("x-ragged", lambda: model().fit(RAGGED, Y), ValueError, "'m'", "x is ragged"),
    wrong("x-complex", lambda: model().fit(X + 1j, Y), TypeError, "'m'", "complex128", "numbers"),
    wrong("x-dates", lambda: model().fit(X.astype("M8[s]"), Y), TypeError, "'m'", "datetime64", "numbers"),
    wrong(
        "x-dict",
        lambda: model().fit({"a": X}, Y),
        ValueError,
        "'m'",
        "fit",
        "x is a dict with the keys ['a']",
    ),
    wrong("y-missing", lambda: model().fit(X), ValueError, "'m'", "fit", "y is missing", "6 samples"),
    wrong("y-text", lambda: model().fit(X, ["a"] * 6), TypeError, "'m'", "y has dtype <U1"),
    wrong(
        "y-shape",
        lambda: model("mse").fit(X, np.zeros((6, 2))),
        ValueError,
        "'m'",
        "y has shape (6, 2)",
        "expected (3,)",
    ),
    wrong("y-one-hot", lambda: model().fit(X, np.eye(6)[:, :3]), ValueError, "'m'", "(6, 3)", "one-hot", "categorical"),
    wrong(
        "y-sparse",
        lambda: model("categorical_crossentropy").fit(X, Y),
        ValueError,
        "'m'",
        "y has shape (6,)",
        "expected (3,)",
    ),
    wrong("y-label", lambda: model().fit(X, Y + 3), ValueError, "'m'", "label 3", "index 0", "0 to 2", "3 outputs"),
    wrong("y-negative", lambda: model().fit(X, Y - 1), ValueError, "'m'", "label -1", "0 to 2"),
    wrong("y-fractions", lambda: model().fit(X, Y + 0.5), ValueError, "'m'", "0.5", "class numbers"),
    wrong("y-nan", lambda: model().fit(X, np.full(6, np.nan)), ValueError, "'m'", "nan", "class numbers"),
    wrong("batch-size-zero", lambda: model().fit(X, Y, batch_size=0), ValueError, "'m'", "batch_size=0", "above 0"),
    wrong("batch-size-negative", lambda: model().fit(X, Y, batch_size=-2), ValueError, "'m'", "batch_size=-2"),
    wrong(
        "batch-size-text", lambda: model().fit(X, Y, batch_size="32"), ValueError, "'m'", "batch_size='32'", "integer"
    ),
    wrong("split-all", lambda: model().fit(X, Y, validation_split=1.0), ValueError, "'m'", "validation_split=1.0"),
    wrong(
        "split-negative",
        lambda: model().fit(X, Y, validation_split=-0.5),
        ValueError,
        "'m'",
        "validation_split=-0.5",
        "between",
    ),
    wrong(
        "split-empty",
        lambda: model().fit(X, Y, validation_split=0.99),
        ValueError,
        "validation_split=0.99",
        "6 samples",
    ),
    wrong(
        "split-text",
        lambda: model().fit(X, Y, validation_split="a"),
        ValueError,
        "'m'",
        "validation_split='a'",
        "between",
    ),
    wrong(
        "split-batches",
        lambda: model().fit(iter([(X, Y)]), validation_split=0.5),
        ValueError,
        "validation_split",
        "arrays",
    ),
    wrong(
        "validation-data", lambda: model().fit(X, Y, validation_data=X), ValueError, "'m'", "validation_data", "(x, y)"
    ),
    wrong(
        "validation-x", lambda: model().fit(X, Y, validation_data=(X,)), ValueError, "'m'", "validation_data", "(x, y)"
    ),
    wrong(
        "validation-lengths",
        lambda: model().fit(X, Y, validation_data=(X, Y[:2])),
        ValueError,
        "validation_data",
        "y: 2",
    ),
    wrong(
        "validation-frequency",
        lambda: model().fit(X, Y, validation_data=(X, Y), validation_freq=0, verbose=0),
        ValueError,
        "'m'",
        "validation_freq=0",
    ),
    wrong(
        "epochs-text",
        lambda: model().fit(X, Y, epochs="3"),
        ValueError,
        "'m'",
        "epochs='3'",
    ),
    wrong(
        "epochs-float",
        lambda: model().fit(X, Y, epochs=2.5),
        ValueError,
        "'m'",
        "epochs=2.5",
    ),
    wrong(
        "epochs-negative",
        lambda: model().fit(X, Y, epochs=-1, verbose=0),
        ValueError,
        "'m'",
        "epochs=-1",
    ),
    wrong(
        "steps-zero",
        lambda: model().fit(X, Y, steps_per_epoch=0, verbose=0),
        ValueError,
        "'m'",
        "steps_per_epoch=0",
    ),
    wrong(
        "steps-negative",
        lambda: model().fit(X, Y, steps_per_epoch=-2, verbose=0),
        ValueError,
        "'m'",
        "steps_per_epoch=-2",
    ),
    wrong(
        "steps-text",
        lambda: model().fit(X, Y, steps_per_epoch="a"),
        ValueError,
        "'m'",
        "steps_per_epoch='a'",
        "integer",
    ),
    wrong("verbose", lambda: model().fit(X, Y, verbose=3), ValueError, "verbose=3", "(0, 1, 2)"),
    wrong("callbacks", lambda: model().fit(X, Y, callbacks=["a"], verbose=0), ValueError, "'a'", "Callback"),
    wrong(
        "callback-class",
        lambda: model().fit(X, Y, callbacks=[keras.callbacks.History], verbose=0),
        ValueError,
        "History",
        "class",
    ),
    wrong(
        "early-stopping", lambda: keras.callbacks.EarlyStopping(mode="mni"), ValueError, "EarlyStopping", "mode='mni'"
    ),
    wrong(
        "class-weight-list",
        lambda: model().fit(X, Y, class_weight=[1.0, 2.0, 3.0]),
        ValueError,
        "'m'",
        "class_weight",
    ),
    wrong(
        "class-weight-key",
        lambda: model().fit(X, Y, class_weight={"a": 1.0}),
        ValueError,
        "class_weight",
        "'a'",
    ),
    wrong(
        "class-weight-value",
        lambda: model().fit(X, Y, class_weight={0: "x"}),
        ValueError,
        "class_weight",
        "'x'",
    ),
    wrong(
        "class-weight-negative",
        lambda: model().fit(X, Y + 2, class_weight={-1: 100.0}, verbose=0),
        ValueError,
        "class_weight",
        "-1",
    ),
    wrong(
        "class-weight-fraction",
        lambda: model().fit(X, Y, class_weight={0.5: 100.0}, verbose=0),
        ValueError,
        "class_weight",
        "0.5",
    ),
    wrong(
        "class-weight-values",
        lambda: pictures("mse").fit(X, np.zeros((6, 2, 2)), class_weight={0: 1.0}, verbose=0),
        ValueError,
        "'m'",
        "class_weight",
        "4 values",
    ),
    wrong("batches-and-y", lambda: model().fit(iter([(X, Y)]), Y), ValueError, "'m'", "x gives batches", "y=None"),
    wrong("batches-and-size", lambda: model().fit(iter([(X, Y)]), batch_size=4), ValueError, "'m'", "batch_size=4"),
    wrong(
        "batch-parts",
        lambda: model().fit(iter([(X, Y, Y, Y)]), verbose=0),
        ValueError,
        "4 parts",
        "(x, y, sample_weight)",
    ),
    wrong("batch-without-y", lambda: model().fit(iter([X]), verbose=0), ValueError, "'m'", "y is missing"),
    wrong("no-batches", lambda: model().fit(iter([]), verbose=0), ValueError, "'m'", "no batch"),
    wrong("train-on-batch", lambda: model().train_on_batch(X, Y[:2]), ValueError, "'m'", "train_on_batch", "y: 2"),
    wrong("test-on-batch", lambda: model().test_on_batch(X[:, :2], Y), ValueError, "'m'", "test_on_batch", "(6, 2)"),
]

EVALUATE = [
    wrong("evaluate-lengths", lambda: model().evaluate(X, Y[:5]), ValueError, "'m'", "evaluate", "x: 6", "y: 5"),
    wrong("evaluate-y", lambda: model().evaluate(X), ValueError, "'m'", "evaluate", "y is missing"),
    wrong("evaluate-keyword", lambda: model().evaluate(X, Y, epochs=3), ValueError, "'m'", "evaluate", "'epochs'"),
    wrong("evaluate-batch", lambda: model().evaluate(X, Y, batch_size=1.5), ValueError, "'m'", "batch_size=1.5"),
    wrong(
        "evaluate-steps",
        lambda: model().evaluate(X, Y, steps=0, verbose=0),
        ValueError,
        "'m'",
        "evaluate",
        "steps=0",
        "above 0",
    ),
    wrong("predict-shape", lambda: model().predict(X[:, :3]), ValueError, "'m'", "predict", "(6, 3)", "expected (4,)"),
    wrong(
        "predict-rank", lambda: model().predict(np.zeros((6, 4, 4))), ValueError, "'m'", "(6, 4, 4)", "expected (4,)"
    ),
    wrong("predict-text", lambda: model().predict(["a", "b"]), TypeError, "'m'", "<U1", "numbers"),
    wrong("predict-string", lambda: model().predict("abc", verbose=0), TypeError, "'m'", "x has dtype <U1"),
    wrong("predict-none", lambda: model().predict(None), TypeError, "'m'", "object", "numbers"),
    wrong("predict-ragged", lambda: model().predict(RAGGED), ValueError, "'m'", "x is ragged"),
    wrong("predict-batch", lambda: model().predict(X, batch_size=0), ValueError, "'m'", "batch_size=0"),
    wrong("predict-steps", lambda: model().predict(X, steps=0, verbose=0), ValueError, "'m'", "steps=0"),
    wrong("predict-keyword", lambda: model().predict(X, batchsize=3), TypeError, "batchsize"),
    wrong("predict-nothing", lambda: model().predict(iter([]), verbose=0), ValueError, "'m'", "no batch"),
    wrong("predict-on-batch", lambda: model().predict_on_batch(X[:, :3]), ValueError, "'m'", "(6, 3)", "expected (4,)"),
    wrong(
        "predict-on-batch-ragged",
        lambda: model().predict_on_batch(RAGGED),
        ValueError,
        "'m'",
        "ragged",
    ),
    wrong("predict-on-batch-text", lambda: model().predict_on_batch([["a"] * 4]), TypeError, "'m'", "<U1"),
    wrong("call-number", lambda: model()(3.0), ValueError, "'m'", "single number"),
    wrong("call-shape", lambda: model()(X[:, :2]), ValueError, "'m'", "(6, 2)", "expected (4,)"),
    wrong("call-training", lambda: model()(X[:, :2], training=True), ValueError, "'m'", "(6, 2)", "expected (4,)"),
    wrong("unbuilt-number", lambda: chain(L.Dense(2)).predict(np.float64(3)), ValueError, "'m'", "single number"),
]

FUNCTIONS = [
    wrong(
        "ops-conv-inputs",
        lambda: ops.conv(X, np.ones((3, 3, 1, 1))),
        ValueError,
        "ops.conv",
        "inputs",
        "(6, 4)",
        "3 to 5 axes",
    ),
    wrong("ops-depthwise-volumes", lambda: ops.depthwise_conv(np.ones((1, 2, 2, 2, 1)), X), ValueError, "3 to 4 axes"),
    wrong(
        "ops-transpose-fit",
        lambda: ops.conv_transpose(IMAGES, np.ones((3, 3, 3, 4))),
        ValueError,
        "ops.conv_transpose",
        "kernel",
        "(3, 3, 3, 4)",
        "3 channels",
    ),
    wrong(
        "ops-transpose-padding",
        lambda: ops.conv_transpose(IMAGES, np.ones((3, 3, 4, 3)), 2, output_padding=2),
        ValueError,
        "ops.conv_transpose",
        "output_padding=2",
        "strides=2",
    ),
    wrong(
        "ops-adaptive-size",
        lambda: ops.adaptive_max_pool(IMAGES, (2, 2, 2)),
        ValueError,
        "ops.adaptive_max_pool",
        "output_size=(2, 2, 2)",
    ),
    wrong(
        "transpose-padding",
        lambda: L.Conv2DTranspose(4, 3, strides=2, output_padding=(1, 2), name="n"),
        ValueError,
        "'n'",
        "output_padding=(1, 2)",
        "strides=(2, 2)",
    ),
    wrong("conv1d-size", lambda: L.Conv1D(4, (3, 3), name="n"), ValueError, "'n'", "kernel_size=(3, 3)"),
    wrong(
        "adaptive-largest",
        lambda: L.AdaptiveMaxPooling2D((1 << 16, 1 << 15), name="n"),
        ValueError,
        "'n'",
        "more than 2147483647 values",
    ),
    wrong("adaptive-size", lambda: L.AdaptiveMaxPooling2D((1, 2, 3), name="n"), TypeError, "'n'", "(1, 2, 3)"),
    wrong("ops-conv-kernel-rank", lambda: ops.conv(IMAGES, X), ValueError, "ops.conv", "kernel", "(6, 4)", "4 axes"),
    wrong(
        "ops-conv-fit",
        lambda: ops.conv(IMAGES, np.ones((3, 3, 2, 4))),
        ValueError,
        "ops.conv",
        "(3, 3, 2, 4)",
        "3 channels",
    ),
    wrong(
        "ops-conv-large",
        lambda: ops.conv(IMAGES, np.ones((7, 3, 3, 4))),
        ValueError,
        "ops.conv",
        "(2, 5, 6, 3)",
        "does not fit",
    ),
    wrong(
        "ops-conv-text", lambda: ops.conv([[[["a"]]]], np.ones((1, 1, 1, 1))), TypeError, "ops.conv", "inputs", "<U1"
    ),
    wrong(
        "ops-conv-strides",
        lambda: ops.conv(IMAGES, np.ones((3, 3, 3, 4)), 0),
        ValueError,
        "ops.conv",
        "strides=0",
        "above 0",
    ),
    wrong(
        "ops-conv-strides-none",
        lambda: ops.conv(IMAGES, np.ones((3, 3, 3, 4)), None),
        ValueError,
        "ops.conv",
        "strides=None",
    ),
    wrong(
        "ops-conv-padding",
        lambda: ops.conv(IMAGES, np.ones((3, 3, 3, 4)), padding="full"),
        ValueError,
        "ops.conv",
        "padding='full'",
    ),
    wrong(
        "ops-depthwise-fit",
        lambda: ops.depthwise_conv(IMAGES, np.ones((3, 3, 2, 4))),
        ValueError,
        "ops.depthwise_conv",
        "kernel of shape (3, 3, 2, 4)",
        "3 channels",
    ),
    wrong(
        "ops-depthwise-grouped-filters",
        lambda: ops.depthwise_conv(IMAGES, np.ones((3, 3, 1, 3))),
        ValueError,
        "ops.depthwise_conv",
        "(3, 3, 1, 3)",
    ),
    wrong(
        "ops-depthwise-large",
        lambda: ops.depthwise_conv(IMAGES, np.ones((7, 3, 3, 1))),
        ValueError,
        "ops.depthwise_conv",
        "(2, 5, 6, 3)",
        "does not fit",
    ),
    wrong(
        "ops-separable-depthwise",
        lambda: ops.separable_conv(IMAGES, np.ones((3, 3, 2, 4)), np.ones((1, 1, 8, 5))),
        ValueError,
        "ops.separable_conv",
        "depthwise_kernel of shape (3, 3, 2, 4)",
    ),
    wrong(
        "ops-separable-pointwise",
        lambda: ops.separable_conv(IMAGES, np.ones((3, 3, 3, 2)), np.ones((1, 1, 3, 5))),
        ValueError,
        "ops.separable_conv",
        "pointwise_kernel",
        "(1, 1, 3, 5)",
        "(1, 1, 6, filters)",
    ),
    wrong(
        "ops-separable-pointwise-size",
        lambda: ops.separable_conv(IMAGES, np.ones((3, 3, 3, 2)), np.ones((2, 2, 6, 5))),
        ValueError,
        "pointwise_kernel",
        "(2, 2, 6, 5)",
    ),
    wrong(
        "depthwise-multiplier",
        lambda: L.DepthwiseConv2D(3, depth_multiplier=-1, name="n"),
        ValueError,
        "'n'",
        "depth_multiplier=-1",
        "above 0",
    ),
    wrong(
        "ops-conv-no-taps",
        lambda: ops.conv(IMAGES, np.ones((0, 3, 3, 4))),
        ValueError,
        "ops.conv",
        "(0, 3, 3, 4)",
    ),
    wrong(
        "ops-conv-no-channels",
        lambda: ops.conv(np.ones((1, 5, 5, 0)), np.ones((3, 3, 1, 4))),
        ValueError,
        "ops.conv",
        "(1, 5, 5, 0)",
    ),
    wrong("ops-moments-axis", lambda: ops.moments(X, [2]), ValueError, "ops.moments", "axes=2", "2 axes"),
    wrong("ops-moments-twice", lambda: ops.moments(X, [0, -2]), ValueError, "ops.moments", "axes=[0, -2]", "different"),
    wrong("ops-moments-none", lambda: ops.moments(X, []), ValueError, "ops.moments", "axes=[]"),
    wrong("ops-moments-text", lambda: ops.moments("a", [0]), TypeError, "ops.moments", "x has dtype <U1"),
    wrong(
        "ops-moments-sync", lambda: ops.moments(X, [0], False, True), NotImplementedError, "ops.moments", "synchronized"
    ),
    wrong(
        "ops-batch-norm-mean",
        lambda: ops.batch_normalization(X, np.ones(3), np.ones(4), -1),
        ValueError,
        "ops.batch_normalization",
        "mean has shape (3,)",
        "(4,)",
    ),
    wrong(
        "ops-batch-norm-axis",
        lambda: ops.batch_normalization(X, np.ones(4), np.ones(4), 2),
        ValueError,
        "ops.batch_normalization",
        "axis=2",
    ),
    wrong(
        "ops-moments-gradient",
        lambda: ops.vjp(ops.moments, X, [0])[1](np.ones(4)),
        ValueError,
        "ops.moments",
        "2 values",
    ),
    wrong("ops-pool-size", lambda: ops.max_pool(IMAGES, 0), ValueError, "ops.max_pool", "pool_size=0"),
    wrong("ops-pool-large", lambda: ops.average_pool(IMAGES, 6), ValueError, "ops.average_pool", "(2, 5, 6, 3)"),
    wrong("ops-pool-rank", lambda: ops.max_pool(X, 2), ValueError, "ops.max_pool", "(6, 4)", "3 to 5 axes"),
    wrong(
        "ops-pool-format",
        lambda: ops.max_pool(IMAGES, 2, data_format="NHWC"),
        ValueError,
        "ops.max_pool",
        "data_format='NHWC'",
    ),
    wrong("ops-softmax-axis", lambda: ops.softmax(X, axis=7), ValueError, "ops.softmax", "axis=7", "shape"),
    wrong("ops-relu-text", lambda: ops.relu(["a"]), TypeError, "ops.relu", "x", "<U1", "numbers"),
    wrong("ops-relu-complex", lambda: ops.relu(X + 1j), TypeError, "ops.relu", "complex128", "numbers"),
    wrong("ops-vjp", lambda: ops.vjp(np.linalg.norm, X), TypeError, "np.norm", "functions of fastconv.ops"),
    wrong("ops-vjp-name", lambda: ops.vjp("relu", X), TypeError, "ops.vjp", "'relu'"),
    wrong(
        "ops-vjp-gradient",
        lambda: ops.vjp(ops.relu, X)[1](np.ones(5)),
        ValueError,
        "relu",
        "(5,)",
        "(6, 4)",
    ),
    wrong("activation", lambda: activations.get("gleu"), ValueError, "activation", "'gleu'", "lu'?"),
    wrong("activation-object", lambda: activations.get(3), ValueError, "activation", "3"),
    wrong(
        "activation-text",
        lambda: activations.relu("abc"),
        TypeError,
        "relu",
        "<U3",
    ),
    wrong(
        "activation-axis",
        lambda: activations.softmax(X, axis=5),
        ValueError,
        "softmax",
        "axis=5",
    ),
    wrong(
        "activation-keyword",
        lambda: activations.sigmoid(X, alpha=3),
        TypeError,
        "sigmoid",
        "alpha",
    ),
    wrong("categorical-negative", lambda: utils.to_categorical([-1, 2]), IndexError, "to_categorical", "-1", "0 to 2"),
    wrong("categorical-large", lambda: utils.to_categorical([5], 3), IndexError, "to_categorical", "5", "0 to 2"),
    wrong("categorical-fraction", lambda: utils.to_categorical([0.5]), ValueError, "to_categorical", "0.5"),
    wrong("categorical-text", lambda: utils.to_categorical(["a"]), ValueError, "to_categorical", "<U1"),
    wrong("categorical-classes", lambda: utils.to_categorical([0], 0), ValueError, "to_categorical", "num_classes=0"),
    wrong("normalize-axis", lambda: utils.normalize(X, axis="a"), TypeError, "normalize", "axis='a'"),
    wrong("normalize-order", lambda: utils.normalize(X, order=None), TypeError, "normalize", "order=None"),
    wrong("seed", lambda: utils.set_random_seed(-1), ValueError, "set_random_seed", "seed=-1"),
    wrong("seed-text", lambda: utils.set_random_seed("a"), ValueError, "set_random_seed", "seed='a'"),
    wrong("progress", lambda: utils.Progbar(-3), ValueError, "Progbar", "target=-3"),
    wrong("threads", lambda: config.set_num_threads(0), ValueError, "set_num_threads", "n=0", "at least 1"),
    wrong("threads-text", lambda: config.set_num_threads("2"), TypeError, "set_num_threads", "n='2'"),
    wrong("floatx", lambda: config.set_floatx("float16"), ValueError, "set_floatx", "'float16'", "float32"),
    wrong("epsilon", lambda: config.set_epsilon(0), ValueError, "set_epsilon", "value=0", "between 0 and 1"),
    wrong(
        "epsilon-text",
        lambda: config.set_epsilon("a"),
        ValueError,
        "set_epsilon",
        "'a'",
    ),
    wrong(
        "image-format",
        lambda: config.set_image_data_format("NCHW"),
        ValueError,
        "data_format='NCHW'",
        "channels_first",
    ),
    wrong("kernels", lambda: kernels.use("sse9").__enter__(), ValueError, "kernels.use", "'sse9'", "baseline"),
    wrong("kernels-none", lambda: kernels.use(None).__enter__(), ValueError, "kernels.use", "None", "baseline"),
    wrong("kernels-dtype", lambda: kernels.for_dtype("int8"), TypeError, "int8", "float32"),
    wrong(
        "loss-shapes",
        lambda: losses.MeanSquaredError()(X, X[:, :2]),
        ValueError,
        "mean_squared_error",
        "(6, 4)",
        "(6, 2)",
    ),
    wrong("loss-labels", lambda: losses.SparseCategoricalCrossentropy()(Y + 9, X), ValueError, "label 9", "0 to 3"),
]

BESIDE_TRAINING = [
    wrong("uniform-range", lambda: initializers.RandomUniform(1.0, "a"), ValueError, "RandomUniform", "'a'"),
    wrong("initializer-mode", lambda: initializers.VarianceScaling(mode="fan"), ValueError, "mode", "'fan'", "fan_in"),
    wrong("initializer-scale", lambda: initializers.VarianceScaling(-1), ValueError, "scale", "-1"),
    wrong("initializer-seed", lambda: initializers.HeNormal(seed="a"), ValueError, "HeNormal", "seed='a'"),
    wrong("regularizer-name", lambda: keras.regularizers.get("l3"), ValueError, "regularizer", "'l3'"),
    wrong("regularizer-text", lambda: keras.regularizers.L2("a"), ValueError, "L2", "'a'"),
    wrong("regularizer-nan", lambda: keras.regularizers.L1(float("nan")), ValueError, "L1", "nan"),
    wrong("constraint-name", lambda: keras.constraints.get("max_nrom"), ValueError, "'max_nrom'", "'max_norm'?"),
    wrong(
        "callback-patience",
        lambda: keras.callbacks.EarlyStopping(patience="a"),
        ValueError,
        "EarlyStopping",
        "patience='a'",
        "number",
    ),
    wrong(
        "plateau-factor", lambda: keras.callbacks.ReduceLROnPlateau(factor=1.5), ValueError, "ReduceLROnPlateau", "1.5"
    ),
    wrong("metric-name", lambda: metrics.get("acuracy"), ValueError, "metric", "'acuracy'", "'accuracy'?"),
    wrong("top-k", lambda: metrics.TopKCategoricalAccuracy(k=0), ValueError, "TopKCategoricalAccuracy", "k=0"),
    wrong("thresholds", lambda: metrics.Precision(thresholds=2.0), ValueError, "Precision", "2.0", "0"),
    wrong("auc-curve", lambda: metrics.AUC(curve="RCO"), ValueError, "AUC", "'RCO'", "ROC"),
    wrong("loss-name", lambda: losses.get("hubre"), ValueError, "loss", "'hubre'", "'huber'?"),
    wrong("huber-delta", lambda: losses.Huber(delta="a"), ValueError, "Huber", "'a'"),
    wrong("smoothing", lambda: losses.BinaryCrossentropy(label_smoothing=2), ValueError, "label_smoothing", "2", "1"),
    wrong("adam-beta", lambda: optimizers.Adam(beta_1=1.5), ValueError, "Adam", "beta_1=1.5"),
    wrong("adam-epsilon", lambda: optimizers.Adam(epsilon=-1), ValueError, "Adam", "epsilon=-1"),
    wrong("two-clips", lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), ValueError, "SGD", "clip"),
    wrong("rate-text", lambda: optimizers.SGD("a"), ValueError, "SGD", "'a'"),
    wrong("rate-nan", lambda: optimizers.SGD(float("nan")), ValueError, "SGD", "nan"),
    wrong("optimizer-name", lambda: optimizers.get("rmspropp"), ValueError, "optimizer", "'rmspropp'", "'rmsprop'?"),
    wrong("loss-number-name", lambda: losses.get(3), ValueError, "loss", "3"),
    wrong(
        "ops-conv-nan-stride",
        lambda: ops.conv(IMAGES, np.ones((1, 1, 3, 1)), float("nan")),
        ValueError,
        "ops.conv",
        "nan",
    ),
    wrong("ops-pool-negative", lambda: ops.max_pool(IMAGES, -2), ValueError, "ops.max_pool", "pool_size=-2"),
    wrong("one-hot-classes", lambda: ops.one_hot([0, 1], -1), ValueError, "one_hot", "num_classes=-1"),
]

A, B, Z = np.zeros((6, 4)), np.zeros((6, 3)), np.zeros((6, 1))
WINDOWS = "timeseries_dataset_from_array"

UTILITIES = [
    wrong("file-origin", lambda: utils.get_file("a"), ValueError, "get_file", "origin=None", "URL"),
    wrong("file-name", lambda: utils.get_file(3, "file:///x"), TypeError, "get_file", "fname=3"),
    wrong("file-folder", lambda: utils.get_file("a/b", "file:///x"), ValueError, "get_file", "'a/b'", "cache_dir"),
    wrong("file-sum", lambda: utils.get_file("a", "file:///x", file_hash="1"), ValueError, "file_hash='1'", "sha256"),
    wrong("file-way", lambda: utils.get_file("a", "file:///x", hash_algorithm="crc"), ValueError, "'crc'", "'md5'"),
    wrong("to-array-text", lambda: utils.img_to_array("a"), TypeError, "img_to_array", "img", "str", "picture"),
    wrong("to-array-rank", lambda: utils.img_to_array(np.zeros(3)), ValueError, "img_to_array", "(3,)", "three axes"),
    wrong("to-array-format", lambda: utils.img_to_array(A, "NCHW"), ValueError, "img_to_array", "data_format='NCHW'"),
    wrong("to-img-text", lambda: utils.array_to_img("a"), TypeError, "array_to_img", "x is a str", "array"),
    wrong("to-img-rank", lambda: utils.array_to_img(A), ValueError, "array_to_img", "(6, 4)", "rank 3"),
    wrong("to-img-channels", lambda: utils.array_to_img(np.zeros((2, 2, 5))), ValueError, "array_to_img", "5", "1, 3"),
    wrong(
        "save-img-format",
        lambda: utils.save_img(io.BytesIO(), np.zeros((2, 2, 3)), file_format="paper"),
        ValueError,
        "save_img",
        "file_format='paper'",
        "'png'",
    ),
    wrong("folder", lambda: utils.image_dataset_from_directory(3), TypeError, "directory=3", "name of a folder"),
    wrong("folder-seed", lambda: utils.image_dataset_from_directory(".", seed="a"), TypeError, "seed='a'", "whole"),
    wrong("folder-batch", lambda: utils.image_dataset_from_directory(".", batch_size=0), ValueError, "batch_size=0"),
    wrong("folder-mode", lambda: utils.image_dataset_from_directory(".", label_mode="x"), ValueError, "label_mode=x"),
    wrong("folder-color", lambda: utils.image_dataset_from_directory(".", color_mode="x"), ValueError, "color_mode=x"),
    wrong("windows-data", lambda: utils.timeseries_dataset_from_array(3, None, 2), TypeError, WINDOWS, "data", "axes"),
    wrong("windows-length", lambda: utils.timeseries_dataset_from_array(X, Y, 0), ValueError, "sequence_length=0"),
    wrong("windows-long", lambda: utils.timeseries_dataset_from_array(X, Y, 9), ValueError, WINDOWS, "9", "at most 6"),
    wrong(
        "windows-start",
        lambda: utils.timeseries_dataset_from_array(X, Y, 2, start_index=4, end_index=2),
        ValueError,
        WINDOWS,
        "start_index=4",
        "end_index=2",
    ),
    wrong("split-nothing", lambda: utils.split_dataset(X), ValueError, "split_dataset", "left_size=None", "right_size"),
    wrong("split-share", lambda: utils.split_dataset(X, 2.0), ValueError, "split_dataset", "left_size=2.0", "[0, 1]"),
    wrong("split-size", lambda: utils.split_dataset(X, "a"), TypeError, "split_dataset", "left_size", "'a'", "int or"),
    wrong(
        "split-sum", lambda: utils.split_dataset(X, 5, 5), ValueError, "split_dataset", "left_size=5", "right_size=5"
    ),
    wrong("split-type", lambda: utils.split_dataset(3, 0.5), TypeError, "split_dataset", "int", "an array"),
    wrong("split-lengths", lambda: utils.split_dataset([X, Y[:2]], 0.5), ValueError, "split_dataset", "2", "6"),
    wrong("split-seed", lambda: utils.split_dataset(X, 0.5, seed="a"), TypeError, "split_dataset", "seed='a'"),
    wrong("plot-model", lambda: utils.plot_model(3), TypeError, "plot_model", "model=3", "not a model"),
    wrong("plot-unbuilt", lambda: utils.plot_model(chain(L.Dense(2))), ValueError, "plot_model", "built"),
    wrong("plot-dpi", lambda: utils.plot_model(model(), dpi=0), ValueError, "plot_model", "dpi=0", "above 0"),
    wrong("plot-way", lambda: utils.plot_model(model(), rankdir="XX"), ValueError, "plot_model", "rankdir='XX'", "TB"),
    wrong("plot-format", lambda: utils.plot_model(model(), "x.doc"), ValueError, "plot_model", "'x.doc'", "png"),
    wrong("batch-parts-unpacked", lambda: utils.unpack_x_y_sample_weight((1,) * 4), ValueError, "4 parts", "(x, y)"),
    wrong("source-inputs", lambda: utils.get_source_inputs(3), ValueError, "get_source_inputs", "tensor=3"),
    wrong("categorical-ragged", lambda: utils.to_categorical(RAGGED), ValueError, "to_categorical", "ragged"),
    wrong("normalize-text", lambda: utils.normalize("a"), ValueError, "normalize", "numbers"),
    wrong("normalize-far", lambda: utils.normalize(X, axis=5), ValueError, "normalize", "axis=5", "(6, 4)"),
    wrong("seed-large", lambda: utils.set_random_seed(2**40), ValueError, "set_random_seed", "1099511627776", "2**32"),
    wrong("type-name", lambda: backend.standardize_dtype("floaty"), ValueError, "standardize_dtype", "'floaty'"),
    wrong("progress-verbose", lambda: utils.Progbar(3, verbose=7), ValueError, "Progbar", "verbose=7", "(0, 1, 2)"),
]

SOURCES = [
    wrong("data-unwritten", lambda: fit(Unwritten()), NotImplementedError, "Unwritten", "__getitem__", "batch"),
    wrong("data-class", lambda: fit(Data), TypeError, "'m'", "fit", "class Data", "an object"),
    wrong("data-number", lambda: fit(Data(3)), ValueError, "'m'", "fit", "single number"),
    wrong("data-lengths", lambda: fit(Data((X, Y[:2]))), ValueError, "'m'", "x: 6", "y: 2"),
    wrong("data-shape", lambda: fit(Data((X[:, :2], Y))), ValueError, "'m'", "(6, 2)", "expected (4,)"),
    wrong("data-parts", lambda: fit(Data((X, Y, Y, Y))), ValueError, "'m'", "fit", "4 parts", "sample_weight"),
    wrong("data-workers", lambda: fit(Data(workers="a")), ValueError, "Data", "workers='a'", "whole number"),
    wrong("data-y", lambda: fit(Data(), Y), ValueError, "'m'", "batches with their own y", "y=None"),
    wrong("data-batch-size", lambda: fit(Data(), batch_size=3), ValueError, "'m'", "batch_size=3", "leave"),
    wrong("data-split", lambda: fit(Data(), validation_split=0.5), ValueError, "'m'", "validation_split", "arrays"),
    wrong("data-empty", lambda: model().evaluate(Data(n=0)), ValueError, "'m'", "evaluate", "length 0"),
    wrong("data-validation", lambda: fit(Data(), validation_data=Data((X,))), ValueError, "validation_data", "y is m"),
    wrong("batches-none", lambda: fit(iter([None])), TypeError, "'m'", "fit", "x has dtype object", "NoneType"),
    wrong("batches-weights", lambda: fit(iter([(X, Y, Y[:2])])), ValueError, "'m'", "sample_weight", "2 values", "6"),
    wrong("batches-evaluate", lambda: model().evaluate(iter([(X,)])), ValueError, "'m'", "evaluate", "y is missing"),
    wrong("batches-predict", lambda: model().predict(iter([(1,) * 4])), ValueError, "'m'", "predict", "4 parts"),
    wrong(
        "validation-parts", lambda: fit(X, Y, validation_data=(X,) * 4), ValueError, "validation_data=tuple", "(x, y)"
    ),
]

SEVERAL = [
    wrong("two-x-array", lambda: fit_two(A, [Y, Z]), ValueError, "'m'", "fit", "(6, 4)", "2 arrays", "['a', 'b']"),
    wrong("two-x-many", lambda: fit_two([A, B, B], [Y, Z]), ValueError, "'m'", "x has 3 arrays", "expected 2"),
    wrong("two-x-missing", lambda: fit_two({"a": A}, [Y, Z]), ValueError, "'m'", "nothing for 'b'", "['a', 'b']"),
    wrong("two-y-array", lambda: fit_two([A, B], Y), ValueError, "'m'", "y is an array", "(6,)", "['y', 'z']"),
    wrong("two-y-unknown", lambda: fit_two([A, B], {"y": Y, "q": Z}), ValueError, "'m'", "['y', 'q']", "['y', 'z']"),
    wrong("two-lengths", lambda: fit_two([A, B[:2]], [Y, Z]), ValueError, "'m'", "x['a']: 6", "x['b']: 2"),
    wrong("two-shape", lambda: fit_two([A, A], [Y, Z]), ValueError, "'m'", "x['b']", "(6, 4)", "expected (3,)"),
    wrong("two-y-lengths", lambda: fit_two([A, B], [Y, Z[:3]]), ValueError, "'m'", "y['z']: 3"),
    wrong("two-label", lambda: fit_two([A, B], [Y + 9, Z]), ValueError, "'m'", "y['y']", "label 9", "0 to 2"),
    wrong("two-weights", lambda: fit_two([A, B], [Y, Z], sample_weight=[Y]), ValueError, "sample_weight has 1 arrays"),
    wrong(
        "two-class-weight", lambda: fit_two([A, B], [Y, Z], class_weight={0: 1.0}), ValueError, "'m'", "class_weight"
    ),
    wrong("two-predict", lambda: two().predict([A]), ValueError, "'m'", "predict", "1 arrays", "expected 2"),
    wrong("two-call", lambda: two()(A), ValueError, "'m'", "(6, 4)", "2 arrays"),
    wrong("two-loss", lambda: two().compile("sgd", ["mse"]), ValueError, "'m'", "compile", "loss has 1", "expected 2"),
    wrong("two-loss-key", lambda: two().compile("sgd", {"q": "mse"}), ValueError, "'m'", "loss", "['q']", "['y', 'z']"),
    wrong("two-metric", lambda: two().compile("sgd", "mse", metrics={"q": "mae"}), ValueError, "'m'", "metrics", "'q'"),
    wrong("model-numbers", lambda: models.Model(3, 4, name="m"), ValueError, "'m'", "inputs has 3", "symbolic"),
    wrong("model-apart", lambda: models.Model(L.Input((3,)), L.Input((4,)), name="m"), ValueError, "'m'", "connected"),
    wrong(
        "model-layer", lambda: models.Model(L.Input((3,)), L.Dense(2), name="m"), ValueError, "'m'", "outputs", "Dense"
    ),
    wrong("model-empty", lambda: models.Model([], [], name="m"), ValueError, "'m'", "inputs=[]", "symbolic"),
    wrong(
        "model-config", lambda: models.Functional.from_config({}), ValueError, "from_config", "'layers'", "get_config"
    ),
    wrong("merge-shapes", lambda: L.Add(name="n")([L.Input((3,)), L.Input((4,))]), ValueError, "'n'", "(None, 4)"),
    wrong("merge-one", lambda: L.Add(name="n")(L.Input((3,))), ValueError, "'n'", "at least 2", "(None, 3)"),
    wrong("one-input", lambda: L.Dense(2, name="n")([L.Input((3,))] * 2), ValueError, "'n'", "list of 2", "one input"),
    wrong("one-vector", lambda: L.RepeatVector(3, name="n")([L.Input((3,))] * 2), ValueError, "'n'", "list of 2"),
]

CALLBACKS = [
    wrong("checkpoint-file", lambda: callbacks.ModelCheckpoint(3), TypeError, "ModelCheckpoint", "filepath=3"),
    wrong("checkpoint-end", lambda: callbacks.ModelCheckpoint("x.txt"), ValueError, "ModelCheckpoint", "'.keras'"),
    wrong("checkpoint-often", lambda: callbacks.ModelCheckpoint("x.keras", save_freq=0), ValueError, "save_freq=0"),
    wrong("stop-monitor", lambda: callbacks.EarlyStopping(3), ValueError, "EarlyStopping", "monitor=3", "metric"),
    wrong("stop-delta", lambda: callbacks.EarlyStopping(min_delta="a"), ValueError, "EarlyStopping", "min_delta='a'"),
    wrong("stop-baseline", lambda: callbacks.EarlyStopping(baseline="a"), ValueError, "EarlyStopping", "baseline='a'"),
    wrong("stop-start", lambda: callbacks.EarlyStopping(start_from_epoch="a"), ValueError, "start_from_epoch='a'"),
    wrong(
        "plateau-text", lambda: callbacks.ReduceLROnPlateau(factor="a"), ValueError, "Plateau", "factor='a'", "number"
    ),
    wrong("plateau-patience", lambda: callbacks.ReduceLROnPlateau(patience="a"), ValueError, "Plateau", "patience='a'"),
    wrong("plateau-cooldown", lambda: callbacks.ReduceLROnPlateau(cooldown="a"), ValueError, "Plateau", "cooldown='a'"),
    wrong("plateau-least", lambda: callbacks.ReduceLROnPlateau(min_lr="a"), ValueError, "Plateau", "min_lr='a'"),
    wrong("plateau-mode", lambda: callbacks.ReduceLROnPlateau(mode="x"), ValueError, "Plateau", "mode='x'", "'min'"),
    wrong("schedule", lambda: callbacks.LearningRateScheduler(3), ValueError, "LearningRateScheduler", "schedule=3"),
    wrong("log-file", lambda: callbacks.CSVLogger(3), TypeError, "CSVLogger", "filename=3", "file"),
    wrong("log-separator", lambda: callbacks.CSVLogger("x", ";;"), ValueError, "CSVLogger", "separator=';;'", "one"),
    wrong("hook", lambda: callbacks.LambdaCallback(on_epoch_end=3), ValueError, "LambdaCallback", "on_epoch_end=3"),
    wrong("backup", lambda: callbacks.BackupAndRestore(None), ValueError, "BackupAndRestore", "backup_dir=None"),
    wrong("backup-often", lambda: callbacks.BackupAndRestore("x", 0), ValueError, "BackupAndRestore", "save_freq=0"),
    wrong("callbacks-number", lambda: fit(X, Y, callbacks=3), ValueError, "3", "Callback"),
]

OPTIMIZERS = [
    wrong("decay", lambda: optimizers.Adam(weight_decay=-1), ValueError, "Adam", "weight_decay=-1", "at least 0"),
    wrong("clip", lambda: optimizers.Adam(clipvalue=0), ValueError, "Adam", "clipvalue=0"),
    wrong("ema", lambda: optimizers.Adam(ema_momentum=3), ValueError, "Adam", "ema_momentum=3", "between 0 and 1"),
    wrong("accumulation", lambda: optimizers.Adam(gradient_accumulation_steps=1), ValueError, "_steps=1", "from 2 up"),
    wrong("ftrl-power", lambda: optimizers.Ftrl(learning_rate_power=1), ValueError, "Ftrl", "learning_rate_power=1"),
    wrong("lion-beta", lambda: optimizers.Lion(beta_1=0), ValueError, "Lion", "beta_1=0", "above 0"),
    wrong("build-variables", lambda: optimizers.Adam().build(3), TypeError, "Adam", "build", "int", "variables"),
    wrong("apply-variables", lambda: optimizers.SGD().apply([X], 3), TypeError, "SGD", "apply", "int", "variables"),
    wrong("apply-arrays", lambda: optimizers.SGD().apply([X], [X]), TypeError, "SGD", "apply", "ndarray", "variables"),
    wrong("apply-pairs", lambda: optimizers.SGD().apply_gradients(3), TypeError, "SGD", "apply_gradients", "pairs"),
    wrong("apply-nothing", lambda: optimizers.SGD().apply_gradients([]), ValueError, "SGD", "no pairs"),
    wrong("no-decay", lambda: optimizers.SGD().exclude_from_weight_decay(3), TypeError, "SGD", "var_list", "int"),
    wrong("optimizer-state", lambda: optimizers.SGD().set_weights([X]), ValueError, "SGD", "1 values", "expected 2"),
    wrong(
        "decay-steps", lambda: schedules.ExponentialDecay(0.1, 0, 1), ValueError, "ExponentialDecay", "decay_steps=0"
    ),
    wrong("decay-rate", lambda: schedules.InverseTimeDecay(0.1, 1, "a"), ValueError, "InverseTime", "decay_rate='a'"),
    wrong("cosine-alpha", lambda: schedules.CosineDecay(0.1, 1, "a"), ValueError, "CosineDecay", "alpha='a'"),
    wrong("restarts", lambda: schedules.CosineDecayRestarts(0.1, 9, t_mul=0), ValueError, "Restarts", "t_mul=0"),
    wrong("pieces", lambda: schedules.PiecewiseConstantDecay(3, [1]), ValueError, "Piecewise", "boundaries=3", "list"),
    wrong("pieces-text", lambda: schedules.PiecewiseConstantDecay(["a"], [1, 2]), ValueError, "Piecewise", "['a']"),
    wrong("pieces-count", lambda: schedules.PiecewiseConstantDecay([1], [1]), ValueError, "1 values", "expected 2"),
    wrong("power", lambda: schedules.PolynomialDecay(0.1, 9, power="a"), ValueError, "PolynomialDecay", "power='a'"),
    wrong("schedule-config", lambda: schedules.deserialize(3), ValueError, "schedule", "3", "class_name"),
]

MEASURES = [
    wrong("iou-classes", lambda: metrics.MeanIoU(0), ValueError, "MeanIoU", "num_classes=0", "above 0"),
    wrong("iou-targets", lambda: metrics.IoU(2, [5]), ValueError, "IoU", "target_class_ids=[5]", "0 to 1"),
    wrong("iou-target", lambda: metrics.IoU(2, 3), ValueError, "IoU", "target_class_ids=3", "list"),
    wrong("iou-threshold", lambda: metrics.BinaryIoU(threshold="a"), ValueError, "BinaryIoU", "threshold='a'"),
    wrong("f1-average", lambda: metrics.F1Score("x"), ValueError, "F1Score", "average='x'", "'micro'"),
    wrong("f-beta", lambda: metrics.FBetaScore(beta=-1), ValueError, "FBetaScore", "beta=-1", "above 0"),
    wrong("auc-number", lambda: metrics.AUC(0), ValueError, "AUC", "num_thresholds=0", "at least 2"),
    wrong("auc-thresholds", lambda: metrics.AUC(thresholds=[2.0]), ValueError, "AUC", "2.0", "between 0 and 1"),
    wrong("auc-labels", lambda: metrics.AUC(multi_label=True, num_labels=0), ValueError, "AUC", "num_labels=0"),
    wrong("specificity", lambda: metrics.SensitivityAtSpecificity(2), ValueError, "specificity=2", "between 0 and 1"),
    wrong("precision-top-k", lambda: metrics.Precision(top_k=0), ValueError, "Precision", "top_k=0", "above 0"),
    wrong("recall-class", lambda: metrics.Recall(class_id=-1), ValueError, "Recall", "class_id=-1", "at least 0"),
    wrong("r2", lambda: metrics.R2Score("x"), ValueError, "R2Score", "class_aggregation='x'", "uniform_average"),
    wrong("metric-function", lambda: metrics.MeanMetricWrapper(3), TypeError, "MeanMetricWrapper", "fn=3", "function"),
    wrong("metric-shapes", lambda: metrics.Accuracy()(X, X[:2]), ValueError, "accuracy", "(6, 4)", "(2, 4)"),
    wrong("metric-weights", lambda: metrics.Mean()([1, 2], [1, 2, 3]), ValueError, "mean", "(3,)", "(2,)"),
    wrong("tversky-alpha", lambda: losses.Tversky(alpha="a"), ValueError, "Tversky", "alpha='a'", "number"),
    wrong("tversky-beta", lambda: losses.Tversky(beta="a"), ValueError, "Tversky", "beta='a'", "number"),
    wrong("dice-axis", lambda: losses.Dice(axis=7)(X, X), ValueError, "dice", "axis=7", "(6, 4)"),
    wrong("dice-twice", lambda: losses.Dice(axis=(1, -1))(X, X), ValueError, "dice", "axis=(1, -1)", "twice"),
    wrong("dice-shapes", lambda: losses.dice(X, X[:2]), ValueError, "dice", "(6, 4)", "(2, 4)"),
    wrong("focal-gamma", lambda: losses.BinaryFocalCrossentropy(gamma="a"), ValueError, "Focal", "gamma='a'"),
    wrong("loss-text", lambda: losses.MeanSquaredError()("a", X), ValueError, "mean_squared_error", "numbers"),
    wrong("loss-ragged", lambda: losses.MeanSquaredError()(X, RAGGED), ValueError, "mean_squared_error", "ragged"),
    wrong(
        "loss-weights-text", lambda: losses.MeanSquaredError()(X, X, "a"), ValueError, "sample_weight='a'", "numbers"
    ),
    wrong("loss-function", lambda: losses.LossFunctionWrapper(3), TypeError, "LossFunctionWrapper", "fn=3", "function"),
    wrong("loss-dtype", lambda: losses.MeanSquaredError(dtype="int8"), ValueError, "MeanSquaredError", "dtype='int8'"),
    wrong("loss-unwritten", lambda: losses.Loss()(X, X), NotImplementedError, "Loss", "call(y_true, y_pred)"),
]

FILES = [
    wrong("save-number", lambda: model().save(3), TypeError, "save_model", "filepath=3"),
    wrong("save-end", lambda: model().save("x"), ValueError, "save_model", "'x'", "'.keras'"),
    wrong("save-no-model", lambda: saving.save_model(3, "x.keras"), TypeError, "save_model", "model=3"),
    wrong("weights-end", lambda: model().save_weights("x.h5"), ValueError, "save_weights", "'x.h5'", ".weights.h5"),
    wrong("weights-no-model", lambda: saving.save_weights(3, "x.weights.h5"), TypeError, "save_weights", "model=3"),
    wrong("load-no-model", lambda: saving.load_weights(3, "x.weights.h5"), TypeError, "load_weights", "model=3"),
    wrong("load-number", lambda: saving.load_model(3), TypeError, "load_model", "filepath=3"),
    wrong("load-objects", lambda: saving.load_model("x.keras", 3), TypeError, "custom_objects=3", "dict"),
    wrong("register", lambda: saving.register_keras_serializable()(3), TypeError, "register_keras", "3", "class"),
    wrong("json", lambda: models.model_from_json(3), TypeError, "model_from_json", "json_string=3", "text"),
    wrong("json-text", lambda: models.model_from_json("a"), ValueError, "model_from_json", "JSON"),
    wrong("clone", lambda: models.clone_model(3), ValueError, "clone_model", "model=3"),
    wrong("clone-way", lambda: models.clone_model(model(), clone_function=3), ValueError, "clone_function=3"),
]

PICTURES_AND_SETTINGS = [
    wrong("filters", lambda: visualize.filters(3), ValueError, "visualize.filters", "layer 3", "convolution"),
    wrong("maps-model", lambda: visualize.feature_maps(3, X), TypeError, "visualize.feature_maps", "model=3"),
    wrong("maps-image", lambda: visualize.feature_maps(model(), X), ValueError, "feature_maps", "(6, 4)", "(4,)"),
    wrong("cam-model", lambda: visualize.grad_cam(3, X), TypeError, "visualize.grad_cam", "model=3"),
    wrong("saliency-model", lambda: visualize.saliency(3, X), TypeError, "visualize.saliency", "model=3"),
    wrong("saliency-image", lambda: visualize.saliency(model(), X), ValueError, "saliency", "(6, 4)", "(4,)"),
    wrong("occlusion-model", lambda: visualize.occlusion(3, X), TypeError, "visualize.occlusion", "model=3"),
    wrong("dream-model", lambda: visualize.activation_maximization(3), TypeError, "activation_max", "model=3"),
    wrong("confusion", lambda: visualize.confusion(Y, Y[:2]), ValueError, "visualize.confusion", "6", "2"),
    wrong("history", lambda: visualize.history(3), ValueError, "visualize.history", "history=3", "fit"),
    wrong("plan-model", lambda: visualize.plan(3), TypeError, "visualize.plan", "model=3"),
    wrong("check-number", lambda: testing.check_gradients(3, (2, 4)), TypeError, "check_gradients", "3", "layer"),
    wrong("check-inputs", lambda: testing.check_gradients(L.Dense(2), "a"), ValueError, "check_gradients", "inputs"),
    wrong("policy", lambda: config.set_dtype_policy("mixed"), ValueError, "set_dtype_policy", "'mixed'", "'float32'"),
    wrong("policy-number", lambda: dtype_policies.DTypePolicy(3), ValueError, "DTypePolicy", "name=3", "'float32'"),
    wrong("policy-half", lambda: dtype_policies.get("mixed_float16"), ValueError, "'mixed_float16'", "bfloat16"),
    wrong("policy-typo", lambda: dtype_policies.DTypePolicy("float23"), ValueError, "'float23'", "'float32'?"),
    wrong("policy-config", lambda: dtype_policies.get({"config": 3}), ValueError, "dtype_policies.get", "'config': 3"),
    wrong("policy-serialize", lambda: dtype_policies.serialize(3), ValueError, "dtype_policies.serialize", "=3"),
    wrong("format-set", lambda: config.set_image_data_format(3), ValueError, "set_image_data_format", "data_format=3"),
]

MISSPELT = [
    wrong("spell-fit", lambda: model().fit(X, Y, epoch=3), TypeError, "fit", "'epoch'", "'epochs'?"),
    wrong("spell-evaluate", lambda: model().evaluate(X, Y, batchsize=4), ValueError, "evaluate", "'batch_size'?"),
    wrong(
        "spell-predict", lambda: model().predict(X, batchsize=4), TypeError, "predict", "'batchsize'", "'batch_size'?"
    ),
    wrong(
        "spell-compile", lambda: model().compile(optimiser="sgd"), TypeError, "compile", "'optimiser'", "'optimizer'?"
    ),
    wrong("spell-batch", lambda: model().train_on_batch(X, Y, sampleweight=Y), TypeError, "'sample_weight'?"),
    wrong("spell-build", lambda: chain(L.Dense(2)).build(inputshape=(None, 3)), TypeError, "build", "'input_shape'?"),
    wrong("spell-get-layer", lambda: model().get_layer(indx=0), TypeError, "get_layer", "'indx'", "'index'?"),
    wrong("spell-save", lambda: model().save("x.keras", overwrit=True), ValueError, "'overwrit'", "'overwrite'?"),
    wrong("spell-save-other", lambda: model().save("x.keras", includeoptimizer=1), ValueError, "'include_optimizer'?"),
    wrong(
        "spell-save-weights", lambda: model().save_weights("x", overwrit=1), TypeError, "save_weights", "'overwrite'"
    ),
    wrong(
        "spell-skip",
        lambda: keras.saving.save_weights(model(), "x", object_to_skip=[]),
        ValueError,
        "'objects_to_skip'",
    ),
    wrong("spell-load-weights", lambda: model().load_weights("x", byname=1), ValueError, "load_weights", "'by_name'?"),
    wrong("spell-load", lambda: keras.saving.load_model("x", compil=False), TypeError, "load_model", "'compile'?"),
    wrong("spell-clone", lambda: keras.models.clone_model(model(), clonefunction=1), ValueError, "'clone_function'?"),
    wrong("spell-conv", lambda: ops.conv(IMAGES, IMAGES, stride=2), TypeError, "conv", "'stride'", "'strides'?"),
    wrong("spell-mean", lambda: ops.mean(IMAGES, axes=1), TypeError, "mean", "'axes'", "'axis'?"),
    wrong(
        "spell-relu", lambda: activations.relu(X, negativ_slope=1), TypeError, "activations.relu", "'negative_slope'?"
    ),
    wrong("spell-image", lambda: utils.load_img("x.png", colormode="rgb"), TypeError, "load_img", "'color_mode'?"),
    wrong("spell-plot", lambda: utils.plot_model(model(), showshapes=1), ValueError, "plot_model", "'show_shapes'?"),
    wrong("spell-clone-way", lambda: models.clone_model(model(), input_tensor=1), ValueError, "'input_tensors'?"),
    wrong("spell-loss", lambda: losses.huber(X, X, detla=2), TypeError, "huber", "'detla'", "'delta'?"),
    wrong("spell-symbolic-loss", lambda: losses.huber(L.Input((4,)), X, detla=2), TypeError, "huber", "'delta'?"),
    wrong("spell-symbolic", lambda: ops.elu(L.Input((4,)), alhpa=2.0), TypeError, "elu", "'alhpa'", "'alpha'?"),
]

TABLE = LAYERS + SEQUENTIAL + COMPILE + FIT + EVALUATE + FUNCTIONS + BESIDE_TRAINING + MISSPELT
TABLE += UTILITIES + SOURCES + SEVERAL + CALLBACKS + OPTIMIZERS + MEASURES + FILES + PICTURES_AND_SETTINGS


def test_the_table_is_long_and_its_names_are_unique():
    names = [row.name for row in TABLE]
    assert len(names) >= 500 and len(set(names)) == len(names)
    assert all(isinstance(row.error, type) for row in TABLE), "one class of error for each"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_it_raises_and_says_why(row):
    with pytest.raises(row.error) as caught:
        row.call()
    message = str(caught.value)
    missing = [word for word in row.words if word not in message]
    assert not missing, f"{missing} not in: {message}"


PLACES = ("layers", "losses", "metrics", "optimizers", "callbacks", "initializers", "regularizers", "constraints")
CLASSES = {
    cls
    for place in PLACES
    for cls in vars(getattr(keras, place)).values()
    if inspect.isclass(cls) and cls.__module__.startswith(f"fastconv.{place}") and inspect.signature(cls).parameters
}
#: These hand unknown arguments on to what they wrap, or take them from a saved config.
OPEN = {"LossFunctionWrapper", "MeanMetricWrapper", "CallbackList", "InputLayer"}
REQUIRED = {"filters": 2, "kernel_size": 2, "units": 2, "rate": 0.5}


@pytest.mark.parametrize("cls", sorted(CLASSES, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_misspelt_arguments_are_named_and_the_right_ones_suggested(cls):
    known = [
        p for p in inspect.signature(cls).parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    required = {p.name: REQUIRED.get(p.name, 1) for p in known if p.default is p.empty}
    if cls.__name__ in OPEN:
        pytest.skip("takes any argument")
    for name in [p.name for p in known if p.default is not p.empty]:
        misspelt = name[:-1] + "_" + name[-1] if len(name) > 2 else name + "s"
        with pytest.raises((TypeError, ValueError)) as caught:
            cls(**required, **{misspelt: 1})
        message = str(caught.value)
        assert cls.__name__ in message and misspelt in message
        assert f"{name!r}?" in message


NAMED = {f"ops.{name}": getattr(ops, name) for name in ops.__all__ if inspect.isfunction(getattr(ops, name))}
NAMED |= {f"ops.image.{name}": getattr(ops.image, name) for name in ops.image.__all__}
NAMED |= {
    f"{cls.__name__}.{name}": method
    for cls in (Sequential, keras.models.Functional, *Sequential.__mro__)
    if cls.__module__.startswith("fastconv.models")
    for name, method in vars(cls).items()
    if inspect.isfunction(method) and not name.startswith("_")
}
NAMED |= {
    f"{place.__name__.removeprefix('fastconv.')}.{name}": function
    for place in (
        activations, backend, config, keras.constraints, keras.datasets.cifar100, keras.datasets.mnist, dtype_policies,
        initializers, L, losses, metrics, models, optimizers, keras.random, keras.regularizers, saving, schedules,
        testing, utils, visualize,
    )
    for name, function in vars(place).items()
    if name in getattr(place, "__all__", ["load_data"]) and inspect.isfunction(function)
    if function.__module__.startswith("fastconv.")
}  # fmt: skip
LENIENT = {"ops.vjp"}  # it hands its arguments on


@pytest.mark.parametrize("name", sorted(NAMED.keys() - LENIENT))
def test_misspelt_arguments_of_functions_are_suggested(name):
    known = list(inspect.signature(NAMED[name]).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in known):
        pytest.skip("takes any argument, and has a row of its own")
    names = [p.name for p in known if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and len(p.name) > 3]
    for right in names:
        misspelt = right[:-1] + "_" + right[-1]
        others = [None for p in known if p.default is p.empty and p.name != right]
        with pytest.raises(TypeError) as caught:
            NAMED[name](*others, **{misspelt: None})
        message = str(caught.value)
        assert name.split(".")[-1] in message and repr(misspelt) in message and f"Did you mean {right!r}?" in message


def test_a_wrong_call_leaves_a_model_as_it_was():
    tried = model()
    before = tried.get_weights()
    for x, y in ((X, Y + 7), (X[:, :3], Y), (X, Y[:3]), (RAGGED, Y)):
        with pytest.raises(ValueError, match="Model 'm'"):
            tried.fit(x, y, verbose=0)
        with pytest.raises(ValueError, match="Model 'm'"):
            tried.train_on_batch(x, y)
    for a, b in zip(tried.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(tried.fit(X, Y, verbose=0).history["loss"]).all()


# ---- anything at all, anywhere: an error of these kinds, or none

CLEAN = (ValueError, TypeError, NotImplementedError, OverflowError, IndexError)
JUNK = [
    None, True, -1, 0, 1, 2.5, float("nan"), float("inf"), 1j, 2**70, "a", "", b"x", (), (1,), (2, 3, 4), [], [[1]], {},
    set(), object(), len, range(6), np.array([]), np.zeros((2, 2)), np.zeros((6, 1)), np.array(["a"]),
]  # fmt: skip


def arguments(function):
    """Return the names of a function's arguments that may be given by name."""
    kinds = inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL
    given = inspect.signature(function).parameters.values()
    return [p.name for p in given if p.kind not in kinds and p.name != "self"]


def try_junk(function, settings, name):
    """Call a function with all kinds of things for one of its arguments."""
    for junk in JUNK:
        if name in ENDLESS and isinstance(junk, int) and junk > 1000:
            continue
        with warnings.catch_warnings(), contextlib.suppress(*CLEAN):
            warnings.simplefilter("ignore")
            function(**{**settings, name: junk})


ENDLESS = ("epochs", "steps_per_epoch", "steps", "validation_steps")  # a large number of them takes its time


@pytest.mark.parametrize("case", CATALOGUE, ids=str)
def test_junk_for_layers(case):
    def use(**settings):
        layer = case.cls(**settings)
        layer(np.ones((2, *case.inputs)))
        layer(np.ones((2, *case.inputs)), training=True)

    for name in arguments(case.cls.__init__):
        if name != "kwargs":
            try_junk(use, case.settings, name)


METHODS = {
    "fit": {"x": X, "y": Y, "verbose": 0},
    "evaluate": {"x": X, "y": Y, "verbose": 0},
    "predict": {"x": X, "verbose": 0},
    "train_on_batch": {"x": X, "y": Y},
    "test_on_batch": {"x": X, "y": Y},
    "predict_on_batch": {"x": X},
    "compile": {"loss": "mse"},
    "build": {},
    "set_weights": {"weights": []},
    "get_layer": {},
    "add": {"layer": L.ReLU()},
    "__call__": {"x": X},
}


@pytest.mark.parametrize("method", METHODS)
def test_junk_for_models(method, capsys):
    for name in arguments(getattr(Sequential, method)):
        try_junk(lambda **settings: getattr(model(), method)(**settings), METHODS[method], name)


OPS = {
    "conv": {"inputs": IMAGES, "kernel": np.ones((3, 3, 3, 4))},
    "max_pool": {"inputs": IMAGES, "pool_size": 2},
    "average_pool": {"inputs": IMAGES, "pool_size": 2},
    "relu": {"x": IMAGES},
    "sigmoid": {"x": IMAGES},
    "softmax": {"x": IMAGES},
}


@pytest.mark.parametrize("op", OPS)
def test_junk_for_ops(op):
    for name in arguments(getattr(ops, op)):
        try_junk(getattr(ops, op), OPS[op], name)
        for shape in [(0, 5, 5, 3), (2, 0, 5, 3), (0, 0, 0, 0), (2, 1, 1, 3), (1,) * 9]:
            with contextlib.suppress(*CLEAN):
                getattr(ops, op)(**{**OPS[op], name: np.ones(shape)})


def test_junk_for_activations():
    for activation in activations.OPS:
        function = activations.get(activation)
        for name in ("x", "axis", "alpha", "negative_slope"):
            try_junk(function, {"x": X}, name)
    for name in ("get", "serialize", "deserialize"):
        (argument, *_) = arguments(getattr(activations, name))
        try_junk(getattr(activations, name), {}, argument)
