"""Layers that change the sizes of sequences, images and volumes: cropping, padding, upsampling."""

from fastconv.layers.layer import Layer, choice, pair
from fastconv.ops import primitives as P
from fastconv.ops.resample import INTERPOLATIONS, along_axes, resizing
from fastconv.runtime import settings


class Spatial(Layer):
    """What they share: `rank` axes between batch and channels, in either data format.

    A subclass says ``spatial_shape(sizes)``, the sizes that come out, and ``spatial_ops(sizes)``, ops on channels-last
    inputs.
    """

    rank = 2
    data_format = "channels_last"

    def spatial_shape(self, sizes):
        """Return the sizes that come out, without batch and channels."""
        raise NotImplementedError

    def spatial_ops(self, sizes):
        """Return the ops that do it to inputs with channels last."""
        raise NotImplementedError

    def build(self, input_shape):
        """Check the shape; see `Layer.build`."""
        super().build(input_shape)

    @property
    def _first(self):
        return self.data_format == "channels_first"

    def _sizes(self, shape):
        return tuple(shape[2:] if self._first else shape[1:-1])

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, self.rank + 2)
        sizes = self.spatial_shape(self._sizes(input_shape))
        if self._first:
            return (*input_shape[:2], *sizes)
        return (input_shape[0], *sizes, input_shape[-1])

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        sizes = self._sizes(trace.shape(x))
        if self._first:
            x = trace.add(P.SwapAxes("last"), x)
        for op in self.spatial_ops(sizes):
            x = trace.add(op, x)
        return trace.add(P.SwapAxes("first"), x) if self._first else x

    def owner(self):
        """Return who complains in error messages."""
        return f"Layer {self.name!r} ({type(self).__name__})"

    def amounts(self, argument, value):
        """Return (before, after) for each axis from an int, one value an axis, or a pair an axis."""
        if self.rank == 1:
            return (pair(self.owner(), argument, value, minimum=0),)
        axes = (value,) * self.rank if isinstance(value, int) else value
        if not hasattr(axes, "__len__") or len(axes) != self.rank:
            raise ValueError(
                f"{self.owner()}: {argument}={value!r} is not an integer, {self.rank} of them, or {self.rank} pairs."
            )
        return tuple(pair(self.owner(), argument, axis, minimum=0) for axis in axes)

    def with_format(self, config):
        """Return a config with the data format, where the layer knows one."""
        return {**super().get_config(), **config, "data_format": self.data_format}


class _Cropping(Spatial):
    def _set(self, cropping, data_format=None):
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")
        self.cropping = self.amounts("cropping", cropping)

    def spatial_shape(self, sizes):
        """Return the sizes that come out; see `Spatial`."""
        out = tuple(n - before - after for n, (before, after) in zip(sizes, self.cropping, strict=True))
        if min(out) <= 0:
            raise ValueError(
                f"{self.owner()}: cropping={self.cropping} leaves nothing of inputs with the sizes {sizes}; expected "
                "less than each size."
            )
        return out

    def spatial_ops(self, sizes):
        """Return the ops; see `Spatial`."""
        return [P.Crop(self.cropping)]

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return self.with_format({"cropping": self.cropping})


class Cropping1D(_Cropping):
    """Sequences without their first and last steps.

    Parameters
    ----------
    cropping : int or pair of int
        How many of either end, or (of the beginning, of the end).
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Cropping1D
    >>> Cropping1D((1, 2))(np.ones((2, 8, 3))).shape
    (2, 5, 3)
    """

    rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(**kwargs)
        self._set(cropping, "channels_last")

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**Layer.get_config(self), "cropping": self.cropping[0]}


class Cropping2D(_Cropping):
    """Images without their margins.

    Parameters
    ----------
    cropping : int, pair of int, or pair of pairs
        All sides; (rows above and below, columns left and right); ((top, bottom), (left, right)).
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If nothing is left.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Cropping2D
    >>> Cropping2D(((1, 0), (2, 2)))(np.ones((1, 8, 8, 3))).shape
    (1, 7, 4, 3)
    """

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._set(cropping, data_format)


class Cropping3D(_Cropping):
    """Volumes without their margins; see `Cropping2D`.

    Parameters
    ----------
    cropping : int, three int, or three pairs
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Cropping3D
    >>> Cropping3D(1)(np.ones((1, 4, 5, 6, 2))).shape
    (1, 2, 3, 4, 2)
    """

    rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._set(cropping, data_format)


class _ZeroPadding(Spatial):
    def __init__(self, padding, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.padding = self.amounts("padding", padding)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")

    def spatial_shape(self, sizes):
        """Return the sizes that come out; see `Spatial`."""
        return tuple(before + n + after for n, (before, after) in zip(sizes, self.padding, strict=True))

    def spatial_ops(self, sizes):
        """Return the ops; see `Spatial`."""
        return [P.ZeroPad(self.padding)]

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return self.with_format({"padding": self.padding[0] if self.rank == 1 else self.padding})


class ZeroPadding1D(_ZeroPadding):
    """Sequences with zeros before and behind.

    Parameters
    ----------
    padding : int or pair of int
        How many at either end, or (at the beginning, at the end).
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import ZeroPadding1D
    >>> ZeroPadding1D((1, 2))(np.ones((2, 5, 3))).shape
    (2, 8, 3)
    """

    rank = 1

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding2D(_ZeroPadding):
    """Images surrounded by zeros.

    Parameters
    ----------
    padding : int, pair of int, or pair of pairs
        All sides; (rows above and below, columns left and right); ((top, bottom), (left, right)).
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If the padding is something else.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import ZeroPadding2D
    >>> ZeroPadding2D(((1, 0), (2, 2)))(np.ones((1, 4, 4, 1))).shape
    (1, 5, 8, 1)
    """

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Volumes surrounded by zeros; see `ZeroPadding2D`.

    Parameters
    ----------
    padding : int, three int, or three pairs
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import ZeroPadding3D
    >>> ZeroPadding3D(1)(np.ones((1, 2, 3, 4, 2))).shape
    (1, 4, 5, 6, 2)
    """

    rank = 3

    def __init__(self, padding=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class _UpSampling(Spatial):
    interpolation = "nearest"

    def spatial_shape(self, sizes):
        """Return the sizes that come out; see `Spatial`."""
        return tuple(n * times for n, times in zip(sizes, self._times(), strict=True))

    def _times(self):
        return self.size if self.rank > 1 else (self.size,)

    def spatial_ops(self, sizes):
        """Return the ops; see `Spatial`."""
        if self.interpolation == "nearest":
            return [P.Repeat(self._times())] if max(self._times()) > 1 else []
        axes = enumerate(zip(sizes, self._times(), strict=True), 1)
        return along_axes(
            [(axis, resizing(self.interpolation, n, n * times)) for axis, (n, times) in axes if times > 1]
        )


class UpSampling1D(_UpSampling):
    """Each step of a sequence several times.

    Parameters
    ----------
    size : int
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        If the size is no integer, or not above 0.

    Examples
    --------
    >>> from fastconv.layers import UpSampling1D
    >>> UpSampling1D(2)([[[1.0], [3.0]]]).ravel()
    array([1., 1., 3., 3.], dtype=float32)
    """

    rank = 1

    def __init__(self, size=2, **kwargs):
        super().__init__(**kwargs)
        self.size = whole(self.owner(), "size", size)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "size": self.size}


class UpSampling2D(_UpSampling):
    """Images of a multiple of their size.

    Parameters
    ----------
    size : int or pair of int
        How many rows and columns become of one.
    data_format : {"channels_last", "channels_first"}, optional
    interpolation : {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"}
        Each cell repeated, or weighted means of the cells around by the distances of their middles.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import UpSampling2D
    >>> UpSampling2D((1, 2), interpolation="bilinear")(np.array([0.0, 1.0]).reshape(1, 1, 2, 1)).ravel()
    array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(**kwargs)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")
        self.size = pair(self.owner(), "size", size)
        self.interpolation = choice(self.owner(), "interpolation", interpolation, INTERPOLATIONS)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**self.with_format({"size": self.size}), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Volumes of a multiple of their size: each cell repeated.

    Parameters
    ----------
    size : int or three int
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import UpSampling3D
    >>> UpSampling3D((1, 2, 3))(np.ones((1, 4, 5, 6, 2))).shape
    (1, 4, 10, 18, 2)
    """

    rank = 3

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = settings.standardize_data_format(data_format, f"Layer {self.name!r}")
        values = (size,) * 3 if isinstance(size, int) else size
        if not hasattr(values, "__len__") or len(values) != 3:
            raise ValueError(f"{self.owner()}: size={size!r} is not an integer above 0 or three of them.")
        self.size = tuple(pair(self.owner(), "size", (n, 1))[0] for n in values)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return self.with_format({"size": self.size})


def whole(owner, argument, value):
    """Return an integer above 0; raise TypeError for what is no integer, else ValueError, as Keras does."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{owner}: {argument}={value!r} is not an integer.")
    if value < 1:
        raise ValueError(f"{owner}: {argument}={value!r} is not an integer above 0.")
    return value
