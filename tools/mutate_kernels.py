"""Plant small faults in the kernels, one at a time, and see whether the tests notice.

All faults are compiled at once, each behind a switch: ``FASTCONV_MUTANT=k`` turns the k-th on. Run from the root of the
tree::

    python tools/mutate_kernels.py /tmp/mutants [first [last]]

It copies the tree there, builds the baseline kernels, runs each fault's tests, and ends with the survivors.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

KERNELS = Path("fastconv", "kernels")
RANDOM = "tests/ops/test_random_configurations.py"
CONV = ("tests/ops/test_conv.py", RANDOM)
POOL = ("tests/ops/test_pool.py", RANDOM)
DEPTHWISE = ("tests/ops/test_depthwise.py", RANDOM)
WINOGRAD = ("tests/ops/test_winograd.py", RANDOM)
FUSED = ("tests/ops/test_conv_relu_max_pool.py", RANDOM)
NORM = ("tests/ops/test_normalization.py", RANDOM)
VALUES = ("tests/ops/test_activation.py", RANDOM)
LOSS = ("tests/losses", "tests/models/test_losses_in_fit.py")
STEPS = ("tests/optimizers",)

#: file, the expression as it is, the fault, the tests that should notice. Of a loop the fault is its end. An expression
#: that is there more than once is changed where it is first.
MUTANTS = [
    # ---- bounds that are off by one
    ("sliding.pxi", "max(0, min(b.cols, -b.col_origin))", "max(0, min(b.cols, -b.col_origin) - 1)", CONV),
    ("sliding.pxi", "max(left, min(b.cols, b.width - b.col_origin))", "max(left, min(b.cols, b.width - b.col_origin) - 1)", CONV),
    ("sliding.pxi", "row >= b.height", "row >= b.height - 1", CONV),
    ("sliding.pxi", "row < 0", "row < 1", CONV),
    ("sliding.pxi", "0 <= row < b.height", "0 < row < b.height", CONV),
    ("conv.pxi", "self.groups * self.blocks * pieces", "self.groups * self.blocks * pieces - 1", CONV),
    ("conv.pxi", "(BLOCK_LANES - lanes) * sizeof(real)", "0", CONV),
    ("conv.pxi", "min(step, self.pixels - p)", "min(step, self.pixels - p - 1)", CONV),
    ("depthwise.pxi", "min(stop, f.begin)", "min(stop, f.begin + 1)", DEPTHWISE),
    ("depthwise.pxi", "min(stop, f.end)", "min(stop, f.end + 1)", DEPTHWISE),
    ("depthwise.pxi", "max(j, f.end)", "max(j, f.end + 1)", DEPTHWISE),
    ("depthwise.pxi", "min(<ix>BLOCK_CHANNELS, self.channels - c)", "min(<ix>BLOCK_CHANNELS, self.channels - c - 1)", DEPTHWISE),
    ("pool.pxi", "max(0, min(size, start + window) - s.first)", "max(0, min(size, start + window - 1) - s.first)", POOL),
    ("pool.pxi", "min(max(0, start), size)", "min(max(1, start), size)", POOL),
    ("global_pool.pxi", "range(1, stop - first)", "stop - first - 1", POOL),
    ("normalization.pxi", "range(1, self.c.chunks)", "self.c.chunks - 1", NORM),
    ("loss.pxi", "range(self.rows)", "self.rows - 1", LOSS),
    ("rows.pxi", "count == before", "count == before + 1", VALUES),
    # ---- strides and places that are swapped or wrong
    ("pool.pxi", "r * s.width * channels + at", "r * s.height * channels + at", POOL),
    ("pool.pxi", "r * <int>s.window_width + q", "q * <int>s.window_width + r", POOL),
    ("conv_relu_max_pool.pxi", "p * 4 * BLOCK_LANES + j", "p * 3 * BLOCK_LANES + j", FUSED),
    ("conv.pxi", "group * self.channels + first", "group * self.channels", CONV),
    ("sliding.pxi", "row * b.width + b.col_origin + left", "row * b.width + left", CONV),
    ("move.pxi", "at[a] * self.x_step[a]", "at[a] * self.y_step[a]", ("tests/ops/test_shape.py", RANDOM)),
    ("noise.pxi", "i // size * self.stride", "i // size * size", ("tests/layers/test_dropout.py", RANDOM)),
    ("elementwise.pxi", "self.shift[i % n]", "self.shift[0]", ("tests/ops", RANDOM)),
    ("depthwise.pxi", "f.first * self.channels", "0", DEPTHWISE),
    # ---- tails that are forgotten
    ("resample.pxi", "for i from 0 <= i < inner by VL", "inner - inner % VL", ("tests/ops/test_shape.py", RANDOM)),
    ("normalization.pxi", "for j from 0 <= j < width by VL", "width - VL", NORM),
    ("pool.pxi", "for c from 0 <= c < channels by VL", "channels - channels % VL", POOL),
    ("conv_relu_max_pool.pxi", "for j from 0 <= j < lanes by VL", "lanes - lanes % VL", FUSED),
    ("winograd.pxi", "for c from 0 <= c < self.band.channels by VL", "self.band.channels - self.band.channels % VL", WINOGRAD),
    # ---- rules of ties, of corners and of NaN
    ("elementwise.pxi", "v <= self.threshold", "v < self.threshold", VALUES),
    ("elementwise.pxi", "v < self.maximum", "v <= self.maximum", VALUES),
    ("simd.h", "(vi)(v > best)", "(vi)(v >= best)", POOL),
    ("loss.pxi", "x[j] != x[j]", "x[j] < x[j]", LOSS),
    ("elementwise_loss.pxi", "size <= a[3]", "size <= 1", LOSS),
    ("elementwise_loss.pxi", "q == <real>p", "True", LOSS),
    ("loss.pxi", "self.ignores and self.labels[r] == self.ignored", "False", LOSS),
    ("penalty.pxi", "self.l1 * height", "height", ("tests/plan/test_gradients.py", "tests/models")),
    # ---- optimizers
    ("update.pxi", "1 - decay if self.owners[k].decays else 1", "1 - decay", STEPS),
    ("update.pxi", "self.norms == JOINT_NORM", "False", STEPS),
    ("update.pxi", "min(<ix>SLICE, size - start)", "min(<ix>SLICE, size - start - 1)", STEPS),
]  # fmt: skip


def mutated(k, file, old, new):
    """Return what stands in the place of `old`, the k-th fault behind its switch."""
    if " from 0 <= " in old:  # the end of a loop over vectors
        head, bound = old.removesuffix(" by VL").rsplit(" < ", 1)
        return f"{head} < ({new} if MUTANT == {k} else {bound}) by VL"
    if old.startswith("range("):  # the end of a loop
        head, bound = old[6:-1].rsplit(", ", 1) if ", " in old else ("", old[6:-1])
        return f"range({head}{', ' if head else ''}{new} if MUTANT == {k} else {bound})"
    if file.endswith(".h"):
        return f"(fc_mutant == {k} ? ({new}) : ({old}))"
    return f"(({new}) if MUTANT == {k} else ({old}))"


def plant(tree):
    """Write all faults into the sources of a tree, and the switch."""
    for k, (file, old, new, _) in enumerate(MUTANTS, 1):
        path = tree / KERNELS / file
        text = path.read_text()
        if old not in text:
            raise SystemExit(f"mutant {k}: {old!r} is not in {file} any more; bring the table up to date")
        path.write_text(text.replace(old, mutated(k, file, old, new), 1))
    base, header = tree / KERNELS / "base.pxi", tree / KERNELS / "simd.h"
    declaration = 'cdef extern from "simd.h" nogil:\n    int MUTANT "fc_mutant"\n'
    setting = "\nimport os\nMUTANT = int(os.environ.get('FASTCONV_MUTANT', 0))\n"
    text = base.read_text().replace('cdef extern from "simd.h" nogil:\n', declaration, 1)
    base.write_text(text.replace("\nctypedef Py_ssize_t ix\n", "\nctypedef Py_ssize_t ix\n" + setting, 1))
    text = header.read_text()
    at = text.index("#include") if "#include" in text else 0
    header.write_text(text[:at] + "static int fc_mutant;\n" + text[at:])


def notices(tree, k):
    """Tell whether the tests notice fault k; 0: that they pass without any."""
    tests = MUTANTS[k - 1][3] if k else (RANDOM,)
    environment = os.environ | {"PYTHONPATH": str(tree), "FASTCONV_MUTANT": str(k)}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *dict.fromkeys(tests)]
    try:
        return subprocess.run(command, cwd=tree, env=environment, capture_output=True, timeout=90).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def main(folder, first=1, last=None):
    """Build the faulty kernels in `folder` unless they are there; try the faults from `first` to `last`."""
    last = len(MUTANTS) if last is None else last
    tree = Path(folder).resolve()
    if not tree.exists():
        shutil.copytree(".", tree, ignore=shutil.ignore_patterns(".git", "build", "*.so", "*.c", "__pycache__"))
        plant(tree)
        environment = os.environ | {"FASTCONV_BUILD_ISA": "baseline"}
        subprocess.run(
            [sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=tree, env=environment, check=True
        )
    if notices(tree, 0):
        raise SystemExit("the tests fail without any fault")
    survivors = []
    for k in range(int(first), int(last) + 1):
        file, old, new, _ = MUTANTS[k - 1]
        caught = notices(tree, k)
        survivors += [] if caught else [k]
        print(f"{k:3} {'caught  ' if caught else 'SURVIVES'} {file}: {old}  ->  {new}", flush=True)
    print(f"{len(survivors)} survive of faults {first} to {last}: {survivors}")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
