"""Lambda: a function of one's own as a layer."""

import numpy as np

from fastconv.layers.layer import Layer, are_shapes, sizes
from fastconv.names import Family
from fastconv.ops import primitives as P
from fastconv.ops.symbolic import KerasTensor

_FUNCTIONS = Family("function", "builtins", type(None), {})


class Lambda(Layer):
    """A function from arrays to arrays, batch first, as a layer.

    It predicts and evaluates with any function. Where a gradient has to pass it, that is behind layers with weights
    that are trained, the function must be made of operators and functions of `fastconv.ops`.

    Parameters
    ----------
    function : callable
        Gets a NumPy array that it must not write to (in training also a symbolic tensor, to find the
        gradient), or a list of them where the layer is given a list, and `arguments` by name.
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
    >>> one, other = np.float32([[1, 5]]), np.float32([[2, 3]])
    >>> Lambda(lambda pair: abs(pair[0] - pair[1]))([one, other])
    array([[1., 2.]], dtype=float32)
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

    @property
    def takes_lists(self):
        """Whether a list is one of several inputs; see `Layer`."""
        return True

    def _is_several(self, x):
        return super()._is_several(x) and all(isinstance(a, (np.ndarray, KerasTensor)) for a in x)

    def _run(self, x):
        return self.function(x, **self.arguments)

    def _run_several(self, *inputs):
        return self._run(list(inputs))

    def compute_output_shape(self, input_shape):
        """Return the output's shape; see `Layer.compute_output_shape`."""
        several = are_shapes(input_shape)
        shapes = list(map(tuple, input_shape if several else [input_shape]))
        for shape in shapes:
            self.check_rank(shape, len(shape))
        if self._output_shape is None:
            zeros = [np.zeros((1, *shape[1:]), self.dtype) for shape in shapes]
            out = np.shape(self._run(zeros if several else zeros[0]))
        elif callable(self._output_shape):
            out = tuple(self._output_shape(shapes if several else shapes[0]))
        else:
            out = (None, *self._output_shape)
        return (shapes[0][0], *out[1:])

    def lower(self, trace, x):
        """Add the op; see `Layer.lower`."""
        several = isinstance(x, (list, tuple))
        inputs = list(x) if several else [x]
        shapes = [trace.shape(value) for value in inputs]
        shape = self.compute_output_shape(shapes if several else shapes[0])[1:]
        run = self._run_several if several else self._run
        return trace.add(P.Function(run, shape, f"Layer {self.name!r} (Lambda)"), *inputs)

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
