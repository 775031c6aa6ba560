"""Measure the table of layers in docs/guide/speed.md, beside PyTorch: python tools/layer_table.py --json FILE.

Every row is an op alone, forward and forward with backward, in float32. Each library works in a process of its own;
they take turns, in both orders, with a rest between them. PyTorch runs in both of its layouts, with an allocator that
keeps its pages. A number is the best of the medians. `--part I/N` measures every Nth row, and FILE collects the parts::

    for part in 1 2 3 4; do python tools/layer_table.py --part $part/4 --json rates.json; done
    python tools/layer_table.py --json rates.json --print

`--only WORD` takes rows with that word in their label; `--tree NAME=FOLDER` measures another working tree as well,
so that a change is seen in alternation with what was before.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve()
FEW_CALLS, MOST_CALLS = 7, 3000
REST = 0.03  # seconds in which the other's threads go to sleep

# label -> kind, inputs with channels last, settings: k(ernel), s(trides), d(ilation), o(utputs), g(roups), m(ultiplier)
ROWS = {
    "Conv1D, 3, 64 to 64, 32 x 512": ("conv", (32, 512, 64), {"k": 3, "o": 64}),
    "Conv1D, 9 by strides of 4, 1 to 32, 16 x 4000": ("conv", (16, 4000, 1), {"k": 9, "s": 4, "o": 32}),
    "Conv1D, 7, 64 to 128, 1 x 1024": ("conv", (1, 1024, 64), {"k": 7, "o": 128}),
    "Conv1D, 5, 128 to 128 in 32 groups, 16 x 512": ("conv", (16, 512, 128), {"k": 5, "o": 128, "g": 32}),
    "Conv2D, 3, 64 to 64 in 2 groups, 16 x 28 x 28": ("conv", (16, 28, 28, 64), {"k": 3, "o": 64, "g": 2}),
    "Conv2D, 3, 64 to 64 in 4 groups, 16 x 28 x 28": ("conv", (16, 28, 28, 64), {"k": 3, "o": 64, "g": 4}),
    "Conv2D, 3, 128 to 128 in 32 groups, 16 x 28 x 28": ("conv", (16, 28, 28, 128), {"k": 3, "o": 128, "g": 32}),
    "Conv2D, 3 by strides of 2, 128 to 128 in 32 groups, 16 x 28 x 28": (
        *("conv", (16, 28, 28, 128)),
        {"k": 3, "s": 2, "o": 128, "g": 32},
    ),
    "Conv2D, 3, 256 to 256 in 32 groups, 16 x 14 x 14": ("conv", (16, 14, 14, 256), {"k": 3, "o": 256, "g": 32}),
    "Conv3D, 3, 64 to 64, 4 x 4 x 14 x 14": ("conv", (4, 4, 14, 14, 64), {"k": 3, "o": 64}),
    "Conv3D, 3, 16 to 32, 4 x 12 x 24 x 24": ("conv", (4, 12, 24, 24, 16), {"k": 3, "o": 32}),
    "Conv3D, 3 by strides of 2, 32 to 64, 8 x 8 x 16 x 16": ("conv", (8, 8, 16, 16, 32), {"k": 3, "s": 2, "o": 64}),
    "Conv3D, 3 by strides of 2, 64 to 128, 4 x 8 x 14 x 14": ("conv", (4, 8, 14, 14, 64), {"k": 3, "s": 2, "o": 128}),
    "Conv3D, 3, 1 to 16, 4 x 16 x 32 x 32": ("conv", (4, 16, 32, 32, 1), {"k": 3, "o": 16}),
    "Conv3D, 3, 3 to 32, 2 x 16 x 32 x 32": ("conv", (2, 16, 32, 32, 3), {"k": 3, "o": 32}),
    "Conv3D, 3, 64 to 64 in 2 groups, 4 x 8 x 14 x 14": ("conv", (4, 8, 14, 14, 64), {"k": 3, "o": 64, "g": 2}),
    "Conv3D, 3, 32 to 32 in 4 groups, 4 x 8 x 16 x 16": ("conv", (4, 8, 16, 16, 32), {"k": 3, "o": 32, "g": 4}),
    "Conv3D, 3, 32 to 32 in 32 groups, 4 x 8 x 16 x 16": ("conv", (4, 8, 16, 16, 32), {"k": 3, "o": 32, "g": 32}),
    "Conv1DTranspose, 4 by 2, 64 to 32, 16 x 256": ("transposed", (16, 256, 64), {"k": 4, "s": 2, "o": 32}),
    "Conv2DTranspose, 4 by 2, 64 to 32, 16 x 16 x 16": ("transposed", (16, 16, 16, 64), {"k": 4, "s": 2, "o": 32}),
    "Conv2DTranspose, 4 by 2, 32 to 3, 16 x 32 x 32": ("transposed", (16, 32, 32, 32), {"k": 4, "s": 2, "o": 3}),
    "Conv2DTranspose, 2 by 2, 128 to 64, 4 x 28 x 28": ("transposed", (4, 28, 28, 128), {"k": 2, "s": 2, "o": 64}),
    "Conv3DTranspose, 2 by 2, 32 to 16, 4 x 6 x 12 x 12": ("transposed", (4, 6, 12, 12, 32), {"k": 2, "s": 2, "o": 16}),
    "Conv3DTranspose, 4 by 2, 32 to 16, 4 x 6 x 12 x 12": ("transposed", (4, 6, 12, 12, 32), {"k": 4, "s": 2, "o": 16}),
    "DepthwiseConv1D, 5, 64, 32 x 512": ("depthwise", (32, 512, 64), {"k": 5}),
    "DepthwiseConv1D, 31, 128, 1 x 2000": ("depthwise", (1, 2000, 128), {"k": 31}),
    "DepthwiseConv2D, 3, 128, 16 x 28 x 28": ("depthwise", (16, 28, 28, 128), {"k": 3}),
    "DepthwiseConv2D, 3 by strides of 2, 128, 16 x 28 x 28": ("depthwise", (16, 28, 28, 128), {"k": 3, "s": 2}),
    "DepthwiseConv2D, 3 with dilation 2, 128, 16 x 28 x 28": ("depthwise", (16, 28, 28, 128), {"k": 3, "d": 2}),
    "DepthwiseConv2D, 7, 96, 8 x 28 x 28": ("depthwise", (8, 28, 28, 96), {"k": 7}),
    "DepthwiseConv2D, 3, 64 times 2, 16 x 28 x 28": ("depthwise", (16, 28, 28, 64), {"k": 3, "m": 2}),
    "SeparableConv1D, 5, 64 to 64, 32 x 512": ("separable", (32, 512, 64), {"k": 5, "o": 64}),
    "SeparableConv2D, 3, 64 to 128, 16 x 28 x 28": ("separable", (16, 28, 28, 64), {"k": 3, "o": 128}),
    "SeparableConv2D, 3, 256 to 256, 8 x 14 x 14": ("separable", (8, 14, 14, 256), {"k": 3, "o": 256}),
    "MaxPooling1D, 2, 64, 32 x 512": ("max", (32, 512, 64), {"k": 2, "s": 2}),
    "MaxPooling2D, 2, 6, 128 x 28 x 28": ("max", (128, 28, 28, 6), {"k": 2, "s": 2}),
    "MaxPooling2D, 2, 16, 128 x 10 x 10": ("max", (128, 10, 10, 16), {"k": 2, "s": 2}),
    "MaxPooling2D, 3 by 2, 6, 128 x 28 x 28": ("max", (128, 28, 28, 6), {"k": 3, "s": 2}),
    "MaxPooling3D, 2, 32, 4 x 16 x 32 x 32": ("max", (4, 16, 32, 32, 32), {"k": 2, "s": 2}),
    "MaxPooling3D, 3 by 2, 32, 4 x 8 x 28 x 28": ("max", (4, 8, 28, 28, 32), {"k": 3, "s": 2}),
    "MaxPooling3D, 3 by 2, 64, 2 x 16 x 28 x 28": ("max", (2, 16, 28, 28, 64), {"k": 3, "s": 2}),
    "AveragePooling2D, 2, 6, 128 x 28 x 28": ("average", (128, 28, 28, 6), {"k": 2, "s": 2}),
    "AveragePooling3D, 2, 32, 4 x 16 x 32 x 32": ("average", (4, 16, 32, 32, 32), {"k": 2, "s": 2}),
    "AdaptiveMaxPooling2D to 7 x 7, 64, 16 x 30 x 30": ("adaptive max", (16, 30, 30, 64), {"o": (7, 7)}),
    "AdaptiveAveragePooling2D to 7 x 7, 64, 16 x 30 x 30": ("adaptive average", (16, 30, 30, 64), {"o": (7, 7)}),
    "GlobalMaxPooling2D, 512, 16 x 14 x 14": ("global max", (16, 14, 14, 512), {}),
    "GlobalAveragePooling2D, 1024, 16 x 7 x 7": ("global average", (16, 7, 7, 1024), {}),
    "GlobalAveragePooling2D, 2048, 16 x 7 x 7": ("global average", (16, 7, 7, 2048), {}),
    "BatchNormalization in training, 32, 4 x 8 x 28 x 28": ("batch norm", (4, 8, 28, 28, 32), {}),
    "BatchNormalization in training, 256, 8 x 56 x 56": ("batch norm", (8, 56, 56, 256), {}),
    "GroupNormalization, 32 of 256, 8 x 28 x 28": ("group norm", (8, 28, 28, 256), {"g": 32}),
    "LayerNormalization, 96, 8 x 56 x 56": ("layer norm", (8, 56, 56, 96), {}),
    "LayerNormalization, 768, 16 x 7 x 7": ("layer norm", (16, 7, 7, 768), {}),
    "UpSampling2D, 2, 64, 16 x 28 x 28": ("repeat", (16, 28, 28, 64), {}),
    "UpSampling2D, 2, bilinear, 64, 16 x 28 x 28": ("bilinear", (16, 28, 28, 64), {}),
    "UpSampling3D, 2, 32, 4 x 8 x 14 x 14": ("repeat", (4, 8, 14, 14, 32), {}),
    "ZeroPadding2D, 1, 64, 16 x 28 x 28": ("pad", (16, 28, 28, 64), {}),
}
DIRECTIONS = ("forward", "both")


def settings_of(x, settings):
    """Return (axes, channels, kernel, strides, dilation) of a row."""
    axes = len(x) - 2
    each = (settings.get(key, 1) for key in "ksd")
    return axes, x[-1], *((value,) * axes if isinstance(value, int) else tuple(value) for value in each)


def aligned(*shape):
    """Return random float32 that begin at a multiple of 64 bytes."""
    import numpy as np

    size = 4 * int(np.prod(shape))
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    array = memory[start : start + size].view(np.float32).reshape(shape)
    array[...] = np.random.default_rng(0).random(shape, dtype=np.float32) - 0.5
    return array


# ---- fastconv ---------------------------------------------------------------------------------------------
def fastconv_chain(kind, x, settings):
    """Return the (op, shapes of parameters) that a row is."""
    from fastconv.ops import primitives as ops
    from fastconv.ops import resample
    from fastconv.ops.adaptive_pool import AdaptiveAveragePool, AdaptiveMaxPool

    axes, channels, kernel, strides, dilation = settings_of(x, settings)
    out, groups, times = settings.get("o"), settings.get("g", 1), settings.get("m", 1)

    def op(name, *rest):
        return getattr(ops, f"{name}{axes}D")(*rest)

    def depthwise(bias):
        shapes = [(*kernel, channels, times), (channels * times,) if bias else None]
        return op("DepthwiseConv", strides, "same", dilation), shapes

    def resized():
        lists = [resample.resizing("bilinear", size, 2 * size) for size in x[1:-1]]
        return [(ops.ResampleImages(*lists), [])]

    def adaptive(op_class):
        pool = op_class(out)
        return [(pool.simpler(x) or pool, [])]

    scale = [(channels,)] * 2
    return {
        "conv": lambda: (
            [depthwise(True)]
            if groups == channels > 1
            else [(op("Conv", strides, "same", dilation, groups), [(*kernel, channels // groups, out), (out,)])]
        ),
        "transposed": lambda: [(op("ConvTranspose", strides, "same"), [(*kernel, out, channels), (out,)])],
        "depthwise": lambda: [depthwise(True)],
        "separable": lambda: [depthwise(False), (op("Conv"), [(*(1,) * axes, channels, out), (out,)])],
        "max": lambda: [(op("MaxPool", kernel, strides), [])],
        "average": lambda: [(op("AveragePool", kernel, strides), [])],
        "global max": lambda: [(op("MaxPool", x[1:-1]), [])],
        "global average": lambda: [(op("AveragePool", x[1:-1]), [])],
        "adaptive max": lambda: adaptive(AdaptiveMaxPool),
        "adaptive average": lambda: adaptive(AdaptiveAveragePool),
        "batch norm": lambda: [(ops.BatchNorm(), scale * 2)],
        "group norm": lambda: [(ops.GroupNorm(groups), scale)],
        "layer norm": lambda: [(ops.LayerNorm(), scale)],
        "repeat": lambda: [(ops.Repeat((2,) * axes), [])],
        "bilinear": resized,
        "pad": lambda: [(ops.ZeroPad(((1, 1),) * axes), [])],
    }[kind]()


def bound(op, x, shapes, training):
    """Return the site of an op with all its arrays."""
    from fastconv.ops.op import allocate

    site = op.site(x.shape, shapes, x.dtype, training=training)
    params = tuple(None if shape is None else aligned(*shape) for shape in shapes)
    gradients = tuple(None if p is None or i in op.state else aligned(*p.shape) for i, p in enumerate(params))
    arrays = {"y": aligned(*site.y_shape), "dy": aligned(*site.y_shape), "dx": aligned(*x.shape)}
    site.__dict__.update(allocate(op.needs(site), x.dtype), x=x, params=params, dparams=gradients, **arrays)
    return site


class Fastconv:
    """The rows by fastconv's ops, one behind the other where a layer is two."""

    def calls(self, kind, x, settings):
        """Return each way in which a row may be computed, as a function of the direction that returns a call."""
        return [lambda direction: self._call(kind, x, settings, direction)]

    def _call(self, kind, x, settings, direction):
        from fastconv import kernels

        training = direction == "both"
        x, forward, backward = aligned(*x), [], []
        for op, shapes in fastconv_chain(kind, x.shape, settings):
            site = bound(op, x, shapes, training or kind == "batch norm")
            prepare, x = op.prepare(site), site.y
            for call in prepare:
                call()
            forward += [*(prepare if training else []), *op.forward(site)]
            backward = (op.backward(site) if training else []) + backward
        return kernels.for_dtype(x.dtype).Sequence(forward + backward)


# ---- PyTorch ----------------------------------------------------------------------------------------------
def torch_module(torch, kind, x, settings):
    """Return the function or module that a row is."""
    nn = torch.nn
    axes, channels, kernel, strides, dilation = settings_of(x, settings)
    out, groups, times = settings.get("o"), settings.get("g", 1), settings.get("m", 1)
    same = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    cut = tuple((k - s + 1) // 2 for k, s in zip(kernel, strides, strict=True))
    more = tuple(2 * c + s - k for c, s, k in zip(cut, strides, kernel, strict=True))
    cells = tuple(range(2, axes + 2))

    def layer(name, *rest, **named):
        return getattr(nn, f"{name}{axes}d")(*rest, **named)

    return {
        "conv": lambda: layer("Conv", channels, out, kernel, strides, same, dilation, groups),
        "transposed": lambda: layer("ConvTranspose", channels, out, kernel, strides, cut, more),
        "depthwise": lambda: layer("Conv", channels, channels * times, kernel, strides, same, dilation, channels),
        "separable": lambda: nn.Sequential(
            layer("Conv", channels, channels, kernel, strides, same, dilation, channels, bias=False),
            layer("Conv", channels, out, 1),
        ),
        "max": lambda: layer("MaxPool", kernel, strides),
        "average": lambda: layer("AvgPool", kernel, strides),
        "global max": lambda: lambda t: t.amax(cells),
        "global average": lambda: lambda t: t.mean(cells),
        "adaptive max": lambda: layer("AdaptiveMaxPool", out),
        "adaptive average": lambda: layer("AdaptiveAvgPool", out),
        "batch norm": lambda: layer("BatchNorm", channels),
        "group norm": lambda: nn.GroupNorm(groups, channels),
        "layer norm": lambda: nn.LayerNorm(channels),
        "repeat": lambda: nn.Upsample(scale_factor=2),
        "bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
        "pad": lambda: layer("ConstantPad", (1,) * (2 * axes), 0.0),
    }[kind]()


class Torch:
    """The rows by PyTorch's modules and autograd."""

    def __init__(self):
        import torch

        self.torch = torch
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

    def calls(self, kind, x, settings):
        """Return each way in which a row may be computed: in the layouts of PyTorch."""
        torch = self.torch
        last = {4: torch.channels_last, 5: torch.channels_last_3d}.get(len(x))
        layouts = [last] if last and kind != "layer norm" else []
        return [
            lambda direction, layout=layout: self._call(kind, x, settings, layout, direction)
            for layout in (*layouts, torch.contiguous_format)
        ]

    def _call(self, kind, shape, settings, layout, direction):
        torch = self.torch
        x, module = torch.from_numpy(aligned(*shape)), torch_module(torch, kind, shape, settings)
        if kind != "layer norm":
            x = x.movedim(-1, 1).contiguous(memory_format=layout)
        if isinstance(module, torch.nn.Module):
            module = module.to(memory_format=layout)
        x.requires_grad_(True)
        dy = torch.rand_like(module(x))

        def forward():
            with torch.no_grad():
                module(x)

        def both():
            x.grad = None
            for parameter in getattr(module, "parameters", list)():
                parameter.grad = None
            module(x).backward(dy)

        return forward if direction == "forward" else both


# ---- workers and their turns ------------------------------------------------------------------------------
def milliseconds(call, budget):
    """Return the median of calls that take `budget` seconds together, behind as many that are not counted.

    A thread that slept is late at first, and fastconv then does without it for a while.
    """
    start, times = time.perf_counter(), []
    while time.perf_counter() - start < budget:
        call()
    while len(times) < FEW_CALLS or (time.perf_counter() - start < 2 * budget and len(times) < MOST_CALLS):
        before = time.perf_counter()
        call()
        times.append(time.perf_counter() - before)
    return median(times) * 1e3


def work(library):
    """Answer questions: a line of JSON each, the time of the best way as an answer."""
    side = {"fastconv": Fastconv, "torch": Torch}[library]()
    for line in sys.stdin:
        kind, x, settings, direction, budget = json.loads(line)
        answers = []
        for make in side.calls(kind, tuple(x), settings):
            answers.append(milliseconds(make(direction), budget))
            time.sleep(REST / 3)
        print(min(answers), flush=True)


class Worker:
    """A process of one library, or of one working tree."""

    def __init__(self, python, library, tree, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), PYTHONPATH=str(tree))
        environment |= dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), "4000000000")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([python, str(HERE), "--work", library], env=environment, **pipes)

    def ask(self, *question):
        """Return what a question is answered."""
        print(json.dumps(question), file=self.process.stdin, flush=True)
        answer = float(self.process.stdout.readline())
        time.sleep(REST)
        return answer

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def measure(rows, workers, rounds, budget):
    """Return label -> name of a worker -> direction -> milliseconds."""
    found = {}
    for label, row in rows.items():
        best = found[label] = {name: {} for name in workers}
        for direction in DIRECTIONS:
            for turn in range(rounds):
                for name in list(workers)[:: -1 if turn % 2 else 1]:
                    took = workers[name].ask(*row, direction, budget)
                    best[name][direction] = min(took, best[name].get(direction, took))
        print(line(label, best, list(workers)), flush=True)
    return found


def line(label, times, names=("fastconv", "torch")):
    """Return a row of the table: for the first of the names and, as ratios to it, the others."""
    cells = [label]
    for direction in DIRECTIONS:
        first = times[names[0]][direction]
        cells += [f"{first:.2f}", *(f"{times[name][direction] / first:.2f}" for name in names[1:])]
    return f"| {' | '.join(cells)} |"


def collect(path, found):
    """Add what was measured to a file, each number the best of all; return all that is there."""
    seen = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for label, sides in found.items():
        for name, times in sides.items():
            known = seen.setdefault(label, {}).setdefault(name, {})
            known |= {way: min(took, known.get(way, took)) for way, took in times.items()}
    path.write_text(json.dumps(seen, indent=1), encoding="utf-8")
    return seen


def parsed():
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", default="1/1", help="I/N: every Nth row, from the Ith on")
    parser.add_argument("--only", default="", help="rows whose labels have this word")
    parser.add_argument("--json", type=Path, help="the file that collects the parts")
    parser.add_argument("--print", action="store_true", help="print the table of that file, measure nothing")
    parser.add_argument("--tree", action="append", default=[], help="NAME=FOLDER: another working tree")
    parser.add_argument("--peer-python", default=sys.executable, help="the Python that has PyTorch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=0.05, help="seconds a row, direction and round")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    return parser.parse_args()


def main(options):
    """Measure the rows that were asked for, or print what was."""
    if options.print:
        seen = json.loads(options.json.read_text(encoding="utf-8"))
        print("| layer | forward | ratio | forward and backward | ratio |\n| --- | --- | --- | --- | --- |")
        print(*(line(label, seen[label]) for label in ROWS if label in seen), sep="\n")
        return
    part, parts = map(int, options.part.split("/"))
    rows = {label: row for label, row in list(ROWS.items())[part - 1 :: parts] if options.only in label}
    with contextlib.ExitStack() as stack:
        workers = {"fastconv": Worker(sys.executable, "fastconv", HERE.parent.parent, options.threads)}
        for name, _, tree in (tree.partition("=") for tree in options.tree):
            workers[name] = Worker(sys.executable, "fastconv", Path(tree).resolve(), options.threads)
        workers["torch"] = Worker(options.peer_python, "torch", HERE.parent.parent, options.threads)
        for worker in workers.values():
            stack.callback(worker.close)
        found = measure(rows, workers, options.rounds, options.budget)
    if options.json:
        collect(options.json, found)


if __name__ == "__main__":
    options = parsed()
    if options.work:
        work(options.work)
    else:
        main(options)
