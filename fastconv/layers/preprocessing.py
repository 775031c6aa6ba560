"""Layers that bring inputs to another scale."""

import operator
from itertools import chain
from math import prod

import numpy as np

from fastconv.layers.layer import Layer
from fastconv.layers.variable import Variable
from fastconv.ops import primitives as P
from fastconv.ops.functions import numeric
from fastconv.runtime import settings

ROWS = 4096  # samples that `adapt` looks at at a time


class Rescaling(Layer):
    """x * scale + offset.

    Parameters
    ----------
    scale, offset : float or sequence of float
        One number, one for every place of the last axis, or an array that is broadcast over the inputs. Where
        ``config.image_data_format()`` is ``"channels_first"``, a sequence of scales goes along the first axis of a
        sample, as in Keras.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import Rescaling
    >>> Rescaling(1 / 255)([[0, 255]])
    array([[0., 1.]], dtype=float32)
    """

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        for argument, value in (("scale", scale), ("offset", offset)):
            try:
                numeric(f"Layer {self.name!r} (Rescaling)", f"{argument}={value!r}", value)
            except TypeError as error:
                raise ValueError(str(error)) from None
        self.scale, self.offset = scale, offset

    def build(self, input_shape):
        """Check the shape; see `Layer.build`."""
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs, checked; see `Layer.compute_output_shape`."""
        sample = tuple(input_shape[1:])
        for argument, value in (("scale", self._scale), ("offset", self.offset)):
            shape = np.shape(value)
            fits = len(shape) <= len(sample) and all(
                n in (1, size) for n, size in zip(shape[::-1], sample[::-1], strict=False)
            )
            if np.size(value) > 1 and not fits:
                places = f"each of the {sample[-1]} places of the last axis" if sample else "all"
                raise ValueError(
                    f"Layer {self.name!r} (Rescaling): {argument} has shape {shape}; expected one number, one for "
                    f"{places}, or what is broadcast over inputs of shape {tuple(input_shape)}."
                )
        return tuple(input_shape)

    @property
    def _scale(self):
        """The scale as it is broadcast: numbers for channels stand first where images have these first."""
        shape = np.shape(self.scale)
        if not shape or settings.image_data_format() == "channels_last":
            return self.scale
        return np.reshape(self.scale, shape + (1,) * (3 - len(shape)))

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        return trace.add(P.Rescale(self._scale, self.offset), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "scale": np.asarray(self.scale).tolist(),
            "offset": np.asarray(self.offset).tolist(),
        }


class Normalization(Layer):
    """Inputs with mean 0 and variance 1 for each place of some axes, by statistics given or gathered by `adapt`.

    Parameters
    ----------
    axis : int, sequence of int or None
        The axes whose places have statistics of their own, the batch counted as axis 0; None: one mean and one variance
        for all values.
    mean, variance : float or array_like, optional
        Both or none; broadcast over the kept axes.
    invert : bool
        Go back from normalized values to the original ones instead.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If only one of mean and variance is given, their shapes differ, or inputs do not fit.

    Examples
    --------
    >>> from fastconv.layers import Normalization
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[0.0, 7.0], [2.0, 9.0]]))
    >>> layer([[0.0, 9.0]])
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.axis = self._axes(axis)
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        if (mean is None) != (variance is None):
            raise ValueError(f"{self._owner}: mean={mean!r} and variance={variance!r}: expected both or none.")
        if mean is not None:
            given = {"mean": mean, "variance": variance}
            shapes = [numeric(self._owner, argument, value).shape for argument, value in given.items()]
            if shapes[0] != shapes[1]:
                raise ValueError(f"{self._owner}: mean has shape {shapes[0]}, variance {shapes[1]}; expected the same.")
            if len(shapes[0]) > len(self.axis):
                raise ValueError(
                    f"{self._owner}: mean has shape {shapes[0]}; expected at most {len(self.axis)} axes for axis="
                    f"{self.axis}."
                )

    def _broadcast(self, place, what):
        """Return a statistic in the shape that inputs are combined with, as Keras shows it."""
        if not self.built:
            raise AttributeError(f"{self._owner} has no {what} yet: call adapt(data), or build it.")
        array, rank = self._statistics[place].numpy(), len(self._build_shape)
        kept = self._kept(self._build_shape)
        return array.reshape([self._build_shape[a] if a in kept else 1 for a in range(rank)])

    @property
    def mean(self):
        """The mean that inputs are freed from, with an axis of 1 for each that is not kept."""
        return self._broadcast(0, "mean")

    @property
    def variance(self):
        """The variance that inputs are divided by the root of; see `mean`."""
        return self._broadcast(1, "variance")

    def finalize_state(self):
        """Do nothing: `adapt` has done all."""

    @property
    def _owner(self):
        return f"Layer {self.name!r} (Normalization)"

    def _axes(self, axis):
        if axis is None:
            return ()
        try:
            return tuple(operator.index(a) for a in (axis if np.iterable(axis) else (axis,)))
        except TypeError:
            raise TypeError(f"{self._owner}: axis={axis!r} is not an integer, a sequence of them or None.") from None

    def _kept(self, shape):
        """Return the kept axes, counted from the front and in order."""
        if any(not -len(shape) <= a < len(shape) for a in self.axis):
            raise ValueError(f"{self._owner}: axis={self.axis} is out of range for inputs of shape {tuple(shape)}.")
        kept = sorted({a % len(shape) for a in self.axis})
        if any(shape[a] is None for a in kept):
            raise ValueError(
                f"{self._owner}: axis={self.axis} keeps an axis of unknown size of inputs of shape {tuple(shape)}; "
                "expected axes behind the batch, or axis=None."
            )
        return kept

    def build(self, input_shape):
        """Make the weights, or bring the statistics that were given into shape; see `Layer.build`."""
        kept = self._kept(input_shape)
        shape = tuple(input_shape[a] for a in kept)
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.count = Variable(np.zeros((), np.int32), trainable=False, name="count")
            self.count.path = f"{self.name}/count"
            self._weights.append(self.count)
            self._statistics = self.adapt_mean, self.adapt_variance
            return
        try:
            given = [np.broadcast_to(np.asarray(v, self.dtype), shape) for v in (self.input_mean, self.input_variance)]
        except ValueError:
            raise ValueError(
                f"{self._owner}: mean has shape {np.shape(self.input_mean)}, which is not broadcast to {shape}, the "
                f"kept axes of inputs of shape {tuple(input_shape)}."
            ) from None
        self._statistics = tuple(Variable(v.copy(), trainable=False) for v in given)

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs; see `Layer.compute_output_shape`."""
        self._kept(input_shape)
        return tuple(input_shape)

    def check_built(self, shape):
        """Raise if the statistics do not fit inputs of `shape`."""
        built, kept = self._build_shape, self._kept(shape)
        if self._kept(built) != kept or any(built[a] != shape[a] for a in kept):
            raise ValueError(
                f"{self._owner}: the layer was built for inputs of shape {built}; got data of shape {tuple(shape)}, "
                f"which differ on the kept axes {self.axis}."
            )

    def adapt(self, data):
        """Gather mean and variance of data.

        Parameters
        ----------
        data : ndarray or iterable of batches
            An array, or a generator, list, ``PyDataset``, ... of arrays; of tuples the first counts.

        Raises
        ------
        TypeError
            If it is something else.
        ValueError
            If there is no batch, or a shape does not fit.
        """
        if self.input_mean is not None:
            raise ValueError(f"{self._owner}: adapt() has nothing to do: mean and variance were given.")
        batches = iter(self._batches(data))
        first = next(batches, None)
        if first is None:
            raise ValueError(f"{self._owner}: adapt() received no batch; expected at least one.")
        if not self.built:
            self.build((None if 0 not in self._kept(np.shape(first)) else len(first), *np.shape(first)[1:]))
        total = (0, 0.0, 0.0)
        for batch in chain([first], batches):
            total = self._gathered(total, batch)
        for variable, value in zip(self._statistics, total[1:], strict=True):
            variable.assign(value)

    def _batches(self, data):
        """Return the batches of data; those of an array are slices of it."""
        if hasattr(data, "shape"):
            data = np.asarray(data)
            if data.ndim == 0 or 0 in self._kept(data.shape) or not len(data):
                return [data]
            return (data[i : i + ROWS] for i in range(0, len(data), ROWS))
        if not np.iterable(data) or isinstance(data, (str, bytes, dict)):
            raise TypeError(
                f"{self._owner}: adapt() got data of type {type(data).__name__}; expected an array or an iterable of "
                "batches."
            )
        if hasattr(data, "__getitem__") and hasattr(data, "num_batches"):  # a PyDataset counts its batches
            data = (data[i] for i in range(len(data)))
        return (self._batch(batch) for batch in data)

    def _batch(self, batch):
        batch = batch[0] if isinstance(batch, tuple) else batch
        if not hasattr(batch, "shape"):
            raise TypeError(
                f"{self._owner}: adapt() got a batch of type {type(batch).__name__}; expected arrays with a `shape`."
            )
        return np.asarray(batch)

    def _gathered(self, total, batch):
        """Return (count, mean, variance) of what was seen before and a batch (Chan, Golub and LeVeque 1979)."""
        batch = numeric(self._owner, "a batch of adapt()", batch)
        self.check_built(batch.shape)
        reduced = tuple(a for a in range(batch.ndim) if a not in self._kept(batch.shape))
        count = prod(batch.shape[a] for a in reduced)
        if not count:
            return total
        before, mean, variance = total
        share = count / (before + count)
        new, spread = np.mean(batch, reduced, np.float64), np.var(batch, reduced, np.float64)
        apart = new - mean
        variance = (1 - share) * variance + share * spread + share * (1 - share) * apart**2
        return before + count, mean + share * apart, variance

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        shape, kept = trace.shape(x), self._kept(trace.shape(x))
        spread = [n if a in kept else 1 for a, n in enumerate(shape)]
        return trace.add(P.Standardize(spread, settings.epsilon(), self.invert), x, *self._statistics)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": np.array(self.input_mean).tolist(),
            "variance": np.array(self.input_variance).tolist(),
        }
