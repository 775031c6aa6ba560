"""The curves of a training, read back from the figure."""

import sys
import types

import pytest

from fastconv import visualize

CURVES = {"accuracy": [0.5, 0.75], "loss": [2.0, 1.0], "val_accuracy": [0.25, 0.5], "val_loss": [3.0, 2.5]}


def drawn(figure):
    """Return {title: {label: [(x, y), ...]}}."""
    return {
        axes.get_title(): {
            line.get_label(): [tuple(map(float, point)) for point in line.get_xydata()] for line in axes.lines
        }
        for axes in figure.axes
    }


def test_each_metric_has_its_plot_with_training_and_validation():
    pytest.importorskip("matplotlib")
    expected = {
        "loss": {"training": [(1, 2.0), (2, 1.0)], "validation": [(1, 3.0), (2, 2.5)]},
        "accuracy": {"training": [(1, 0.5), (2, 0.75)], "validation": [(1, 0.25), (2, 0.5)]},
    }
    figure = visualize.history(CURVES)
    assert drawn(figure) == expected
    assert list(drawn(figure)) == ["loss", "accuracy"]
    assert drawn(visualize.history(types.SimpleNamespace(history=CURVES))) == expected


def test_rarer_validation_ends_with_the_training():
    pytest.importorskip("matplotlib")
    figure = visualize.history({"loss": [4.0, 3.0, 2.0, 1.0], "val_loss": [5.0, 6.0]})
    assert drawn(figure)["loss"]["validation"] == [(2, 5.0), (4, 6.0)]


def test_a_figure_can_be_saved_and_no_window_is_opened(tmp_path):
    pytest.importorskip("matplotlib")
    visualize.history(CURVES).savefig(tmp_path / "curves.png", dpi=20)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not getattr(sys.modules.get("matplotlib.pyplot"), "get_fignums", list)()


@pytest.mark.parametrize("nothing", [{}, {"loss": []}, None, [1.0]])
def test_nothing_to_draw_is_an_error(nothing):
    with pytest.raises(ValueError, match="visualize.history: history=.* holds no epoch"):
        visualize.history(nothing)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"visualize.history needs matplotlib: pip install fastconv\[plot\]"):
        visualize.history(CURVES)
