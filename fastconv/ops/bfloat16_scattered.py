"""The way of scattering: the data gradient of few input channels, whose products with all taps lie side by side.

Functions take the op, its site and its sizes; `fastconv.ops.bfloat16` has the other ways.
"""

import numpy as np

from fastconv.ops import windows
from fastconv.ops.bfloat16_pairs import dense_gradient, dense_needs
from fastconv.ops.conv import as_matrix, scratch_shape


def input_needs(op, site, c):
    """Return the buffers of the data gradient."""
    lists = op._scattered(site, c)
    spare = windows.SCATTERED * lists.padded_rows + windows.SCATTERED * c.out_channels // 2 + 1
    return {
        "scratch_input": (scratch_shape(site, lists, spare), None),
        "pairs_turned": ((lists.padded_rows * -(-c.out_channels // 2),), np.uint32),
        **dense_needs(op, c),
    }


def input(op, site, c):
    """Return the calls of the data gradient."""
    calls, dy = dense_gradient(op, site, c)
    k, w, every = site.k, as_matrix(site.params[0]), np.zeros(1, np.intp)
    arrays = (dy.reshape(-1), site.pairs_turned, site.dx.reshape(-1), site.scratch_input)
    return [
        *calls,
        k.pack_pairs(w, site.pairs_turned, 1, len(w), c.out_channels, every, threads=site.threads),
        k.bfloat16_backward_input_scattered(*arrays, op._scattered(site, c), threads=site.threads),
    ]
