"""model.summary(): the numbers, the sizes, the table."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv.models import Sequential
from fastconv.models.summary import readable


def text(model, **settings):
    """Return the summary, which comes in one call."""
    parts = []
    model.summary(print_fn=parts.append, **settings)
    (one,) = parts
    return one


def tiny():
    return Sequential(
        [
            L.Input((28, 28, 1)),
            L.Conv2D(8, 3, activation="relu", name="conv2d"),
            L.MaxPooling2D(2, name="pool"),
            L.Flatten(name="flatten"),
            L.Dense(10, activation="softmax", name="head"),
        ],
        name="tiny",
    )


EXPECTED = """\
Model: "tiny"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)                  ┃ Output Shape              ┃           Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ conv2d (Conv2D)               │ (None, 26, 26, 8)         │                80 │
├───────────────────────────────┼───────────────────────────┼───────────────────┤
│ pool (MaxPooling2D)           │ (None, 13, 13, 8)         │                 0 │
├───────────────────────────────┼───────────────────────────┼───────────────────┤
│ flatten (Flatten)             │ (None, 1352)              │                 0 │
├───────────────────────────────┼───────────────────────────┼───────────────────┤
│ head (Dense)                  │ (None, 10)                │            13,530 │
└───────────────────────────────┴───────────────────────────┴───────────────────┘
 Total params: 13,610 (53.16 KB)
 Trainable params: 13,610 (53.16 KB)
 Non-trainable params: 0 (0.00 B)"""


def test_the_whole_text():
    lines, expected = text(tiny()).splitlines(), EXPECTED.splitlines()
    squeezed = [
        [" ".join(line.replace("━", "").replace("─", "").split()) for line in some] for some in (lines, expected)
    ]
    assert squeezed[0] == squeezed[1]
    assert {len(line) for line in lines[1:-3]} == {len(lines[1])}


def test_the_table_fits_a_terminal():
    assert max(map(len, text(tiny()).splitlines())) <= 80
    assert max(map(len, text(tiny(), show_trainable=True).splitlines())) <= 80


def test_it_prints(capsys):
    tiny().summary()
    assert capsys.readouterr().out == text(tiny())


def test_before_a_model_is_built():
    model = Sequential([L.Dense(4, name="a"), L.Dense(1, name="b")], name="m")
    rows = [line.split("│")[1:-1] for line in text(model).splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["a (Dense)", "?", "0 (unbuilt)"],
        ["b (Dense)", "?", "0 (unbuilt)"],
    ]
    assert " Total params: 0 (0.00 B)" in text(model)
    assert 'Model: "empty"' in text(Sequential(name="empty"))


def test_frozen_layers():
    model = tiny()
    model.get_layer("conv2d").trainable = False
    lines = text(model, show_trainable=True).splitlines()
    assert lines[-3:] == [
        " Total params: 13,610 (53.16 KB)",
        " Trainable params: 13,530 (52.85 KB)",
        " Non-trainable params: 80 (320.00 B)",
    ]
    cells = [line.split("│")[1:-1] for line in lines if line.startswith("│")]
    assert [row[0].split()[0] for row in cells] == ["conv2d", "pool", "flatten", "head"]
    assert [row[-1].strip() for row in cells] == ["N", "-", "-", "Y"]


def test_optimizer_params_after_training():
    model = tiny()
    model.compile("adam", "sparse_categorical_crossentropy")
    assert "Optimizer" not in text(model)
    model.train_on_batch(np.ones((2, 28, 28, 1)), np.zeros(2))
    assert text(model).splitlines()[-4:] == [
        " Total params: 40,832 (159.50 KB)",
        " Trainable params: 13,610 (53.16 KB)",
        " Non-trainable params: 0 (0.00 B)",
        " Optimizer params: 27,222 (106.34 KB)",
    ]


def test_width_and_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "130")
    for width in (60, 100, 120):
        lines = text(tiny(), line_length=width).splitlines()[1:-3]
        assert {len(line) for line in lines} == {width}
    border = text(tiny(), line_length=100, positions=[0.5, 0.8, 1.0]).splitlines()[1]
    assert abs(border.index("┳") - 50) <= 4 and abs(border.rindex("┳") - 80) <= 4
    with pytest.raises(ValueError, match=r"summary: positions=\[0.5, 1.0\] has 2 values; expected 3"):
        text(tiny(), positions=[0.5, 1.0])
    with pytest.raises(ValueError, match=r"do not fit into line_length=9; expected 4 or more each"):
        text(tiny(), line_length=9)


def test_long_names_go_on_below():
    model = Sequential([L.Input((3,)), L.Dense(2, name="x" * 20 + "_" + "y" * 20)])
    rows = [line.split("│")[1].strip() for line in text(model).splitlines() if line.startswith("│")]
    assert len(rows) == 2 and rows[1] == "(Dense)"


def test_a_range_of_layers():
    lines = text(tiny(), layer_range=("pool", "flatten"))
    assert "pool" in lines and "flatten" in lines and "conv2d" not in lines and "head" not in lines
    patterns = text(tiny(), layer_range=("fl.*n$", "pool|conv"))  # in either order
    assert [name in patterns for name in ("conv2d", "pool", "flatten", "head")] == [True, True, True, False]
    for wrong in (("pool",), ("pool", "nobody"), ("a", "b", "c"), (0, 1)):
        with pytest.raises(ValueError, match=r"summary: layer_range=.* is not a pair of layer names"):
            text(tiny(), layer_range=wrong)


def cells_of(lines):
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines.splitlines() if line.startswith("│")]


def test_operations():
    shown = text(tiny(), show_flops=True)
    conv, pool, dense = 2 * 26 * 26 * 8 * 9 + 26 * 26 * 8, 13 * 13 * 8 * 4, 2 * 1352 * 10 + 10
    assert [row[3] for row in cells_of(shown)] == [f"{n:,}" for n in (conv, pool, 0, dense)]
    assert f" FLOPs of one sample: {conv + pool + dense:,}" in shown.splitlines()
    rest = [row[:3] for row in cells_of(shown)]
    assert rest == cells_of(text(tiny()))
    unbuilt = text(Sequential([L.Dense(3)]), show_flops=True)
    assert cells_of(unbuilt)[0][3] == "?" and "FLOPs of" not in unbuilt


def test_both_further_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "130")
    shown = text(tiny(), show_flops=True, show_trainable=True, line_length=110)
    assert [row[3:] for row in cells_of(shown)][:2] == [["Y", "102,752"], ["-", "5,408"]]


def test_layers_within_layers(monkeypatch):
    """A layer that has layers of its own is followed by them, if they are wanted."""
    monkeypatch.setenv("COLUMNS", "130")
    model, inner = tiny(), Sequential([L.Input((28, 28, 8)), L.ReLU(name="inside")], name="inner")
    monkeypatch.setattr(model.get_layer("pool"), "layers", [inner], raising=False)
    monkeypatch.setattr(model.get_layer("pool"), "layer_output_shape", lambda layer: (None, 1), raising=False)
    names = [row[0] for row in cells_of(text(model, expand_nested=True, line_length=100))]
    assert names[1:4] == ["pool (MaxPooling2D)", "└ inner (Sequential)", "└ inside (ReLU)"]
    assert "inner" not in text(model)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0.00 B"),
        (96, "96.00 B"),
        (1024, "1.00 KB"),
        (54568, "53.29 KB"),
        (5 << 20, "5.00 MB"),
        (3 << 40, "3.00 TB"),
    ],
)
def test_sizes(size, words):
    assert readable(size) == words
