"""What a config may ask for: looked at before anything is made of it."""

from fastconv import metrics
from fastconv.saving.errors import NAME_BYTES, SIZES, STEPS, InvalidFileError


def check(owner, config):
    """Raise if a config describes more than a model needs, or names that are none.

    Parameters
    ----------
    owner : str
        Who reads what.
    config : dict
        What `text.parse` returned: of a model, with or without what it was compiled with.

    Raises
    ------
    InvalidFileError
        If so.

    Examples
    --------
    >>> check("load_model: 'm.keras'", {"class_name": "AUC", "config": {"num_thresholds": 1 << 40}})
    Traceback (most recent call last):
    ...
    fastconv.saving.errors.InvalidFileError: load_model: 'm.keras': its config has num_thresholds=1099511627776; \
expected at most 1048576 altogether.
    """
    _Walk(owner).visit(config)
    count = steps(config)
    if count > STEPS:
        raise InvalidFileError(
            f"{owner}: its config describes {count} calls of layers, those within models counted at each call; "
            f"expected at most {STEPS}."
        )


def steps(entry):
    """Return how many layers a model calls, given its entry in a config.

    Examples
    --------
    >>> steps({"class_name": "Sequential", "config": {"layers": [{"class_name": "ReLU"}, {"class_name": "ReLU"}]}})
    2
    """
    config = entry.get("config") if isinstance(entry, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(layers, list):
        return 1
    return sum(steps(layer) * _calls(layer) for layer in layers)


def _calls(layer):
    nodes = layer.get("inbound_nodes") if isinstance(layer, dict) else None
    return max(len(nodes), 1) if isinstance(nodes, list) else 1


class _Walk:
    """Goes through a config and looks at names, and at sizes that a metric takes memory for when it is made."""

    def __init__(self, owner):
        self.owner, self.sizes = owner, dict.fromkeys(SIZES, 0)

    def visit(self, value):
        """Look at a value and all that is in it."""
        if isinstance(value, dict):
            if isinstance(value.get("name"), str):
                self._check_name(value["name"])
            if value.get("class_name") in metrics.__all__ and isinstance(value.get("config"), dict):
                self._check_sizes(value["config"])
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, (dict, list)):
                self.visit(item)

    def _check_sizes(self, config):
        for key in SIZES:
            size = config.get(key)
            self.sizes[key] += abs(size) if isinstance(size, (int, float)) else 0
            if not self.sizes[key] <= SIZES[key]:
                raise InvalidFileError(
                    f"{self.owner}: its config has {key}={size}; expected at most {SIZES[key]} altogether."
                )

    def _check_name(self, name):
        if len(name) > NAME_BYTES:
            raise InvalidFileError(f"{self.owner}: the name {name[:40]!r}... has more than {NAME_BYTES} letters.")
        if name in (".", "..") or "\\" in name or any(c < " " or c == "\x7f" for c in name):
            raise InvalidFileError(
                f"{self.owner}: its config has the name {name!r}; expected no part of a path and no control characters."
            )
