"""Batches as tuples: inputs, labels and weights, of which the later ones may be missing."""

from fastconv.names import spelled


@spelled
def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """Return a batch as a tuple without what is None at its end, or `x` itself if there is nothing else.

    Parameters
    ----------
    x, y, sample_weight : object
        Inputs, labels and weights.

    Returns
    -------
    tuple or object
        A lone `x` that is a list or a tuple is put into a tuple, so that it is not taken for (x, y).

    Examples
    --------
    >>> pack_x_y_sample_weight("x"), pack_x_y_sample_weight("x", "y")
    ('x', ('x', 'y'))
    """
    if sample_weight is not None:
        return (x, y, sample_weight)
    if y is not None:
        return (x, y)
    return (x,) if isinstance(x, (list, tuple)) else x


@spelled
def unpack_x_y_sample_weight(data):
    """Return the inputs, the labels and the weights of a batch, with None for what it has not.

    Parameters
    ----------
    data : object or tuple
        ``x``, ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``; a list counts as a tuple.

    Returns
    -------
    tuple of three

    Raises
    ------
    ValueError
        If the tuple has another length.

    Examples
    --------
    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    parts = tuple(data) if isinstance(data, (list, tuple)) else (data,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(
            f"unpack_x_y_sample_weight: data has {len(parts)} parts; expected x, (x,), (x, y) or (x, y, sample_weight)."
        )
    return (*parts, None, None)[:3]
