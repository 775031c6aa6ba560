"""Lambda: a function of one's own as a layer."""

import numpy as np

from fastconv.layers.layer import Layer, sizes
from fastconv.names import Family
from fastconv.ops import primitives as P

_FUNCTIONS = Family("function", "builtins", type(None), {})


class Lambda(Layer):
    """A function from arrays to arrays, batch first, as a layer.

    It predicts and evaluates with any function. Where a gradient has to pass it, that is behind layers with weights
    that are trained, the function must be made of operators and functions of `fastconv.ops`.

    Parameters
    ----------
    function : callable
        Gets a NumPy array that it must not write to (in training also a symbolic tensor, to find the
        gradient), and `arguments` by name.
    output_shape : tuple of int or callable, optional
        The shape of a result without the batch, or a function from the inputs' shape to the outputs', batch first; by
        default `function` is tried on zeros.
    mask : None
        Not supported.
    arguments : dict, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError
        If `function` cannot be called.

    Examples
    --------
    >>> from fastconv.layers import Lambda
    >>> Lambda(lambda x: x**2)([[1.0, 3.0]])
    array([[1., 9.]], dtype=float32)
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        self.refuse(mask=mask)
        if isinstance(function, dict):
            function = _FUNCTIONS.deserialize(function)
        if not callable(function):
            raise TypeError(f"Layer {self.name!r} (Lambda): function={function!r} is not a function.")
        self.function, self.arguments = function, dict(arguments or {})
        self._output_shape = output_shape
        if output_shape is not None and not callable(output_shape):
            self._output_shape = sizes(f"Layer {self.name!r} (Lambda)", "output_shape", output_shape)

    _of_several = " A Layer of one's own, whose call(self, inputs) gets the list, takes several."

    def _run(self, x):
        return self.function(x, **self.arguments)

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        self.check_rank(input_shape, len(input_shape))
        if self._output_shape is None:
            shape = np.shape(self._run(np.zeros((1, *input_shape[1:]), self.dtype)))
        elif callable(self._output_shape):
            shape = tuple(self._output_shape(tuple(input_shape)))
        else:
            shape = (None, *self._output_shape)
        return (input_shape[0], *shape[1:])

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        shape = self.compute_output_shape(trace.shape(x))[1:]
        return trace.add(P.Function(self._run, shape, f"Layer {self.name!r} (Lambda)"), x)

    def get_config(self):
        """Return the arguments; see `Layer.get_config`.

        Raises
        ------
        ValueError
            If the function has no name: a config holds no code.
        """
        shape = _FUNCTIONS.serialize(self._output_shape) if callable(self._output_shape) else self._output_shape
        config = {"function": _FUNCTIONS.serialize(self.function), "output_shape": shape, "arguments": self.arguments}
        return {**super().get_config(), **config}
