"""Kernels that are grossly slow: right in every number, they may have lost their vectors or their inlining.

How fast a kernel is hangs on the machine; its share of what multiply-adds in registers reach, in the same process, does
so much less. The least shares are less than half of what the slowest variant reaches on a busy machine, a quarter of
what the others do, and the best of many tries counts.
"""

import time
from math import prod

import numpy as np
import pytest

import fastconv
from fastconv.benchmark.sides.fastconv_side import Side
from fastconv.benchmark.sides.workloads import CONV, PEAK_FLOPS, POOL

pytestmark = pytest.mark.slow  # a stage of .ci/run of its own: builds for sanitizers and debugging have none

TRIES = 3  # rounds, of which each measures the peak anew
CALLS = 6  # in a round, of which the fastest counts


def seconds(call):
    """Return the time of the fastest of some calls."""
    times = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def convolution(direction):
    """Return the kernel calls of a 3x3 convolution, and the number of their operations."""
    return Side(fastconv, 1).conv("tutorial.conv2", direction), CONV["tutorial.conv2"].flops


def pool():
    """Return the kernel calls of a max-pooling, and the number of values that it reads."""
    return Side(fastconv, 1).pool("tutorial.pool1", "forward"), prod(POOL["tutorial.pool1"].x)


def dense():
    """Return a dense layer's program, and the number of its operations."""
    model = fastconv.Sequential([fastconv.Input((512,)), fastconv.layers.Dense(512)])
    with model.plan.program(256, "predict") as program:
        program.inputs[0][...] = 1
        model.plan.refresh(program)
        return program.run, 2 * 256 * 512 * 512


LEAST = {  # of the peak; more than 1 can be reached where sums are saved
    "convolution": (lambda: convolution("forward"), 0.3),
    "convolution's data": (lambda: convolution("data"), 0.2),
    "convolution's filters": (lambda: convolution("filters"), 0.3),
    "pool": (pool, 0.02),  # and see POOLS
    "dense": (dense, 0.2),
}


POOLS = {"baseline": 0.055, "avx2": 0.045, "avx512": 0.03}  # a pool's share: the wider vectors are, the less


@pytest.mark.parametrize("what", LEAST)
def test_shares_of_the_peak(what, variant, set_num_threads):
    set_num_threads(1)  # the other processors may be busy
    make, least = LEAST[what]
    least = POOLS.get(variant, least) if what == "pool" else least
    call, operations = make()
    multiply_adds = Side(fastconv, 1).peak(variant, 1)
    shares = []
    for _ in range(TRIES):
        shares.append(operations / seconds(call) / (PEAK_FLOPS / seconds(multiply_adds)))
        if shares[-1] >= least:
            return
    raise AssertionError(f"{what}, {variant}: {np.round(shares, 3)} of the peak; expected {least} or more.")
