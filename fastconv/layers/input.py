"""Input: what a model expects."""

import numpy as np

from fastconv.dtype_policies import dtype_policy
from fastconv.layers.layer import Layer, sizes
from fastconv.names import spelled
from fastconv.ops.symbolic import Node


class InputLayer(Layer):
    """The shape of a model's inputs; it does nothing.

    Parameters
    ----------
    shape : tuple of int, optional
        Without the batch.
    batch_size : None or int
        Accepted sizes are not restricted: a number is only shown.
    dtype : str, optional
    sparse, ragged, input_tensor, optional : None or False
        Not supported.
    batch_shape : tuple, optional
        The shape with the batch, instead of `shape`.
    name : str, optional

    Raises
    ------
    ValueError
        If no shape is given, or both are.

    Examples
    --------
    >>> from fastconv.layers import InputLayer
    >>> InputLayer((28, 28, 1)).batch_shape
    (None, 28, 28, 1)
    """

    def __init__(
        self,
        shape=None,
        batch_size=None,
        dtype=None,
        sparse=None,
        ragged=None,
        batch_shape=None,
        input_tensor=None,
        optional=False,
        name=None,
        **kwargs,
    ):
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        super().__init__(name=name, dtype=dtype_policy().variable_dtype if dtype is None else dtype, **kwargs)
        self._tensor_name = name
        self.refuse(sparse=sparse or None, ragged=ragged or None, input_tensor=input_tensor, optional=optional or None)
        shape = self.input_shape_hint if shape is None else shape
        if (shape is None) == (batch_shape is None):
            raise ValueError(
                f"Layer {self.name!r} (Input): expected either shape or batch_shape; got shape={shape!r}, "
                f"batch_shape={batch_shape!r}."
            )
        if batch_shape is not None and batch_size is not None:
            raise ValueError(
                f"Layer {self.name!r} (Input): got batch_shape={batch_shape!r} with batch_size={batch_size!r}."
            )
        if batch_shape is None:
            batch_shape = (batch_size, *(shape if np.iterable(shape) else (shape,)))
        self.batch_shape = sizes(f"Layer {self.name!r} (Input)", "batch_shape", batch_shape)

    @property
    def tensor(self):
        """The symbolic tensor of the inputs."""
        if not self._nodes:
            node = Node(self, [])
            (tensor,) = node.give([(None, *self.batch_shape[1:])], self.dtype)
            tensor.name, tensor.source = self._tensor_name or tensor.name, self
            self._nodes.append(node)
        return self._nodes[0].outputs[0]

    sparse = ragged = optional = False

    def call(self, inputs=None):
        """Return what is given: data comes from outside, so nothing by itself."""
        return inputs

    def lower(self, trace, x):
        """Return the value as it is; see `Layer.lower`."""
        return x

    def get_config(self):
        """Return the arguments; see `Layer.get_config`."""
        never = {"sparse": False, "ragged": False, "optional": False}
        return {"name": self.name, "dtype": self.dtype, "batch_shape": self.batch_shape, **never}


@spelled
def Input(  # noqa: N802
    shape=None,
    batch_size=None,
    dtype=None,
    sparse=None,
    ragged=None,
    batch_shape=None,
    name=None,
    tensor=None,
    optional=False,
):
    """Return the symbolic tensor of an `InputLayer`: the first of a Sequential's list, or what layers are called on.

    Parameters
    ----------
    shape, batch_size, dtype, sparse, ragged, batch_shape, name, tensor, optional
        See `InputLayer`.

    Returns
    -------
    KerasTensor

    Examples
    --------
    >>> from fastconv.layers import Input
    >>> Input((28, 28, 1)).shape
    (None, 28, 28, 1)
    """
    return InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name).tensor
