"""ONNX Runtime: inference of the network, which is written down node by node."""

import numpy as np

from . import sizes
from .workloads import batch

SHAPES = {"1": (64, 1, 3, 3), "2": (64, 64, 3, 3), "3": (1600, 128), "4": (128, 10)}  # of the filters and weights


class Side:
    """ONNX Runtime's works; see ``sides/__init__.py``."""

    def __init__(self, onnxruntime, onnx, threads):
        self.onnxruntime, self.onnx, self.threads = onnxruntime, onnx, threads
        self.makers = {"call": self.call, "predict": self.call}
        self.values = {"installed": lambda: sizes.installed(onnxruntime)}

    def call(self, n):
        """Return the probabilities of `n` pictures, as an array."""
        options = self.onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        model = _network(self.onnx).SerializeToString()
        session = self.onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        x = np.ascontiguousarray(np.moveaxis(batch(int(n))[0], 3, 1))
        return lambda: session.run(None, {"x": x})[0]


def _network(onnx):
    """Return the tutorial's network."""
    node, floats = onnx.helper.make_node, onnx.TensorProto.FLOAT
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
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "tutorial", [value("x", floats, ["n", 1, 28, 28])], [value("y", floats, ["n", 10])], _weights(onnx)
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


def _weights(onnx):
    rng, tensor = np.random.default_rng(0), onnx.numpy_helper.from_array
    for name, shape in SHAPES.items():
        yield tensor(rng.normal(0, 0.05, shape).astype(np.float32), f"w{name}")
        yield tensor(np.zeros(shape[0] if len(shape) == 4 else shape[1], np.float32), f"b{name}")
