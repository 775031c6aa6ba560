"""Many callbacks behind one: which hooks are overridden is found out once, so all others cost nothing."""

from fastconv.callbacks.callback import EPOCH_HOOKS, HOOKS, PHASE_HOOKS, Callback
from fastconv.callbacks.history import History
from fastconv.callbacks.progbar_logger import ProgbarLogger

# By default these call the hook beside them, so overriding that one counts too.
_CALLS = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def overrides(callback, hook):
    """Tell whether a callback does anything at a hook.

    Parameters
    ----------
    callback : Callback
        The callback.
    hook : str
        The name of the hook.

    Returns
    -------
    bool
        Whether its class, or the object itself, has a method of its own.

    Examples
    --------
    >>> overrides(History(), "on_epoch_end"), overrides(History(), "on_train_batch_end")
    (True, False)
    """
    method = getattr(callback, hook, None)
    if method is None:
        return False
    if getattr(method, "__func__", None) is not getattr(Callback, hook):
        return True
    return hook in _CALLS and overrides(callback, _CALLS[hook])


class CallbackList(Callback):
    """Several callbacks that act one after the other.

    Parameters
    ----------
    callbacks : Callback or (nested) list of Callback, optional
        The callbacks.
    add_history, add_progbar : bool
        Whether a `History` and a `ProgbarLogger` are added, if there is none.
    model : Model, optional
        The model; its ``history`` is set to the history.
    **params
        ``verbose``, ``epochs`` and ``steps``, for the callbacks.

    Raises
    ------
    ValueError
        If something is not a callback.

    Examples
    --------
    >>> callbacks = CallbackList(add_history=True)
    >>> callbacks.on_epoch_end(0, {"loss": 0.5})
    >>> callbacks.history.history
    {'loss': [0.5]}
    >>> callbacks.calls("on_train_batch_end")
    False
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        super().__init__()
        self.callbacks = _flat(callbacks)
        for callback in self.callbacks:
            _check(callback)
        self.history = self._find(History)
        if self.history is None and add_history:
            self.history = History()
            self.callbacks.append(self.history)
        if add_progbar and self._find(ProgbarLogger) is None:
            self.callbacks.append(ProgbarLogger())
        self._collect()
        self.set_model(model)
        self.set_params(params)

    def _find(self, cls):
        found = [callback for callback in self.callbacks if isinstance(callback, cls)]
        return found[-1] if found else None

    def _collect(self):
        """List for each hook the methods to call."""
        self._methods = {hook: [getattr(c, hook) for c in self.callbacks if overrides(c, hook)] for hook in HOOKS}
        self._askers = {
            hook: [getattr(c, "wants_logs", None) for c in self.callbacks if overrides(c, hook)] for hook in HOOKS
        }

    @property
    def handles_nan(self):
        """Whether a callback deals with a loss that is not finite: else training raises."""
        return any(getattr(callback, "handles_nan", False) for callback in self.callbacks)

    def append(self, callback):
        """Add a callback.

        Parameters
        ----------
        callback : Callback
            The callback.

        Raises
        ------
        ValueError
            If it is not a callback.

        Examples
        --------
        >>> callbacks = CallbackList()
        >>> callbacks.append(History())
        >>> callbacks.calls("on_epoch_end")
        True
        """
        _check(callback)
        self.callbacks.append(callback)
        self._collect()

    def set_params(self, params):
        """Pass on how training goes; see `Callback`.

        Examples
        --------
        >>> CallbackList().set_params({"verbose": 1, "epochs": 2, "steps": 10})
        """
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model):
        """Pass on which model is trained; see `Callback`.

        Examples
        --------
        >>> CallbackList().set_model(None)
        """
        if model is None:
            return
        self.model = model
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def calls(self, hook):
        """Tell whether any callback does anything at a hook.

        Parameters
        ----------
        hook : str
            The name of the hook.

        Returns
        -------
        bool
            If not, calling it changes nothing.

        Examples
        --------
        >>> CallbackList().calls("on_epoch_end")
        False
        """
        return bool(self._methods[hook])

    def wants_logs(self, hook):
        """Tell whether any callback would read the logs if a hook was called now.

        Parameters
        ----------
        hook : str
            The name of the hook.

        Returns
        -------
        bool
            If not, the logs need not be worked out. A callback that has a method ``wants_logs()`` is asked.

        Examples
        --------
        >>> CallbackList([History()]).wants_logs("on_epoch_end")
        True
        """
        return any(ask is None or ask() for ask in self._askers[hook])


def _check(callback):
    if isinstance(callback, type):
        raise ValueError(f"callbacks: {callback.__name__} is a class; give an object: {callback.__name__}().")
    if not hasattr(callback, "set_model") or not hasattr(callback, "on_epoch_end"):
        raise ValueError(f"callbacks: {callback!r} is not a Callback.")


def _flat(callbacks):
    if callbacks is None:
        return []
    if isinstance(callbacks, (list, tuple)):
        return [one for some in callbacks for one in _flat(some)]
    return [callbacks]


def _caller(hook):
    """Return the method of `CallbackList` that calls a hook of all callbacks that have it."""
    if hook in PHASE_HOOKS:

        def call(self, logs=None):
            for method in self._methods[hook]:
                method({} if logs is None else logs)

    elif hook in EPOCH_HOOKS:

        def call(self, epoch, logs=None):
            for method in self._methods[hook]:
                method(epoch, {} if logs is None else logs)

    else:

        def call(self, batch, logs=None):
            for method in self._methods[hook]:
                method(batch, {} if logs is None else logs)

    counted = "" if hook in PHASE_HOOKS else f"{'epoch' if hook in EPOCH_HOOKS else 'batch'}, "
    call.__name__ = hook
    call.__qualname__ = f"CallbackList.{hook}"
    call.__doc__ = f"Call ``{hook}({counted}logs)`` of every callback that has it; see `Callback`."
    return call


for _hook in HOOKS:
    setattr(CallbackList, _hook, _caller(_hook))
