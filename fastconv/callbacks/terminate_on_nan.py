"""Stop when the loss is no number any more."""

import math

from fastconv.callbacks.callback import Callback


class TerminateOnNaN(Callback):
    """Stops training at a loss that is nan or infinite, and says where the first such number appeared.

    In ``fit`` the weights stay as they were before the batch of that loss. Without this callback, ``fit`` raises
    FloatingPointError there.

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

    handles_nan = True  # training leaves it to us

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
        where = getattr(self.model, "_broken", None)
        where = f"; the first NaN or infinity is {where}" if where else ""
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating training immediately"
                f"{where}."
            )
        print(f"Batch {batch}: Invalid loss, terminating training{where}")
        self.model.stop_training = True

    def wants_logs(self):
        """Tell whether the loss of the batch is not finite, as far as the model knows.

        Examples
        --------
        >>> TerminateOnNaN().wants_logs()
        True
        """
        return getattr(self.model, "_broken", "unknown") is not None
