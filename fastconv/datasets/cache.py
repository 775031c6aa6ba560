"""Where data sets are kept: Keras's cache and the folder that FASTCONV_DATA names; and how they get there."""

import os
from pathlib import Path


def home():
    """Return the folder of Keras's cache, where data sets are downloaded to."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


def places():
    """Return the folders to look at, in order."""
    named = os.environ.get("FASTCONV_DATA")
    return [*([Path(named).expanduser()] if named else []), home()]


def find(names):
    """Return the first path that exists: of several names below the folders to look at, place by place; or None."""
    return next((path for place in places() for name in names if (path := place / name).exists()), None)


def fetch(what, names, url, sha256):
    """Return the path of a data set, which is downloaded if no place has it.

    Parameters
    ----------
    what : str
        Who asks, for messages: ``"mnist.load_data"``.
    names : list of str
        What it may be called below the folders to look at; the last one is what it is downloaded as.
    url, sha256 : str
        Where it is published, and its sum.

    Raises
    ------
    FileNotFoundError
        If it is nowhere and cannot be downloaded; the message says where it was looked for and what to do.
    """
    path = find(names)
    if path is not None:
        return path
    try:
        import pooch
    except ImportError as error:
        raise FileNotFoundError(_explain(what, names, "pooch, which downloads it, is not installed")) from error
    try:
        return Path(pooch.retrieve(url, known_hash=f"sha256:{sha256}", fname=names[-1], path=home()))
    except (OSError, ValueError) as error:  # no network, no room, a folder without rights; a wrong sum
        reason = f"downloading it from {url} into {home()} failed: {error}"
        raise FileNotFoundError(_explain(what, names, reason)) from error


def _explain(what, names, reason):
    looked = [f"  {place / name}" for place in places() for name in names]
    return "\n".join(
        [
            f"{what}: the data set is not on this computer, and {reason}.",
            "Looked for:",
            *looked,
            "Either of these helps:",
            "  pip install fastconv[data]   and a network: downloads it once",
            f"  FASTCONV_DATA=/folder        that holds {names[-1]}",
        ]
    )
