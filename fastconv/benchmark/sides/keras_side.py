"""Keras on TensorFlow: the network by Keras, layers by TensorFlow's own operations."""

from . import sizes
from .network import Network
from .workloads import CONV, DEPTHWISE, POOL, random


class Side(Network):
    """The works of Keras and TensorFlow; see ``sides/__init__.py``."""

    def __init__(self, keras, tensorflow, threads):
        super().__init__(keras)
        self.tf = tensorflow
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        self.makers |= {"conv": self.conv, "depthwise": self.depthwise, "pool": self.pool, "average": self.average}
        self.values["installed"] = lambda: sizes.installed(keras, tensorflow)

    def conv(self, name, direction):
        """Return a convolution layer's forward pass, or one of its gradients."""
        raw = self.tf.raw_ops
        operations = raw.Conv2D, raw.Conv2DBackpropInput, raw.Conv2DBackpropFilter
        return self._layer(CONV[name], operations, direction)

    def depthwise(self, name, direction):
        """Return a depthwise layer's forward pass, or one of its gradients."""
        raw = self.tf.raw_ops
        operations = (
            raw.DepthwiseConv2dNative,
            raw.DepthwiseConv2dNativeBackpropInput,
            raw.DepthwiseConv2dNativeBackpropFilter,
        )
        return self._layer(DEPTHWISE[name], operations, direction)

    def _layer(self, layer, operations, direction):
        x, w, dy = (self.tf.constant(random(*shape)) for shape in (layer.x, layer.w, layer.y))
        bias = self.tf.constant(random(layer.y[3]))
        padding = 2 * [layer.padding]
        settings = {
            "strides": [1, layer.stride, layer.stride, 1],
            "padding": "EXPLICIT",
            "explicit_paddings": [0, 0, *padding, *padding, 0, 0],
        }
        forward, data, filters = operations
        if direction == "forward":
            return lambda: self.tf.nn.bias_add(forward(input=x, filter=w, **settings), bias)
        if direction == "data":
            return lambda: data(input_sizes=layer.x, filter=w, out_backprop=dy, **settings)
        return lambda: filters(input=x, filter_sizes=layer.w, out_backprop=dy, **settings)

    def pool(self, name, direction):
        """Return a max-pooling layer's forward pass, or that of training and the gradient ("both")."""
        raw, x, dy, window = self._pooling(POOL[name])
        if direction == "forward":
            return lambda: raw.MaxPool(input=x, **window)
        return lambda: raw.MaxPoolGrad(orig_input=x, orig_output=raw.MaxPool(input=x, **window), grad=dy, **window)

    def average(self, name, direction):
        """Return an average-pooling layer's forward pass, or that and the gradient ("both")."""
        raw, x, dy, window = self._pooling(POOL[name])
        if direction == "forward":
            return lambda: raw.AvgPool(value=x, **window)
        forward, backward = raw.AvgPool, raw.AvgPoolGrad
        return lambda: (forward(value=x, **window), backward(orig_input_shape=POOL[name].x, grad=dy, **window))

    def _pooling(self, layer):
        x, dy = self.tf.constant(random(*layer.x)), self.tf.constant(random(*layer.y))
        window = {"ksize": [1, layer.kernel, layer.kernel, 1], "strides": [1, layer.stride, layer.stride, 1]}
        return self.tf.raw_ops, x, dy, {**window, "padding": "VALID"}
