"""Callbacks of Keras's that are not there: whoever makes one is told what to use instead."""

from fastconv.callbacks.callback import Callback

_INSTEAD = {
    "OrbaxCheckpoint": "it needs the package orbax",
    "RemoteMonitor": "it sends the logs of epochs to a web server; a LambdaCallback(on_epoch_end=...) can do that",
    "TensorBoard": "it needs TensorFlow; CSVLogger writes the same metrics to a file, and fit returns them",
}


class _Refused(Callback):
    def __init__(self, *args, **kwargs):
        name = type(self).__name__
        raise NotImplementedError(f"callbacks.{name} is not supported: {_INSTEAD[name]}.")


class OrbaxCheckpoint(_Refused):
    """Not supported."""


class RemoteMonitor(_Refused):
    """Not supported."""


class TensorBoard(_Refused):
    """Not supported."""
