"""Sliding windows over NHWC arrays: settings checked once, then the cells under each tap of the window."""

import numpy as np

from fastconv.ops.geometry import output_size, pad_amounts

_PADDINGS = ("valid", "same")


def pair(where, argument, value):
    """Return `value`, one positive int or two of them, as a pair.

    Parameters
    ----------
    where : str
        Name of the function on whose behalf this is checked; opens the error message.
    argument : str
        Name of the argument.
    value : int or sequence of two ints
        What was given.

    Returns
    -------
    tuple of two ints

    Raises
    ------
    ValueError
        If `value` is anything else than one or two positive ints.

    Examples
    --------
    >>> pair("conv2d", "strides", 2)
    (2, 2)
    """
    values = tuple(value) if np.ndim(value) else (value, value)
    if len(values) != 2 or any(int(v) != v or v < 1 for v in values):
        raise ValueError(f"{where}: {argument}={value!r} is not supported; expected one or two positive integers.")
    return int(values[0]), int(values[1])


def _axis_paddings(where, padding):
    """Return the padding of the vertical and of the horizontal axis: a name or a pair ``(before, after)``."""
    if isinstance(padding, str):
        if padding not in _PADDINGS:
            import difflib  # only for the message

            close = difflib.get_close_matches(padding.lower(), _PADDINGS, n=1, cutoff=0.5)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"{where}: padding={padding!r} is unknown; expected 'valid', 'same' or pairs.{hint}")
        return padding, padding
    amounts = np.asarray(padding)
    if amounts.shape != (2, 2) or amounts.dtype.kind not in "iu" or (amounts < 0).any():
        raise ValueError(
            f"{where}: padding={padding!r} is not supported; expected 'valid', 'same' or "
            "((top, bottom), (left, right)) of non-negative integers."
        )
    return tuple(map(tuple, amounts.tolist()))


class Windows:
    """All positions of one window on a batch of images.

    Parameters
    ----------
    where : str
        Name of the function on whose behalf the settings are checked; opens the error messages.
    x_shape : tuple of four ints
        Shape of the images, NHWC.
    size : pair of ints
        Height and width of the window, in taps.
    strides : int or pair of ints
    padding : {"valid", "same"} or ((top, bottom), (left, right))
    dilation : int or pair of ints, default (1, 1)
        Distance between neighbouring taps.

    Attributes
    ----------
    output_shape : pair of ints
        Number of positions, vertically and horizontally.
    pads : ((top, bottom), (left, right))

    Raises
    ------
    ValueError
        If a setting is malformed or the window fits nowhere.

    Examples
    --------
    >>> windows = Windows("conv2d", (1, 5, 6, 1), (3, 3), (2, 2), "same")
    >>> windows.output_shape, windows.pads
    ((3, 3), ((1, 1), (0, 1)))
    """

    def __init__(self, where, x_shape, size, strides, padding, dilation=(1, 1)):
        if len(x_shape) != 4:
            raise ValueError(f"{where}: x has shape {tuple(x_shape)}; expected four axes, (N, H, W, C).")
        self.x_shape = tuple(x_shape)
        self.size = pair(where, "window", size)
        self.strides = pair(where, "strides", strides)
        self.dilation = pair(where, "dilation", dilation)
        paddings = _axis_paddings(where, padding)
        axes = list(zip(self.x_shape[1:3], self.size, self.strides, self.dilation, paddings, strict=True))
        self.output_shape = tuple(output_size(*axis) for axis in axes)
        if min(self.output_shape) < 1:
            raise ValueError(
                f"{where}: a window of {self.size}, dilation {self.dilation} and padding={padding!r} fits "
                f"nowhere on an image of {self.x_shape[1:3]}; expected an output of at least one cell."
            )
        self.pads = tuple(pad_amounts(*axis) for axis in axes)

    def pad(self, x, value=0):
        """Return the images `x` with `value` all around.

        Parameters
        ----------
        x : ndarray, NHWC
        value : scalar, default 0

        Returns
        -------
        ndarray

        Examples
        --------
        >>> Windows("conv2d", (1, 1, 2, 1), (1, 2), 1, "same").pad(np.ones((1, 1, 2, 1))).ravel().tolist()
        [1.0, 1.0, 0.0]
        """
        return np.pad(x, ((0, 0), *self.pads, (0, 0)), constant_values=value)

    def crop(self, padded):
        """Return what `pad` was given: the images without their padding.

        Parameters
        ----------
        padded : ndarray, NHWC

        Returns
        -------
        ndarray

        Examples
        --------
        >>> windows = Windows("conv2d", (1, 1, 2, 1), (1, 2), 1, "same")
        >>> windows.crop(windows.pad(np.ones((1, 1, 2, 1)))).ravel().tolist()
        [1.0, 1.0]
        """
        (top, _), (left, _) = self.pads
        _, height, width, _ = self.x_shape
        return np.ascontiguousarray(padded[:, top : top + height, left : left + width])

    def taps(self):
        """Yield every tap of the window with the cells that lie under it.

        Yields
        ------
        row, column : int
            Which tap.
        cells : tuple of slices
            ``padded[cells]`` holds, for every window position, the cell under this tap: shape
            ``(N, *output_shape, C)``.

        Examples
        --------
        >>> x = np.arange(4.0).reshape(1, 1, 4, 1)
        >>> for row, column, cells in Windows("conv2d", x.shape, (1, 2), 1, "valid").taps():
        ...     print(column, x[cells].ravel())
        0 [0. 1. 2.]
        1 [1. 2. 3.]
        """
        for row in range(self.size[0]):
            for column in range(self.size[1]):
                yield row, column, (slice(None), self._axis(0, row), self._axis(1, column))

    def _axis(self, axis, tap):
        """Return the slice of one padded axis that lies under a tap."""
        first, stride = tap * self.dilation[axis], self.strides[axis]
        return slice(first, first + (self.output_shape[axis] - 1) * stride + 1, stride)
