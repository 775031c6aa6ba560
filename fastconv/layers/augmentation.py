"""Layers that change images by chance, in training only."""

import numbers

import numpy as np

from fastconv.layers.images import ImageLayer, choice, middle, resize_middle_ops, resize_ops
from fastconv.layers.layer import count, number
from fastconv.ops import primitives as P
from fastconv.runtime import seeds

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


class RandomImageLayer(ImageLayer):
    """What draws numbers for images in training: by a seed of its own, or the library's.

    A subclass says ``draw_numbers(rng, n, height, width)``, a dict of what is drawn under Keras's names,
    ``op_numbers(drawn, height, width)``, what the op wants of it, and ``random_op(sample)``, the op.
    """

    acts_by_default = True

    def _set_seed(self, seed):
        self.seed = None if seed is None else count(self.owner(), "seed", seed, 0)
        self._own = None if seed is None else np.random.default_rng(self.seed)

    def _draw(self):
        return seeds.next_seed() if self._own is None else int(self._own.integers(0, 2**63 - 1))

    def draw_numbers(self, rng, n, height, width):
        """Return what is drawn for `n` images of a size."""
        raise NotImplementedError

    def op_numbers(self, drawn, height, width):
        """Return the numbers of the op."""
        raise NotImplementedError

    def random_op(self, sample):
        """Return the op whose numbers `sample(seed, shape)` returns."""
        raise NotImplementedError

    def sample(self, seed, x_shape):
        """Return the op's numbers for images of a shape, channels last."""
        rng, (n, height, width, _) = np.random.Generator(np.random.PCG64(seed)), x_shape
        return self.op_numbers(self.draw_numbers(rng, n, height, width), height, width)

    def image_ops(self, trace, height, width):
        """Return the ops; see `ImageLayer`."""
        return [self.random_op(self.sample)] if trace.training else []

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw numbers for images.

        Parameters
        ----------
        data : ndarray
            Images, or one.
        training : bool
            Without training there is nothing to draw.
        seed : int, optional
            By default the layer's next one.

        Returns
        -------
        dict of ndarray, tuple or None
            For `transform_images`; the keys are Keras's.
        """
        if not training:
            return None
        shape = np.shape(data)
        shape = shape if len(shape) == 4 else (1, *shape)
        rng = np.random.Generator(np.random.PCG64(self._draw() if seed is None else seed))
        return self.draw_numbers(rng, shape[0], *self._sizes(shape))

    def transform_images(self, images, transformation, training=True):
        """Change images by numbers that were drawn before.

        Parameters
        ----------
        images : ndarray
        transformation : dict or tuple
            What `get_random_transformation` returned.
        training : bool
            Whether to do it.

        Returns
        -------
        ndarray
        """
        if not training or transformation is None:
            return np.array(images, self.dtype)
        twin = type(self).from_config(self.get_config())
        twin.sample = lambda seed, shape: self.op_numbers(transformation, *shape[1:3])
        return twin(images, training=True)

    def _factor(self, argument, value, low, high, open_low=False):
        """Return (lower, upper) of a number, which stands for both sides, or of a pair; raise ValueError else."""
        pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
        real = [isinstance(v, numbers.Real) and not isinstance(v, bool) for v in pair]
        if len(pair) != 2 or not all(real) or any(not low <= v <= high or (open_low and v == low) for v in pair):
            raise ValueError(
                f"{self.owner()}: {argument}={value!r} is not a number, or a pair of numbers, in "
                f"{'(' if open_low else '['}{low}, {high}]."
            )
        return tuple(sorted(pair)) if isinstance(value, (tuple, list)) else (max(low, -abs(value)), abs(value))


def _plain(value):
    """Return a list as a tuple, whatever else as it is: configs that were stored come back with lists."""
    return tuple(value) if isinstance(value, list) else value


def _uniform(rng, n, limits):
    """Return n numbers between two limits, as float32."""
    return (limits[0] + (limits[1] - limits[0]) * rng.random(n)).astype(np.float32)


class RandomFlip(RandomImageLayer):
    """Images turned round by chance, one in two, while training.

    Parameters
    ----------
    mode : {"horizontal_and_vertical", "horizontal", "vertical"}
        Left and right change sides, top and bottom do, or both at once.
    seed : int, optional
        Makes the layer's draws its own; by default they come from ``utils.set_random_seed``.
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import RandomFlip
    >>> images = np.arange(8.0).reshape(4, 1, 2, 1)
    >>> RandomFlip("horizontal", seed=1)(images, training=True).reshape(4, 2).min(1)
    array([0., 2., 4., 6.], dtype=float32)
    """

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self._set_seed(seed)
        self.mode = choice(self.owner(), "mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def draw_numbers(self, rng, n, height, width):
        """Return which images are turned."""
        return {"flips": rng.random((n, 1, 1, 1)) <= 0.5}

    def op_numbers(self, drawn, height, width):
        """Return the numbers of the op."""
        return np.reshape(drawn["flips"], -1)

    def random_op(self, sample):
        """Return the op."""
        return P.Flip(sample, "horizontal" in self.mode, "vertical" in self.mode, self._draw)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "seed": self.seed, "mode": self.mode}


class RandomCrop(RandomImageLayer):
    """A window of images, where by chance while training; the same one for a batch.

    In inference, it is the largest window in the middle that has the window's proportions, resized.

    Parameters
    ----------
    height, width : int
    seed, data_format
        See `RandomFlip`.
    name : str, optional
    **kwargs
        See `Layer`.

    Notes
    -----
    Images that are not larger than the window, in both directions, are cropped in the middle, and resized if need be.

    Examples
    --------
    >>> from fastconv.layers import RandomCrop
    >>> RandomCrop(2, 3)(np.ones((4, 8, 8, 3)), training=True).shape
    (4, 2, 3, 3)
    """

    def __init__(self, height, width, seed=None, data_format=None, name=None, **kwargs):
        super().__init__(data_format=data_format, name=name, **kwargs)
        self.height, self.width = self.size("height", height), self.size("width", width)
        self._set_seed(seed)

    def image_size(self, height, width):
        """Return the size that comes out."""
        return self.height, self.width

    def draw_numbers(self, rng, n, height, width):
        """Return where the window begins: (row, column)."""
        if height > self.height and width > self.width:
            return tuple(int(rng.random() * (a - b + 1)) for a, b in ((height, self.height), (width, self.width)))
        return middle((height, width), (self.height, self.width))[0]

    def op_numbers(self, drawn, height, width):
        """Return the numbers of the op."""
        return tuple(drawn)

    def image_ops(self, trace, height, width):
        """Return the ops; see `ImageLayer`."""
        sizes, target = (height, width), (self.height, self.width)
        if not trace.training:
            return resize_middle_ops(sizes, target)
        start = (0, 0) if height > self.height and width > self.width else middle(sizes, target)[0]
        window = [min(n - at, size) for n, at, size in zip(sizes, start, target, strict=True)]
        return [P.Window(self.sample, window, self._draw), *resize_ops(window, target)]

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "height": self.height, "width": self.width, "seed": self.seed}


class _RandomWarp(RandomImageLayer):
    def _set_filling(self, fill_mode, interpolation, seed, fill_value):
        for argument, value, known in (
            ("fill_mode", fill_mode, FILL_MODES),
            ("interpolation", interpolation, INTERPOLATIONS),
        ):
            if value not in known:
                raise NotImplementedError(f"{self.owner()}: {argument}={value!r} is not one of {known}.")
        self.fill_mode, self.interpolation = fill_mode, interpolation
        self.fill_value = number(self.owner(), "fill_value", fill_value, minimum=-np.inf)
        self._set_seed(seed)

    def random_op(self, sample):
        """Return the op."""
        return P.Warp(sample, self.interpolation, self.fill_mode, self.fill_value, self._draw)

    def _config(self, *factors):
        names = (*factors, "fill_mode", "interpolation", "seed", "fill_value")
        return {**ImageLayer.get_config(self), **{name: getattr(self, name) for name in names}}


class RandomTranslation(_RandomWarp):
    """Images moved by chance while training.

    Parameters
    ----------
    height_factor, width_factor : float or pair of float
        Between which shares of the height (width) images move down (right); one number stands for both sides. From -1
        to 1.
    fill_mode : {"reflect", "wrap", "constant", "nearest"}
        What is seen beyond the edge: the image mirrored, repeated, `fill_value`, or the outermost pixels.
    interpolation : {"bilinear", "nearest"}
    seed : int, optional
        See `RandomFlip`.
    fill_value : float
    data_format : {"channels_last", "channels_first"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a factor is out of range.
    NotImplementedError
        For unknown modes, as in Keras.

    Examples
    --------
    >>> from fastconv.layers import RandomTranslation
    >>> right = RandomTranslation(0, (0.5, 0.5), fill_mode="constant")
    >>> right(np.arange(1.0, 5.0).reshape(1, 1, 4, 1), training=True).ravel()
    array([0., 0., 1., 2.], dtype=float32)
    """

    def __init__(
        self,
        height_factor,
        width_factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = map(_plain, (height_factor, width_factor))
        self.height_lower, self.height_upper = self._factor("height_factor", height_factor, -1.0, 1.0)
        self.width_lower, self.width_upper = self._factor("width_factor", width_factor, -1.0, 1.0)
        self._set_filling(fill_mode, interpolation, seed, fill_value)

    def draw_numbers(self, rng, n, height, width):
        """Return by how many pixels each image moves: (right, down)."""
        down = _uniform(rng, n, (self.height_lower, self.height_upper)) * height
        right = _uniform(rng, n, (self.width_lower, self.width_upper)) * width
        return {"translations": np.stack([right, down], 1)}

    def op_numbers(self, drawn, height, width):
        """Return the numbers of the op."""
        right, down = np.asarray(drawn["translations"]).T
        one, zero = np.ones_like(right), np.zeros_like(right)
        return np.stack([one, zero, -right, zero, one, -down], 1)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return self._config("height_factor", "width_factor")


class RandomRotation(_RandomWarp):
    """Images rotated round their middles by chance while training.

    Parameters
    ----------
    factor : float or pair of float
        Between which shares of a full turn, counter-clockwise; one number stands for both sides. From -1 to 1.
    fill_mode, interpolation, seed, fill_value, data_format
        See `RandomTranslation`.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import RandomRotation
    >>> half = RandomRotation((0.5, 0.5))
    >>> half(np.arange(1.0, 5.0).reshape(1, 1, 4, 1), training=True).round(3).ravel()
    array([4., 3., 2., 1.], dtype=float32)
    """

    def __init__(
        self,
        factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.factor = self._factor("factor", 0.0 if factor is None else factor, -1, 1)
        self._set_filling(fill_mode, interpolation, seed, fill_value)

    def draw_numbers(self, rng, n, height, width):
        """Return the angle of each image in degrees, and the map that it makes."""
        degrees = _uniform(rng, n, [360.0 * factor for factor in self.factor])
        angle = np.radians(degrees.astype(np.float64))
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = 0.5 * (width - 1), 0.5 * (height - 1)
        rows = [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, 0 * cos, 0 * cos]
        return {"angle": degrees, "rotation_matrix": np.stack(rows, 1).astype(np.float32)}

    def op_numbers(self, drawn, height, width):
        """Return the numbers of the op."""
        return np.asarray(drawn["rotation_matrix"]).reshape(-1, 8)[:, :6]

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        names = ("factor", "fill_mode", "fill_value", "interpolation", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class RandomZoom(_RandomWarp):
    """Images made smaller or larger by chance while training.

    Parameters
    ----------
    height_factor, width_factor : float or pair of float
        Between which shares the picture shrinks (above 0) or grows (below); one number stands for both sides. Above -1,
        to 1. Without a width factor the proportions stay.
    fill_mode, interpolation, seed, fill_value, data_format
        See `RandomTranslation`.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from fastconv.layers import RandomZoom
    >>> shrink = RandomZoom((1.0, 1.0), fill_mode="constant", interpolation="nearest")
    >>> shrink(np.arange(1.0, 6.0).reshape(1, 1, 5, 1), training=True).ravel()
    array([0., 1., 3., 5., 0.], dtype=float32)
    """

    def __init__(
        self,
        height_factor,
        width_factor=None,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = map(_plain, (height_factor, width_factor))
        self.height_lower, self.height_upper = self._factor("height_factor", height_factor, -1.0, 1.0, True)
        if width_factor is not None:
            self.width_lower, self.width_upper = self._factor("width_factor", width_factor, -1.0, 1.0, True)
        self._set_filling(fill_mode, interpolation, seed, fill_value)

    def draw_numbers(self, rng, n, height, width):
        """Return how many input rows and columns become one."""
        rows = columns = _uniform(rng, n, (1 + self.height_lower, 1 + self.height_upper))[:, None]
        if self.width_factor is not None:
            columns = _uniform(rng, n, (1 + self.width_lower, 1 + self.width_upper))[:, None]
        return {"height_zoom": rows, "width_zoom": columns}

    def op_numbers(self, drawn, height, width):
        """Return the numbers of the op."""
        rows, columns = (np.reshape(drawn[key], -1) for key in ("height_zoom", "width_zoom"))
        zero = np.zeros_like(rows)
        x, y = (0.5 * (n - 1) * (1 - zoom) for n, zoom in ((width, columns), (height, rows)))
        return np.stack([columns, zero, x, zero, rows, y], 1)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return self._config("height_factor", "width_factor")


class _RandomValues(RandomImageLayer):
    def _set_range(self, value_range):
        pair = value_range
        real = isinstance(pair, (tuple, list)) and all(isinstance(v, numbers.Real) for v in pair)
        if not real or len(pair) != 2:
            raise ValueError(f"{self.owner()}: value_range={value_range!r} is not a pair of numbers.")
        return tuple(value_range)

    def random_op(self, sample):
        """Return the op."""
        return self.op_class(sample, *map(float, self.value_range), self._draw)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }


class RandomContrast(_RandomValues):
    """The distances of pixels from the mean of their channel, stretched by chance while training.

    Parameters
    ----------
    factor : float or pair of float
        (lower, upper), or upper alone: distances are multiplied by 1 - lower to 1 + upper. From 0 to 1.
    value_range : pair of float
        Values are cut to it.
    seed : int, optional
        See `RandomFlip`.
    **kwargs
        See `Layer`; also `data_format`.

    Examples
    --------
    >>> from fastconv.layers import RandomContrast
    >>> RandomContrast((0.0, 0.0))(np.array([1.0, 3.0]).reshape(1, 1, 2, 1), training=True).ravel()
    array([1., 3.], dtype=float32)
    """

    op_class = P.Contrast

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(**kwargs)
        self.factor = self._factor("factor", factor, 0, 1)
        self.value_range = self._set_range(value_range)
        self._set_seed(seed)

    def draw_numbers(self, rng, n, height, width):
        """Return what distances are multiplied by."""
        factors = _uniform(rng, n, (1 - self.factor[0], 1 + self.factor[1]))
        return {"contrast_factor": factors.reshape(n, 1, 1, 1)}

    def op_numbers(self, drawn, height, width):
        """Return the numbers of the op."""
        return np.reshape(drawn["contrast_factor"], -1)


class RandomBrightness(_RandomValues):
    """Images made brighter or darker by chance while training.

    Parameters
    ----------
    factor : float or pair of float
        Between which shares of the range a number is added; one number stands for both sides. From -1 to 1.
    value_range : pair of float
        The range of the values, which are cut to it.
    seed : int, optional
        See `RandomFlip`.
    **kwargs
        See `Layer`; also `data_format`.

    Examples
    --------
    >>> from fastconv.layers import RandomBrightness
    >>> RandomBrightness((0.2, 0.2))(np.array([1.0, 240.0]).reshape(1, 1, 2, 1), training=True).ravel()
    array([ 52., 255.], dtype=float32)
    """

    op_class = P.Brightness

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(**kwargs)
        self.factor = self._factor("factor", 0.0 if factor is None else factor, -1, 1)
        self.value_range = sorted(self._set_range(value_range))
        self._set_seed(seed)

    def draw_numbers(self, rng, n, height, width):
        """Return what is added."""
        low, high = self.value_range
        return {"rgb_delta": (_uniform(rng, n, self.factor) * np.float32(high - low)).reshape(n, 1, 1, 1)}

    def op_numbers(self, drawn, height, width):
        """Return the numbers of the op."""
        return np.reshape(drawn["rgb_delta"], -1)
