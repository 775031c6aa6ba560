"""A callback made of functions."""

from fastconv.callbacks.callback import HOOKS, Callback
from fastconv.names import suggestion


class LambdaCallback(Callback):
    """A callback made of functions.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable, optional
        Called with epoch and logs.
    on_train_begin, on_train_end : callable, optional
        Called with logs.
    on_train_batch_begin, on_train_batch_end : callable, optional
        Called with batch and logs.
    **kwargs
        Functions for other hooks, under their names.

    Raises
    ------
    ValueError
        If there is no such hook, or what is given is not a function.

    Examples
    --------
    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> callback.on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_train_begin=None,
        on_train_end=None,
        on_train_batch_begin=None,
        on_train_batch_end=None,
        **kwargs,
    ):
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for hook, function in given.items():
            if hook not in HOOKS:
                raise ValueError(f"LambdaCallback: there is no hook {hook!r}.{suggestion(hook, HOOKS)}")
            if function is not None:
                if not callable(function):
                    raise ValueError(f"LambdaCallback: {hook}={function!r} is not a function.")
                setattr(self, hook, function)
