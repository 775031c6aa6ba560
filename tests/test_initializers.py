"""The initializers: their numbers, their seeds, and what they refuse."""

import numpy as np
import pytest

from fastconv import initializers, random
from fastconv.names import snake_case
from fastconv.runtime import seeds, settings

RANDOM = [
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "GlorotUniform",
    "GlorotNormal",
    "HeUniform",
    "HeNormal",
    "LecunUniform",
    "LecunNormal",
    "Orthogonal",
]


def make(name, **kwargs):
    return getattr(initializers, name)(**kwargs)


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_is_settled_when_the_initializer_is_made(name):
    one, two = make(name), make(name)
    assert (one((4, 3)) == one((4, 3))).all()
    assert (one((4, 3)) != two((4, 3))).any()
    assert (make(name, seed=3)((4, 3)) == make(name, seed=3)((4, 3))).all()
    assert (make(name, seed=3)((4, 3)) != make(name, seed=4)((4, 3))).any()
    assert one.get_config()["seed"] is None
    assert make(name, seed=3).clone().seed == 3
    assert one.clone().seed != one.seed


@pytest.mark.parametrize("name", RANDOM)
def test_the_global_seed_decides(name):
    seeds.set_seed(7)
    first = make(name)((4, 3))
    seeds.set_seed(7)
    assert (make(name)((4, 3)) == first).all()


@pytest.mark.parametrize("name", [*RANDOM, "Zeros", "Ones", "Constant"])
@pytest.mark.parametrize("shape", [(3, 3, 2, 4), (5, 0), (2, 3)])
def test_shape_and_type(name, shape):
    if name == "Orthogonal" and 0 in shape:
        return
    for dtype, expected in ((None, "float32"), ("float64", "float64"), (np.float32, "float32")):
        values = make(name)(shape, dtype=dtype)
        assert (values.shape, values.dtype) == (shape, expected)
        assert values.flags.c_contiguous
        assert values.flags.writeable


def test_the_default_type_is_a_setting():
    try:
        settings.set_floatx("float64")
        for name in ("zeros", "he_normal", "identity"):
            assert initializers.get(name)((2, 2)).dtype == "float64"
    finally:
        settings.set_floatx("float32")


BIG = (3, 3, 100, 200)  # fans 900 and 1800
TRUNCATED = 2 / 0.87962566


@pytest.mark.parametrize(
    ("initializer", "std", "largest"),
    [
        (initializers.RandomNormal(seed=1), 0.05, None),
        (initializers.RandomNormal(stddev=2.0, seed=1), 2.0, None),
        (initializers.TruncatedNormal(seed=1), 0.0440, 0.1),
        (initializers.RandomUniform(seed=1), 0.1 / 12**0.5, 0.05),
        (initializers.GlorotUniform(seed=1), (2 / 2700) ** 0.5, (6 / 2700) ** 0.5),
        (initializers.GlorotNormal(seed=1), (2 / 2700) ** 0.5, TRUNCATED * (2 / 2700) ** 0.5),
        (initializers.HeUniform(seed=1), (2 / 900) ** 0.5, (6 / 900) ** 0.5),
        (initializers.HeNormal(seed=1), (2 / 900) ** 0.5, TRUNCATED * (2 / 900) ** 0.5),
        (initializers.LecunUniform(seed=1), (1 / 900) ** 0.5, (3 / 900) ** 0.5),
        (initializers.LecunNormal(seed=1), (1 / 900) ** 0.5, TRUNCATED * (1 / 900) ** 0.5),
        (initializers.VarianceScaling(3.0, "fan_out", "uniform", 1), (3 / 1800) ** 0.5, (9 / 1800) ** 0.5),
        (initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal", 1), (3 / 1800) ** 0.5, None),
    ],
)
def test_spread(initializer, std, largest):
    values = initializer(BIG)
    assert values.std() == pytest.approx(std, rel=0.01)
    assert abs(values.mean()) < 0.02 * std
    if largest is not None:
        assert 0.99 * largest < np.abs(values).max() <= largest * (1 + 1e-6)
    else:
        assert np.abs(values).max() > 3.5 * std


def test_the_mean_of_normals():
    assert initializers.RandomNormal(1.0, 0.1, seed=1)((10000,)).mean() == pytest.approx(1, abs=0.01)
    values = initializers.TruncatedNormal(1.0, 2.0, seed=1)((10000,))
    assert values.min() >= -3
    assert values.max() <= 5


def test_limits_of_convolution_kernels():
    glorot = initializers.GlorotUniform(seed=1)
    assert np.abs(glorot((3, 3, 16, 32))).max() == pytest.approx(0.1179, abs=2e-4)
    assert np.abs(glorot((3, 3, 64, 1))).max() == pytest.approx(0.1013, abs=5e-4)


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((), (1, 1)),
        ((50,), (50, 50)),
        ((300, 40), (300, 40)),
        ((3, 50, 6), (150, 18)),
        ((2, 3, 4, 5), (24, 30)),
    ],
)
def test_fans(shape, fans):
    assert initializers.compute_fans(shape) == fans


def test_fans_along_given_axes():
    scaled = initializers.HeUniform(seed=1, input_axes=[0], output_axes=[1, 2])
    assert 6 / np.abs(scaled((30, 20, 40))).max() ** 2 == pytest.approx(30, rel=1e-3)
    scaled = initializers.HeUniform(seed=1, input_axes=[-3], output_axes=[-2, -1])
    assert 6 / np.abs(scaled((30, 20, 40))).max() ** 2 == pytest.approx(30, rel=1e-3)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (3, 3, 2, 5), (2, 3)])
def test_orthogonal(shape):
    values = initializers.Orthogonal(gain=2.0, seed=1)(shape).reshape(-1, shape[-1])
    product = values @ values.T if values.shape[0] < values.shape[1] else values.T @ values
    np.testing.assert_allclose(product, 4 * np.eye(min(values.shape)), atol=1e-5)


def test_constants():
    np.testing.assert_array_equal(initializers.Constant(3)((2,)), [3, 3])
    np.testing.assert_array_equal(initializers.Constant(np.array([1, 2.0]))((3, 2)), [[1, 2]] * 3)
    np.testing.assert_array_equal(initializers.Identity(2.0)((2, 3)), [[2, 0, 0], [0, 2, 0]])
    np.testing.assert_array_equal(initializers.Zeros()((2,), dtype="int32"), [0, 0])
    np.testing.assert_array_equal(initializers.Ones()(2), [1, 1])


NAMES = [*RANDOM, "Zeros", "Ones", "Constant", "Identity"]


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    cls = getattr(initializers, name)
    assert getattr(initializers, snake_case(name)) is cls
    for given in (name, snake_case(name), cls, {"class_name": name, "config": {}}):
        assert type(initializers.get(given)) is cls


@pytest.mark.parametrize(
    ("alias", "cls"),
    [("zero", "Zeros"), ("one", "Ones"), ("normal", "RandomNormal"), ("uniform", "RandomUniform")],
)
def test_aliases(alias, cls):
    assert type(initializers.get(alias)).__name__ == cls


def test_other_identifiers():
    def halves(shape, dtype=None):
        return np.full(shape, 0.5, dtype)

    zeros = initializers.Zeros()
    assert initializers.get(None) is None
    assert initializers.get(zeros) is zeros
    assert initializers.get(halves) is halves


@pytest.mark.parametrize(
    "initializer",
    [
        initializers.Constant(2.0),
        initializers.Constant(np.array([1.0, 2.0])),
        initializers.Identity(gain=3.0),
        initializers.RandomNormal(1.0, 2.0, seed=3),
        initializers.RandomUniform(1.0, 2.0, seed=3),
        initializers.VarianceScaling(2.0, "fan_out", "uniform", 3, [0], [1]),
        initializers.HeNormal(seed=5),
        initializers.Orthogonal(gain=2.0, seed=5),
    ],
)
def test_round_trip(initializer):
    config = initializers.serialize(initializer)
    assert config["module"] == "keras.initializers"
    again = initializers.deserialize(config)
    assert type(again) is type(initializer)
    np.testing.assert_array_equal(again((2, 2)), initializer((2, 2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: initializers.get("he_norml"), "identifier: 'he_norml'. Did you mean 'he_normal'"),
        (lambda: initializers.get("Glorot"), "Did you mean 'GlorotN|Did you mean 'GlorotU"),
        (lambda: initializers.get(3), "Could not interpret initializer identifier: 3"),
        (lambda: initializers.get({"config": {}}), "Could not interpret initializer config"),
        (lambda: initializers.get({"class_name": ["Zeros"]}), "Could not interpret initializer identifier"),
        (lambda: initializers.VarianceScaling(scale=-1), "VarianceScaling: scale=-1 is not above 0"),
        (lambda: initializers.VarianceScaling(mode="fan"), "VarianceScaling: mode='fan' is not one of"),
        (
            lambda: initializers.VarianceScaling(distribution="x"),
            "VarianceScaling: distribution='x' is not one",
        ),
        (lambda: initializers.HeNormal(input_axes=[0]), "HeNormal: input_axes=.* give both or none"),
        (lambda: initializers.HeNormal(input_axes=0, output_axes=1), "HeNormal: input_axes=0 is not a list"),
        (
            lambda: initializers.HeNormal(input_axes=[5], output_axes=[1])((2, 3)),
            r"shape=\(2, 3\) has no axis 5",
        ),
        (lambda: initializers.RandomNormal(seed="a"), "RandomNormal: seed='a' is neither an int nor None"),
        (lambda: initializers.RandomNormal(seed=1.5), "RandomNormal: seed=1.5 is neither"),
        (lambda: initializers.Ones()((2,), dtype="flat32"), "Ones: dtype='flat32' is not the name of a type"),
        (lambda: initializers.TruncatedNormal(stddev=-1), "TruncatedNormal: stddev=-1 is negative"),
        (lambda: initializers.RandomNormal(mean=np.nan), "RandomNormal: mean=nan is not a finite number"),
        (lambda: initializers.RandomUniform(2, 1), "RandomUniform: minval=2 is above maxval=1"),
        (
            lambda: initializers.RandomNormal()((2,), dtype="int32"),
            "RandomNormal: dtype='int32' is not a float",
        ),
        (lambda: initializers.Identity()((2, 2, 2)), r"Identity makes matrices only; got shape=\(2, 2, 2\)"),
        (lambda: initializers.Orthogonal()((2,)), r"Orthogonal needs at least two axes; got shape=\(2,\)"),
        (lambda: initializers.Constant([1, 2])((3,)), r"Constant: value=\[1, 2\] does not fill"),
        (
            lambda: initializers.Zeros()((2, -1)),
            r"Zeros: shape=\(2, -1\) is not a tuple of non-negative ints",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_configs_with_unknown_settings_are_refused():
    with pytest.raises(TypeError, match="RandomNormal cannot be made from the config"):
        initializers.deserialize({"class_name": "RandomNormal", "config": {"mean": 1, "foo": 2}})


def test_the_base_class_makes_nothing():
    with pytest.raises(NotImplementedError, match="Initializer does not define __call__"):
        initializers.Initializer()((2,))


def test_a_row_of_seeds_gives_other_values_at_each_call():
    made = initializers.GlorotNormal(seed=random.SeedGenerator(3))
    first, second = made((4, 4)), made((4, 4))
    assert (first != second).any()
    again = initializers.deserialize(initializers.serialize(made))
    assert (again((4, 4)) == first).all() and (again((4, 4)) == second).all()


def test_an_array_stands_for_its_values():
    values = np.arange(6.0).reshape(2, 3)
    assert (initializers.get(values)((2, 3)) == values).all()
    with pytest.raises(ValueError, match="Constant: value="):
        initializers.get(values)((3, 2))
