"""Plant small faults in the kernels, one at a time, and see whether the tests notice.

All faults are compiled at once, each behind a switch: ``FASTCONV_MUTANT=k`` turns the k-th on. Run from the root of the
tree::

    python tools/mutate_kernels.py /tmp/mutants [first [last]]

It copies the tree there, builds the baseline kernels (and those of FASTCONV_BUILD_ISA, for what only long vectors do),
runs each fault's tests, and ends with the survivors.
"""

import argparse
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
LARGE_TILES = ("tests/ops/test_winograd4.py",)
FUSED = ("tests/ops/test_conv_relu_max_pool.py", RANDOM)
NORM = ("tests/ops/test_normalization.py", RANDOM)
VALUES = ("tests/ops/test_activation.py", RANDOM)
LOSS = ("tests/losses", "tests/models/test_losses_in_fit.py")
STEPS = ("tests/optimizers",)
BFLOAT16 = ("tests/ops/test_bfloat16.py",)
AXES = ("tests/ops/test_axes.py", RANDOM)
IMAGES = (RANDOM, "tests/ops/test_augment.py", "tests/ops/test_image.py", "tests/layers/test_images.py")
NOISE = ("tests/layers/test_dropout.py", RANDOM, "tests/plan/test_threads.py")
BIAS = (RANDOM, "tests/ops/test_axes.py", "tests/ops/test_conv.py")

#: file, the expression as it is, the fault, the tests that should notice. Of a loop the fault is its end. An expression
#: that is there more than once is changed where it is first, or stands between «» in what is around it.
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
    ("depthwise.pxi", "x, y, &f, 0, «f.begin», 1", "f.begin - 1", DEPTHWISE),
    ("depthwise.pxi", "f.begin, «f.end», TILE_P", "f.end + 1", DEPTHWISE),
    ("depthwise.pxi", "«f.end», f.count, 1", "f.end + 1", DEPTHWISE),
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
    ("conv.pxi", "(p * window + i) * BLOCK_LANES + j", "(p * 4 + i) * BLOCK_LANES + j", FUSED),
    ("conv.pxi", "group * self.channels + first", "group * self.channels", CONV),
    ("sliding.pxi", "row * b.width + b.col_origin + left", "row * b.width + left", CONV),
    ("move.pxi", "at[a] * self.x_step[a]", "at[a] * self.y_step[a]", ("tests/ops/test_shape.py", RANDOM)),
    ("noise.pxi", "i // size * self.stride", "i // size * size", ("tests/layers/test_dropout.py", RANDOM)),
    ("elementwise.pxi", "+ vload_n(&self.shift[«i»], n)", "0", (RANDOM, "tests/layers/test_images.py")),
    ("depthwise.pxi", "f.first * self.channels", "0", DEPTHWISE),
    # ---- tails that are forgotten
    ("resample.pxi", "for i from 0 <= i < size by VL", "size - size % VL", ("tests/ops/test_shape.py", RANDOM)),
    ("normalization.pxi", "for j from 0 <= j < width by VL", "width - VL", NORM),
    ("pool.pxi", "for c from 0 <= c < channels by VL", "channels - channels % VL", POOL),
    ("conv_relu_max_pool.pxi", "for j from 0 <= j < lanes by VL", "lanes - lanes % VL", FUSED),
    ("winograd.pxi", "for c from 0 <= c < self.band.channels by VL", "self.band.channels - self.band.channels % VL", WINOGRAD),
    # ---- rules of ties, of corners and of NaN
    ("elementwise.pxi", "vwhere(x, threshold, x, below)", "vwhere(threshold, x, below, x)", VALUES),
    ("elementwise.pxi", "vwhere(maximum, x, dy, vset(0))", "vwhere(x, maximum, vset(0), dy)", VALUES),
    ("simd.h", "(vi)(v > best)", "(vi)(v >= best)", POOL),
    ("loss.pxi", "x[j] != x[j]", "x[j] < x[j]", LOSS),
    ("elementwise_loss.pxi", "size <= a[3]", "size <= 1", LOSS),
    ("elementwise_loss.pxi", "q == <real>p", "True", LOSS),
    ("loss.pxi", "self.ignores and self.labels[r] == self.ignored", "False", LOSS),
    ("penalty.pxi", "self.l1 * height", "height", ("tests/plan/test_gradients.py", "tests/test_regularizers.py")),
    # ---- optimizers
    ("update.pxi", "1 - decay if self.owners[k].decays else 1", "1 - decay", STEPS),
    ("update.pxi", "self.norms == JOINT_NORM", "False", STEPS),
    ("update.pxi", "min(<ix>SLICE, size - start)", "min(<ix>SLICE, size - start - 1)", STEPS),
    # ---- sliding windows: whole rows, pieces of filters
    ("sliding.pxi", "max(0, min(b.rows, -top))", "max(0, min(b.rows, -top) - 1)", CONV),
    ("sliding.pxi", "max(r, min(b.rows, b.height - top))", "max(r, min(b.rows, b.height - top) - 1)", CONV),
    ("sliding.pxi", "(b.rows - left) * row * sizeof(real)", "0", CONV),
    ("sliding.pxi", "b.cols == b.width and b.col_origin == 0", "b.cols == b.width", CONV),
    ("sliding.pxi", "piece > 0", "False", CONV),
    ("sliding.pxi", "relu and piece == count - 1", "relu", CONV),
    ("sliding.pxi", "row + at", "row", CONV),
    ("sliding.pxi", "w + at * w_stride", "w", CONV),
    ("sliding.pxi", "large == 0", "False", CONV),
    ("sliding.pxi", "(self.out_channels + BLOCK_LANES - 1) // BLOCK_LANES", "self.out_channels // BLOCK_LANES", CONV),
    ("base.pxi", "(i + 1) * count // n", "(i + 1) * count // n - 1", CONV),
    # ---- products of bfloat16
    ("bfloat16.h", "bits + «0x7fff» + (bits >> 16 & 1)", "0x8000", BFLOAT16),
    ("bfloat16.h", "(bits >> 16 | «0x40») & none", "0", BFLOAT16),
    ("bfloat16.h", "low | high << 16", "high | low << 16", BFLOAT16),
    ("bfloat16.pxi", "min((t + 1) * size, self.x.shape[0])", "min((t + 1) * size, self.x.shape[0] - 1)", BFLOAT16),
    ("bfloat16.pxi", "range(b.rows)", "b.rows - 1", BFLOAT16),
    ("bfloat16.pxi", "max(0, min(b.cols, -b.col_origin))", "max(0, min(b.cols, -b.col_origin) - 1)", BFLOAT16),
    ("bfloat16.pxi", "max(left, min(b.cols, b.width - b.col_origin))", "max(left, min(b.cols, b.width - b.col_origin) - 1)", BFLOAT16),
    ("bfloat16.pxi", "0 <= row < b.height", "0 < row < b.height", BFLOAT16),
    ("bfloat16.pxi", "(r * b.cols + left) * c", "(r * b.width + left) * c", BFLOAT16),
    ("bfloat16.pxi", "row * b.width + b.col_origin + left", "row * b.width + left", BFLOAT16),
    ("bfloat16.pxi", "group * self.channels + first", "first", BFLOAT16),
    ("bfloat16.pxi", "2 * k + 1", "2 * k", BFLOAT16),
    ("bfloat16.pxi", "lanes > 0", "lanes > 1", BFLOAT16),
    ("bfloat16.pxi", "min(<ix>VL, self.tap_pairs - o // 2)", "min(<ix>VL, self.tap_pairs - o // 2 - 1)", BFLOAT16),
    ("bfloat16.pxi", "o // 2 + i", "i", BFLOAT16),
    ("bfloat16.pxi", "xp[i] + row[2 * k]", "xp[i] + row[k]", BFLOAT16),
    ("bfloat16.pxi", "lanes >= v * VL", "True", BFLOAT16),
    ("bfloat16.pxi", "large == 0", "False", BFLOAT16),
    ("bfloat16.pxi", "row + 2 * at", "row + at", BFLOAT16),
    ("bfloat16.pxi", "w + at * BLOCK_LANES", "w", BFLOAT16),
    ("bfloat16.pxi", "piece > 0", "False", BFLOAT16),
    ("bfloat16.pxi", "relu and piece == count - 1", "relu", BFLOAT16),
    ("bfloat16.pxi", "image * self.out_image + block * self.out_block", "image * self.out_block + block * self.out_image", BFLOAT16),
    ("bfloat16.pxi", "&self.b[0] + group * self.out_channels + first", "&self.b[0] + first", BFLOAT16),
    ("bfloat16.pxi", "at + u // self.channel_blocks * self.out_channels + first", "at + first", BFLOAT16),
    ("bfloat16.pxi", "pool_block(«pixels // self.window»", "pixels // self.window - 1", BFLOAT16),
    ("bfloat16.pxi", "i * dw_stride + j * VL", "i * dw_stride", BFLOAT16),
    ("bfloat16.pxi", "first >= stop and split == 0", "False", BFLOAT16),
    ("bfloat16.pxi", "i > first", "i >= first", BFLOAT16),
    ("bfloat16.pxi", "n - i - self.partner", "n - i", BFLOAT16),
    ("bfloat16.pxi", "chunk * self.groups + group", "chunk * self.groups", BFLOAT16),
    ("bfloat16.pxi", "self.pair_size[p] > 1 and first + 1 < pixels", "self.pair_size[p] > 1", BFLOAT16),
    ("bfloat16.pxi", "(first + both) * stride", "first * stride", BFLOAT16),
    ("bfloat16.pxi", "pairs * piece // pieces", "0", BFLOAT16),
    ("bfloat16.pxi", "add or piece > 0", "add", BFLOAT16),
    ("bfloat16.pxi", "out + p * BLOCK_LANES + j", "out + p * BLOCK_LANES", BFLOAT16),
    # ---- volumes
    ("volume.pxi", "first * s.skip + j * s.plane", "first * s.skip + j * s.skip", AXES),
    ("volume.pxi", "scratch + j * s.band", "scratch", AXES),
    ("volume.pxi", "volume * self.stack.out_volume + depth * self.stack.out_plane", "image * self.stack.out_plane", AXES),
    ("volume.pxi", "skipped * self.plane_rows", "0", AXES),
    ("volume.pxi", "count * self.plane_rows", "(count - 1) * self.plane_rows", AXES),
    ("volume.pxi", "first if self.w_stride else u * self.rows * BLOCK_LANES", "first", AXES),
    ("volume.pxi", "range(self.reach[plane], self.reach[plane + 1])", "self.reach[plane + 1] - 1", AXES),
    ("volume.pxi", "volume * self.depths + self.source[i, 0]", "self.source[i, 0]", AXES),
    ("volume.pxi", "self.plane[depth, 1] * self.plane_rows", "0", AXES),
    ("volume.pxi", "chunk * self.groups + group", "chunk * self.groups", AXES),
    ("volume.pxi", "range(self.rows + 1)", "self.rows", AXES),
    ("volume.pxi", "dy + at * stride", "dy", AXES),
    ("volume.pxi", "dw + skipped * self.lanes", "dw", AXES),
    # ---- convolution, relu and pooling in one
    ("conv_relu_max_pool.pxi", "&self.which[0] + at + group * self.out_channels + first", "&self.which[0] + at + first", FUSED),
    ("conv_relu_max_pool.pxi", "window * BLOCK_LANES", "(window - 1) * BLOCK_LANES", FUSED),
    ("conv_relu_max_pool.pxi", "range(1, window)", "window - 1", WINOGRAD),
    ("conv_relu_max_pool.pxi", "vrelu(best)", "best", FUSED),
    ("conv_relu_max_pool.pxi", "vmark_dead(winner, best, DEAD_WINDOW)", "winner", FUSED),
    ("conv_relu_max_pool.pxi", "image * self.pooled * self.channels + channel", "image * self.pooled + channel", FUSED),
    ("conv_relu_max_pool.pxi", "p * self.window", "p * 4", FUSED),
    ("conv_relu_max_pool.pxi", "+= «w != DEAD_WINDOW» and g != 0", "w >= 0", FUSED),
    ("conv_relu_max_pool.pxi", "vload(dw + j * VL) if add else vset(0)", "vset(0)", FUSED),
    ("conv_relu_max_pool.pxi", "dw[c] if add else 0", "0", FUSED),
    ("conv_relu_max_pool.pxi", "self.tap[t] + c + offsets[i]", "self.tap[t] + offsets[i]", FUSED),
    ("conv_relu_max_pool.pxi", "dw[0] if add else 0", "0", FUSED),
    ("conv_relu_max_pool.pxi", "first >= (chunk + 1) * self.images // self.chunks and split == 0", "False", FUSED),
    ("conv_relu_max_pool.pxi", "self.band.row_origin * self.band.width + self.band.col_origin", "0", FUSED),
    ("conv_relu_max_pool.pxi", "gradients[i] * w[c]", "gradients[i] * w[0]", FUSED),
    ("conv_relu_max_pool.pxi", "min(<ix>64, rows - k * 64)", "min(<ix>64, rows - k * 64 - 1)", FUSED),
    # ---- Winograd's tiles: of several images, of several planes, multiplied together
    ("winograd.pxi", "min(self.rows, (t % pieces + 1) * VL)", "min(self.rows - 1, (t % pieces + 1) * VL)", WINOGRAD),
    ("winograd.pxi", "8 - i * 3 - j if self.transposed else i * 3 + j", "i * 3 + j", WINOGRAD),
    ("winograd.pxi", "self.planes - 1 - plane", "plane", WINOGRAD),
    ("winograd.pxi", "self.plane[depth, 0] * self.stack.skip", "self.plane[depth, 0] * self.stack.plane", WINOGRAD),
    ("winograd.pxi", "self.plane[depth, 1] * self.plane_channels", "0", WINOGRAD),
    ("winograd.pxi", "j * self.stack.plane", "j * self.stack.skip", WINOGRAD),
    ("winograd.pxi", "min(self.gathered, self.images - first)", "self.gathered", WINOGRAD),
    ("winograd.pxi", "at // self.blocks * self.gathered", "at // self.blocks", WINOGRAD),
    ("winograd.pxi", "v + i * tiles_ * self.padded_channels", "v", WINOGRAD),
    ("winograd.pxi", "i * tiles_ * BLOCK_LANES", "0", WINOGRAD),
    ("winograd.pxi", "u * self.summed + skipped", "u * self.summed", WINOGRAD),
    ("winograd.pxi", "block * (self.pixels // self.wide)", "0", WINOGRAD),
    ("winograd.pxi", "row + t // self.wide", "row", WINOGRAD),
    ("conv_relu_max_pool.pxi", "vtake_winner(&best, &winner, cells[i], «i»)", "0", WINOGRAD),
    ("conv_relu_max_pool.pxi", "range(1, window)", "window - 1", (*WINOGRAD, *FUSED)),
    ("winograd.pxi", "2 * i + k // 2 < self.out_height", "2 * i + k // 2 <= self.out_height", WINOGRAD),
    ("winograd.pxi", "2 * j + k % 2 < self.out_width", "2 * j + k % 2 <= self.out_width", WINOGRAD),
    ("winograd.pxi", "i // 2 < rows and i % 2 < cols", "i // 2 < rows", WINOGRAD),
    ("winograd.pxi", "self.images * self.blocks == 0", "False", WINOGRAD),
    ("winograd.pxi", "min(self.group, stop - first)", "self.group", WINOGRAD),
    ("winograd.pxi", "self.plane[image % self.stack.depths, 2] * self.plane_channels < self.padded_channels", "False", WINOGRAD),
    ("winograd.pxi", "self.out_height - i", "self.out_height - i + 1", WINOGRAD),
    ("winograd.pxi", "(self.pixels - t) * self.padded_channels * sizeof(real)", "0", WINOGRAD),
    ("winograd.pxi", "(self.pixels - t) * self.padded_outs * sizeof(real)", "0", WINOGRAD),
    ("winograd.pxi", "(slab + 1) * c // self.slabs", "(slab + 1) * c // self.slabs - 1", WINOGRAD),
    ("winograd.pxi", "add or piece > 0", "add", WINOGRAD),
    ("winograd.pxi", "place == SUM_PLACE and first == 0", "place == SUM_PLACE", WINOGRAD),
    ("winograd.pxi", "tiles_ * piece // pieces", "0", WINOGRAD),
    ("winograd.pxi", "c // max(1, self.band.channels)", "0", WINOGRAD),
    ("winograd.pxi", "range(1, self.chunks)", "self.chunks - 1", WINOGRAD),
    # ---- pools along an axis
    ("axis_pool.pxi", "n * self.cells + first", "n * self.windows + first", AXES),
    ("axis_pool.pxi", "range(1, count)", "count - 1", AXES),
    ("axis_pool.pxi", "vload_n(«x + k * self.inner + c», lanes)", "x + k * self.inner", AXES),
    ("axis_pool.pxi", "for c from 0 <= c < self.inner by VL", "self.inner - self.inner % VL", AXES),
    ("axis_pool.pxi", "windows = «self.over[k, 1]» - i", "self.over[k, 1] - 1", AXES),
    ("axis_pool.pxi", "self.window[first + i, 1] - self.window[first + i, 0]", "self.window[0, 1] - self.window[0, 0]", AXES),
    ("axis_pool.pxi", "k - self.window[first + i, 0]", "k", AXES),
    ("axis_pool.pxi", "self.window[i, 0] + self.which[at]", "self.which[at]", AXES),
    # ---- rows of cells of few channels
    ("few_channels.pxi", "max(self.slots, stop - j)", "min(2, stop - j)", POOL),
    ("few_channels.pxi", "min(v * VL, self.size - VL)", "v * VL", POOL),
    ("few_channels.pxi", "self.even[v] and span.count == whole", "True", POOL),
    ("few_channels.pxi", "q - span.first + span.skipped", "q - span.first", POOL),
    ("few_channels.pxi", "taken[lane] - base < VL", "True", AXES),
    ("few_channels.pxi", "min(base, taken[lane])", "base", POOL),
    ("few_channels.pxi", "place - step", "place", POOL),
    ("few_channels.pxi", "row[i].count == row[0].count", "True", POOL),
    ("few_channels.pxi", "w == j + slot and span.first <= q < span.first + span.count", "True", POOL),
    # ---- losses cell by cell
    ("elementwise_loss.pxi", "at_least(<real>fabs(t[i]), a[2])", "<real>fabs(t[i])", LOSS),
    ("elementwise_loss.pxi", "(d > 0) - (d < 0)", "2 * (d > 0) - 1", LOSS),
    ("elementwise_loss.pxi", "0 if x[i] < a[2] else 2 * d / (1 + v)", "2 * d / (1 + v)", LOSS),
    ("elementwise_loss.pxi", "0 if v <= 0 else -sign", "0 if v < 0 else -sign", LOSS),
    ("elementwise_loss.pxi", "1 if p > 1 else p", "p", LOSS),
    ("elementwise_loss.pxi", "-q / p if p == x[i] else 0", "-q / p", LOSS),
    ("elementwise_loss.pxi", "1 - epsilon if x > 1 - epsilon else x", "x", LOSS),
    ("elementwise_loss.pxi", "miss > 0 and a[3] != 0", "a[3] != 0", LOSS),
    ("elementwise_loss.pxi", "p * (1 - p) if a[6] else 1", "1", LOSS),
    ("elementwise_loss.pxi", "min(self.rows, (g + 1) * self.rows_at_once)", "min(self.rows - 1, (g + 1) * self.rows_at_once)", LOSS),
    ("elementwise_loss.pxi", "self.targets[r, j] != 0 and self.targets[r, j] != 1", "self.targets[r, j] != 1", LOSS),
    ("elementwise_loss.pxi", "(r - first) * self.columns + j", "j", LOSS),
    ("elementwise_loss.pxi", "min(CELLS, self.columns - j)", "min(CELLS, self.columns - j - 1)", LOSS),
    # ---- images
    ("image.pxi", "mode == MIRROR and size > 1", "mode == MIRROR", IMAGES),
    ("image.pxi", "2 * size if mode == REFLECT else 2 * size - 2", "2 * size", IMAGES),
    ("image.pxi", "1 if mode == REFLECT else 0", "1", IMAGES),
    ("image.pxi", "vwhere(at, vset(<real>-0.5), share, vset(0))", "vwhere(at, vset(<real>0.5), share, vset(0))", IMAGES),
    ("image.pxi", "vset(size - <real>0.5)", "vset(size + <real>0.5)", IMAGES),
    ("image.pxi", "vround(at)", "vfloor(at + vset(<real>0.5))", IMAGES),
    ("image.pxi", "vwhere(low, vset(<real>-0.5), vset(0), e.outside - e.high_share)", "e.outside - e.high_share", IMAGES),
    ("image.pxi", "taps.top[p] * self.width * channels", "taps.top[p] * self.height * channels", IMAGES),
    ("image.pxi", "<real>(j + k)", "<real>k", IMAGES),
    ("image.pxi", "min(SPAN, self.columns - j)", "min(SPAN, self.columns - j - 1)", IMAGES),
    ("image.pxi", "vset(taps.rest[p])", "vset(0)", IMAGES),
    ("image.pxi", "self.x.shape[1] - 1 - i if turned and self.rows else i", "self.x.shape[1] - 1 - i if self.rows else i", IMAGES),
    ("image.pxi", "turned and self.columns", "self.columns", IMAGES),
    ("image.pxi", "width - 1 - j", "width - j", IMAGES),
    ("image.pxi", "t % height + top", "t % height + left", IMAGES),
    ("image.pxi", "t % height - top", "t % height", IMAGES),
    ("image.pxi", "0 <= i < self.dy.shape[1]", "0 < i < self.dy.shape[1]", IMAGES),
    ("image.pxi", "min(self.size, i + FLUSH * line)", "min(self.size - line, i + FLUSH * line)", IMAGES),
    ("image.pxi", "vload_n(x + q + k, self.size - q - k)", "vload_n(x + q + k, self.size - q - k - 1)", IMAGES),
    ("image.pxi", "vset(self.factor[n])", "vset(self.factor[0])", IMAGES),
    ("image.pxi", "vload(&self.means[n, k])", "vload(&self.means[n, 0])", IMAGES),
    ("image.pxi", "vwhere(v, vset(self.high), vset(0), dv)", "vwhere(vset(self.high), v, dv, vset(0))", IMAGES),
    # ---- random numbers
    ("noise.pxi", "self.places[i % size]", "self.places[0]", NOISE),
    ("noise.pxi", "dice(seed, place) >> 32", "dice(seed, place - start) >> 32", NOISE),
    ("noise.pxi", "dice(seed, i)", "dice(seed, i - start)", NOISE),
    ("noise.pxi", "(bits << 32) >> 32", "bits >> 32", NOISE),
    ("noise.pxi", "radius * cos(angle)", "radius", NOISE),
    ("noise.pxi", "rate * 4294967296.0", "(1 - rate) * 4294967296.0", NOISE),
    # ---- rows
    ("rows.pxi", "for j from 0 <= j < n by VL", "n - n % VL", VALUES),
    ("rows.pxi", "vload_n(&self.x[r, «n + j»], n - j), unused", "j", VALUES),
    ("rows.pxi", "s * a * vsigmoid(-b, unused, unused)", "s * a", VALUES),
    ("rows.pxi", "self.x[r, j] > top or self.x[r, j] != self.x[r, j]", "self.x[r, j] > top", VALUES),
    ("rows.pxi", "self.y[r, j] > 0", "self.y[r, j] >= 0", VALUES),
    # ---- a bias by itself
    ("bias.pxi", "(self.rows + fold - 1) // fold", "self.rows // fold", BIAS),
    ("bias.pxi", "min(width, self.y.shape[0] - at)", "width", BIAS),
    ("bias.pxi", "vload(&self.line[j])", "vload(&self.line[0])", BIAS),
    ("bias.pxi", "first * self.width", "0", BIAS),
    ("bias.pxi", "self.width - j >= BIAS_VECTORS * VL", "self.width - j > VL", BIAS),
    ("bias.pxi", "range(1, self.chunks)", "self.chunks - 1", BIAS),
    ("bias.pxi", "range(self.fold)", "self.fold - 1", BIAS),
    ("bias.pxi", "range(self.lines * self.fold, self.rows)", "self.rows - 1", BIAS),
    # ---- Winograd's larger tiles
    ("winograd4.pxi", "0 <= row + i < self.height", "0 < row + i < self.height", LARGE_TILES),
    ("winograd4.pxi", "0 <= col + j < self.width", "0 <= col + j < self.width - 1", LARGE_TILES),
    ("winograd4.pxi", "at // self.wide % self.high * 4 - self.top", "at // self.wide % self.high * 4", LARGE_TILES),
    ("winograd4.pxi", "at % self.wide * 4 - self.left", "at % self.wide * 4", LARGE_TILES),
    ("winograd4.pxi", "min(self.tiles_, self.total - first)", "self.tiles_", LARGE_TILES),
    ("winograd4.pxi", "(self.total + self.tiles_ - 1) // self.tiles_", "self.total // self.tiles_", LARGE_TILES),
    ("winograd4.pxi", "self.items * self.splits", "self.items * self.splits - 1", LARGE_TILES),
    ("winograd4.pxi", "square[«8 - tap»][j] = vload_n", "tap", LARGE_TILES),
    ("winograd4.pxi", "lanes if n + j < self.columns else 0", "lanes", LARGE_TILES),
    ("winograd4.pxi", "self.channels // VL * VL", "0", LARGE_TILES),
    ("winograd4.pxi", "cell, c, «self.channels - c», v + c", "VL", LARGE_TILES),
    ("winograd4.pxi", "row + k // 4 < self.out_height", "row + k // 4 <= self.out_height", LARGE_TILES),
    ("winograd4.pxi", "col + k % 4 < self.out_width", "col + k % 4 <= self.out_width", LARGE_TILES),
    ("winograd4.pxi", "row < self.out_height and col + k < self.out_width", "row < self.out_height", LARGE_TILES),
    ("winograd4.pxi", "j // 2 * 4 + k * 2 + j % 2", "j // 2 * 4 + j % 2", LARGE_TILES),
    ("winograd4.pxi", "(n // BLOCK_LANES * self.rows + k) * BLOCK_LANES", "k * BLOCK_LANES", LARGE_TILES),
    ("winograd4.pxi", "range(split * self.blocks // self.splits, (split + 1) * self.blocks // self.splits)", "self.blocks - 1", LARGE_TILES),
    ("winograd4.pxi", "1.5 / (2 * 2.25 * 1.859375)", "1.5 / (2 * 2.25 * 1.8594)", LARGE_TILES),
]  # fmt: skip


def mutated(k, file, old, new):
    """Return what stands in the place of `old`, the k-th fault behind its switch."""
    if "«" in old:  # what is around the expression stays
        before, rest = old.split("«")
        expression, behind = rest.split("»")
        return before + mutated(k, file, expression, new) + behind
    if " from 0 <= " in old:  # the end of a loop over vectors
        head, bound = old.removesuffix(" by VL").rsplit(" < ", 1)
        return f"{head} < ({new} if MUTANT == {k} else {bound}) by VL"
    if old.startswith("range("):  # the end of a loop
        head, bound = old[6:-1].rsplit(", ", 1) if ", " in old else ("", old[6:-1])
        return f"range({head}{', ' if head else ''}{new} if MUTANT == {k} else {bound})"
    if file.endswith(".h"):
        return f"(fc_mutant == {k} ? ({new}) : ({old}))"
    return f"(({new}) if MUTANT == {k} else ({old}))"


def planted(sources):
    """Return the sources, a dict from file to text, with all faults, each behind its switch."""
    sources = dict(sources)
    for k, (file, old, new, _) in enumerate(MUTANTS, 1):
        plain = old.replace("«", "").replace("»", "")
        if plain not in sources[file]:
            raise SystemExit(f"mutant {k}: {plain!r} is not in {file} any more; bring the table up to date")
        sources[file] = sources[file].replace(plain, mutated(k, file, old, new), 1)
    return sources


def plant(tree):
    """Write all faults into the sources of a tree, and the switch."""
    files = {file for file, *_ in MUTANTS} | {"base.pxi", "simd.h"}
    sources = planted({file: (tree / KERNELS / file).read_text() for file in files})
    declaration = 'cdef extern from "simd.h" nogil:\n    int MUTANT "fc_mutant"\n'
    setting = "\nimport os\nMUTANT = int(os.environ.get('FASTCONV_MUTANT', 0))\n"
    text = sources["base.pxi"].replace('cdef extern from "simd.h" nogil:\n', declaration, 1)
    sources["base.pxi"] = text.replace("\nctypedef Py_ssize_t ix\n", "\nctypedef Py_ssize_t ix\n" + setting, 1)
    text = sources["simd.h"]
    at = text.index("#include") if "#include" in text else 0
    sources["simd.h"] = text[:at] + "static int fc_mutant;\n" + text[at:]
    for file, text in sources.items():
        (tree / KERNELS / file).write_text(text)


def notices(tree, k):
    """Tell whether the tests notice fault k; 0: that they fail without any."""
    tests = MUTANTS[k - 1][3] if k else sorted({test for *_, tests in MUTANTS for test in tests})
    environment = os.environ | {"PYTHONPATH": str(tree), "FASTCONV_MUTANT": str(k)}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *dict.fromkeys(tests)]
    try:
        code = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, timeout=90 if k else 900
        ).returncode
    except subprocess.TimeoutExpired:
        return True
    if code in (4, 5):  # no such file, or nothing in it
        raise SystemExit(f"mutant {k}: pytest finds no tests in {tests}")
    return code != 0


def main(folder, first=1, last=None):
    """Build the faulty kernels in `folder` unless they are there; try the faults from `first` to `last`."""
    last = len(MUTANTS) if last is None else last
    tree = Path(folder).resolve()
    if not tree.exists():
        shutil.copytree(".", tree, ignore=shutil.ignore_patterns(".git", "build", "*.so", "*.c", "__pycache__"))
        plant(tree)
        environment = {"FASTCONV_BUILD_ISA": "baseline"} | os.environ
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="where the faulty kernels are built")
    parser.add_argument("first", nargs="?", type=int, default=1, help="number of the first fault to try")
    parser.add_argument("last", nargs="?", type=int, help="and of the last")
    sys.exit(main(**vars(parser.parse_args())))
