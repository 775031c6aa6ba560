"""What the base class gives: names, weights, their number and whether they are trained, errors; layers of one's own."""

from collections import Counter

import numpy as np
import pytest

from fastconv import config
from fastconv import layers as L
from fastconv.layers import layer as layer_module
from fastconv.models import Sequential
from fastconv.ops import primitives as P


@pytest.fixture
def new_names(monkeypatch):
    """Begin to number names anew."""
    monkeypatch.setattr(layer_module, "_names", Counter())


class Scale(L.Layer):
    """A layer as a user may write it: a trained bias-free product and a weight that stays."""

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], 2), "ones", name="kernel")
        self.seen = self.add_weight((3,), "zeros", trainable=False, name="seen")

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 2)

    def lower(self, trace, x):
        return trace.add(P.Dense(), x, self.kernel, None)


def built_scale(**settings):
    """Return a built layer of three weights a kernel column."""
    layer = Scale(**settings)
    layer(np.ones((1, 3)))
    return layer


# ---- names


@pytest.mark.parametrize(
    ("make", "prefix"),
    [
        (lambda **k: L.Conv2D(1, 1, **k), "conv2d"),
        (lambda **k: L.MaxPooling2D(**k), "max_pooling2d"),
        (lambda **k: L.GlobalAveragePooling2D(**k), "global_average_pooling2d"),
        (lambda **k: L.ZeroPadding2D(**k), "zero_padding2d"),
        (lambda **k: L.ReLU(**k), "re_lu"),
        (lambda **k: L.Dense(1, **k), "dense"),
        (lambda **k: L.InputLayer((1,), **k), "input_layer"),
        (lambda **k: Sequential(**k), "sequential"),
        (lambda **k: Scale(**k), "scale"),
    ],
)
def test_names_are_numbered_by_class(new_names, make, prefix):
    L.Flatten()
    names = [make().name, make(name="mine").name, make().name, make().name]
    assert names == [prefix, "mine", f"{prefix}_1", f"{prefix}_2"]
    layer_module.reset_names()
    assert make().name == prefix


@pytest.mark.parametrize("name", ["a/b", 3, ("a",)])
def test_names_that_cannot_be(name):
    with pytest.raises(ValueError, match=r"Dense: name=.* is not a string"):
        L.Dense(1, name=name)


def test_paths_of_weights():
    layer = L.Dense(2, name="head")
    layer(np.ones((1, 3)))
    assert [v.path for v in layer.weights] == ["head/kernel", "head/bias"]
    assert [v.name for v in layer.weights] == ["kernel", "bias"]


# ---- weights


def test_get_weights_are_copies():
    layer = built_scale()
    layer.get_weights()[0][...] = 7
    np.testing.assert_array_equal(layer.kernel.numpy(), np.ones((3, 2)))


def test_set_weights_writes_in_place():
    layer = built_scale()
    array, version = layer.kernel.array, layer.kernel.version
    layer.set_weights([np.full((3, 2), 5), [1, 2, 3]])
    assert layer.kernel.array is array and layer.kernel.version > version
    np.testing.assert_array_equal(array, np.full((3, 2), 5.0))
    np.testing.assert_array_equal(layer.seen.numpy(), [1, 2, 3])


@pytest.mark.parametrize(
    "weights",
    [
        [np.full((3, 2), 5.0)],
        [np.full((3, 2), 5.0), np.zeros(3), np.zeros(1)],
        [np.full((3, 2), 5.0), np.zeros(4)],
        [np.full((2, 3), 5.0), np.zeros(3)],
        [np.full((3, 2), 5.0), 0.0],
    ],
    ids=["few", "many", "shape-of-last", "shape-of-first", "scalar"],
)
def test_set_weights_is_all_or_nothing(weights):
    layer = built_scale(name="scale")
    with pytest.raises(ValueError, match="'scale'.*set_weights got .*expected"):
        layer.set_weights(weights)
    np.testing.assert_array_equal(layer.kernel.numpy(), np.ones((3, 2)))
    np.testing.assert_array_equal(layer.seen.numpy(), np.zeros(3))


def test_nothing_is_set_when_a_weight_is_no_number():
    layer = built_scale()
    with pytest.raises((TypeError, ValueError)):
        layer.set_weights([np.full((3, 2), 5.0), np.array(["a", "b", "c"])])
    np.testing.assert_array_equal(layer.kernel.numpy(), np.ones((3, 2)))


def test_count_params():
    layer = Scale(name="scale")
    with pytest.raises(ValueError, match=r"count_params.*'scale'.*isn't built"):
        layer.count_params()
    layer(np.ones((1, 3)))
    assert layer.count_params() == 9
    assert L.Flatten()(np.ones((1, 2, 2))).shape == (1, 4)


def test_initializers_and_their_configs():
    layer = L.Dense(2, kernel_initializer="ones", bias_initializer="Zeros")
    layer(np.zeros((1, 3)))
    np.testing.assert_array_equal(layer.get_weights()[0], np.ones((3, 2)))
    config = layer.get_config()
    assert config["kernel_initializer"]["class_name"] == "Ones"
    assert config["bias_initializer"]["class_name"] == "Zeros"


# ---- trainable


def test_trainable_weights():
    layer = built_scale()
    assert layer.trainable_weights == layer.trainable_variables == [layer.kernel]
    assert layer.non_trainable_weights == layer.non_trainable_variables == [layer.seen]
    assert layer.weights == layer.variables == [layer.kernel, layer.seen]
    layer.trainable = False
    assert layer.trainable_weights == [] and layer.non_trainable_weights == [layer.kernel, layer.seen]


def test_a_weight_that_is_never_trained_stays_so():
    layer = built_scale()
    layer.trainable = False
    layer.trainable = True
    assert layer.trainable_weights == [layer.kernel]


@pytest.mark.parametrize("when", ["argument", "attribute"])
def test_layers_frozen_before_they_are_built_have_frozen_weights(when):
    layer = Scale(trainable=when != "argument")
    layer.trainable = False
    layer(np.ones((1, 3)))
    assert not any(v.trainable for v in layer.weights)


# ---- dtype


def test_default_dtype_follows_the_config():
    config.set_floatx("float64")
    try:
        layer = L.Dense(2)
    finally:
        config.set_floatx("float32")
    assert layer.dtype == "float64" and layer(np.ones((1, 3))).dtype == np.float64
    assert L.Dense(2).dtype == "float32"


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64"), {"config": {"name": "float64"}}])
def test_ways_to_say_dtype(dtype):
    assert L.Dense(2, dtype=dtype).dtype == "float64"


@pytest.mark.parametrize("dtype", ["float16", "int32", "mixed_float16", np.int8, 5, {}])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match=r"Layer 'd': dtype=.*expected 'float32', 'float64' or 'mixed_bfloat16'"):
        L.Dense(2, dtype=dtype, name="d")


# ---- building again, for other inputs


def test_sizes_of_images_may_change():
    layer = L.Conv2D(2, 3)
    assert layer(np.ones((1, 8, 8, 3))).shape == (1, 6, 6, 2)
    assert layer(np.ones((2, 5, 9, 3))).shape == (2, 3, 7, 2)


@pytest.mark.parametrize(
    ("layer", "first", "second"),
    [
        (L.Conv2D(2, 3), (8, 8, 3), (8, 8, 4)),
        (L.Conv2D(2, 3), (8, 8, 3), (8, 3)),
        (L.Dense(2), (3,), (4,)),
        pytest.param(
            L.Conv2D(2, 3, data_format="channels_first"),
            (3, 8, 8),
            (5, 8, 8),
        ),
        pytest.param(
            L.Rescaling([1, 2, 3]),
            (3,),
            (4,),
        ),
    ],
    ids=["channels", "rank", "dense", "channels-first", "rescaling"],
)
def test_built_layers_refuse_what_does_not_fit(layer, first, second):
    layer(np.ones((1, *first)))
    with pytest.raises(ValueError, match=rf"{layer.name}.*"):
        layer(np.ones((1, *second)))


def test_softmax_looks_at_its_axis_again():
    layer = L.Softmax(axis=2)
    layer(np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="axis=2"):
        layer(np.zeros((2, 3)))


def test_sizes_of_channels_first_images_may_change():
    layer = L.Conv2D(2, 3, data_format="channels_first")
    layer(np.ones((1, 3, 8, 8)))
    assert layer(np.ones((2, 3, 5, 9))).shape == (2, 2, 3, 7)


def test_dense_takes_inputs_of_any_rank():
    layer = L.Dense(2)
    layer(np.ones((1, 3)))
    assert layer(np.ones((2, 4, 3))).shape == (2, 4, 2)


def test_building_twice_makes_weights_once():
    layer = L.Dense(2)
    layer.build_once((None, 3))
    kernel = layer.kernel
    layer.build_once((7, 3))
    assert layer.kernel is kernel and len(layer.weights) == 2


# ---- layers of one's own


def test_own_layers_run_alone_and_in_models():
    layer = built_scale()
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(layer(x), [[3, 3], [12, 12]])
    model = Sequential([L.Input((3,)), layer, L.ReLU()])
    np.testing.assert_array_equal(model.predict_on_batch(x), [[3, 3], [12, 12]])
    assert model.count_params() == 9


def test_own_layers_are_trained_and_what_stays_stays():
    model = Sequential([L.Input((3,)), Scale()])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.train_on_batch(np.ones((4, 3)), np.zeros((4, 2)))
    after = model.get_weights()
    assert (before[0] != after[0]).all()
    np.testing.assert_array_equal(before[1], after[1])


def test_own_layers_may_make_weights_at_once():
    class Shift(L.Layer):
        def __init__(self, **settings):
            super().__init__(**settings)
            self.amount = self.add_weight((), "ones", name="amount")

        def lower(self, trace, x):
            return trace.add(P.Rescale(1.0, 2.0), x)

    assert Shift()(np.ones((1, 3))).tolist() == [[3, 3, 3]]
    model = Sequential([L.Input((3,)), Shift()])
    assert model.count_params() == 1 and model.predict_on_batch(np.ones((1, 3))).tolist() == [[3, 3, 3]]


def test_own_layers_without_lower():
    class Empty(L.Layer):
        pass

    with pytest.raises(NotImplementedError, match=r"\(Empty\) does not have a `call` method"):
        Empty()(np.ones((1, 2)))


def test_ints_of_numpy_are_ints():
    """As in Keras: sizes often come out of arrays."""
    assert L.MaxPooling2D(np.int64(2)).pool_size == (2, 2)
    assert L.Conv2D(4, np.array([3, 3])).kernel_size == (3, 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: L.Conv2D(np.int64(4), 3),
        lambda: L.Dense(np.int32(4)),
        lambda: L.Dropout(np.float32(0.5)),
        lambda: L.Reshape((np.int64(2), 2)),
        lambda: L.Input((np.int64(2), 2)),
    ],
    ids=["filters", "units", "rate", "target_shape", "shape"],
)
def test_numbers_of_numpy_are_numbers(make):
    make()


def test_one_group_of_all_channels_is_normalized_like_a_layer(rng):
    x = rng.standard_normal((2, 5, 6, 4)).astype(np.float32)
    expected = L.LayerNormalization(axis=(1, 2, 3), center=False, scale=False)(x)
    np.testing.assert_allclose(L.GroupNormalization(1, center=False, scale=False)(x), expected, rtol=1e-4, atol=1e-5)
