"""Arrays of every type, order and size: converted where they hold numbers, else refused by name."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import ops, optimizers
from fastconv.layers.variable import Variable
from fastconv.metrics.accuracy import _is_plain_batch
from fastconv.models import Sequential
from fastconv.models.feeding import Reader
from fastconv.ops import primitives as P
from fastconv.ops import symbolic
from tests.cases import integers
from tests.models.data import classifier, line


def strided(x):
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)
    memory[1:] = np.frombuffer(x.tobytes(), np.uint8)
    return memory[1:].view(x.dtype).reshape(x.shape)


#: Other forms of an array of small whole numbers.
FORMS = {
    "every second": strided,
    "backwards": lambda x: x[::-1].copy()[::-1],
    "Fortran order": np.asfortranarray,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "read-only": read_only,
    "unaligned": unaligned,
    "big-endian": lambda x: x.astype(">f4"),
    "big-endian float64": lambda x: x.astype(">f8"),
    "big-endian int16": lambda x: x.astype(">i2"),
    **{
        dtype: lambda x, dtype=dtype: x.astype(dtype)
        for dtype in ("float16", "float64", "longdouble", "int8", "int16", "int32", "int64")
    },
    "list": lambda x: x.tolist(),
    "subclass": lambda x: x.view(type("Mine", (np.ndarray,), {})),
}
UNSIGNED = ("uint8", "uint16", "uint32", "uint64", "bool")

every_form = pytest.mark.parametrize("form", FORMS)


def trained(model, x, y):
    """Return predictions before, and weights after training, as bytes."""
    before = np.asarray(model.predict(x, batch_size=4, verbose=0))
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    return before.tobytes(), [w.tobytes() for w in model.get_weights()]


def alike(make):
    """Return a model whose weights are the same each time."""
    model, rng = make(), np.random.default_rng(3)
    model.set_weights([0.2 * rng.standard_normal(w.shape) for w in model.get_weights()])
    return model


@every_form
def test_fit_and_predict(form, rng):
    x, y = integers(rng, (10, 8, 8, 1)), rng.integers(0, 3, 10)
    other = FORMS[form](x)
    before = np.array(other, copy=True)
    assert trained(alike(classifier), other, y) == trained(alike(classifier), x, y)
    np.testing.assert_array_equal(np.asarray(other), before)


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_unsigned_and_boolean_images(dtype, rng):
    x, y = rng.integers(0, 2 if dtype == "bool" else 5, (10, 8, 8, 1)).astype(np.float32), rng.integers(0, 3, 10)
    assert trained(alike(classifier), x.astype(dtype), y) == trained(alike(classifier), x, y)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", ">i4", "uint64", "float16", ">f4", "float64", "bool"])
def test_labels_and_weights(dtype, rng):
    x, y = integers(rng, (10, 8, 8, 1)), rng.integers(0, 2, 10)
    models = [alike(classifier), alike(classifier)]
    models[0].fit(x, y, sample_weight=y + 0.0, shuffle=False, verbose=0)
    models[1].fit(x, y.astype(dtype), sample_weight=y.astype(dtype), shuffle=False, verbose=0)
    for a, b in zip(*(m.get_weights() for m in models), strict=True):
        np.testing.assert_array_equal(a, b)


OPS = {
    "conv": lambda x, w: ops.conv(x, w[:3, :3, :, :4]),
    "depthwise_conv": lambda x, w: ops.depthwise_conv(x, w[:3, :3, :, :2]),
    "max_pool": lambda x, w: ops.max_pool(x, 2),
    "average_pool": lambda x, w: ops.average_pool(x, 2),
    "relu": lambda x, w: ops.relu(x),
    "tanh": lambda x, w: ops.tanh(x),
    "softmax": lambda x, w: ops.softmax(x),
    "moments": lambda x, w: np.stack(ops.moments(x, [0, 1, 2])),
    "glu": lambda x, w: ops.glu(x),
}


@every_form
@pytest.mark.parametrize("op", OPS)
def test_ops(op, form, rng):
    x, w = integers(rng, (2, 6, 5, 4)), integers(rng, (4, 4, 4, 4))
    expected = OPS[op](x, w)
    actual = OPS[op](FORMS[form](x), w)
    near = 1e-6 if actual.dtype != expected.dtype else 0  # float64 is computed as such
    np.testing.assert_allclose(actual, expected, rtol=10 * near, atol=near)


@pytest.mark.parametrize("op", ["conv", "depthwise_conv"])
@pytest.mark.parametrize("form", [name for name in FORMS if name != "list"])
def test_filters(op, form, rng):
    x, w = integers(rng, (2, 6, 5, 4)), integers(rng, (4, 4, 4, 4))
    np.testing.assert_array_equal(OPS[op](x, FORMS[form](w)), OPS[op](x, w))


REFUSED = {
    "objects": np.array([[1, "a"], [2, "b"]], object),
    "nothing": np.array([[None]]),
    "text": np.array([["a"]]),
    "bytes": np.array([[b"a"]]),
    "complex": np.ones((1, 1), complex),
    "dates": np.zeros((1, 1), "M8[s]"),
    "differences of dates": np.zeros((1, 1), "m8[s]"),
    "records": np.zeros((1, 1), [("a", "f4")]),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize(
    ("who", "call"),
    [
        ("predict", lambda x: line().predict(x, verbose=0)),
        ("fit", lambda x: line().fit(x, np.zeros(len(x)), verbose=0)),
        ("y", lambda x: line().fit(np.zeros((len(x), 1)), x, verbose=0)),
        ("ops.relu", ops.relu),
        ("ops.max_pool", lambda x: ops.max_pool(x, 1)),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_no_number_is_refused_by_name(who, call, kind):
    with pytest.raises((TypeError, ValueError), match=r"dtype|numbers") as caught:
        call(REFUSED[kind])
    assert who in str(caught.value)


# ---- empty and huge -----------------------------------------------------------------------------------------


def test_no_samples():
    model = classifier()
    assert model.predict(np.zeros((0, 8, 8, 1)), verbose=0).shape == (0, 3)
    for run in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=r"no batch|no sample"):
            run(np.zeros((0, 8, 8, 1)), np.zeros(0), verbose=0)


SIDE = 46_400  # an image of more than 2**31 pixels


def available():
    """Return the bytes of memory that are free."""
    try:
        with open("/proc/meminfo") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except OSError:
        return 0


@pytest.fixture
def huge():
    """Return an image of zeros that is larger than an int can count, hardly any of which is memory; its end is 1."""
    if available() < 2e9:
        pytest.skip("needs 2 GB of memory")
    image = np.zeros((1, SIDE, SIDE, 1), np.float32)
    image[0, -1, -1] = image[0, -64, -64] = 1  # the last window's two ends
    return image


@pytest.mark.slow
def test_windows_over_more_values_than_an_int_counts(huge, variant):
    pooled = ops.max_pool(huge, 64)
    assert pooled.shape == (1, 725, 725, 1)
    assert pooled[0, -1, -1, 0] == 1 == pooled.sum()
    convolved = ops.conv(huge, np.ones((2, 3, 1, 1), np.float32), strides=64)
    np.testing.assert_array_equal(convolved, pooled)


@pytest.mark.slow
def test_batches_of_more_values_than_an_int_counts():
    if available() < 2e9:
        pytest.skip("needs 2 GB of memory")
    x = np.zeros((2**31 // 1000 + 10, 1000), np.uint8)  # most of it is never touched
    x[-3:] = [[1], [2], [3]]
    model = Sequential([L.Input((1000,)), L.Dense(1, use_bias=False, kernel_initializer="ones")])
    y = model.predict(x, batch_size=8192, verbose=0)
    assert y[-4:].ravel().tolist() == [0, 1000, 2000, 3000]


@pytest.mark.slow
def test_results_of_more_values_than_an_int_counts():
    if available() < 14e9:
        pytest.skip("needs 14 GB of memory")
    x = np.zeros(2**31 + 100, np.float32)
    x[-1] = 5
    y = ops.relu(x)
    assert y[-1] == 5 and not y[:100].any()


def test_kernels_are_given_aligned_arrays_only(monkeypatch):
    """An address that is no multiple of a number's size is more than the C language allows."""
    x, y, given = unaligned(np.ones((4, 6), np.float32)), unaligned(np.zeros(4, np.intc)), []
    monkeypatch.setattr(P.Relu, "forward", lambda self, site: given.append(site.x) or [])
    P.Relu()(x)
    given.append(L.Dense(3)._as_input(x))
    given.append(symbolic._input(x, "float32").array)
    optimizer = optimizers.SGD(0.5)
    optimizer.build([Variable(np.ones((4, 6), np.float32))])
    given.append(optimizer._fitting(0, x))
    assert len(given) == 4 and all(array.flags.aligned for array in given)
    assert not Reader("x", x, (6,), "a model").direct
    assert not _is_plain_batch(y, np.array(x)) and not _is_plain_batch(np.array(y), x)
