"""The arena: buffers that are alive together never share a byte, whatever the program."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fastconv import layers as L
from fastconv.ops import loss
from fastconv.plan.arena import Buffer, arrange, block, place
from fastconv.plan.program import Program
from fastconv.runtime.memory import ALIGNMENT, LARGE, PAGE
from tests.plan.networks import assert_same_bits, execute, make_plan, tutorial

MODES = ("predict", "test", "train")
DTYPES = ("float32", "float64", "uint8", "int32")


def together(a, b):
    """Tell whether two buffers hold something at the same moment."""
    return a.birth <= b.death and b.birth <= a.death


def assert_apart(buffers, size):
    """Assert that buffers alive together have places of their own, aligned and inside of the block."""
    for buffer in buffers:
        assert buffer.birth <= buffer.death
        assert buffer.offset % ALIGNMENT == 0 and 0 <= buffer.offset <= buffer.offset + buffer.nbytes <= size
    for a, b in combinations([b for b in buffers if b.nbytes], 2):
        if together(a, b):
            assert a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset, f"{a} and {b} overlap"


def peak(buffers):
    """Return the most bytes that are alive at one moment."""
    moments = {moment for b in buffers for moment in (b.birth, b.death)}
    return max((sum(b.nbytes for b in buffers if b.birth <= m <= b.death) for m in moments), default=0)


def one_after_the_other(buffer):
    """Return the most that a buffer takes where all lie in a row."""
    return -(-buffer.nbytes // ALIGNMENT) * ALIGNMENT + (PAGE if buffer.nbytes >= LARGE else 0)


@st.composite
def buffers(draw):
    """Return buffers with random shapes, types and lives."""
    made = []
    for _ in range(draw(st.integers(0, 25))):
        birth = draw(st.integers(-1, 30))
        shape = tuple(draw(st.lists(st.integers(0, 40), min_size=1, max_size=3)))
        made.append(Buffer(shape, draw(st.sampled_from(DTYPES)), birth, birth + draw(st.integers(0, 12))))
    return made


@settings(max_examples=150, deadline=None)
@given(buffers())
def test_random_buffers(made):
    size = arrange(made)
    assert_apart(made, size)
    assert peak(made) <= size
    assert size <= sum(one_after_the_other(b) for b in made)
    memory = block(size)
    place(made, memory)
    for buffer in made:
        assert (buffer.array.shape, buffer.array.dtype) == (buffer.shape, np.dtype(buffer.dtype))
        assert buffer.array.flags.c_contiguous
        assert buffer.array.size == 0 or buffer.array.ctypes.data % ALIGNMENT == 0
        assert buffer.array.size == 0 or np.shares_memory(buffer.array, memory)


def test_buffers_that_never_meet_share_one_place():
    made = [Buffer((100,), "float32", t, t) for t in range(10)]
    assert arrange(made) == 400
    assert arrange([Buffer((100,), "float32", t, t + 1) for t in range(10)]) == 448 + 400
    assert arrange([]) == 0


def test_the_arrangement_is_the_same_every_time():
    def offsets():
        made = [Buffer((n % 7 * 10, 3), "float32", n % 5, n % 5 + n % 3) for n in range(20)]
        arrange(made)
        return [b.offset for b in made]

    assert offsets() == offsets()


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 100_000])
def test_blocks_are_aligned(size):
    for _ in range(5):
        memory = block(size)
        assert memory.nbytes == size and (size == 0 or memory.ctypes.data % ALIGNMENT == 0)


# ---- programs


def apart(program):
    """Give every buffer of a program a place of its own."""
    at = 0
    for buffer in program.buffers:
        buffer.offset = at
        at += -(-buffer.nbytes // ALIGNMENT) * ALIGNMENT
    program.size = at
    return program


def bound(program):
    """Bind a program to memory full of NaN, with the same dropout masks every time."""
    memory = block(program.size)
    memory[...] = 0xFF
    program.bind(memory)
    program.draws = [(seed, lambda: 77) for seed, _ in program.draws]
    return program


def check_program(plan, n, mode, *batch):
    """Assert that a program in shared memory gives the bits of one in which nothing is shared, again and again."""
    program = Program(plan, n, mode, 2)
    assert_apart(program.buffers, program.size)
    shared = bound(program)
    expected = execute(bound(apart(Program(plan, n, mode, 2))), *batch)
    assert_same_bits(execute(shared, *batch), expected)
    assert_same_bits(execute(shared, *batch), expected)
    assert np.isfinite(expected.predictions).all() and all(np.isfinite(g).all() for g in expected.gradients)


#: Makers of layers that random programs consist of.
MAKERS = {
    "conv": lambda: L.Conv2D(5, 3),
    "conv-relu": lambda: L.Conv2D(17, 3, activation="relu", padding="same"),
    "conv-strided": lambda: L.Conv2D(4, (2, 3), strides=2, padding="same", use_bias=False),
    "conv-dilated": lambda: L.Conv2D(3, 2, dilation_rate=2, activation="elu"),
    "conv-frozen": lambda: L.Conv2D(4, 1),
    "max-pool": lambda: L.MaxPooling2D(2),
    "max-pool-overlapping": lambda: L.MaxPooling2D(3, strides=1, padding="same"),
    "average-pool": lambda: L.AveragePooling2D(2, padding="same"),
    "global": lambda: L.GlobalAveragePooling2D(keepdims=True),
    "global-flat": lambda: L.GlobalMaxPooling2D(),
    "relu": lambda: L.ReLU(),
    "tanh": lambda: L.Activation("tanh"),
    "softmax": lambda: L.Softmax(),
    "rescaling": lambda: L.Rescaling(0.5, 0.25),
    "dropout": lambda: L.Dropout(0.3),
    "pad": lambda: L.ZeroPadding2D(((1, 0), (0, 2))),
    "flatten": lambda: L.Flatten(),
    "dense": lambda: L.Dense(6),
    "dense-relu": lambda: L.Dense(16, activation="relu"),
    "first-conv": lambda: L.Conv2D(6, 3, data_format="channels_first", padding="same", activation="relu"),
    "first-pool": lambda: L.MaxPooling2D(2, data_format="channels_first", padding="same"),
    "first-flatten": lambda: L.Flatten(data_format="channels_first"),
}


def fitting(names, shape):
    """Return the layers of these names, but those that do not fit behind the others, and the shape that comes out."""
    layers, shape = [], (None, *shape)
    for name in names:
        layer = MAKERS[name]()
        try:
            layer.build_once(shape)
            shape = layer.compute_output_shape(shape)
        except ValueError:
            continue
        if name == "conv-frozen":
            layer.trainable = False
        layers.append(layer)
    return layers, shape[1:]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=8),
    st.sampled_from(MODES),
    st.booleans(),
    st.integers(0, 10_000),
)
def test_random_programs(names, mode, fused, seed):
    rng = np.random.default_rng(seed)
    layers, out = fitting(names, (9, 10, 2))
    assume(layers)
    entropy = names[-1] == "softmax"
    op = loss.CrossEntropy(sparse=True) if entropy else loss.SquaredError()
    plan = make_plan(layers, (9, 10, 2), op, fused=fused)
    x = rng.standard_normal((3, 9, 10, 2))
    targets = rng.integers(0, out[-1], (3, *out[:-1])) if entropy else rng.standard_normal((3, *out))
    check_program(plan, 3, mode, *((x,) if mode == "predict" else (x, targets, rng.random(3))))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [1, 7])
def test_the_tutorial_network(n, mode, rng):
    plan = make_plan(tutorial(), (28, 28, 1), loss.CrossEntropy(sparse=True))
    x, labels = rng.standard_normal((n, 28, 28, 1)), rng.integers(0, 10, n)
    check_program(plan, n, mode, *((x,) if mode == "predict" else (x, labels)))


def test_memory_of_the_tutorial_network():
    plan = make_plan(tutorial(), (28, 28, 1), loss.CrossEntropy(sparse=True))
    sizes = {(mode, n): Program(plan, n, mode, 2).size / 1e6 for mode in MODES for n in (32, 128, 512)}
    for (mode, n), size in sizes.items():
        print(f"{mode:8} batch {n:3}: {size:6.1f} MB")
    program = Program(plan, 128, "train", 2)
    assert_apart(program.buffers, program.size)
    assert sizes["train", 128] < 60
    assert sizes["predict", 128] < sizes["test", 128] * 1.01 < sizes["train", 128]
    assert program.size < 1.2 * peak(program.buffers)
    for mode in MODES:
        assert sizes[mode, 512] < 4.2 * sizes[mode, 128]


def test_a_buffer_that_fits_exactly_takes_the_gap():
    """Largest first: 192 and 128 bytes, which live throughout, with a gap of 128 between them that is free later."""
    low, high = Buffer((192,), np.uint8, 0, 9), Buffer((128,), np.uint8, 0, 9)
    early, late = Buffer((128,), np.uint8, 0, 4), Buffer((128,), np.uint8, 5, 9)
    assert arrange([low, early, high, late]) == 192 + 128 + 128
    assert late.offset == early.offset == 192
