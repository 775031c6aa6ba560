"""Floor 1: loops over floats, in Cython, without the GIL; each forward beside its backward.

One source, ``_kernels.pyx``, is compiled once for each instruction set. It includes, in this order:

==========================  =====================================================================
``base.pxi``                the vector type of ``simd.h``, and Kernel: a call bound to its arrays
``behind.pxi``              an activation behind the values that another kernel makes
``sliding.pxi``             windows over images: bands, register tiles, the split over threads
``conv.pxi``                conv2d forward, filter gradient, bias gradient, packing of filters
``volume.pxi``              the same over planes of volumes: conv3d
``grouped.pxi``             groups of few channels, several in a vector
``conv_relu_max_pool.pxi``  conv2d, relu and pool in one pass, and the gradients that visit only winners
``winograd.pxi``            3x3 convolutions by tiles, with fewer multiplications
``winograd4.pxi``           the same by larger tiles, with fewer still
``bfloat16.pxi``            rounding to bfloat16, and convolutions by pairs of such numbers
``bfloat16_winograd.pxi``   tiles with products of such pairs
``bias.pxi``                a bias added by itself, and its gradient
``depthwise.pxi``           convolutions of every channel by itself: forward, both gradients
``few_channels.pxi``        which windows the lanes of a row of cells belong to, where channels do not fill a vector
``pool.pxi``                max and average pooling
``overlapping_pool.pxi``    the gradient of max pools of 3x3 cells, two apart
``global_pool.pxi``         the same with one window, the image
``axis_pool.pxi``           windows of any sizes along one axis: adaptive pooling
``conv_average_pool.pxi``   conv2d, relu and an average pool in one pass, and its filters' gradient
``move.pxi``                boxes of cells: padding, cropping, the order of axes
``resample.pxi``            weighted sums along one axis: resizing; cells repeated: upsampling
``image.pxi``               warps, flips, windows, contrast and brightness of images
``elementwise.pxi``         relu, rescaling, gathering a batch
``noise.pxi``               dropout and noise
``activation.pxi``          the other activations
``penalty.pxi``             what regularizers add to a loss
``normalization.pxi``       moments, and the sweeps of batch, group and layer normalization
``swept_pool.pxi``          an activation or a normalization and the pool behind it, in one pass
``loss.pxi``                softmax and the losses of classes
``rows.pxi``                activations of whole rows
``elementwise_loss.pxi``    losses cell by cell, by one table
``update.pxi``              optimizer steps
``measure.pxi``             multiply-adds and a copy: what the machine can do at most
==========================  =====================================================================

The best variant that this machine runs is chosen at import; the environment variable FASTCONV_ISA caps the choice.
Nothing here executes an instruction that the machine does not have: a variant is imported only after the processor was
asked.
"""

import os
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from fastconv.runtime import _cpu, config

# From best to plainest, with what the machine must have (None: nothing beyond its architecture).
NEEDS = {"avx512": "avx512", "avx2": "avx2", "baseline": None, "scalar": None}


def built():
    """Return the names of the variants in this installation, best first."""
    return [name for name in NEEDS if find_spec(f"{__name__}._{name}")]


def runnable():
    """Return the names of the built variants that this machine can execute, best first."""
    return [name for name in built() if NEEDS[name] is None or _cpu.supports(NEEDS[name])]


def _choose():
    """Return (variant, why) for this machine and FASTCONV_ISA."""
    cap = os.environ.get("FASTCONV_ISA", "").strip().lower()
    if cap and cap not in NEEDS:
        raise ImportError(f"FASTCONV_ISA={cap!r} is unknown; expected one of {', '.join(NEEDS)}.")
    candidates = runnable()
    if not candidates:
        raise ImportError("fastconv has no compiled kernels here; in a source tree run 'pip install -e .' first.")
    if not cap:
        return candidates[0], "the best one that this machine runs"
    if cap not in candidates:
        reason = "this machine cannot execute it" if cap in built() else "it was not built"
        raise ImportError(f"FASTCONV_ISA={cap!r}: {reason}; possible here: {', '.join(candidates)}.")
    return cap, "set by FASTCONV_ISA"


def _load(name):
    return import_module(f"{__name__}._{name}")


_HAS_BFLOAT16 = "avx512_bf16" in _cpu.features()
_variant, _why = _choose()
_modules = {np.dtype("float32"): _load(_variant), np.dtype("float64"): _load("float64")}


def variant():
    """Return the name of the variant in use for float32."""
    return _variant


def for_dtype(dtype):
    """Return the module of kernels for arrays of `dtype`, float32 or float64."""
    try:
        return _modules[np.dtype(dtype)]
    except KeyError:
        raise TypeError(f"There are no kernels for dtype {np.dtype(dtype)}; expected float32 or float64.") from None


def multiplies_pairs(module):
    """Tell whether a module of kernels, on this processor, multiplies pairs of bfloat16 in one instruction."""
    return module.HAS_PAIR_PRODUCTS and _HAS_BFLOAT16


@contextmanager
def use(name):
    """Use another variant for plans and ops bound inside of the ``with`` block: for tests and benchmarks.

    Parameters
    ----------
    name : str
        One of ``runnable()``.
    """
    global _variant
    if name not in runnable():
        raise ValueError(f"kernels.use: name={name!r} cannot run here; expected one of {runnable()}.")
    single = np.dtype("float32")
    before, module, _variant = _variant, _modules[single], name
    _modules[single] = _load(name)
    try:
        yield
    finally:
        _variant, _modules[single] = before, module


config.register(
    "kernels",
    lambda: {
        "variant": _variant,
        "why": _why,
        "built": built(),
        "runnable": runnable(),
        "bfloat16": "in one instruction" if multiplies_pairs(_modules[np.dtype("float32")]) else "emulated",
    },
)
