"""ONNX Runtime: inference of the networks, which are written down node by node."""

import numpy as np

from . import sizes
from .nets import NETS, build, net_batch
from .workloads import batch

SHAPES = {"1": (64, 1, 3, 3), "2": (64, 64, 3, 3), "3": (1600, 128), "4": (128, 10)}  # of the filters and weights


class Side:
    """ONNX Runtime's works; see ``sides/__init__.py``."""

    def __init__(self, onnxruntime, onnx, threads):
        self.onnxruntime, self.onnx, self.threads = onnxruntime, onnx, threads
        self.makers = {"call": self.call, "predict": self.call, "infer": self.infer}
        self.values = {"installed": lambda: sizes.installed(onnxruntime)}

    def call(self, n):
        """Return the probabilities of `n` pictures, as an array."""
        return self.session(_network(self.onnx), batch(int(n))[0])

    def infer(self, name, n):
        """Return the probabilities that one of `NETS` gives `n` pictures, as an array."""
        return self.session(_net(self.onnx, NETS[name]), net_batch(name, int(n))[0])

    def session(self, model, x):
        """Return a function that gives a model's results for pictures."""
        options = self.onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        session = self.onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        x = np.ascontiguousarray(np.moveaxis(x, 3, 1))
        return lambda: session.run(None, {"x": x})[0]


def _network(onnx):
    """Return the tutorial's network."""
    node = onnx.helper.make_node
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["conv1"]),
        node("Relu", ["conv1"], ["relu1"]),
        node("MaxPool", ["relu1"], ["pool1"], **window),
        node("Conv", ["pool1", "w2", "b2"], ["conv2"]),
        node("Relu", ["conv2"], ["relu2"]),
        node("MaxPool", ["relu2"], ["pool2"], **window),
        node("Flatten", ["pool2"], ["flat"]),
        node("Gemm", ["flat", "w3", "b3"], ["dense"]),
        node("Relu", ["dense"], ["relu3"]),
        node("Gemm", ["relu3", "w4", "b4"], ["logits"]),
        node("Softmax", ["logits"], ["y"]),
    ]
    return _model(onnx, nodes, _weights(onnx), (1, 28, 28))


def _model(onnx, nodes, weights, image):
    """Return nodes that make y, of 10 values, of images x (channels, height, width)."""
    value, floats = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes, "network", [value("x", floats, ["n", *image])], [value("y", floats, ["n", 10])], weights
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


class _Nodes:
    """What makes the rows of `NETS`: nodes and their weights. Normalizations are left for the library to fold."""

    def __init__(self, onnx):
        self.onnx, self.nodes, self.weights, self.rng = onnx, [], [], np.random.default_rng(0)
        self.make = {kind: getattr(self, kind) for kind in ("conv", "depthwise", "norm", "relu", "relu6", "dense")}
        self.make |= {"sum": lambda x, other, row: self.node("Add", x, other), "mean": self.mean}

    def node(self, kind, *inputs, **settings):
        """Add a node; return the name of what it makes."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], **settings))
        return name

    def weight(self, array):
        """Add weights; return their name."""
        name = f"w{len(self.weights)}"
        self.weights.append(self.onnx.numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def random(self, *shape):
        """Add random weights that keep the size of values; return their name."""
        return self.weight(self.rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape))

    def conv(self, x, row):
        filters, kernel, stride = row.settings
        w = self.random(filters, row.channels[0], kernel, kernel)
        return self.node("Conv", x, w, strides=[stride] * 2, pads=[kernel // 2] * 4)

    def depthwise(self, x, row):
        (kernel, stride), channels = row.settings, row.channels[0]
        w = self.random(channels, 1, kernel, kernel)
        return self.node("Conv", x, w, strides=[stride] * 2, pads=[kernel // 2] * 4, group=channels)

    def norm(self, x, row):
        ones = np.ones(row.channels[0])
        return self.node("BatchNormalization", x, *(self.weight(v) for v in (ones, 0 * ones, 0 * ones, ones)))

    def relu(self, x, row):
        return self.node("Relu", x)

    def relu6(self, x, row):
        return self.node("Clip", x, self.weight(0.0), self.weight(6.0))

    def mean(self, x, row):
        return self.node("Flatten", self.node("GlobalAveragePool", x))

    def dense(self, x, row):
        return self.node("Gemm", x, self.random(*row.channels), self.weight(np.zeros(row.channels[1])))


def _net(onnx, net):
    """Return a network of `NETS`."""
    rows = _Nodes(onnx)
    logits = build(net, "x", rows.make)
    rows.nodes.append(onnx.helper.make_node("Softmax", [logits], ["y"]))
    height, width, channels = net.image
    return _model(onnx, rows.nodes, rows.weights, (channels, height, width))


def _weights(onnx):
    rng, tensor = np.random.default_rng(0), onnx.numpy_helper.from_array
    for name, shape in SHAPES.items():
        yield tensor(rng.normal(0, 0.05, shape).astype(np.float32), f"w{name}")
        yield tensor(np.zeros(shape[0] if len(shape) == 4 else shape[1], np.float32), f"b{name}")
