"""Layers of one's own: call is traced, fused, trained; state, training, sublayers; errors where NumPy is in the way."""

import copy
import json
import operator
import pickle

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv import ops, optimizers
from fastconv.layers.variable import Variable
from fastconv.models import Sequential
from fastconv.names import CUSTOM_OBJECTS
from fastconv.testing import check_gradients


class Linear(L.Layer):
    """What Keras's guide begins with."""

    def __init__(self, units=3, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.activation = units, activation

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")

    def call(self, inputs):
        y = ops.matmul(inputs, self.w) + self.b
        return y if self.activation is None else getattr(ops, self.activation)(y)


class Counting(L.Layer):
    """Keras's example of state that is not trained."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.total = self.add_weight((), "zeros", trainable=False, name="total")

    def call(self, inputs, training=False):
        if training:
            self.total.assign_add(ops.sum(inputs))
        return inputs * (self.total + 1)


class Gated(L.Layer):
    """Own weights, a scale that is exponentiated, sublayers in attributes and lists."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.parts = [L.Dense(4, "tanh", name="p0"), L.Dense(4, name="p1")]
        self.norm = L.LayerNormalization(name="n")
        self.drop = L.Dropout(0.5)

    def build(self, input_shape):
        self.log_scale = self.add_weight((4,), "zeros", name="log_scale")
        self.seen = self.add_weight((4,), "zeros", trainable=False, name="seen")
        self.offset = self.add_weight((1,), "ones", name="offset")

    def call(self, inputs):
        a, b = self.parts[0](inputs), self.parts[1](inputs)
        x = ops.sigmoid(a) * b * ops.exp(-self.log_scale) + self.log_scale**2 - 2 * self.offset
        return self.drop(self.norm(x)) + self.seen


class ByHand(L.Layer):
    """Batch normalization of images, without a moving average."""

    def build(self, input_shape):
        self.gamma = self.add_weight((input_shape[-1],), "ones", name="gamma")

    def call(self, inputs):
        mean, variance = ops.moments(inputs, axes=[0, 1, 2], keepdims=True)
        return (inputs - mean) * ops.rsqrt(variance + 1e-3) * self.gamma


def test_it_is_a_dense_layer(rng):
    x, y = rng.standard_normal((8, 5)), rng.standard_normal((8, 2))
    mine = Sequential([L.Input((5,)), Linear(4, "relu"), Linear(2)])
    theirs = Sequential([L.Input((5,)), L.Dense(4, "relu"), L.Dense(2)])
    theirs.set_weights(mine.get_weights())
    assert mine.output_shape == (None, 2) and mine.count_params() == theirs.count_params()
    np.testing.assert_array_equal(mine.predict(x, verbose=0), theirs.predict(x, verbose=0))
    for model in (mine, theirs):
        model.compile("adam", "mse")
        model.fit(x, y, epochs=5, batch_size=3, shuffle=False, verbose=0)
    for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_its_steps_are_fused():
    class ConvRelu(L.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((3, 3, input_shape[-1], 4), name="kernel")

        def call(self, inputs):
            return ops.max_pool(ops.relu(ops.conv(inputs, self.kernel)), 2)

    model = Sequential([L.Input((8, 8, 1)), ConvRelu()])
    assert [step.op.name for step in model.plan.steps] == ["conv2d_relu_max_pool2d"]
    model = Sequential([L.Input((5,)), Linear(4), L.ReLU()])
    assert [step.op.name for step in model.plan.steps] == ["dense", "add_relu"]


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (Linear, (3, 5)),
        (lambda: Linear(2, "tanh"), (3, 4, 5)),
        (Gated, (3, 5)),
        (ByHand, (2, 3, 4, 2)),
        (Counting, (3, 2)),
    ],
    ids=["linear", "rank3", "gated", "by-hand", "counting"],
)
def test_gradients(make, shape, rng):
    assert check_gradients(make(), rng.standard_normal(shape)) < 1e-6


@pytest.mark.parametrize("make", [Gated, lambda: Linear(4, "softplus")], ids=["gated", "linear"])
def test_gradients_in_a_plan(make, rng):
    """What training does is what the tape says, in float32 and with every layer of a model around it."""
    layer = make()
    model = Sequential([L.Input((5,)), L.Dense(5, "tanh"), layer, L.Dense(2)])
    model.layers[2].trainable = True
    if hasattr(layer, "drop"):
        layer.drop.rate = 0.0
    model.compile("sgd", "mse")
    x, y = rng.standard_normal((6, 5)), rng.standard_normal((6, 2))
    model.optimizer.learning_rate = 1.0
    before = model.get_weights()
    model.train_on_batch(x, y)
    moved = [a - b for a, b in zip(before, model.get_weights(), strict=True)]
    model.set_weights(before)
    eps = 1e-2
    for variable, gradient in zip(model.weights, moved, strict=True):
        if not variable.trainable:
            assert (gradient == 0).all()
            continue
        at = np.unravel_index(abs(gradient).argmax(), gradient.shape)
        values = []
        for step in (eps, -eps):
            array = variable.numpy()
            array[at] += step
            variable.assign(array)
            values.append(model.test_on_batch(x, y))
            array[at] -= step
            variable.assign(array)
        assert (values[0] - values[1]) / (2 * eps) == pytest.approx(gradient[at], rel=2e-2, abs=2e-3), variable.path


def test_eager_and_in_a_model(rng):
    for layer, shape in ((Gated(), (3, 5)), (ByHand(), (2, 4, 4, 3)), (Linear(2), (3, 5))):
        x = rng.standard_normal(shape).astype(np.float32)
        y = layer(x)
        model = Sequential([L.Input(shape[1:]), layer])
        assert model.output_shape == (None, *y.shape[1:])
        np.testing.assert_allclose(model.predict(x, verbose=0), y, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.predict(x[:1], verbose=0).shape, (1, *y.shape[1:]))


def test_weights_of_sublayers():
    model = Sequential([L.Input((5,)), Gated(name="g")], name="m")
    layer = model.layers[0]
    names = ["log_scale", "offset", "seen", "p0/kernel", "p0/bias", "p1/kernel", "p1/bias", "n/gamma", "n/beta"]
    assert [v.path for v in layer.weights] == [f"m/g/{name}" for name in names] == [v.path for v in model.weights]
    assert [v.name for v in layer.non_trainable_weights] == ["seen"] and len(layer.trainable_weights) == 8
    layer.trainable = False
    assert layer.trainable_weights == [] and not layer.parts[0].trainable
    assert layer.sublayers == [*layer.parts, layer.norm, layer.drop]


def test_variables_as_attributes_are_weights():
    class Scale(L.Layer):
        def __init__(self):
            super().__init__()
            self.scale = Variable([2.0], name="scale")

        def call(self, inputs):
            return self.scale * inputs

    layer = Scale()
    assert layer(np.ones((1, 2))).tolist() == [[2, 2]] and layer.trainable_weights == [layer.scale]
    model = Sequential([L.Input((2,)), layer])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.zeros((4, 2)), verbose=0)
    assert layer.scale.numpy() < 2


def test_training_reaches_call_and_state_is_kept():
    layer = Counting()
    model = Sequential([L.Input((2,)), layer])
    model.compile("sgd", "mse")
    x = np.ones((3, 2))
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    assert layer.total.numpy() == 0
    model.train_on_batch(x, x)
    assert layer.total.numpy() == 6
    np.testing.assert_array_equal(model.predict(x, verbose=0), 7 * x)
    np.testing.assert_array_equal(layer(x, training=True), 13 * x)
    assert layer.total.numpy() == 12 and layer.trainable_weights == []


def test_dropout_inside_follows_training(rng):
    layer, x = Gated(), rng.standard_normal((20, 5))
    assert (layer(x) == 0).mean() < 0.1 < (layer(x, training=True) == 0).mean()


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_copies(copier, rng):
    model = Sequential([L.Input((5,)), Gated(), Linear(2)])
    x = rng.standard_normal((3, 5))
    np.testing.assert_array_equal(copier(model).predict(x, verbose=0), model.predict(x, verbose=0))


def test_configs():
    layer = Linear(4, activation="relu", name="l", trainable=False)
    config = layer.get_config()
    assert config == {"units": 4, "activation": "relu", "name": "l", "trainable": False, "dtype": "float32"}
    twin = Linear.from_config(json.loads(json.dumps(config)))
    assert (twin.units, twin.name, twin.trainable) == (4, "l", False)
    model = Sequential([L.Input((3,)), layer])
    with pytest.raises(ValueError, match="'Linear'"):
        Sequential.from_config(model.get_config())
    assert Sequential.from_config(model.get_config(), {"Linear": Linear}).output_shape == (None, 4)
    CUSTOM_OBJECTS["Linear"] = Linear
    try:
        assert Sequential.from_config(model.get_config()).output_shape == (None, 4)
    finally:
        del CUSTOM_OBJECTS["Linear"]
    with pytest.raises(
        NotImplementedError, match=r"Layer 'l' \(Linear\): its argument activation=<.*define get_config"
    ):
        Linear(2, activation=np.tanh, name="l").get_config()


def test_a_reduction_over_the_batch_sees_the_batch(rng):
    class Centre(L.Layer):
        def call(self, inputs):
            return inputs - ops.mean(inputs, axis=0)

    x = rng.standard_normal((7, 3)).astype(np.float32)
    model = Sequential([L.Input((3,)), Centre()])
    np.testing.assert_allclose(model.predict_on_batch(x), x - x.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(x[:3]), x[:3] - x[:3].mean(0), rtol=1e-5, atol=1e-6)


def test_kernels_made_of_weights_are_packed_at_each_run(rng):
    class Standardized(L.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((3, 3, input_shape[-1], 16), "he_normal", name="kernel")

        def call(self, inputs):
            mean, variance = ops.moments(self.kernel, axes=[0, 1, 2], keepdims=True)
            return ops.relu(ops.conv(inputs, (self.kernel - mean) * ops.rsqrt(variance + 1e-5), padding="same"))

    layer, x = Standardized(), rng.standard_normal((2, 6, 6, 4))
    assert check_gradients(layer, x) < 1e-6
    model = Sequential([L.Input((6, 6, 4)), layer, L.Flatten(), L.Dense(1)])
    model.compile("sgd", "mse")
    for _ in range(3):
        np.testing.assert_allclose(model(x), model.layers[2](model.layers[1](layer(x))), rtol=1e-4, atol=1e-5)
        model.train_on_batch(x, np.ones((2, 1)))


class Bad(L.Layer):
    """Calls a function given to it."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function
        self.w = self.add_weight((3,), "ones", name="w")

    def call(self, inputs):
        return self.function(inputs, self.w)


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda x, w: np.linalg.norm(x), TypeError, "np.norm does not work on a symbolic tensor"),
        (
            lambda x, w: x + np.exp(w),
            TypeError,
            "Variable 'b/w': a NumPy function would take the values that it has now",
        ),
        (lambda x, w: x if x.sum() > 0 else -x, TypeError, "use ops.where"),
        (
            lambda x, w: np.ones(3),
            TypeError,
            r"Layer 'b' \(Bad\), call: its function returned ndarray; expected a symb",
        ),
        (lambda x, w: None, TypeError, "returned NoneType"),
        (lambda x, w: x @ w, ValueError, "ops.matmul"),
        (lambda x, w: x + np.ones(4), ValueError, r"ops.add: cannot be applied to the shapes \(None, 3\), \(4,\)"),
        (lambda x, w: w // x, TypeError, "floordiv has no gradient"),
    ],
)
def test_what_cannot_be_traced(function, error, words):
    for run in (lambda layer: layer(np.ones((2, 3))), lambda layer: Sequential([L.Input((3,)), layer])):
        with pytest.raises(error, match=words):
            run(Bad(function, name="b"))


def test_assigning_a_symbolic_tensor_outside_of_a_call():
    variable = Variable([1.0], name="v")
    with pytest.raises(TypeError, match="Variable 'v': assign got the symbolic tensor"):
        variable.assign(L.Input((1,)))


# ---- layers that are there already, changed ----


def test_a_subclass_may_use_the_call_that_it_inherits(rng):
    class Doubled(keras.layers.Dense):
        def call(self, inputs):
            return 2.0 * super().call(inputs)

    class Shifted(keras.layers.Conv2D):
        def call(self, inputs):
            return super().call(inputs + 1.0) - 1.0

    x = rng.standard_normal((2, 6, 5, 3)).astype("float32")
    conv, dense = Shifted(4, 3, activation="tanh"), Doubled(2)
    plain_conv, plain_dense = keras.layers.Conv2D(4, 3, activation="tanh"), keras.layers.Dense(2)
    maps = conv(x)
    plain_conv.build(x.shape)
    plain_conv.set_weights(conv.get_weights())
    np.testing.assert_allclose(maps, plain_conv(x + 1) - 1, rtol=1e-5, atol=1e-6)
    scores = dense(maps)
    plain_dense.build(maps.shape)
    plain_dense.set_weights(dense.get_weights())
    np.testing.assert_allclose(scores, 2 * plain_dense(maps), rtol=1e-6)
    check_gradients(Shifted(2, 3, dtype="float64"), [x.astype("float64")])


def test_a_subclass_trains_as_it_is_written(rng):
    class Scaled(keras.layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight((self.units,), "ones", name="scale")

        def call(self, inputs, training=None):
            return super().call(inputs) * self.scale

    model = keras.Sequential([keras.Input((3,)), Scaled(1, kernel_initializer="ones")])
    assert [v.name for v in model.weights] == ["kernel", "bias", "scale"]
    model.compile(keras.optimizers.SGD(0.0625), "mse")
    x = np.array([[1.0, 2.0, 1.0]], "float32")
    model.train_on_batch(x, np.array([[2.0]]))  # the prediction is 4, its gradient 2 * (4 - 2)
    np.testing.assert_allclose(model.get_weights()[2], [1 - 0.0625 * 4 * 4])
    np.testing.assert_allclose(model.get_weights()[0].ravel(), 1 - 0.0625 * 4 * x[0])


def test_training_is_handed_on_to_what_is_inherited():
    class Always(keras.layers.Dropout):
        def call(self, inputs, training=None):
            return super().call(inputs, training=True)

    assert (Always(0.5, seed=1)(np.ones((10, 10), "float32")) == 0).any()
    assert (keras.layers.Dropout(0.5, seed=1).call(np.ones((10, 10), "float32"), training=True) == 0).any()
    assert (keras.layers.Dropout(0.5, seed=1).call(np.ones((10, 10), "float32")) == 1).all()


def test_a_grandchild_s_lower_or_call_counts_whichever_is_nearer():
    class Called(keras.layers.Flatten):
        def call(self, inputs):
            return super().call(inputs) + 1.0

    class Lowered(Called):
        def lower(self, trace, x):
            return keras.layers.Flatten.lower(self, trace, x)

    x = np.zeros((1, 2, 2), "float32")
    assert Called()(x).tolist() == [[1, 1, 1, 1]] and Lowered()(x).tolist() == [[0, 0, 0, 0]]


# ---- what inputs must be like ----


@pytest.mark.parametrize(
    ("settings", "shape", "words"),
    [
        ({"ndim": 3}, (2, 4), r"with 3 axes; got shape \(2, 4\)"),
        ({"min_ndim": 3}, (2, 4), "with at least 3 axes"),
        ({"max_ndim": 1}, (2, 4), "with at most 1 axes"),
        ({"axes": {-1: 5}}, (2, 4), "with 5 on axis -1"),
        ({"axes": {1: 5}}, (2, 4), "with 5 on axis 1"),
        ({"axes": {3: 5}}, (2, 4), "with 5 on axis 3"),
        ({"shape": (None, 3)}, (2, 4), r"with shape \(None, 3\)"),
        ({"shape": (None, 3, 1), "allow_last_axis_squeeze": True}, (2, 4), r"with shape \(None, 3, 1\)"),
        ({"dtype": "int32"}, (2, 4), "with dtype int32"),
        ({"ndim": 3, "name": "image"}, (2, 4), r"inputs \(image\) with 3 axes"),
    ],
)
def test_input_specs(settings, shape, words):
    class Same(keras.layers.Layer):
        input_spec = keras.layers.InputSpec(**settings)

        def call(self, inputs):
            return inputs + 0.0

    with pytest.raises(ValueError, match=rf"Layer 'same\w*' \(Same\): expected .*{words}"):
        Same()(np.zeros(shape))
    with pytest.raises(ValueError, match=words.replace("(2,", "(None,")):
        Same()(keras.Input(shape[1:]))


def test_input_specs_that_fit():
    class Same(keras.layers.Layer):
        def __init__(self, spec):
            super().__init__()
            self.input_spec = spec

        def call(self, inputs):
            return inputs[0] if isinstance(inputs, list) else inputs + 0.0

    for spec in (
        keras.InputSpec("float32", (None, 4)),
        keras.InputSpec(shape=(None, 4, 1), allow_last_axis_squeeze=True),
        keras.InputSpec(min_ndim=2, max_ndim=2, axes={1: 4, -2: None}),
    ):
        assert Same(spec)(np.zeros((2, 4))).shape == (2, 4)
        again = keras.InputSpec.from_config(spec.get_config())
        assert repr(again) == repr(spec)
    two = [keras.InputSpec(ndim=2), None]
    assert Same(two)([keras.Input((4,)), keras.Input((3, 3))]).shape == (None, 4)
    with pytest.raises(ValueError, match="expected inputs number 0 with 2 axes"):
        Same(two)([keras.Input((4, 1)), keras.Input((3, 3))])
    with pytest.raises(ValueError, match="expected 2 inputs, by its input_spec; got 1"):
        Same(two)(keras.Input((4,)))


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"axes": {"a": 1}}, TypeError, "axes={'a': 1} is not a dict with whole numbers"),
        ({"ndim": 2, "axes": {2: 1}}, ValueError, "names axis 2; inputs have at most 2 axes"),
    ],
)
def test_wrong_input_specs(settings, error, words):
    with pytest.raises(error, match=words):
        keras.InputSpec(**settings)


# ---- what a call cannot do, and how a layer is called


class Late(L.Layer):
    """Adds a weight when it is called."""

    def call(self, inputs):
        return inputs * self.add_weight((), name="late")


@pytest.mark.parametrize("method", ["assign", "assign_add", "assign_sub"])
def test_what_does_not_come_of_the_inputs_is_not_assigned(method):
    class Runs(Counting):
        def call(self, inputs):
            getattr(self.total, method)(1.0)
            return inputs

    layer = Runs()
    with pytest.raises(NotImplementedError, match="total': in a layer's call only what is computed from its inputs"):
        layer(np.ones((2, 3)))
    assert layer.total.numpy() == 0


def test_weights_are_not_added_in_a_call():
    with pytest.raises(ValueError, match=r"'late' \(Late\): a call cannot add weights \(name='late'\)"):
        Late(name="late")(np.ones((2, 3)))


def test_weights_by_default():
    layer = L.Layer()
    whole = layer.add_weight((2,), dtype="int32", trainable=False)
    assert layer.add_weight().shape == () and whole.numpy().tolist() == [0, 0] and whole.dtype == "int32"
    with pytest.raises(ValueError, match=r"add_weight: shape='kernel' is not a tuple.*Then say name='kernel'"):
        layer.add_weight("kernel")


@pytest.mark.parametrize("make", [lambda: L.Dropout(0.5, name="m"), lambda: Sequential([L.Dropout(0.5)], name="m")])
def test_only_inputs_are_given_by_place(make):
    layer, x = make(), np.ones((2, 3))
    with pytest.raises(
        ValueError, match="'m'.*only inputs are given by place; expected a name for True, as in training=True"
    ):
        layer(x, True)
    with pytest.raises(NotImplementedError, match=r"'m'.*several inputs are given as a list, as in layer\(\[a, b\]\)"):
        layer(x, x)


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_trainable_is_true_or_false(value):
    with pytest.raises(ValueError, match=rf"Dense: trainable={value!r} is not True or False"):
        L.Dense(2, trainable=value)


@pytest.mark.parametrize("activation", [None, "relu", ops.relu])
def test_an_activation_may_be_set(activation):
    layer = L.Dense(2, activation="tanh", kernel_initializer="ones")
    layer.build((None, 3))
    layer.activation = activation
    sign = -1 if activation is None else 0
    np.testing.assert_array_equal(layer(-np.ones((1, 3))), np.full((1, 2), 3.0 * sign))


@pytest.mark.parametrize("turn", [operator.neg, abs], ids=["neg", "abs"])
def test_signs_of_weights_are_traced(turn):
    """What is computed from a weight is computed anew in each call, and its gradient goes to the weight."""

    class Turned(L.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((3,), "ones", name="w")

        def call(self, inputs):
            return inputs * turn(self.w)

    model = Sequential([L.Input((3,)), Turned()])
    model.compile(optimizers.SGD(1.0), "mse")
    x, y = np.ones((1, 3), "float32"), np.zeros((1, 3), "float32")
    w = model.layers[0].w
    for value in (-3.0, 2.0):
        w.assign(np.full(3, value))
        np.testing.assert_array_equal(model.predict(x, verbose=0), [[turn(value)] * 3])
    model.train_on_batch(x, y)
    np.testing.assert_allclose(w.numpy(), 2.0 - 2 * 2.0 / 3, rtol=1e-6)
