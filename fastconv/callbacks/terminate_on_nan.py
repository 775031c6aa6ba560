"""Stop when the loss is no number any more."""

import math

from fastconv.callbacks.callback import Callback


class TerminateOnNaN(Callback):
    """Stops training at a loss that is nan or infinite.

    Parameters
    ----------
    raise_error : bool
        Whether an error is raised instead.

    Examples
    --------
    >>> class Model:
    ...     stop_training = False
    >>> model, callback = Model(), TerminateOnNaN()
    >>> callback.set_model(model)
    >>> callback.on_batch_end(3, {"loss": float("nan")})
    Batch 3: Invalid loss, terminating training
    >>> model.stop_training
    True
    """

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch, logs=None):
        """Look at the loss; see `Callback`.

        Raises
        ------
        RuntimeError
            If it is not finite and errors were asked for.

        Examples
        --------
        >>> TerminateOnNaN().on_batch_end(0, {"loss": 0.5})
        """
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"The loss is {loss} at batch {batch}, training is terminated.")
        print(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
