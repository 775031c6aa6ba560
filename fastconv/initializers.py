"""How weights begin: constants, random draws and the scaled draws named after Glorot, He and LeCun.

An initializer is called with a shape and returns an array. Random ones settle their seed when they are made:
calling one object twice gives the same numbers, two objects made one after the other give different ones.
"""

import math

import numpy as np

from fastconv import absent
from fastconv.names import Family, Spelled, by_name, spelled
from fastconv.runtime import seeds, settings

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]

__getattr__ = absent.of(__name__)

# The standard deviation of a normal distribution cut off at two of its standard deviations.
_TRUNCATED_STDDEV = 0.8796256610342398


class Initializer(Spelled):
    """Base class: subclasses write ``__call__(shape, dtype=None)`` and return an array.

    Examples
    --------
    >>> class Halves(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.full(shape, 0.5, dtype or "float32")
    >>> Halves()((2,))
    array([0.5, 0.5], dtype=float32)
    """

    def __call__(self, shape, dtype=None):
        """Return a new array of values to begin with.

        Parameters
        ----------
        shape : tuple of int
            Its shape.
        dtype : str or dtype, optional
            Its type, by default ``fastconv.config.floatx()``.

        Returns
        -------
        ndarray
            The values.

        Examples
        --------
        >>> Zeros()((2,), dtype="float64")
        array([0., 0.])
        """
        raise NotImplementedError(f"{type(self).__name__} does not define __call__(shape, dtype=None).")

    def get_config(self):
        """Return the arguments with which an equal initializer is made.

        Returns
        -------
        dict
            The arguments by name.

        Examples
        --------
        >>> RandomNormal(seed=3).get_config()
        {'seed': 3, 'mean': 0.0, 'stddev': 0.05}
        """
        return {}

    @classmethod
    def from_config(cls, config):
        """Make an initializer from what `get_config` returned.

        Parameters
        ----------
        config : dict
            The arguments by name.

        Returns
        -------
        Initializer
            The initializer.

        Examples
        --------
        >>> Constant.from_config({"value": 2.0}).value
        2.0
        """
        return cls(**config)

    def clone(self):
        """Return a new initializer with the same settings (and, if none was set, a seed of its own).

        Returns
        -------
        Initializer
            The copy.

        Examples
        --------
        >>> Constant(2.0).clone().value
        2.0
        """
        return self.from_config(self.get_config())

    def __repr__(self):
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def _shape(name, shape):
    """Return `shape` as a tuple of ints; an int is the shape of a vector."""
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if not all(isinstance(size, (int, np.integer)) and size >= 0 for size in shape):
        raise ValueError(f"{name}: shape={shape!r} is not a tuple of non-negative ints.")
    return tuple(int(size) for size in shape)


def _type(name, dtype):
    """Return a type, by default ``floatx()``; raise ValueError if it is none."""
    try:
        return np.dtype(dtype or settings.floatx())
    except TypeError:
        raise ValueError(f"{name}: dtype={dtype!r} is not the name of a type.") from None


def _number(name, argument, value):
    """Return `value` as a float, or say which argument of which initializer is no number."""
    if isinstance(value, (bool, str)) or not np.isscalar(value) or not math.isfinite(value):
        raise ValueError(f"{name}: {argument}={value!r} is not a finite number.")
    return value


class Zeros(Initializer):
    """All zeros.

    Examples
    --------
    >>> Zeros()((2, 2))
    array([[0., 0.],
           [0., 0.]], dtype=float32)
    """

    def __call__(self, shape, dtype=None):
        """Return zeros; see `Initializer`.

        Examples
        --------
        >>> Zeros()(1)
        array([0.], dtype=float32)
        """
        return np.zeros(_shape("Zeros", shape), _type("Zeros", dtype))


class Ones(Initializer):
    """All ones.

    Examples
    --------
    >>> Ones()((2,))
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape, dtype=None):
        """Return ones; see `Initializer`.

        Examples
        --------
        >>> Ones()(1)
        array([1.], dtype=float32)
        """
        return np.ones(_shape("Ones", shape), _type("Ones", dtype))


class Constant(Initializer):
    """One value everywhere, or an array that is broadcast to the shape.

    Parameters
    ----------
    value : float or array_like
        The value.

    Examples
    --------
    >>> Constant(0.5)((2,))
    array([0.5, 0.5], dtype=float32)
    >>> Constant([1.0, 2.0])((2, 2))
    array([[1., 2.],
           [1., 2.]], dtype=float32)
    """

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        """Return the value in every place; see `Initializer`.

        Raises
        ------
        ValueError
            If the value cannot be broadcast to the shape.

        Examples
        --------
        >>> Constant(3)(1)
        array([3.], dtype=float32)
        """
        out = np.empty(_shape("Constant", shape), _type("Constant", dtype))
        try:
            out[...] = self.value
        except (ValueError, TypeError) as error:
            raise ValueError(f"Constant: value={self.value!r} does not fill an array of shape {out.shape}.") from error
        return out

    def get_config(self):
        """Return the arguments; see `Initializer`. An array becomes a dict of its values and its type.

        Examples
        --------
        >>> Constant(3.0).get_config()
        {'value': 3.0}
        """
        if isinstance(self.value, np.ndarray):
            described = {"value": self.value.tolist(), "dtype": str(self.value.dtype)}
            return {"value": {"class_name": "__numpy__", "config": described}}
        return {"value": self.value}

    @classmethod
    def from_config(cls, config):
        """Make the initializer; see `Initializer`.

        Examples
        --------
        >>> Constant.from_config(Constant(np.ones(2)).get_config()).value
        array([1., 1.])
        """
        value = config.get("value", 0.0)
        if isinstance(value, dict):
            if value.get("class_name") not in ("__numpy__", "__tensor__"):
                raise ValueError(f"Constant: the config value={value!r} is neither a number nor an array.")
            value = np.array(value["config"]["value"], value["config"]["dtype"])
        return cls(value)


class Identity(Initializer):
    """The identity matrix times `gain`; only for matrices.

    Parameters
    ----------
    gain : float
        The value on the diagonal.

    Examples
    --------
    >>> Identity(2.0)((2, 3))
    array([[2., 0., 0.],
           [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, gain=1.0):
        self.gain = _number("Identity", "gain", gain)

    def __call__(self, shape, dtype=None):
        """Return the matrix; see `Initializer`.

        Raises
        ------
        ValueError
            If the shape is not that of a matrix.

        Examples
        --------
        >>> Identity()((1, 1))
        array([[1.]], dtype=float32)
        """
        shape = _shape("Identity", shape)
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices only; got shape={shape} of rank {len(shape)}.")
        out = np.zeros(shape, _type("Identity", dtype))
        np.fill_diagonal(out, self.gain)
        return out

    def get_config(self):
        """Return the arguments; see `Initializer`.

        Examples
        --------
        >>> Identity().get_config()
        {'gain': 1.0}
        """
        return {"gain": self.gain}


class RandomInitializer(Initializer):
    """Base of the random ones: a seed that is settled at once, and a fresh generator for each call.

    Parameters
    ----------
    seed : int or SeedGenerator, optional
        By default drawn from the global generator, see ``fastconv.utils.set_random_seed``. With a
        `fastconv.random.SeedGenerator` each call draws other values.

    Examples
    --------
    >>> draw = RandomNormal(seed=1)
    >>> bool((draw((3,)) == draw((3,))).all())
    True
    """

    def __init__(self, seed=None):
        if isinstance(seed, dict) and seed.get("class_name") == "SeedGenerator":  # from a config
            seed = seeds.SeedGenerator.from_config(seed["config"])
        is_row = isinstance(seed, seeds.SeedGenerator)
        if isinstance(seed, bool) or not (seed is None or is_row or isinstance(seed, (int, np.integer))):
            raise ValueError(f"{type(self).__name__}: seed={seed!r} is neither an int nor None nor a SeedGenerator.")
        self._seed_given = seed if seed is None or is_row else int(seed)
        self.seed = seeds.next_seed() if seed is None else self._seed_given

    def __call__(self, shape, dtype=None):
        """Return random values, the same at every call unless they are drawn by a `SeedGenerator`; see `Initializer`.

        Raises
        ------
        ValueError
            If the type is not a float type.

        Examples
        --------
        >>> RandomUniform(seed=1)((2,)).dtype
        dtype('float32')
        """
        dtype = _type(type(self).__name__, dtype)
        if dtype.kind != "f":
            raise ValueError(f"{type(self).__name__}: dtype={dtype.name!r} is not a float type.")
        drawn = np.float64 if dtype == np.float64 else np.float32
        is_row = isinstance(self.seed, seeds.SeedGenerator)  # else: a generator's seed must not be negative
        rng = np.random.default_rng(self.seed.next() if is_row else self.seed & (2**64 - 1))
        return self._draw(rng, _shape(type(self).__name__, shape), drawn).astype(dtype, copy=False)

    def _draw(self, rng, shape, dtype):
        raise NotImplementedError(f"{type(self).__name__} does not define how to draw.")

    def get_config(self):
        """Return the arguments; see `Initializer`. A seed that was not given is not told.

        Examples
        --------
        >>> GlorotUniform().get_config()
        {'seed': None, 'input_axes': None, 'output_axes': None}
        """
        return {"seed": self._seed_config()}

    def _seed_config(self):
        """Return the seed that was given, as Keras describes it."""
        if not isinstance(self._seed_given, seeds.SeedGenerator):
            return self._seed_given
        described = {"module": "keras.random", "class_name": "SeedGenerator", "config": self._seed_given.get_config()}
        return {**described, "registered_name": None}


def _normal(rng, shape, dtype, mean, stddev):
    values = np.asarray(rng.standard_normal(shape, dtype))
    values *= dtype(stddev)
    values += dtype(mean)
    return values


def _truncated_normal(rng, shape, dtype, mean, stddev):
    """Draw normally, and again in place of whatever lies more than two standard deviations off."""
    values = rng.standard_normal(math.prod(shape), dtype)
    outside = np.flatnonzero(np.abs(values) > 2)
    while outside.size:
        values[outside] = rng.standard_normal(outside.size, dtype)
        outside = outside[np.abs(values[outside]) > 2]
    values *= dtype(stddev)
    values += dtype(mean)
    return values.reshape(shape)


def _uniform(rng, shape, dtype, low, high):
    values = np.asarray(rng.random(shape, dtype))
    values *= dtype(high - low)
    values += dtype(low)
    return values


class RandomNormal(RandomInitializer):
    """Draws from a normal distribution.

    Parameters
    ----------
    mean, stddev : float
        Its mean and standard deviation.
    seed : int, optional
        See `RandomInitializer`.

    Examples
    --------
    >>> RandomNormal(stddev=1.0, seed=0)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean = _number(type(self).__name__, "mean", mean)
        self.stddev = _number(type(self).__name__, "stddev", stddev)
        if stddev < 0:
            raise ValueError(f"{type(self).__name__}: stddev={stddev!r} is negative.")

    def _draw(self, rng, shape, dtype):
        return _normal(rng, shape, dtype, self.mean, self.stddev)

    def get_config(self):
        """Return the arguments; see `Initializer`.

        Examples
        --------
        >>> RandomNormal().get_config()
        {'seed': None, 'mean': 0.0, 'stddev': 0.05}
        """
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Draws from a normal distribution, without values more than two standard deviations from the mean.

    Parameters
    ----------
    mean, stddev : float
        Mean and standard deviation before the cut.
    seed : int, optional
        See `RandomInitializer`.

    Examples
    --------
    >>> bool(abs(TruncatedNormal(stddev=1.0, seed=0)((1000,))).max() <= 2)
    True
    """

    def _draw(self, rng, shape, dtype):
        return _truncated_normal(rng, shape, dtype, self.mean, self.stddev)


class RandomUniform(RandomInitializer):
    """Draws from a uniform distribution.

    Parameters
    ----------
    minval, maxval : float
        The ends of the interval.
    seed : int, optional
        See `RandomInitializer`.

    Examples
    --------
    >>> values = RandomUniform(0.0, 2.0, seed=0)((1000,))
    >>> bool(values.min() >= 0), bool(values.max() < 2)
    (True, True)
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        super().__init__(seed)
        self.minval = _number("RandomUniform", "minval", minval)
        self.maxval = _number("RandomUniform", "maxval", maxval)
        if minval > maxval:
            raise ValueError(f"RandomUniform: minval={minval!r} is above maxval={maxval!r}.")

    def _draw(self, rng, shape, dtype):
        return _uniform(rng, shape, dtype, self.minval, self.maxval)

    def get_config(self):
        """Return the arguments; see `Initializer`.

        Examples
        --------
        >>> RandomUniform().get_config()
        {'seed': None, 'minval': -0.05, 'maxval': 0.05}
        """
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


_FANS = {
    "fan_in": lambda fan_in, fan_out: fan_in,
    "fan_out": lambda fan_in, fan_out: fan_out,
    "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
}
# Each distribution gets the variance it shall have.
_DISTRIBUTIONS = {
    "truncated_normal": lambda rng, shape, dtype, variance: _truncated_normal(
        rng, shape, dtype, 0, math.sqrt(variance) / _TRUNCATED_STDDEV
    ),
    "untruncated_normal": lambda rng, shape, dtype, variance: _normal(rng, shape, dtype, 0, math.sqrt(variance)),
    "uniform": lambda rng, shape, dtype, variance: _uniform(
        rng, shape, dtype, -math.sqrt(3 * variance), math.sqrt(3 * variance)
    ),
}


def compute_fans(shape, input_axes=None, output_axes=None):
    """Return how many inputs feed one output of a kernel, and how many outputs one input feeds.

    Parameters
    ----------
    shape : tuple of int
        The kernel's shape: (..., inputs, outputs), where all axes before the last two are receptive field.
    input_axes, output_axes : sequence of int, optional
        Axes to multiply instead, for kernels that are laid out otherwise; both or none.

    Returns
    -------
    tuple of int
        fan_in and fan_out.

    Examples
    --------
    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    """
    if input_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    receptive = math.prod(shape[:-2])
    return receptive * shape[-2], receptive * shape[-1]


class VarianceScaling(RandomInitializer):
    """Draws whose variance is `scale` divided by a kernel's number of inputs, of outputs or their mean.

    Parameters
    ----------
    scale : float
        The variance times the fan; above 0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        What to divide by.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
        What to draw from; ``"normal"`` is the truncated one.
    seed : int, optional
        See `RandomInitializer`.
    input_axes, output_axes : sequence of int, optional
        The axes that make up the fans, see `compute_fans`; both or none.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> values = VarianceScaling(2.0, "fan_in", "uniform", seed=0)((3, 3, 8, 8))
    >>> bool(abs(values).max() < (3 * 2 / 72) ** 0.5)
    True
    """

    def __init__(
        self,
        scale=1.0,
        mode="fan_in",
        distribution="truncated_normal",
        seed=None,
        input_axes=None,
        output_axes=None,
    ):
        super().__init__(seed)
        name = type(self).__name__
        if _number(name, "scale", scale) <= 0:
            raise ValueError(f"{name}: scale={scale!r} is not above 0.")
        if mode not in _FANS:
            raise ValueError(f"{name}: mode={mode!r} is not one of {tuple(_FANS)}.")
        distribution = "truncated_normal" if str(distribution).lower() == "normal" else str(distribution).lower()
        if distribution not in _DISTRIBUTIONS:
            raise ValueError(f"{name}: distribution={distribution!r} is not one of {tuple(_DISTRIBUTIONS)}.")
        if (input_axes is None) != (output_axes is None):
            raise ValueError(f"{name}: input_axes={input_axes!r}, output_axes={output_axes!r}; give both or none.")
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = self._axes("input_axes", input_axes)
        self.output_axes = self._axes("output_axes", output_axes)

    def _axes(self, argument, axes):
        if axes is None:
            return None
        if not isinstance(axes, (list, tuple)) or not all(isinstance(axis, (int, np.integer)) for axis in axes):
            raise ValueError(f"{type(self).__name__}: {argument}={axes!r} is not a list of ints.")
        return list(axes)

    def _draw(self, rng, shape, dtype):
        for axis in (self.input_axes or []) + (self.output_axes or []):
            if not -len(shape) <= axis < len(shape):
                raise ValueError(f"{type(self).__name__}: shape={shape} has no axis {axis}.")
        fan = _FANS[self.mode](*compute_fans(shape, self.input_axes, self.output_axes))
        return _DISTRIBUTIONS[self.distribution](rng, shape, dtype, self.scale / max(1.0, fan))

    def get_config(self):
        """Return the arguments; see `Initializer`.

        Examples
        --------
        >>> VarianceScaling(2.0).get_config()["scale"]
        2.0
        """
        scaling = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {
            **super().get_config(),
            **scaling,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Scaled(VarianceScaling):
    """A variance scaling whose first three arguments are settled by the class."""

    _scaling = (1.0, "fan_in", "truncated_normal")

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self._scaling, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self):
        """Return the arguments; see `Initializer`.

        Examples
        --------
        >>> HeNormal(seed=2).get_config()
        {'seed': 2, 'input_axes': None, 'output_axes': None}
        """
        return {"seed": self._seed_config(), "input_axes": self.input_axes, "output_axes": self.output_axes}


class GlorotUniform(_Scaled):
    """Uniform draws within sqrt(6 / (fan_in + fan_out)): Keras's default for kernels.

    Parameters
    ----------
    seed, input_axes, output_axes
        See `VarianceScaling`.

    Examples
    --------
    >>> bool(abs(GlorotUniform(seed=0)((3, 3, 16, 32))).max() < 0.118)
    True
    """

    _scaling = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal draws with variance 2 / (fan_in + fan_out).

    Parameters
    ----------
    seed, input_axes, output_axes
        See `VarianceScaling`.

    Examples
    --------
    >>> GlorotNormal(seed=0)((4, 2)).shape
    (4, 2)
    """

    _scaling = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform draws within sqrt(6 / fan_in), made for ReLU networks.

    Parameters
    ----------
    seed, input_axes, output_axes
        See `VarianceScaling`.

    Examples
    --------
    >>> HeUniform(seed=0)((4, 2)).shape
    (4, 2)
    """

    _scaling = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal draws with variance 2 / fan_in, made for ReLU networks.

    Parameters
    ----------
    seed, input_axes, output_axes
        See `VarianceScaling`.

    Examples
    --------
    >>> HeNormal(seed=0)((4, 2)).shape
    (4, 2)
    """

    _scaling = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform draws within sqrt(3 / fan_in).

    Parameters
    ----------
    seed, input_axes, output_axes
        See `VarianceScaling`.

    Examples
    --------
    >>> LecunUniform(seed=0)((4, 2)).shape
    (4, 2)
    """

    _scaling = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal draws with variance 1 / fan_in, made for SELU networks.

    Parameters
    ----------
    seed, input_axes, output_axes
        See `VarianceScaling`.

    Examples
    --------
    >>> LecunNormal(seed=0)((4, 2)).shape
    (4, 2)
    """

    _scaling = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A random orthogonal matrix times `gain`; axes before the last are taken together.

    Parameters
    ----------
    gain : float
        The length of its columns (of its rows, if it has more columns than rows).
    seed : int, optional
        See `RandomInitializer`.

    Examples
    --------
    >>> q = Orthogonal(seed=0)((3, 3))
    >>> np.allclose(q.T @ q, np.eye(3), atol=1e-6)
    True
    """

    def __init__(self, gain=1.0, seed=None):
        super().__init__(seed)
        self.gain = _number("Orthogonal", "gain", gain)

    def _draw(self, rng, shape, dtype):
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs at least two axes; got shape={shape}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.sign(np.diag(r))  # without this the draw favours some directions
        return np.array((self.gain * (q if rows >= columns else q.T)).reshape(shape), dtype, order="C")

    def get_config(self):
        """Return the arguments; see `Initializer`.

        Examples
        --------
        >>> Orthogonal().get_config()
        {'seed': None, 'gain': 1.0}
        """
        return {**super().get_config(), "gain": self.gain}


_CLASSES = (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
)
_ALIASES = {
    "one": Ones,
    "zero": Zeros,
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
}
_family = Family("initializer", "keras.initializers", Initializer, {**by_name(_CLASSES), **_ALIASES})

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = IdentityInitializer = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros


@spelled
def get(identifier):
    """Return the initializer that a name, config, class, function or object stands for.

    Parameters
    ----------
    identifier : None, str, dict, type, callable, ndarray or Initializer
        For example ``"glorot_uniform"``, ``"GlorotUniform"``, or a function of shape and dtype; an array stands for
        its own values.

    Returns
    -------
    Initializer, callable or None
        ``None`` for ``None``.

    Raises
    ------
    ValueError
        If it stands for no initializer.

    Examples
    --------
    >>> get("zeros")
    Zeros()
    >>> get("he_norml")
    Traceback (most recent call last):
    ...
    ValueError: Could not interpret initializer identifier: 'he_norml'. Did you mean 'he_normal'?
    """
    if isinstance(identifier, np.ndarray):
        return Constant(identifier)
    return _family.get(identifier)


@spelled
def serialize(initializer):
    """Return a config from which `deserialize` makes an equal initializer.

    Parameters
    ----------
    initializer : Initializer or function
        What to describe.

    Returns
    -------
    dict
        Keras's description of an object.

    Examples
    --------
    >>> serialize(Zeros())
    {'module': 'keras.initializers', 'class_name': 'Zeros', 'config': {}, 'registered_name': None}
    """
    return _family.serialize(initializer)


@spelled
def deserialize(config, custom_objects=None):
    """Make an initializer from its config.

    Parameters
    ----------
    config : dict or str
        What `serialize` returned.
    custom_objects : dict, optional
        Classes of the user by name.

    Returns
    -------
    Initializer
        The initializer.

    Examples
    --------
    >>> deserialize({"class_name": "Constant", "config": {"value": 2.0}})
    Constant(value=2.0)
    """
    return _family.deserialize(config, custom_objects)
