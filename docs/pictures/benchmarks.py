"""Speed from commit to commit, by asv's committed results."""

import performance
from matplotlib.figure import Figure

SHOWN = {
    ("models.Train.time_step", "128"): "training, batch 128",
    ("models.Predict.time_call", "1"): "model(x), batch 1",
    ("models.Predict.time_call", "256"): "model(x), batch 256",
    ("ops.Conv.time_layer", "tutorial.conv2", "forward"): "convolution, forward",
    ("ops.Conv.time_layer", "tutorial.conv2", "data"): "gradient of the images",
    ("ops.Conv.time_layer", "tutorial.conv2", "filters"): "gradient of the filters",
}


def over_time():
    """Draw how many times as fast as NumPy fastconv is, commit by commit."""
    results = performance.asv_results()
    figure = Figure(figsize=(6, 4.4), layout="constrained")
    axes = figure.subplots()
    for key, label in SHOWN.items():
        ratios = [_ratio(result["values"], key) for result in results]
        axes.plot(range(len(results)), ratios, marker="o", markersize=4, label=label)
    axes.set_xticks(range(len(results)), [result["commit"][:8] for result in results], fontsize=8)
    axes.set_xlim(-0.5, max(len(results), 1) - 0.5)
    axes.set_ylim(0)
    axes.set_ylabel("times as fast as NumPy")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=8, frameon=False)
    return figure


def _ratio(values, key):
    ours, theirs = values.get((*key, "fastconv")), values.get((*key, "numpy"))
    return theirs / ours if ours and theirs else float("nan")
