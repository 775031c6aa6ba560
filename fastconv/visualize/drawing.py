"""The one door to matplotlib."""


def new_figure(caller, width, height):
    """Return an empty figure of `width` x `height` inches that no window and no global list knows of.

    Parameters
    ----------
    caller : str
        The function to name if matplotlib is missing.
    width, height : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
        It lays itself out; ``figure.savefig(...)`` writes it and a notebook shows it.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastconv.visualize.drawing import new_figure
    >>> figure = new_figure("example", 4, 3)
    >>> figure.axes
    []
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"{caller} needs matplotlib: pip install fastconv[plot]") from error
    return Figure(figsize=(width, height), layout="constrained")
