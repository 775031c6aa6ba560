"""Layers that bring their inputs to mean 0 and variance 1, or to length 1."""

import numbers

from fastconv import initializers
from fastconv.layers.layer import Layer, number
from fastconv.ops import primitives as P


class _Normalization(Layer):
    """What normalizing layers share: the axes, gamma and beta, and moving the axes last."""

    def __init__(self, axis, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        for value in axis if isinstance(axis, list) else [axis]:
            if isinstance(value, bool) or not isinstance(value, numbers.Integral):
                raise self._no_axis(f"{self._owner}: axis={axis!r} is not an integer{self._or_list}.")

    _no_axis, _or_list = ValueError, ""  # Keras's errors

    @property
    def _owner(self):
        return f"Layer {self.name!r} ({type(self).__name__})"

    def _set_affine(self, epsilon, center, scale, beta, gamma):
        """Keep the arguments that have to do with gamma and beta: (initializer, regularizer, constraint) of each."""
        self.epsilon = number(self._owner, "epsilon", epsilon)
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer, self.gamma_initializer = initializers.get(beta[0]), initializers.get(gamma[0])
        self._set_limits("beta", *beta[1:])
        self._set_limits("gamma", *gamma[1:])
        self.gamma = self.beta = None

    def _add_affine(self, shape):
        """Make gamma and beta of a shape, as far as they are wanted."""
        self.gamma = self.weight("gamma", shape) if self.scale else None
        self.beta = self.weight("beta", shape) if self.center else None

    def _places(self, input_shape):
        """Return the axes as places from 1 on, in order; raise ValueError unless inputs have them, behind the batch."""
        rank, axes = len(input_shape), self.axis if isinstance(self.axis, list) else [self.axis]
        self.check_rank(input_shape, rank)
        places = sorted({axis + rank if axis < 0 else axis for axis in axes})
        if len(places) != len(axes) or not axes or not 0 < places[0] <= places[-1] < rank:
            raise ValueError(
                f"{self._owner}: axis={self.axis!r} does not fit inputs of shape {tuple(input_shape)}; expected "
                f"{'different axes' if self._or_list else 'an axis'} behind the batch, from 1 to {rank - 1} or "
                f"{1 - rank} to -1."
            )
        return places

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs, checked; see `Layer.compute_output_shape`."""
        self._places(input_shape)
        return tuple(input_shape)

    def _between(self, trace, x, op, *variables):
        """Add an op on the last axes, and before and behind it what turns the axes round."""
        last, rank = self._places(trace.shape(x))[-1], len(trace.shape(x))
        turns = last if last < rank - 1 else 0  # each makes the first axis behind the batch the last one
        for _ in range(turns):
            x = trace.add(P.SwapAxes("last"), x)
        x = trace.add(op, x, *variables)
        for _ in range(turns):
            x = trace.add(P.SwapAxes("first"), x)
        return x

    def _affine_config(self, **more):
        """Return what `_set_affine` was given, `more` in the place where Keras has it."""
        moving = [name for name in ("moving_mean", "moving_variance") if hasattr(self, f"{name}_initializer")]
        return {
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **more,
            **self._config_of("initializer", "beta", "gamma", *moving),
            **self._config_of("regularizer", "beta", "gamma"),
            **self._config_of("constraint", "beta", "gamma"),
        }


class BatchNormalization(_Normalization):
    """Every channel brought to mean 0 and variance 1 over the batch, then scaled by gamma and shifted by beta.

    In training the batch's own mean and variance are used, and the moving ones follow them:
    ``moving = moving * momentum + batch * (1 - momentum)``. Otherwise, and in training when ``trainable`` is False, the
    moving ones are used and stay.

    Parameters
    ----------
    axis : int
        The channels; 1 for images with channels first.
    momentum : float
        From 0 to 1.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a beta and a gamma.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        Penalties that are added to the loss; see `fastconv.regularizers`.
    beta_constraint, gamma_constraint : str, Constraint or callable, optional
        Applied after each optimizer step; see `fastconv.constraints`.
    renorm : bool
        Batch renormalization is not supported: neither it nor its `renorm_clipping` and `renorm_momentum`.
    synchronized : bool
        There is nothing to synchronize; only False.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is of another type or out of range.

    Notes
    -----
    The weights are gamma, beta, moving_mean and moving_variance; training changes the last two without gradients. The
    variance is divided by the number of values, not by one less. In inference a layer directly behind a convolution
    or a dense layer costs nothing: it is folded into their weights.

    Examples
    --------
    >>> from fastconv.layers import BatchNormalization
    >>> layer = BatchNormalization(epsilon=0.0)
    >>> layer([[1.0], [3.0]], training=True)
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> layer.moving_mean.numpy()
    array([0.02], dtype=float32)
    """

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.99,
        synchronized=False,
        **kwargs,
    ):
        super().__init__(axis, **kwargs)
        self.momentum = number(self._owner, "momentum", momentum, 1)
        self._set_affine(
            epsilon,
            center,
            scale,
            (beta_initializer, beta_regularizer, beta_constraint),
            (gamma_initializer, gamma_regularizer, gamma_constraint),
        )
        self.refuse(
            renorm=renorm or None,
            renorm_clipping=renorm_clipping,
            renorm_momentum=None if renorm_momentum == 0.99 else renorm_momentum,
        )
        if synchronized:
            raise ValueError(
                f"{self._owner}: synchronized={synchronized!r} is not possible: there is one device; leave it out."
            )
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.moving_mean = self.moving_variance = None
        self.feature_axis = axis

    def build(self, input_shape):
        """Make the weights; see `Layer.build`."""
        (place,) = self._places(input_shape)
        shape = (input_shape[place],)
        self._add_affine(shape)
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, trainable=False, name="moving_mean")
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        own = trace.training and self.trainable
        op = P.BatchNorm(self.momentum, self.epsilon) if own else P.Normalize(self.epsilon)
        return self._between(trace, x, op, self.gamma, self.beta, self.moving_mean, self.moving_variance)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            **self._affine_config(),
            "synchronized": False,
            "renorm": False,
            "renorm_clipping": None,
            "renorm_momentum": 0.99,
        }


class GroupNormalization(_Normalization):
    """Groups of channels of every sample brought to mean 0 and variance 1, then scaled by gamma and shifted by beta.

    Parameters
    ----------
    groups : int
        1 normalizes all channels together; -1 each by itself (instance normalization).
    axis : int
        The channels.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a beta and a gamma, of one value a channel.
    beta_initializer, gamma_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        Penalties that are added to the loss; see `fastconv.regularizers`.
    beta_constraint, gamma_constraint : str, Constraint or callable, optional
        Applied after each optimizer step; see `fastconv.constraints`.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is of another type, out of range, or does not fit the inputs.

    Examples
    --------
    >>> from fastconv.layers import GroupNormalization
    >>> GroupNormalization(groups=2, epsilon=0.0)([[1.0, 3.0, 10.0, 30.0]])
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        groups=32,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(axis, **kwargs)
        if isinstance(groups, bool) or not isinstance(groups, numbers.Integral) or (groups < 1 and groups != -1):
            raise ValueError(f"{self._owner}: groups={groups!r} is not an integer above 0, or -1 for each channel.")
        self.groups = int(groups)
        self._set_affine(
            epsilon,
            center,
            scale,
            (beta_initializer, beta_regularizer, beta_constraint),
            (gamma_initializer, gamma_regularizer, gamma_constraint),
        )
        self.feature_axis = axis

    def build(self, input_shape):
        """Make gamma and beta; see `Layer.build`."""
        self.compute_output_shape(input_shape)
        (place,) = self._places(input_shape)
        self.groups = input_shape[place] if self.groups == -1 else self.groups
        self._add_affine((input_shape[place],))

    def compute_output_shape(self, input_shape):
        """Return the shape of the inputs, checked; see `Layer.compute_output_shape`."""
        (place,) = self._places(input_shape)
        if input_shape[place] % self.groups:
            raise ValueError(
                f"{self._owner}: the input's {input_shape[place]} channels (shape {tuple(input_shape)}) are not "
                f"divisible by groups={self.groups}."
            )
        return tuple(input_shape)

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        return self._between(trace, x, P.GroupNorm(self.groups, self.epsilon), self.gamma, self.beta)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "groups": self.groups, "axis": self.axis, **self._affine_config()}


class _OverAxes(_Normalization):
    """Normalization of every sample over one or several axes that stand side by side."""

    _no_axis, _or_list = TypeError, " or a list of them"

    def __init__(self, axis, **kwargs):
        super().__init__(list(axis) if isinstance(axis, (list, tuple)) else axis, **kwargs)

    def _places(self, input_shape):
        places = super()._places(input_shape)
        if places != list(range(places[0], places[-1] + 1)):
            raise NotImplementedError(
                f"{self._owner}: axis={self.axis!r} of inputs of shape {tuple(input_shape)} do not stand side by side; "
                "that is not supported."
            )
        return places


class LayerNormalization(_OverAxes):
    """Every sample brought to mean 0 and variance 1 over some axes, then scaled by gamma and shifted by beta.

    Parameters
    ----------
    axis : int or list of int
        What is normalized over; several axes must stand side by side.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a beta and a gamma, of the axes' shape.
    beta_initializer, gamma_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        Penalties that are added to the loss; see `fastconv.regularizers`.
    beta_constraint, gamma_constraint : str, Constraint or callable, optional
        Applied after each optimizer step; see `fastconv.constraints`.
    **kwargs
        See `Layer`; and ``rms_scaling``, which Keras does not recommend any more: only False.

    Raises
    ------
    ValueError
        If an argument is of another type, out of range, or does not fit the inputs.

    Examples
    --------
    >>> from fastconv.layers import LayerNormalization
    >>> LayerNormalization(epsilon=0.0)([[1.0, 3.0], [10.0, 30.0]])
    array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(axis, **kwargs)
        self._set_affine(
            epsilon,
            center,
            scale,
            (beta_initializer, beta_regularizer, beta_constraint),
            (gamma_initializer, gamma_regularizer, gamma_constraint),
        )
        self.refuse(rms_scaling=rms_scaling or None)

    def build(self, input_shape):
        """Make gamma and beta; see `Layer.build`."""
        places = self._places(input_shape)
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        self._add_affine(tuple(input_shape[place] for place in places))

    def check_built(self, shape):
        """Raise if gamma and beta do not fit inputs of `shape`."""
        before, now = ([s[place] for place in self._places(s)] for s in (self._build_shape, shape))
        if before != now:
            raise ValueError(
                f"Layer {self.name!r} was built for inputs of shape {self._build_shape}; got inputs of shape {shape}. "
                f"Its weights expect sizes {before} on axis={self.axis}."
            )

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        axes = len(self._places(trace.shape(x)))
        return self._between(trace, x, P.LayerNorm(axes, self.epsilon), self.gamma, self.beta)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "axis": self.axis, **self._affine_config(rms_scaling=False)}


class UnitNormalization(_OverAxes):
    """Every sample divided by its length over some axes, so that the sum of its squares is 1.

    Parameters
    ----------
    axis : int or list of int
        What the length is over; several axes must stand side by side.
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        If the axis is no integer, or does not fit the inputs.

    Examples
    --------
    >>> from fastconv.layers import UnitNormalization
    >>> UnitNormalization()([[3.0, 4.0]])
    array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(axis, **kwargs)

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        return self._between(trace, x, P.UnitNorm(len(self._places(trace.shape(x)))))

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {**super().get_config(), "axis": self.axis}
