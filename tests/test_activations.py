"""Activations by name and as functions: values, types, errors."""

import numpy as np
import pytest

import fastconv as keras
from fastconv import activations, layers, ops
from fastconv.ops import primitives as P
from fastconv.ops import reference as R
from fastconv.ops.primitives import Elementwise, Relu
from tests.cases import integers

NAMES = list(activations.OPS)
DEFINITIONS = {name: forward for name, (forward, _) in R.ACTIVATIONS.items()}
DEFINITIONS |= {"relu6": lambda x: R.relu(x, max_value=6.0)}
ROWS = {name: getattr(R, name) for name in ("softmax", "log_softmax", "glu", "sparsemax")}
DEFINITIONS |= ROWS

#: Hand numbers: name, x, f(x).
NUMBERS = [
    ("relu", [-2, 0, 3], [0, 0, 3]),
    ("relu6", [-2, 3, 8], [0, 3, 6]),
    ("leaky_relu", [-2, 3], [-0.4, 3]),
    ("sigmoid", [0, np.log(3)], [0.5, 0.75]),
    ("tanh", [0, np.log(3) / 2], [0, 0.5]),
    ("elu", [-np.log(2), 2], [-0.5, 2]),
    ("selu", [-1, 1], [-1.1113307, 1.050701]),
    ("softplus", [0, 100], [np.log(2), 100]),
    ("softsign", [-3, 1], [-0.75, 0.5]),
    ("silu", [0, 1], [0, 0.73105858]),
    ("gelu", [1], [0.84134475]),
    ("exponential", [0, 1], [1, np.e]),
    ("hard_sigmoid", [-4, 1, 4], [0, 2 / 3, 1]),
    ("softmax", [0, np.log(3)], [0.25, 0.75]),
    ("log_softmax", [0, np.log(3)], [np.log(0.25), np.log(0.75)]),
    ("sparsemax", [1, 0.5, -2], [0.75, 0.25, 0]),
    ("glu", [4, 2, 0, np.log(3)], [2, 1.5]),
    ("celu", [-np.log(2), 2], [-0.5, 2]),
    ("mish", [0, 1], [0, 0.86509839]),
    ("hard_silu", [-4, 1, 4], [0, 2 / 3, 4]),
    ("hard_tanh", [-4, 0.5, 4], [-1, 0.5, 1]),
    ("hard_shrink", [-4, 0.5, 4], [-4, 0, 4]),
    ("soft_shrink", [-4, 0.5, 4], [-3.5, 0, 3.5]),
    ("tanh_shrink", [0, np.log(3) / 2], [0, np.log(3) / 2 - 0.5]),
    ("log_sigmoid", [0, -100], [-np.log(2), -100]),
    ("sparse_plus", [-2, 0, 2], [0, 0.25, 2]),
    ("sparse_sigmoid", [-2, 0, 2], [0, 0.5, 1]),
    ("squareplus", [0, 1.5], [1, 2]),
    ("linear", [-1, 2], [-1, 2]),
]


def test_every_activation_has_a_hand_number_and_a_definition():
    assert {name for name, *_ in NUMBERS} == set(NAMES)
    assert set(NAMES) <= set(DEFINITIONS)


@pytest.mark.parametrize(("name", "x", "y"), NUMBERS, ids=[name for name, *_ in NUMBERS])
def test_hand_numbers(name, x, y):
    np.testing.assert_allclose(activations.get(name)(np.array(x, float)), y, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(activations.get(name)(x), y, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_the_definition(name, variant, rng):
    x = (4 * rng.standard_normal((5, 14))).astype(np.float32)
    y = activations.get(name)(x)
    assert y.dtype == np.float32 and y.shape == activations.output_shape(name, x.shape)
    np.testing.assert_allclose(y, DEFINITIONS[name](x.astype(float)), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_float64_stays(name, rng):
    x = rng.standard_normal((5, 14))
    y = activations.get(name)(x)
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, DEFINITIONS[name](x), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "linear"])
def test_inputs_of_other_types_and_memory_orders(name, rng):
    x = integers(rng, (3, 6))
    expected = activations.get(name)(x)
    for other in (x.astype("int16"), x.tolist(), x.astype("float16"), np.asfortranarray(x), x[::-1].copy()[::-1]):
        y = activations.get(name)(other)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0,), (0, 4), (2, 0, 4)], ids=str)
def test_nothing_in_nothing_out(name, shape):
    y = activations.get(name)(np.zeros(shape, np.float32))
    assert y.shape == activations.output_shape(name, shape)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("linear", *ROWS)])
def test_numbers_without_axes(name):
    y = activations.get(name)(np.float64(0.5))
    assert np.shape(y) == ()
    np.testing.assert_allclose(y, DEFINITIONS[name](np.array([0.5]))[0])


def test_settings():
    x = np.array([-2.0, 0.5, 3.0, 9.0])
    y = activations.relu(x, negative_slope=0.5, max_value=4.0, threshold=1.0)
    np.testing.assert_allclose(y, R.relu(x, negative_slope=0.5, max_value=4.0, threshold=1.0))
    np.testing.assert_allclose(activations.elu(x, alpha=0.5), R.elu(x, alpha=0.5))
    np.testing.assert_allclose(activations.leaky_relu(x, negative_slope=0.1), R.leaky_relu(x, negative_slope=0.1))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_softmax_over_any_axis(axis, rng):
    x = rng.standard_normal((2, 3, 4))
    y = activations.softmax(x, axis=axis)
    assert y.flags.c_contiguous
    np.testing.assert_allclose(y, R.softmax(x, axis=axis), rtol=1e-14)
    np.testing.assert_allclose(y.sum(axis), 1)


@pytest.mark.parametrize("name", ROWS)
def test_rows_along_another_axis(name, rng):
    x = rng.standard_normal((4, 3, 2))
    y = getattr(activations, name)(x, axis=0)
    np.testing.assert_allclose(y, np.moveaxis(DEFINITIONS[name](np.moveaxis(x, 0, -1)), -1, 0), rtol=1e-12)
    with pytest.raises(ValueError, match=rf"activations.{name}: axis=3 is not an axis of x"):
        getattr(activations, name)(x, axis=3)


def test_glu_halves_even_axes_only():
    with pytest.raises(ValueError, match=r"activations.glu: axis=-1 of x, whose shape is \(3,\), has no even size"):
        activations.glu([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="activation='glu' halves the last axis"):
        activations.output_shape("glu", (None, 3))


def test_threshold_needs_its_numbers():
    np.testing.assert_array_equal(activations.threshold([1.0, 3.0], 2.0, -1.0), [-1, 3])
    assert activations.get("threshold") is activations.threshold
    with pytest.raises(ValueError, match="activation='threshold' needs threshold, default_value"):
        activations.lower("threshold")
    with pytest.raises(TypeError, match="default_value"):
        activations.threshold([1.0], 2.0)
    with pytest.raises(ValueError, match="activations.threshold: threshold='a' is not a number"):
        activations.threshold([1.0], "a", 0)


def test_softmax_of_large_numbers():
    np.testing.assert_array_equal(activations.softmax([1e30, 1e30, -1e30]), [0.5, 0.5, 0])
    np.testing.assert_array_equal(activations.softmax([-np.inf, 0.0]), [0, 1])


def test_inputs_are_left_alone(rng):
    x = integers(rng, (4, 8))
    before = x.copy()
    for name in NAMES:
        activations.get(name)(x)
    np.testing.assert_array_equal(x, before)


# ---- names


@pytest.mark.parametrize("name", NAMES)
def test_names_and_functions_are_one(name):
    function = getattr(activations, name)
    assert activations.get(name) is activations.get(function) is activations.deserialize(name) is function
    assert activations.serialize(name) == activations.serialize(function) == function.__name__ == name
    assert function.__doc__


def test_none_is_linear_and_swish_is_silu():
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.get("silu")
    assert activations.serialize(activations.swish) == "silu"
    assert activations.hard_swish is activations.get("hard_swish") is activations.hard_silu
    assert activations.deserialize({"class_name": "function", "config": "relu"}) is activations.relu


@pytest.mark.parametrize("name", NAMES)
def test_how_activations_lower(name):
    op = activations.lower(name)
    rows = {"softmax": P.Softmax, "log_softmax": P.LogSoftmax, "glu": P.Glu, "sparsemax": P.Sparsemax}
    kinds = {"linear": type(None), "relu": Relu, "relu6": Relu, "leaky_relu": Relu, **rows}
    assert type(op) is kinds.get(name, Elementwise)
    if op is not None:
        x = np.linspace(-8, 8, 34, dtype=np.float32)
        assert op(x)[0].tobytes() == activations.get(name)(x).tobytes()


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        ("rleu", "Could not interpret activation identifier: 'rleu'. Did you mean 'relu'"),
        ("Sigmiod", "Did you mean 'sigmoid'"),
        ("", "Could not interpret activation identifier: ''"),
        (3, "Could not interpret activation identifier: 3"),
        (["relu"], "Could not interpret activation identifier"),
        (layers.PReLU(), "is a layer with weights; put it behind this layer"),
        ({"class_name": "function", "config": "eval"}, "'eval'"),
        ({}, "Could not interpret activation config"),
    ],
    ids=str,
)
def test_what_is_no_activation(identifier, message):
    with pytest.raises(ValueError, match=message):
        activations.get(identifier)


# ---- functions of one's own, and layers ----

OWN = {
    "lambda": (lambda x: ops.tanh(x) * x, lambda x: np.tanh(x) * x),
    "ops": (ops.tanh, np.tanh),
    "layer": (layers.LeakyReLU(0.25), lambda x: np.where(x > 0, x, 0.25 * x)),
    "traced layer": (layers.Lambda(lambda x: x * 2.0), lambda x: x * 2),
}


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(
    "make",
    [
        lambda a: (layers.Dense(4, activation=a), (2, 5)),
        lambda a: (layers.Activation(a), (2, 5)),
        lambda a: (layers.Conv2D(3, 3, activation=a), (2, 5, 4, 2)),
        lambda a: (layers.Conv2D(3, 3, activation=a, data_format="channels_first"), (2, 2, 5, 4)),
        lambda a: (layers.SeparableConv1D(3, 3, activation=a), (2, 5, 4)),
        lambda a: (layers.Conv2DTranspose(3, 3, activation=a), (2, 5, 4, 2)),
    ],
    ids=["dense", "activation", "conv", "channels_first", "separable", "transpose"],
)
def test_layers_take_them(name, make, rng):
    activation, expected = OWN[name]
    (layer, shape), (plain, _) = make(activation), make(None)
    x = rng.standard_normal(shape).astype("float32")
    layer.build(shape)
    plain.build(shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), expected(plain(x)), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(shape) == plain.compute_output_shape(shape)
    if layer.weights:
        twin, _ = make(activation)
        model = keras.Sequential([keras.Input(shape[1:]), twin, layers.Flatten(), layers.Dense(1)])
        model.compile("sgd", "mse")
        assert np.isfinite(model.fit(x, np.ones((2, 1)), verbose=0).history["loss"]).all()


def test_their_gradients(rng):
    from fastconv.testing import check_gradients

    x = rng.standard_normal((2, 5, 4, 2))
    for activation in (OWN["lambda"][0], layers.ELU(dtype="float64")):
        check_gradients(layers.Conv2D(3, 3, activation=activation, dtype="float64"), [x])


def test_their_configs():
    config = layers.Dense(2, activation=layers.LeakyReLU(0.25, name="leak")).get_config()
    assert config["activation"]["module"] == "keras.layers" and config["activation"]["class_name"] == "LeakyReLU"
    again = layers.Dense.from_config(config)
    assert again.activation.negative_slope == 0.25 and again.get_config() == config

    def doubled(x):
        return x * 2.0

    config = layers.Dense(2, activation=doubled).get_config()
    with pytest.raises(ValueError, match="'doubled'"):
        layers.Dense.from_config(config)
    with keras.utils.custom_object_scope({"doubled": doubled}):
        assert layers.Dense.from_config(config).activation is doubled
    with pytest.raises(ValueError, match="Cannot serialize the activation"):
        layers.Dense(2, activation=lambda x: x).get_config()


def test_numpy_s_functions_are_those_of_ops_where_there_are_such():
    x = np.ones((1, 2), "float32")
    assert (layers.Activation(np.tanh)(x) == layers.Activation("tanh")(x)).all()
    with pytest.raises(TypeError, match="np.cumsum does not work on a symbolic tensor"):
        layers.Activation(np.cumsum)(x)
