"""Lists of planes: how a convolution of volumes looks from inside its kernel.

Within a plane it is a convolution of images, with the lists of `windows`. Each output plane has its list of input
planes and filter planes, with nothing outside of the volume, so that depth's strides, dilation and padding live in
these lists alone. As there, the data gradient is the same loop over other lists, with phases for depth's strides too.
"""

from functools import lru_cache
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from fastconv.ops import geometry, windows


class Volume(NamedTuple):
    """The sizes of a 3D convolution: those along depth, and the 2D convolution of one plane of each volume."""

    plane: windows.Conv
    depth: int
    out_depth: int
    kernel: int
    stride: int
    front: int  # planes of padding before
    dilation: int

    @property
    def groups(self):
        return self.plane.groups

    @property
    def images(self):
        return self.plane.images

    @property
    def channels(self):
        return self.plane.channels

    @property
    def out_channels(self):
        return self.plane.out_channels

    @property
    def filter_rows(self):
        """Rows of the filters seen as a matrix [kd * kh * kw * channels of a group, output channels]."""
        return self.kernel * self.plane.filter_rows

    @property
    def image_bytes(self):
        """Bytes of a padded input plane in float32."""
        return self.plane.image_bytes

    @property
    def pixels(self):
        """Output cells of all volumes."""
        return self.out_depth * self.plane.pixels

    @property
    def flops(self):
        return self.out_depth * self.kernel * self.plane.flops

    @property
    def gradient(self):
        """The convolution with unit strides whose output is the data gradient, over the output's gradient."""
        front = (self.kernel - 1) * self.dilation - self.front
        return self._replace(plane=self.plane.gradient, depth=self.out_depth, out_depth=self.depth, front=front)

    def transposed(self, taps):
        """Return the sizes of a data gradient with `taps` taps, as far as its packed filters go."""
        return self._replace(plane=self.plane.transposed(taps), kernel=1)


def volume_sizes(x, w, strides, padding, dilation, groups):
    """Return the sizes for an input shape (n, d, h, w, c) and a filter shape (kd, kh, kw, c / groups, o).

    They are a `Volume`; or the `windows.Conv` of n * d images where filters are one plane deep and read every plane.
    """
    pads = (padding,) * 3 if isinstance(padding, str) else padding
    deep = (x[1], w[0], strides[0], dilation[0], pads[0])
    plane = windows.conv_sizes((x[0], *x[2:]), w[1:], strides[1:], pads[1:], dilation[1:], groups)
    front, _ = geometry.pad_amounts(*deep)
    out_depth = geometry.output_size(*deep)
    if w[0] == strides[0] == 1 and front == 0 and out_depth == x[1]:
        return plane._replace(images=x[0] * x[1])
    return Volume(plane, x[1], out_depth, w[0], strides[0], front, dilation[0])


@lru_cache(maxsize=256)
def forward(v):
    """Return the lists of a convolution `v`."""
    return _stacked(windows.forward(_images(v), planes=v.kernel), _places(v), v.depth, _stack(v))


@lru_cache(maxsize=256)
def winograd(v, pooled, vector, block, threads):
    """Return the lists of a convolution `v` by tiles; see `windows.winograd`."""
    lists = windows.winograd(_images(v), pooled, vector, block, threads, planes=v.kernel)
    planes = {"stack": (*_stack(v), lists.band_size), "plane": _inside(_places(v), v.depth)}
    return SimpleNamespace(**{**vars(lists), **planes})


def _images(v):
    """Return the sizes of the convolution of one plane for each output plane."""
    return v.plane._replace(images=v.images * v.out_depth)


def _places(v):
    """Return (place in the input, filter plane) of all that each output plane reads."""
    return [[(o * v.stride - v.front + k * v.dilation, k) for k in range(v.kernel)] for o in range(v.out_depth)]


def _stack(v):
    """Return the distances of planes and volumes; see struct Stack in kernels/volume.pxi."""
    c = v.plane
    inner, outer = c.height * c.width * c.channels, c.out_height * c.out_width * c.out_channels
    return v.out_depth, v.depth * inner, v.dilation * inner, inner, v.out_depth * outer, outer


@lru_cache(maxsize=256)
def backward_input(v):
    """Return the lists of the data gradient: (windows, filter taps) for each phase of the strides."""
    phases, c = [], v.plane
    taps_of_plane = c.kernel[0] * c.kernel[1]
    inner, outer = c.out_height * c.out_width * c.out_channels, c.height * c.width * c.channels
    for a in range(min(v.stride, v.depth)):
        reached = windows.phase_taps(a + v.front, v.kernel, v.stride, v.dilation)[::-1]  # the first plane first
        step = reached[1][1] - reached[0][1] if len(reached) > 1 else 1
        depths = -(-(v.depth - a) // v.stride)
        places = [[(o + at, k) for k, (_, at) in enumerate(reached)] for o in range(depths)]
        stack = (depths, v.out_depth * inner, step * inner, inner, v.depth * outer, v.stride * outer)
        images = c._replace(images=v.images * depths)
        for lists, taps in windows.backward_input(images, planes=max(1, len(reached))):
            lists = lists._replace(out=lists.out + a * outer)
            deep = [k * taps_of_plane + taps for k, _ in reached]
            taps = np.concatenate([np.zeros(0, np.intp), *deep]).astype(np.intp)
            phases.append((_stacked(lists, places, v.out_depth, stack), taps))
    return phases


@lru_cache(maxsize=256)
def scattered(v, block):
    """Return the lists of a data gradient that is scattered; see `windows.scattered`.

    ``source`` names the planes of gradients and of filters whose products reach a plane, ``reach`` where these begin.
    """
    lists = windows.scattered(v.plane._replace(images=v.images * v.depth), block)
    reached = [windows.phase_taps(at + v.front, v.kernel, v.stride, v.dilation)[::-1] for at in range(v.depth)]
    inside = [[(o, k) for k, o in taps if 0 <= o < v.out_depth] for taps in reached]
    return SimpleNamespace(
        **{**vars(lists), "planes": v.kernel},
        depths=v.out_depth,
        reach=np.cumsum([0, *map(len, inside)], dtype=np.intp),
        source=np.array([pair for pairs in inside for pair in pairs], np.intp).reshape(-1, 2),
    )


def _stacked(lists, places, depth, stack):
    """Return the lists of images, with those of planes: (place in the input, filter plane) of each output plane."""
    count = max(map(len, places), default=0)
    distance = lists.band_size or stack[2]
    rows = np.arange(count, dtype=np.intp)[:, None] * distance + lists.row
    return SimpleNamespace(
        **{
            **lists._asdict(),
            "band_size": count * lists.band_size,
            "row": np.ascontiguousarray(rows.reshape(-1), np.intp),
        },
        pixels=lists.pixels,
        stack=(*stack, lists.band_size),
        plane=_inside(places, depth),
        plane_rows=len(lists.row),
    )


def _inside(places, depth):
    """Return [output plane] first input plane, first filter plane and count of what lies inside of the volume."""
    inside = [[(at, k) for at, k in row if 0 <= at < depth] for row in places]
    return np.array([(*row[0], len(row)) if row else (0, 0, 0) for row in inside], np.intp).reshape(-1, 3)
