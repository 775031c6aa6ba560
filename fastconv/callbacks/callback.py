"""The moments of training at which a callback may act."""

from fastconv.names import Spelled

# Hooks by what they are called with: (logs), (epoch, logs), (batch, logs).
PHASE_HOOKS = tuple(f"on_{phase}_{edge}" for phase in ("train", "test", "predict") for edge in ("begin", "end"))
EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end")
BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    *(f"on_{phase}_batch_{edge}" for phase in ("train", "test", "predict") for edge in ("begin", "end")),
)
HOOKS = PHASE_HOOKS + EPOCH_HOOKS + BATCH_HOOKS


class Callback(Spelled):
    """Base class: subclasses override the hooks they need; all others do nothing.

    Attributes
    ----------
    model : Model
        The model that is trained.
    params : dict
        ``verbose``, ``epochs`` and ``steps``.

    Examples
    --------
    >>> class Shout(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print("epoch", epoch, "is over, the loss is", logs["loss"])
    >>> Shout().on_epoch_end(0, {"loss": 0.5})
    epoch 0 is over, the loss is 0.5
    """

    def __init__(self):
        self.model = None
        self.params = None

    def set_params(self, params):
        """Learn how training goes.

        Parameters
        ----------
        params : dict
            ``verbose``, ``epochs`` and ``steps``.

        Examples
        --------
        >>> Callback().set_params({"verbose": 1, "epochs": 2, "steps": 10})
        """
        self.params = params

    def set_model(self, model):
        """Learn which model is trained.

        Parameters
        ----------
        model : Model
            The model.

        Examples
        --------
        >>> Callback().set_model(None)
        """
        self.model = model

    def on_train_begin(self, logs=None):
        """Act at the beginning of ``fit``.

        Parameters
        ----------
        logs : dict, optional
            Empty.

        Examples
        --------
        >>> Callback().on_train_begin()
        """

    def on_train_end(self, logs=None):
        """Act at the end of ``fit``.

        Parameters
        ----------
        logs : dict, optional
            The metrics of the last epoch.

        Examples
        --------
        >>> Callback().on_train_end()
        """

    def on_test_begin(self, logs=None):
        """Act at the beginning of an evaluation or validation.

        Parameters
        ----------
        logs : dict, optional
            Empty.

        Examples
        --------
        >>> Callback().on_test_begin()
        """

    def on_test_end(self, logs=None):
        """Act at the end of an evaluation or validation.

        Parameters
        ----------
        logs : dict, optional
            Its metrics.

        Examples
        --------
        >>> Callback().on_test_end()
        """

    def on_predict_begin(self, logs=None):
        """Act at the beginning of ``predict``.

        Parameters
        ----------
        logs : dict, optional
            Empty.

        Examples
        --------
        >>> Callback().on_predict_begin()
        """

    def on_predict_end(self, logs=None):
        """Act at the end of ``predict``.

        Parameters
        ----------
        logs : dict, optional
            Empty.

        Examples
        --------
        >>> Callback().on_predict_end()
        """

    def on_epoch_begin(self, epoch, logs=None):
        """Act at the beginning of an epoch.

        Parameters
        ----------
        epoch : int
            Its number, from 0.
        logs : dict, optional
            Empty.

        Examples
        --------
        >>> Callback().on_epoch_begin(0)
        """

    def on_epoch_end(self, epoch, logs=None):
        """Act at the end of an epoch, after validation.

        Parameters
        ----------
        epoch : int
            Its number, from 0.
        logs : dict, optional
            Its metrics; those of validation begin with ``val_``. What is added here is in the history.

        Examples
        --------
        >>> Callback().on_epoch_end(0)
        """

    def on_batch_begin(self, batch, logs=None):
        """Act before a training batch; another name of `on_train_batch_begin`.

        Parameters
        ----------
        batch : int
            Its number in the epoch.
        logs : dict, optional
            Empty.

        Examples
        --------
        >>> Callback().on_batch_begin(0)
        """

    def on_batch_end(self, batch, logs=None):
        """Act after a training batch; another name of `on_train_batch_end`.

        Parameters
        ----------
        batch : int
            Its number in the epoch.
        logs : dict, optional
            The metrics of the epoch so far.

        Examples
        --------
        >>> Callback().on_batch_end(0)
        """

    def on_train_batch_begin(self, batch, logs=None):
        """Act before a training batch.

        Parameters
        ----------
        batch : int
            Its number in the epoch.
        logs : dict, optional
            Empty.

        Examples
        --------
        >>> Callback().on_train_batch_begin(0)
        """
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Act after a training batch.

        Parameters
        ----------
        batch : int
            Its number in the epoch.
        logs : dict, optional
            The metrics of the epoch so far.

        Examples
        --------
        >>> Callback().on_train_batch_end(0)
        """
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch, logs=None):
        """Act before a batch of an evaluation.

        Parameters
        ----------
        batch : int
            Its number.
        logs : dict, optional
            Empty.

        Examples
        --------
        >>> Callback().on_test_batch_begin(0)
        """

    def on_test_batch_end(self, batch, logs=None):
        """Act after a batch of an evaluation.

        Parameters
        ----------
        batch : int
            Its number.
        logs : dict, optional
            The metrics so far.

        Examples
        --------
        >>> Callback().on_test_batch_end(0)
        """

    def on_predict_batch_begin(self, batch, logs=None):
        """Act before a batch of a prediction.

        Parameters
        ----------
        batch : int
            Its number.
        logs : dict, optional
            Empty.

        Examples
        --------
        >>> Callback().on_predict_batch_begin(0)
        """

    def on_predict_batch_end(self, batch, logs=None):
        """Act after a batch of a prediction.

        Parameters
        ----------
        batch : int
            Its number.
        logs : dict, optional
            ``{"outputs": predictions of the batch}``.

        Examples
        --------
        >>> Callback().on_predict_batch_end(0)
        """
