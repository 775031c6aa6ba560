"""Sums, products and their like of two arrays, and joined arrays: the rows of `RULES` that have kernels."""

from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np

from fastconv.ops.rules import ArrayOp

AXES = 3  # that the kernels know: outer, middle, inner


class Layout(NamedTuple):
    """Two arrays that broadcast, as kernels see them: the sizes of three axes, and each array's steps along them.

    The step along the last axis is 1, or 0 where the array has one value for all.
    """

    sizes: tuple
    a_steps: tuple
    b_steps: tuple

    @property
    def is_flat(self):
        """Whether nothing is broadcast."""
        return self.sizes[:2] == (1, 1) and self.a_steps == self.b_steps == (0, 0, 1)


def layout(y, a, b):
    """Return the `Layout` of arrays of shapes a and b that broadcast to y; None if that takes more axes than there are.

    Examples
    --------
    >>> layout((2, 7, 7, 16), (2, 7, 7, 16), (2, 1, 1, 16))
    Layout(sizes=(2, 49, 16), a_steps=(784, 16, 1), b_steps=(16, 0, 1))
    """
    rank = max(len(y), len(a), len(b))  # the gradient of a flat parameter is made of arrays with axes of one before it
    y, a, b = ((1,) * (rank - len(shape)) + tuple(shape) for shape in (y, a, b))
    runs = []  # [size, whether a has the axis, whether b has it], neighbours of a kind as one
    for size, *sizes in zip(y, a, b, strict=True):
        has = [n == size for n in sizes]
        if size != 1 and runs and runs[-1][1:] == has:
            runs[-1][0] *= size
        elif size != 1:
            runs.append([size, *has])
    if len(runs) > AXES:
        return None
    runs = [[1, True, True]] * (AXES - len(runs)) + runs
    sizes = tuple(run[0] for run in runs)
    return Layout(sizes, *(_steps(sizes, [run[at] for run in runs]) for at in (1, 2)))


def _steps(sizes, has):
    """Return how far neighbours along each axis lie apart, 0 along axes of one value."""
    own = [size if there else 1 for size, there in zip(sizes, has, strict=True)]
    return tuple(prod(own[i + 1 :]) if there and own[i] > 1 else 0 for i, there in enumerate(has))


class Merge(ArrayOp):
    """x and the parameter merged by a rule: add (then relu if asked), subtract, multiply, divide, maximum, minimum.

    Whatever kernels do not know (arrays broadcast in more than one way, other types) goes by the rule itself.
    """

    def __init__(self, rule, relu=False):
        super().__init__(rule)
        if relu and rule != "add":
            raise ValueError(f"Merge: only a sum may have a relu behind it; got {rule!r}.")
        self.settings = {"rule": rule, "relu": relu}
        self.relu = relu
        if relu:
            self.name = f"{rule}_relu"
        self.reads, self.rereads = _READS[rule]
        self.reads += "y" if relu and "y" not in self.reads else ""

    @property
    def keeps_dy(self):
        """Whether backward leaves the gradient that it is given alone."""
        return not self.relu

    def passes(self, site):
        """Return the places (0: x) whose gradient is dy; see `Op.passes`."""
        shapes = (site.x_shape, *site.param_shapes)
        return [at for at in _PASSES.get(self.rule, ()) if tuple(shapes[at]) == site.y_shape]

    def forward(self, site):
        found = self._merge(site, self.rule, site.x, site.params[0], site.y, self.relu)
        if found is not None:
            return [found]
        calls = super().forward(site)
        if self.relu:
            y = site.y.reshape(-1)
            calls.append(site.k.relu_forward(y, y, 0.0, 0.0, np.inf, threads=site.threads))
        return calls

    def backward(self, site):
        calls, targets = [], (site.dx, *site.dparams)
        if self.relu:
            y, dy = site.y.reshape(-1), site.dy.reshape(-1)
            calls.append(site.k.relu_backward_from_output(y, dy, dy, threads=site.threads))
        if all(target is None for target in targets):
            return calls
        found = _BACKWARD[self.rule](self, site) if self._is_known(site) else None
        return calls + (super().backward(site) if found is None else found)

    # -- what kernels can do --------------------------------------------------------------------------------
    def _is_known(self, site):
        """Tell whether kernels may take the arrays: of the site's type and in one piece."""
        arrays = (site.x, *site.params)
        return all(a.dtype == site.dtype and a.flags.c_contiguous for a in arrays)

    def _merge(self, site, rule, a, b, out, relu=False):
        """Return the call that merges two arrays, None if there is no kernel for it."""
        found = layout(out.shape, a.shape, b.shape)
        if found is None or not self._is_known(site):
            return None
        arrays = (a.reshape(-1), b.reshape(-1), out.reshape(-1))
        return site.k.merge(*arrays, rule, *found, relu, threads=site.threads)

    def _given(self, site, target, sign=1):
        """Return the calls that make a target of dy or -dy, summed where the array was broadcast; None: no kernel."""
        if target is None or is_same(target, site.dy):
            return []
        if target.shape == site.dy.shape:
            return [copy_flat(site, site.dy, target, sign)]
        found = layout(site.dy.shape, site.dy.shape, target.shape)
        if sign < 0 or not _is_spread(found):
            return None
        arrays = (site.dy.reshape(-1), None, None, None, target.reshape(-1))
        return [site.k.spread_backward(*arrays, found.sizes, threads=site.threads)]

    def _sum_backward(self, site):
        return _joined(self._given(site, target) for target in (site.dx, *site.dparams))

    def _difference_backward(self, site):
        dy_second = self._given(site, site.dparams[0], -1)  # first: the other may be dy itself
        return _joined([dy_second, self._given(site, site.dx)])

    def _product_backward(self, site):
        x, (other,) = site.x, site.params
        dx, (dother,) = site.dx, site.dparams
        found = layout(site.y_shape, x.shape, other.shape)
        if found is None:
            return None
        if found.is_flat:
            pairs = ((other, dx), (x, dother))
            return [self._merge(site, "multiply", site.dy, a, d) for a, d in pairs if d is not None]
        if x.shape != site.y_shape:
            x, other, dx, dother = other, x, dother, dx
            found = Layout(found.sizes, found.b_steps, found.a_steps)
        if x.shape != site.y_shape or not (_is_spread(found) or dother is None):
            return None
        if dother is None:
            return [self._merge(site, "multiply", site.dy, other, dx)]
        arrays = [None if a is None else a.reshape(-1) for a in (site.dy, x, other, dx, dother)]
        return [site.k.spread_backward(*arrays, found.sizes, threads=site.threads)]

    def _quotient_backward(self, site):
        if site.dparams[0] is not None or site.dx.shape != site.y_shape:
            return None
        found = self._merge(site, "divide", site.dy, site.params[0], site.dx)
        return None if found is None else [found]

    def _extreme_backward(self, site):
        arrays = (site.x, site.params[0], site.dy, site.dx, site.dparams[0])
        if site.x.shape != site.params[0].shape:
            return None
        flat = [None if a is None else a.reshape(-1) for a in arrays]
        return [site.k.extreme_backward(*flat, self.rule == "maximum", threads=site.threads)]


class Sum(Merge):
    """x plus the parameter, which has the same shape, then relu if asked: what other ops may take into themselves."""

    def __init__(self, relu=False):
        super().__init__("add", relu)
        self.settings = {"relu": relu}

    def output_shape(self, x, other):
        """Return the shape of both; raise ValueError if they differ."""
        if tuple(x) != tuple(other):
            raise ValueError(f"{self!r}: arrays of shapes {x} and {other} differ.")
        return tuple(x)


def copy_flat(site, x, y, sign=1):
    """Return the call that makes y of x, or of -x."""
    nothing, x, y = np.zeros(1, site.dtype), x.reshape(-1), y.reshape(-1)
    how = "add" if sign > 0 else "subtract"
    return site.k.merge(nothing, x, y, how, *layout(x.shape, (1,), x.shape), threads=site.threads)


def is_same(a, b):
    """Tell whether two arrays begin at the same place in memory."""
    return a.ctypes.data == b.ctypes.data


def _is_spread(found):
    """Tell whether the second array of a layout is broadcast along the middle axis, or all before the last."""
    return found is not None and found.a_steps[2] == found.b_steps[2] == 1 and found.b_steps[1] == 0


def _joined(parts):
    """Return lists of calls as one; None if one of them is None."""
    parts = list(parts)
    return None if any(part is None for part in parts) else [call for part in parts for call in part]


# of each rule: what backward reads again of x and y, and whether it reads the other array again
_READS = {
    "add": ("", False),
    "subtract": ("", False),
    "multiply": ("x", True),
    "divide": ("y", True),
    "maximum": ("x", True),
    "minimum": ("x", True),
}
_PASSES = {"add": (0, 1), "subtract": (0,)}
_BACKWARD = {
    "add": Merge._sum_backward,
    "subtract": Merge._difference_backward,
    "multiply": Merge._product_backward,
    "divide": Merge._quotient_backward,
    "maximum": Merge._extreme_backward,
    "minimum": Merge._extreme_backward,
}


class Concatenate(ArrayOp):
    """x and the parameters, joined along an axis: each is copied to its place, and its gradient from there."""

    reads, rereads, keeps_dy = "", False, True

    def __init__(self, axis):
        super().__init__("concatenate", axis=axis)

    def forward(self, site):
        return self._boxes(site, (site.x, *site.params), site.y, True)

    def backward(self, site):
        return self._boxes(site, (site.dx, *site.dparams), site.dy, False)

    def _boxes(self, site, parts, whole, joining):
        """Return the calls that copy the parts to the whole, or from it."""
        calls, at, shapes = [], 0, (site.x_shape, *site.param_shapes)
        row = prod(whole.shape[self.given["axis"] :])
        for part, shape in zip(parts, shapes, strict=True):
            run = prod(shape[self.given["axis"] :])
            if part is not None:
                calls.append(self._copy(site, part, whole, (run, row, at), joining))
            at += run
        return calls

    @staticmethod
    def _copy(site, part, whole, place, joining):
        run, row, at = place
        view = whole.reshape(-1, row)[:, at : at + run] if row else whole.reshape(0, 0)
        if part.dtype != site.dtype or not part.flags.c_contiguous:
            pair = (view, part.reshape(view.shape)) if joining else (part, view.reshape(part.shape))
            return partial(np.copyto, *pair)
        rows, ends = len(view), ((run, 1, 0), (row, 1, at))
        (a, a_step, a_start), (b, b_step, b_start) = ends if joining else ends[::-1]
        arrays = (part.reshape(-1), whole.reshape(-1)) if joining else (whole.reshape(-1), part.reshape(-1))
        box = ((rows, run), (a, a_step), (b, b_step), a_start, b_start, False)
        return site.k.copy_box(*arrays, *box, threads=site.threads)


def array_op(rule, **settings):
    """Return the op of a row of `RULES`: one with kernels, if there is one."""
    if rule in _BACKWARD and not settings:
        return Merge(rule)
    if rule == "concatenate":
        return Concatenate(**settings)
    return ArrayOp(rule, **settings)
