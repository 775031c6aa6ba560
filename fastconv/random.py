"""Random arrays: keras.random's functions on NumPy arrays.

Without a seed the numbers come from the one generator that ``utils.set_random_seed`` seeds; with an int they are the
same at each call; with a `SeedGenerator` they are others at each call, in a row that its seed settles. The numbers are
not those of Keras, their distributions are.

In the call of a layer of one's own these functions are refused: a call is written down once, and would repeat the
numbers drawn then. Layers such as ``GaussianNoise`` and ``Dropout`` draw anew for each batch.
"""

import numbers

import numpy as np

from fastconv.names import spelled
from fastconv.ops import symbolic
from fastconv.ops.arrays import numeric
from fastconv.runtime import seeds, settings
from fastconv.runtime.seeds import SeedGenerator

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def _generator(function, seed):
    """Return the generator to draw from; raise ValueError naming the function."""
    if symbolic.is_tracing():
        raise NotImplementedError(
            f"random.{function} in the call of a layer or in a loss would draw once and then repeat its numbers; use a "
            "layer such as GaussianNoise or Dropout there."
        )
    if seed is None:
        return seeds.generator()
    if isinstance(seed, SeedGenerator):
        return np.random.default_rng(seed.next())
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
        raise ValueError(f"random.{function}: seed={seed!r} is not a whole number of at least 0 or a SeedGenerator.")
    return np.random.default_rng(int(seed))


def _shape(function, shape):
    """Return a shape as a tuple of ints; raise ValueError naming the function."""
    sizes = tuple(shape) if np.iterable(shape) else (shape,)
    if not all(isinstance(n, numbers.Integral) and not isinstance(n, bool) and n >= 0 for n in sizes):
        raise ValueError(f"random.{function}: shape={shape!r} is not a tuple of whole numbers of at least 0.")
    return tuple(int(n) for n in sizes)


def _type(function, dtype, kinds, default):
    """Return a type; raise ValueError naming the function if it is not one of NumPy's `kinds`."""
    name = default if dtype is None else dtype
    try:
        found = np.dtype(name)
    except TypeError:
        found = None
    if found is None or found.kind not in kinds:
        what = "a floating point" if "f" in kinds else "an integer"
        raise ValueError(f"random.{function} requires {what} dtype; got dtype={dtype!r}.")
    return found


def _value(function, argument, value, least=None, most=None, above=None):
    """Return a parameter of a distribution: a number, or an array of them; raise ValueError naming the function."""
    array = numeric(f"random.{function}", argument, value)
    limits = {"of at least": (least, np.less), "of at most": (most, np.greater), "above": (above, np.less_equal)}
    limits = {words: (limit, fails) for words, (limit, fails) in limits.items() if limit is not None}
    if np.isnan(array).any() or any(fails(array, limit).any() for limit, fails in limits.values()):
        wanted = " and ".join(f"{words} {limit}" for words, (limit, _) in limits.items())
        raise ValueError(f"random.{function}: {argument}={value!r} is not a number {wanted}".rstrip() + ".")
    return array


def _bounds(function, minval, maxval):
    """Return the two bounds of a range; raise ValueError naming the function unless there is something between them."""
    low, high = _value(function, "minval", minval), _value(function, "maxval", maxval)
    if (low >= high).any():
        raise ValueError(f"random.{function}: minval={minval!r} and maxval={maxval!r}; expected minval below maxval.")
    return low, high


def _float(function, dtype):
    return _type(function, dtype, "f", settings.floatx())


@spelled
def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Return numbers of a normal distribution.

    Parameters
    ----------
    shape : tuple of int
    mean, stddev : float
    dtype : str, optional
        A type of floats; ``config.floatx()`` by default.
    seed : int or SeedGenerator, optional

    Returns
    -------
    ndarray

    Examples
    --------
    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    kind = _float("normal", dtype)
    mean, stddev = _value("normal", "mean", mean), _value("normal", "stddev", stddev, least=0)
    return _generator("normal", seed).normal(mean, stddev, _shape("normal", shape)).astype(kind)


@spelled
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Return numbers of a normal distribution that are at most two standard deviations from its mean.

    Parameters
    ----------
    shape, mean, stddev, dtype, seed
        See `normal`.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> bool(np.abs(truncated_normal((1000,))).max() <= 2)
    True
    """
    kind, shape = _float("truncated_normal", dtype), _shape("truncated_normal", shape)
    mean, stddev = _value("truncated_normal", "mean", mean), _value("truncated_normal", "stddev", stddev, least=0)
    rng = _generator("truncated_normal", seed)
    drawn = rng.standard_normal(shape)
    while (outside := np.abs(drawn) > 2).any():
        drawn[outside] = rng.standard_normal(np.count_nonzero(outside))
    return (mean + stddev * drawn).astype(kind)


@spelled
def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Return numbers that are equally likely anywhere from `minval` up to below `maxval`.

    Parameters
    ----------
    shape : tuple of int
    minval, maxval : float
    dtype : str, optional
        A type of floats; see `randint` for whole numbers.
    seed : int or SeedGenerator, optional

    Returns
    -------
    ndarray

    Examples
    --------
    >>> x = uniform((1000,), 2, 3)
    >>> bool(x.min() >= 2 and x.max() < 3)
    True
    """
    kind = _float("uniform", dtype)
    _value("uniform", "minval", minval), _value("uniform", "maxval", maxval)
    drawn = _generator("uniform", seed).random(_shape("uniform", shape), np.float32 if kind.itemsize <= 4 else float)
    values = (minval + (maxval - minval) * drawn).astype(kind)
    return np.minimum(values, np.nextafter(kind.type(maxval), kind.type(minval)))  # rounding could reach `maxval`


@spelled
def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Return whole numbers from `minval` up to below `maxval`.

    Parameters
    ----------
    shape : tuple of int
    minval, maxval : int
    dtype : str
        A type of whole numbers.
    seed : int or SeedGenerator, optional

    Returns
    -------
    ndarray

    Examples
    --------
    >>> sorted(set(randint((100,), 0, 3).tolist()))
    [0, 1, 2]
    """
    kind = _type("randint", dtype, "iu", "int32")
    minval, maxval = _bounds("randint", minval, maxval)
    return _generator("randint", seed).integers(minval, maxval, _shape("randint", shape)).astype(kind)


@spelled
def categorical(logits, num_samples, dtype="int32", seed=None):
    """Return class numbers, drawn with probabilities whose logarithms are given.

    Parameters
    ----------
    logits : array_like
        One row for each distribution: ``(batch, classes)``.
    num_samples : int
        How many are drawn of each row.
    dtype : str
        A type of whole numbers.
    seed : int or SeedGenerator, optional

    Returns
    -------
    ndarray
        Of shape ``(batch, num_samples)``.

    Raises
    ------
    ValueError
        If `logits` has not two axes.

    Examples
    --------
    >>> categorical([[0.0, -100.0], [-100.0, 0.0]], 3).tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    logits = numeric("random.categorical", "logits", logits)
    if logits.ndim != 2:
        raise ValueError(f"random.categorical: logits has shape {logits.shape}; expected (batch, classes).")
    kind = _type("categorical", dtype, "iu", "int32")
    uniforms = _generator("categorical", seed).random((len(logits), num_samples, logits.shape[1]))
    return (logits[:, None, :] - np.log(-np.log1p(-uniforms))).argmax(-1).astype(kind)  # Gumbel's way


@spelled
def shuffle(x, axis=0, seed=None):
    """Return an array whose parts along an axis are in another order.

    Parameters
    ----------
    x : array_like
    axis : int
    seed : int or SeedGenerator, optional

    Returns
    -------
    ndarray

    Examples
    --------
    >>> sorted(shuffle([1, 2, 3]).tolist())
    [1, 2, 3]
    """
    x = numeric("random.shuffle", "x", x)
    if isinstance(axis, bool) or not isinstance(axis, numbers.Integral) or not -x.ndim <= axis < x.ndim:
        raise ValueError(f"random.shuffle: axis={axis!r} is not one of the {x.ndim} axes of x, of shape {x.shape}.")
    return _generator("shuffle", seed).permutation(x, axis)


@spelled
def dropout(inputs, rate, noise_shape=None, seed=None):
    """Return an array in which a share of the numbers is 0, and the others are larger for it.

    Parameters
    ----------
    inputs : array_like
    rate : float
        The share, from 0 to 1.
    noise_shape : tuple of int, optional
        The shape of what decides, with a 1 on axes that share a decision.
    seed : int or SeedGenerator, optional

    Returns
    -------
    ndarray

    Examples
    --------
    >>> sorted(set(dropout(np.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    x = numeric("random.dropout", "inputs", inputs)
    if isinstance(rate, bool) or not isinstance(rate, numbers.Real) or not 0 <= rate <= 1:
        raise ValueError(f"random.dropout: rate={rate!r} is not a number from 0 to 1.")
    x = x if x.dtype.kind == "f" else x.astype(settings.floatx())
    shape = x.shape if noise_shape is None else [n if n is not None else m for n, m in zip(noise_shape, x.shape)]  # noqa: B905
    kept = _generator("dropout", seed).random(_shape("dropout", shape)) >= rate
    return np.where(kept, x / x.dtype.type(1 - rate), x.dtype.type(0)) if rate < 1 else np.zeros_like(x)


@spelled
def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """Return how many of `counts` trials succeed, each with one of `probabilities`.

    Parameters
    ----------
    shape : tuple of int
    counts, probabilities : array_like
        Of a shape that broadcasts to `shape`.
    dtype : str, optional
        A type of floats.
    seed : int or SeedGenerator, optional

    Returns
    -------
    ndarray

    Examples
    --------
    >>> binomial((3,), [1, 2, 3], 1.0).tolist()
    [1.0, 2.0, 3.0]
    """
    kind, counts = _float("binomial", dtype), _value("binomial", "counts", counts, least=0).astype(np.int64)
    probabilities = _value("binomial", "probabilities", probabilities, least=0, most=1)
    return _generator("binomial", seed).binomial(counts, probabilities, _shape("binomial", shape)).astype(kind)


@spelled
def gamma(shape, alpha, dtype=None, seed=None):
    """Return numbers of the gamma distribution with the shape `alpha` and the rate 1.

    Parameters
    ----------
    shape : tuple of int
    alpha : array_like
        Of a shape that broadcasts to `shape`.
    dtype : str, optional
        A type of floats.
    seed : int or SeedGenerator, optional

    Returns
    -------
    ndarray

    Examples
    --------
    >>> bool((gamma((10,), 2.0) > 0).all())
    True
    """
    kind, alpha = _float("gamma", dtype), _value("gamma", "alpha", alpha, least=0)
    return _generator("gamma", seed).gamma(alpha, 1.0, _shape("gamma", shape)).astype(kind)


@spelled
def beta(shape, alpha, beta, dtype=None, seed=None):
    """Return numbers of the beta distribution, which lie between 0 and 1.

    Parameters
    ----------
    shape : tuple of int
    alpha, beta : array_like
        Of shapes that broadcast to `shape`.
    dtype : str, optional
        A type of floats.
    seed : int or SeedGenerator, optional

    Returns
    -------
    ndarray

    Examples
    --------
    >>> bool((beta((10,), 2.0, 1.0) < 1).all())
    True
    """
    kind = _float("beta", dtype)
    alpha, beta = _value("beta", "alpha", alpha, above=0), _value("beta", "beta", beta, above=0)
    return _generator("beta", seed).beta(alpha, beta, _shape("beta", shape)).astype(kind)
