"""Dtype policies: which type weights have, and which type products are computed in.

``"float32"`` and ``"float64"`` mean that type for both. ``"mixed_bfloat16"`` keeps weights, sums and whatever is no
product in float32, and rounds what goes into the products of convolutions and dense layers to bfloat16.
"""

import numpy as np

from fastconv import absent
from fastconv.names import spelled, suggestion
from fastconv.runtime import settings

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]

__getattr__ = absent.of(__name__)

# name -> (type of products, type of weights)
_TYPES = {
    "float32": ("float32", "float32"),
    "float64": ("float64", "float64"),
    "mixed_bfloat16": ("bfloat16", "float32"),
}
_EXPECTED = "expected 'float32', 'float64' or 'mixed_bfloat16'"
# what is asked for now and then, by the beginning of its name -> why it is not there
_HINTS = {
    "bfloat16": "weights stay float32: use 'mixed_bfloat16'.",
    "float16": "the small type here is bfloat16: use 'mixed_bfloat16'.",
    "mixed_float16": "the small type here is bfloat16: use 'mixed_bfloat16'.",
    "float8": "there is no quantization.",
    "int8": "there is no quantization.",
    "int4": "there is no quantization.",
}
_state = {"policy": None}


class DTypePolicy:
    """Which types a layer computes with.

    Parameters
    ----------
    name : {"float32", "float64", "mixed_bfloat16"}, optional
        ``config.floatx()`` by default.

    Raises
    ------
    ValueError
        For any other name; those that Keras knows are refused by name.

    Examples
    --------
    >>> from fastconv import DTypePolicy
    >>> policy = DTypePolicy("mixed_bfloat16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('bfloat16', 'float32')
    """

    def __init__(self, name=None):
        name = settings.floatx() if name is None else name
        if not isinstance(name, str) or name not in _TYPES:
            raise ValueError(_refusal("DTypePolicy", "name", name))
        self._name = name

    @property
    def name(self):
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self):
        """The type of what is multiplied."""
        return _TYPES[self._name][0]

    @property
    def variable_dtype(self):
        """The type of weights, and of all values between layers."""
        return _TYPES[self._name][1]

    @property
    def quantization_mode(self):
        """None: there is no quantization."""

    def get_config(self):
        """Return the arguments with which an equal policy is made."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config):
        """Make a policy from what `get_config` returned."""
        return cls(**config)

    def __eq__(self, other):
        return isinstance(other, DTypePolicy) and other.name == self._name

    __hash__ = None  # as in Keras

    def __repr__(self):
        return f'<DTypePolicy "{self._name}">'


class FloatDTypePolicy(DTypePolicy):
    """`DTypePolicy` under its older name; the two are equal."""


def dtype_policy():
    """Return the policy of new layers that are not given one: that of `config.floatx`, if none was set.

    Returns
    -------
    DTypePolicy

    Examples
    --------
    >>> from fastconv import config
    >>> config.dtype_policy()
    <DTypePolicy "float32">
    """
    return DTypePolicy() if _state["policy"] is None else _state["policy"]


@spelled
def set_dtype_policy(policy):
    """Set the policy of new layers that are not given one by ``dtype=``.

    Parameters
    ----------
    policy : str or DTypePolicy

    Raises
    ------
    ValueError
        If there is no such policy.

    Examples
    --------
    >>> from fastconv import config, layers
    >>> config.set_dtype_policy("mixed_bfloat16")
    >>> layers.Dense(2).compute_dtype
    'bfloat16'
    >>> config.set_dtype_policy("float32")
    """
    if not isinstance(policy, DTypePolicy):
        if not isinstance(policy, str) or policy not in _TYPES:
            raise ValueError(_refusal("set_dtype_policy", "policy", policy))
        policy = DTypePolicy(policy)
    _state["policy"] = None if policy == DTypePolicy() else policy  # the default goes on following floatx


@spelled
def serialize(dtype_policy):
    """Return the config of a policy."""
    if not isinstance(dtype_policy, DTypePolicy):
        raise ValueError(f"dtype_policies.serialize: dtype_policy={dtype_policy!r} is not a DTypePolicy.")
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": dtype_policy.get_config(),
        "registered_name": None,
    }


@spelled
def deserialize(config, custom_objects=None):
    """Make a policy from its config.

    Parameters
    ----------
    config : dict
    custom_objects : None
        Policies of one's own are not supported.

    Raises
    ------
    ValueError
        If the config is none, or of a policy that is not supported.
    """
    if custom_objects:
        raise ValueError(f"dtype_policies.deserialize: custom_objects={custom_objects!r} is not supported.")
    return _of("dtype_policies.deserialize", "config", config)


@spelled
def get(identifier):
    """Return the policy that a name, a NumPy type, a config or a policy stands for; None is the default.

    Parameters
    ----------
    identifier : str, dtype, dict, DTypePolicy or None

    Raises
    ------
    ValueError
        If there is no such policy.

    Examples
    --------
    >>> from fastconv import dtype_policies
    >>> dtype_policies.get("float64")
    <DTypePolicy "float64">
    """
    return _of("dtype_policies.get", "identifier", identifier)


def of_layer(owner, dtype):
    """Return the policy that a layer's argument `dtype` stands for; `owner` is for the message."""
    return _of(owner, "dtype", dtype)


def _of(owner, argument, value):
    if value is None:
        return dtype_policy()
    if isinstance(value, DTypePolicy):
        return value
    if isinstance(value, (np.dtype, type)):
        try:
            name = np.dtype(value).name
        except TypeError:
            name = value
    elif isinstance(value, dict):
        known = value.get("class_name", "DTypePolicy") in ("DTypePolicy", "FloatDTypePolicy", "Policy")
        settings_ = value.get("config")
        name = settings_.get("name") if known and isinstance(settings_, dict) else value
    else:
        name = getattr(value, "name", value)
    if not isinstance(name, str) or name not in _TYPES:
        raise ValueError(_refusal(owner, argument, name))
    return DTypePolicy(name)


def _refusal(owner, argument, name):
    """Return the message for a name that stands for no policy."""
    hints = [hint for start, hint in _HINTS.items() if isinstance(name, str) and name.startswith(start)]
    hint = f" {hints[0][0].upper()}{hints[0][1:]}" if hints else suggestion(name, _TYPES)
    return f"{owner}: {argument}={name!r} is not supported; {_EXPECTED}.{hint}"
