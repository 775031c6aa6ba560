"""JSON that nobody vouches for: size and depth are looked at before it is parsed, names may not come twice."""

import re

from fastconv.saving.errors import JSON_BYTES, JSON_DEPTH, InvalidFileError, reading

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])')


def parse(owner, text):
    """Return what a JSON text describes.

    Parameters
    ----------
    owner : str
        Who reads what.
    text : str or bytes
        The text.

    Returns
    -------
    dict
        The object.

    Raises
    ------
    InvalidFileError
        If it is no JSON object, too large, too deep, or has a name twice.

    Examples
    --------
    >>> parse("model_from_json", '{"class_name": "Sequential"}')
    {'class_name': 'Sequential'}
    """
    import json

    if len(text) > JSON_BYTES:
        raise InvalidFileError(f"{owner}: the JSON text has {len(text)} bytes; expected at most {JSON_BYTES}.")
    with reading(owner):
        text = text.decode("utf-8") if isinstance(text, bytes) else text
    _check_depth(owner, text)
    with reading(f"{owner}: the JSON text"):
        value = json.loads(text, object_pairs_hook=lambda pairs: _without_repeats(owner, pairs))
    if not isinstance(value, dict):
        raise InvalidFileError(f"{owner}: the JSON text is a {type(value).__name__}; expected an object.")
    return value


def _check_depth(owner, text):
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found.group(1):
            depth += 1
            if depth > JSON_DEPTH:
                raise InvalidFileError(
                    f"{owner}: the JSON text nests deeper than {JSON_DEPTH} brackets at character {found.start()}."
                )
        elif found.group(2):
            depth -= 1


def _without_repeats(owner, pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise InvalidFileError(f"{owner}: the JSON text has the name {key!r} twice in one object.")
        found[key] = value
    return found
