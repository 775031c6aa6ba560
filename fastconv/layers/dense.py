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
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties that are added to the loss; see `fastconv.regularizers`.
    kernel_constraint, bias_constraint : str, Constraint or callable, optional
        Applied after each optimizer step; see `fastconv.constraints`.
    lora_rank, lora_alpha, quantization_config : None
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
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )
        self.units = count(f"Layer {self.name!r} (Dense)", "units", units)
        self.use_bias = bool(use_bias)
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self._set_limits("kernel", kernel_regularizer, kernel_constraint)
        self._set_limits("bias", bias_regularizer, bias_constraint)
        self.kernel = self.bias = None

    def build(self, input_shape):
        """Make kernel and bias; see `Layer.build`."""
        self.compute_output_shape(input_shape)
        self.kernel = self.weight("kernel", (input_shape[-1], self.units))
        self.bias = self.weight("bias", (self.units,)) if self.use_bias else None

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        if len(input_shape) < 2:
            raise ValueError(
                f"Layer {self.name!r} (Dense): expected inputs with at least 2 axes, the batch included; "
                f"got shape {tuple(input_shape)}."
            )
        self.check_rank(input_shape, len(input_shape))
        return activations.output_shape(self.activation, (*input_shape[:-1], self.units))

    def lower(self, trace, x):
        """Add the ops; see `Layer.lower`."""
        x = trace.add(P.Dense(), x, self.kernel, self.bias)
        return activations.add_to(trace, self.activation, x, self.dtype)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **self._weights_config("kernel", "bias"),
        }
