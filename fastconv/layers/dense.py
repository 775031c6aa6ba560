"""Dense."""

from fastconv import activations, initializers
from fastconv.layers.layer import Layer, count
from fastconv.ops import primitives as P


class Dense(Layer):
    """Every output is a weighted sum of all inputs: activation(x @ kernel + bias), over the last axis.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or function, optional
        See `fastconv.activations`.
    use_bias : bool
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint, lora_rank, lora_alpha, quantization_config
    : None
        Not supported yet.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv.layers import Dense
    >>> Dense(3, kernel_initializer="ones")(np.ones((1, 2)))
    array([[2., 2., 2.]], dtype=float32)
    """

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.refuse(
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )
        self.units = count(f"Layer {self.name!r} (Dense)", "units", units)
        self.use_bias = bool(use_bias)
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel = self.bias = None

    def build(self, input_shape):
        """Make kernel and bias; see `Layer.build`."""
        self.compute_output_shape(input_shape)
        self.kernel = self.add_weight((input_shape[-1], self.units), self.kernel_initializer, name="kernel")
        self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias") if self.use_bias else None

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        if len(input_shape) < 2:
            raise ValueError(
                f"Layer {self.name!r} (Dense): expected inputs with at least 2 axes, the batch included; "
                f"got shape {tuple(input_shape)}."
            )
        self.check_rank(input_shape, len(input_shape))
        return (*input_shape[:-1], self.units)

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        x = trace.add(P.Dense(), x, self.kernel, self.bias)
        activation = activations.lower(self.activation)
        return x if activation is None else trace.add(activation, x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": None,
            "bias_regularizer": None,
            "activity_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
        }
