"""Variables: arrays that stay where they are."""

import operator

import numpy as np
import pytest

from fastconv.layers.variable import Variable


def test_made_of_values():
    v = Variable([1, 2])
    assert (v.dtype, v.shape, v.ndim, v.name, v.path, v.trainable) == ("float32", (2,), 1, "variable", "variable", True)
    given = np.ones(2, np.float64)
    v = Variable(given, name="w", trainable=False)
    given[...] = 7
    assert v.dtype == "float64" and not v.trainable
    np.testing.assert_array_equal(v.numpy(), [1, 1])


def test_made_by_an_initializer():
    assert Variable("ones", shape=(2, 3)).numpy().tolist() == [[1, 1, 1], [1, 1, 1]]
    assert Variable("zeros", shape=[2], dtype="float64").dtype == "float64"
    with pytest.raises(ValueError, match="Variable 'w': an initializer needs a shape"):
        Variable("ones", name="w")
    with pytest.raises(ValueError, match=r"Variable 'w': the values have shape \(2,\); expected \(3,\)"):
        Variable([1, 2], shape=(3,), name="w")
    with pytest.raises(ValueError, match="Did you mean 'one"):
        Variable("onse", shape=(2,))


def test_changes_happen_in_place():
    v = Variable([1.0, 2.0])
    array, version = v.array, v.version
    v.assign([3, 4])
    v.assign_add([1, 1])
    v.assign_sub(np.array([0.5, 0.5]))
    assert v.array is array and v.version == version + 3
    assert v.numpy().tolist() == [3.5, 4.5]
    v.assign(Variable([9.0, 9.0]))
    assert v.numpy().tolist() == [9, 9]


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("assign", 1.0),
        ("assign", [1.0]),
        ("assign", [[1.0, 2.0]]),
        ("assign", [1.0, 2.0, 3.0]),
        ("assign_add", [[1.0, 2.0]]),
        ("assign_sub", [1.0, 2.0, 3.0]),
    ],
    ids=str,
)
def test_only_values_of_one_shape_fit(method, value):
    v = Variable([1.0, 2.0], name="w")
    with pytest.raises(ValueError, match="shape"):
        getattr(v, method)(value)
    assert v.numpy().tolist() == [1, 2] and v.version == 0


def test_what_is_shown_cannot_be_written_to():
    v = Variable([1.0, 2.0])
    for view in (v.value, np.asarray(v)):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 7
    copy = np.array(v, copy=True)
    copy[0] = 7
    v.numpy()[0] = 7
    assert v.numpy().tolist() == [1, 2]


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge"])
def test_arithmetic_stands_for_the_array(name):
    function = getattr(operator, name)
    a, b = np.array([1.0, 4.0], np.float32), np.array([2.0, 3.0], np.float32)
    for left, right in ((Variable(a), b), (a, Variable(b)), (Variable(a), Variable(b)), (Variable(a), 2)):
        expected = function(np.asarray(left), np.asarray(right))
        np.testing.assert_array_equal(function(left, right), expected)


def test_numbers():
    v = Variable(3)
    assert (float(v), int(v)) == (3.0, 3)
    assert [10, 20, 30, 40][Variable(np.int64(2))] == 30
    assert (-v).tolist() == -3 and abs(-v) == 3
    assert Variable([1.0, 2.0])[1] == 2
    assert "path=w" in repr(Variable([1.0], name="w"))


@pytest.mark.parametrize(
    "argument",
    [{"aggregation": "max"}, {"synchronization": "on_write"}, {"layout": 1}],
    ids=lambda given: next(iter(given)),
)
def test_arguments_for_several_machines_are_refused(argument):
    with pytest.raises(NotImplementedError, match=f"Variable 'w': {next(iter(argument))}="):
        Variable([1.0], name="w", **argument)
    with pytest.raises(TypeError, match="Variable 'w' got an unexpected argument 'shap'"):
        Variable([1.0], name="w", shap=(1,))
    assert Variable([1.0], autocast=False, aggregation="mean", synchronization="auto").numpy() == [1]


def test_equality_is_of_values_and_keys_are_variables():
    v, w = Variable([1.0, 2.0]), Variable([1.0, 2.0])
    assert (
        (v == w).tolist() == [True, True] and (v == 1).tolist() == [True, False] and (v != 1).tolist() == [False, True]
    )
    assert len({v: 1, w: 2}) == 2
    with pytest.raises(TypeError, match="Variable 'variable' is not a boolean"):
        bool(v)


def test_nobody_overwrites_with_the_gradient():
    v = Variable([1.0])
    v.overwrite_with_gradient = False
    with pytest.raises(NotImplementedError, match="'variable': overwrite_with_gradient=True"):
        v.overwrite_with_gradient = True
    assert not v.overwrite_with_gradient
