"""What runs: the steps of a plan, with what each takes."""

import numpy as np

from fastconv.names import spelled
from fastconv.plan.profile import kernel_names
from fastconv.visualize.drawing import new_figure
from fastconv.visualize.images import require_model

_WIDTH, _ROW = 9.5, 0.75  # inches
_SAMPLES = 32


@spelled
def plan(model, profile=None):
    """Draw the steps that run for a batch: shapes of a sample; operations, bytes and time of the batch.

    Parameters
    ----------
    model : Model
        A built one.
    profile : Profile, optional
        What ``model.profile(x)`` or ``model.profile(x, y)`` returned; by default 32 random samples are timed now.

    Returns
    -------
    matplotlib.figure.Figure
        On the left the steps from top to bottom, on the right a bar for the time of each, forward and backward.

    Raises
    ------
    ValueError
        If the model is not built.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, activation="relu", name="c")])
    >>> figure = keras.visualize.plan(model)
    >>> print(figure.axes[0].texts[1].get_text())
    0 conv2d_relu: c
    8x8x1 to 6x6x4, 82.9 kFLOP, 26.8 KB
    """
    require_model("visualize.plan", model)
    model.require_built("visualize.plan")
    if profile is None:
        rng = np.random.default_rng(0)
        profile = model.profile([rng.random((_SAMPLES, *x.shape[1:])) for x in model.inputs], seconds=0.1)
    rows = len(profile.steps) + 1
    figure = new_figure("visualize.plan", _WIDTH, _ROW * rows + 1.0)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2), sharey=True)
    first = profile.steps[0].input_shape if profile.steps else (profile.batch, *model.inputs[0].shape[1:])
    boxes = [_box(left, 0, f"input: {_shape(first)}")]
    boxes += [_box(left, i, _words(i - 1, step)) for i, step in enumerate(profile.steps, 1)]
    for i, step in enumerate(profile.steps, 1):
        for source in step.reads:
            _arrow(left, source + 1, i, boxes)
    left.set_xlim(0, 1)
    left.set_ylim(rows - 0.5, -0.5)
    left.set_axis_off()
    _bars(right, profile)
    figure.suptitle(profile.title, fontsize=9)
    return figure


def _box(axes, row, text):
    box = {"boxstyle": "round", "facecolor": "#eaf2fb", "edgecolor": "#5b87b5"}
    return axes.text(0.5, row, text, ha="center", va="center", fontsize=8, bbox=box, zorder=3)


def _arrow(axes, source, row, boxes):
    """Draw an arrow from a row to another: straight to the next one, past those between on their right side."""
    if row == source + 1:
        axes.annotate("", (0.5, row - 0.32), (0.5, row - 0.68), arrowprops={"arrowstyle": "->"})
        return
    ends = {"patchA": boxes[source].get_bbox_patch(), "patchB": boxes[row].get_bbox_patch()}
    bend = {"arrowstyle": "->", "connectionstyle": "arc3,rad=-0.5", "color": "#5b87b5", **ends}
    axes.annotate("", (0.62, row), (0.62, source), arrowprops=bend)


def _words(number, step):
    shapes = f"{_shape(step.input_shape)} to {_shape(step.output_shape)}"
    amounts = f"{_amount(step.forward.flops, 'kFLOP', 'MFLOP', 'GFLOP')}, {_amount(step.bytes, 'KB', 'MB', 'GB')}"
    return f"{number} {step.name}: {', '.join(step.layers)}\n{shapes}, {amounts}"


def _amount(number, *units):
    """Return a number of thousands, millions or billions.

    Examples
    --------
    >>> _amount(82944, "KB", "MB", "GB"), _amount(1_141_899_264, "KB", "MB", "GB")
    ('82.9 KB', '1.1 GB')
    """
    power = min(len(units) - 1, max(0, (len(str(number)) - 4) // 3))
    return f"{number / 1000 ** (power + 1):,.1f} {units[power]}"


def _shape(shape):
    return "x".join(map(str, shape[1:]))


def _bars(axes, profile):
    places, start = np.arange(1, len(profile.steps) + 1), np.zeros(len(profile.steps))
    for direction in ("forward", "backward") if profile.mode == "train" else ("forward",):
        parts = [getattr(step, direction) for step in profile.steps]
        times = np.array([0.0 if part is None else 1000 * part.seconds for part in parts])
        axes.barh(places, times, left=start, height=0.5, label=direction)
        start = start + times
    for place, end, step in zip(places, start, profile.steps, strict=True):
        speed = f", {step.forward.gflops:.0f} GFLOP/s" if step.forward.flops else ""
        axes.text(end, place, f" {end:.3f} ms{speed}\n {kernel_names(step.forward)}", va="center", fontsize=7)
    axes.set_xlim(0, 2.2 * max(start, default=1.0))
    axes.set_xlabel("ms")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False, labelleft=False)
    axes.legend(loc="lower right", fontsize=7)
