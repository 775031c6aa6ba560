"""Warnings that point at the line of the program that called the library, however deep in it they arise."""

import os
import sys
import warnings

_LIBRARY = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def warn(message, category=UserWarning):
    """Warn at the line from which the library was called; from a thread of the library's own, at its first line.

    Parameters
    ----------
    message : str
        What to say.
    category : type
        The class of the warning.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("take care")
    >>> caught[0].filename == __file__  # not this line, but that of the library
    False
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_LIBRARY):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
