"""fastconv: what its kernels reach on this machine, layers as plans run them, and the network."""

import numpy as np

from . import sizes
from .network import Network
from .workloads import CONV, COPIED, DEPTHWISE, PEAK_FLOPS, POOL, random


class Side(Network):
    """fastconv's works; see ``sides/__init__.py``."""

    def __init__(self, fastconv, threads):
        from fastconv.ops import primitives

        super().__init__(fastconv)
        self.threads = threads
        self.makers |= {
            "peak": self.peak,
            "copy": self.copy,
            "alone": self.alone,
            "conv": self.conv,
            "conv_bfloat16": self.conv_bfloat16,
            "pool": self.pool,
            "average": self.average,
        }
        if hasattr(primitives, "DepthwiseConv2D"):
            self.makers["depthwise"] = self.depthwise
        self.values |= {"installed": lambda: sizes.installed(fastconv), "wheel": lambda: sizes.compressed(fastconv)}

    def peak(self, variant, threads):
        """Return PEAK_FLOPS operations of multiply-adds in registers."""
        from fastconv import kernels

        with kernels.use(variant):
            k = kernels.for_dtype(np.float32)
        rounds = PEAK_FLOPS // (2 * k.ROW * k.VECTOR * int(threads))
        return k.multiply_adds(np.zeros(k.VECTOR * int(threads), np.float32), rounds, threads=int(threads))

    def copy(self, threads):
        """Return a copy of COPIED values."""
        from fastconv import kernels

        x = random(COPIED)
        return kernels.for_dtype(np.float32).copy_values(x, np.ones_like(x), threads=int(threads))

    def alone(self, n):
        """Return a training step of `n` pictures on one thread."""
        from fastconv.runtime.threads import set_num_threads

        step = self.train(n)

        def step_alone():
            set_num_threads(1)
            step()
            set_num_threads(self.threads)

        return step_alone

    def conv(self, name, direction):
        """Return a convolution layer's forward pass, or one of its gradients."""
        from fastconv.ops.primitives import Conv2D

        return _layer(CONV[name], Conv2D, direction, self.threads)

    def conv_bfloat16(self, name, direction):
        """Return the same with products of bfloat16."""
        from fastconv.ops.bfloat16 import narrowed
        from fastconv.ops.primitives import Conv2D

        return _layer(CONV[name], lambda *settings: narrowed(Conv2D(*settings)), direction, self.threads)

    def depthwise(self, name, direction):
        """Return a depthwise layer's forward pass, or one of its gradients."""
        from fastconv.ops.primitives import DepthwiseConv2D

        return _layer(DEPTHWISE[name], DepthwiseConv2D, direction, self.threads)

    def pool(self, name, direction):
        """Return a max-pooling layer's forward pass, or that of training and the gradient ("both")."""
        from fastconv.ops.primitives import MaxPool2D

        return _pool(POOL[name], MaxPool2D, direction, self.threads)

    def average(self, name, direction):
        """Return an average-pooling layer's forward pass, or that and the gradient ("both")."""
        from fastconv.ops.primitives import AveragePool2D

        return _pool(POOL[name], AveragePool2D, direction, self.threads)


def _pool(layer, op_class, direction, threads):
    from fastconv.ops.op import run

    op, both = op_class((layer.kernel, layer.kernel), (layer.stride, layer.stride)), direction == "both"
    site = _site(op, layer.x, [], both, both, False, threads)
    calls = op.forward(site) + (op.backward(site) if both else [])
    return lambda: run(calls)


def _layer(layer, op_class, direction, threads):
    """Return a layer's kernel calls as training makes them: forward starts from new filters, which are packed."""
    from fastconv.ops.op import run

    padding = (layer.padding, layer.padding)
    op = op_class((layer.stride, layer.stride), (padding, padding))
    site = _site(op, layer.x, [layer.w, layer.y[3:]], True, direction == "data", direction == "filters", threads)
    forward = op.prepare(site) + op.forward(site)
    run(forward)
    calls = forward if direction == "forward" else op.backward(site)
    return lambda: run(calls)


def _site(op, x_shape, param_shapes, training, wants_dx, wants_filters, threads):
    """Return a place for `op` to run at: a site with all its arrays, placed as a plan's arena places them."""
    from fastconv.ops.op import allocate
    from fastconv.runtime.memory import copy

    site = op.site(x_shape, param_shapes, np.float32, training, wants_dx, threads)
    params, dparams = ([copy(random(*shape)) for shape in param_shapes] for _ in range(2))
    site.__dict__.update(
        allocate(op.needs(site), np.float32),
        seed=np.zeros(1, np.uint64),
        x=copy(random(*x_shape)),
        y=copy(np.ones(site.y_shape, np.float32)),
        dx=copy(np.ones(x_shape, np.float32)) if wants_dx else None,
        dy=copy(random(*site.y_shape)),
        params=tuple(params),
        dparams=tuple(dparams) if wants_filters else (None,) * len(params),
    )
    return site
