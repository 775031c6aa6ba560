"""Dtype policies: the names Keras has, what they mean, and what is refused."""

import numpy as np
import pytest

import fastconv
from fastconv import DTypePolicy, config, dtype_policies, layers, mixed_precision

MIXED = {
    "module": "keras",
    "class_name": "DTypePolicy",
    "config": {"name": "mixed_bfloat16"},
    "registered_name": None,
}


@pytest.fixture
def restored(monkeypatch):
    """Set the policy that there was before."""
    monkeypatch.setitem(dtype_policies._state, "policy", None)


@pytest.mark.parametrize(
    ("name", "compute", "variable"),
    [
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("mixed_bfloat16", "bfloat16", "float32"),
        (None, "float32", "float32"),
    ],
)
def test_what_the_names_mean(name, compute, variable):
    policy = DTypePolicy(name)
    assert (policy.compute_dtype, policy.variable_dtype, policy.quantization_mode) == (compute, variable, None)
    assert policy == DTypePolicy.from_config(policy.get_config()) == dtype_policies.get(policy)
    assert repr(policy) == f'<DTypePolicy "{policy.name}">'


def test_policies_are_compared_by_name():
    assert DTypePolicy("float32") != DTypePolicy("mixed_bfloat16")
    assert DTypePolicy("float32") != "float32"
    assert fastconv.FloatDTypePolicy("float64") == DTypePolicy("float64")
    with pytest.raises(TypeError, match="unhashable"):
        hash(DTypePolicy("float32"))


@pytest.mark.parametrize("given", ["mixed_bfloat16", DTypePolicy("mixed_bfloat16"), MIXED])
def test_ways_to_say_it(given):
    assert dtype_policies.get(given) == DTypePolicy("mixed_bfloat16")
    assert layers.Dense(2, dtype=given).dtype_policy == DTypePolicy("mixed_bfloat16")


def test_configs():
    policy = DTypePolicy("mixed_bfloat16")
    assert dtype_policies.serialize(policy) == MIXED
    assert dtype_policies.deserialize(MIXED) == policy
    assert layers.Dense(2, dtype=policy).get_config()["dtype"] == MIXED
    assert layers.SpatialDropout2D(0.5, dtype=policy).get_config()["dtype"] == MIXED
    assert layers.Dense(2).get_config()["dtype"] == "float32"
    assert layers.Dense.from_config(layers.Dense(2, dtype=policy).get_config()).dtype_policy == policy


def test_the_policy_of_new_layers(restored):
    config.set_dtype_policy("mixed_bfloat16")
    assert config.dtype_policy() == mixed_precision.global_policy() == DTypePolicy("mixed_bfloat16")
    dense = layers.Dense(2)
    assert (dense.dtype, dense.compute_dtype, dense.variable_dtype) == ("float32", "bfloat16", "float32")
    assert layers.Dense(2, dtype="float32").compute_dtype == "float32"
    assert layers.InputLayer((3,)).get_config()["dtype"] == "float32"
    config.set_dtype_policy(DTypePolicy("float64"))
    assert layers.Dense(2).dtype == "float64"
    assert fastconv.Sequential([layers.Input((3,)), layers.Dense(2)]).predict(np.ones((1, 3)), verbose=0).dtype == "f8"
    mixed_precision.set_global_policy("float32")
    assert layers.Dense(2).dtype == "float32"


def test_the_default_follows_floatx(restored):
    config.set_dtype_policy("mixed_bfloat16")
    config.set_dtype_policy("float32")
    config.set_floatx("float64")
    try:
        assert config.dtype_policy() == DTypePolicy() == DTypePolicy("float64")
    finally:
        config.set_floatx("float32")


def test_a_layer_without_weights_can_change_its_policy():
    dense = layers.Dense(2)
    dense.dtype_policy = "mixed_bfloat16"
    assert dense.compute_dtype == "bfloat16"
    dense.build((None, 3))
    with pytest.raises(ValueError, match="dtype_policy cannot be set once there are weights"):
        dense.dtype_policy = "float32"


@pytest.mark.parametrize("name", ["mixed_float16", "float16", "bfloat16", "int8", "int4", "float8", "nonsense", 5])
def test_what_is_not_supported_is_refused_by_name(name, restored):
    expected = rf"={name!r} is not supported; expected 'float32', 'float64' or 'mixed_bfloat16'"
    for owner, call in (
        ("DTypePolicy: name", DTypePolicy),
        ("set_dtype_policy: policy", config.set_dtype_policy),
        ("dtype_policies.get: identifier", dtype_policies.get),
        ("Layer 'd': dtype", lambda dtype: layers.Dense(2, dtype=dtype, name="d")),
    ):
        with pytest.raises(ValueError, match=owner + expected):
            call(name)
    assert config.dtype_policy() == DTypePolicy("float32")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("mixed_float16", "use 'mixed_bfloat16'"), ("int8", "There is no quantization"), ("float33", "Did you mean")],
)
def test_hints(name, hint):
    with pytest.raises(ValueError, match=hint):
        DTypePolicy(name)


@pytest.mark.parametrize(
    "given",
    [
        None,
        {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}},
        {"class_name": "DTypePolicyMap", "config": {}},
    ],
)
def test_other_configs_are_refused(given, restored):
    if given is None:
        with pytest.raises(ValueError, match="set_dtype_policy: policy=None is not supported"):
            config.set_dtype_policy(given)
    else:
        with pytest.raises(ValueError, match="dtype_policies.deserialize: config=.* is not supported"):
            dtype_policies.deserialize(given)


def test_policies_of_ones_own_are_refused():
    with pytest.raises(ValueError, match="custom_objects"):
        dtype_policies.deserialize(MIXED, {"Mine": DTypePolicy})
