"""Evaluate with the running averages of the weights."""

import numpy as np

from fastconv.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Puts the running averages in the weights' place during evaluations, and the weights back afterwards.

    The optimizer keeps the averages: ``use_ema=True``.

    Parameters
    ----------
    swap_on_epoch : bool
        Whether the averages are in the model at the end of epochs too, until the next one begins: for callbacks behind
        this one, such as those that save weights.

    Raises
    ------
    ValueError
        In training or evaluation, if the optimizer keeps no averages.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
    >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), validation_split=0.5, verbose=0,
    ...                     callbacks=[keras.callbacks.SwapEMAWeights()])
    """

    def __init__(self, swap_on_epoch=False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._averages_in_model = False

    def _pairs(self):
        """Return the weights and their averages."""
        optimizer = getattr(self.model, "optimizer", None)
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. Received: "
                f"use_ema={getattr(optimizer, 'use_ema', None)}"
            )
        if not optimizer.built:
            raise ValueError("SwapEMAWeights: the optimizer has no averages before the first step of training.")
        return list(zip(optimizer._trainable_variables, optimizer._slots["average"], strict=True))

    def _swap(self, inside):
        """Have the averages in the model, or the weights themselves."""
        if self._averages_in_model != inside:
            for weight, average in self._pairs():
                kept = np.copy(weight.array)
                weight.assign(average.array)
                average.assign(kept)
            self._averages_in_model = inside

    def on_epoch_begin(self, epoch, logs=None):
        """Put the weights back; see `Callback`.

        Examples
        --------
        >>> SwapEMAWeights().on_epoch_begin(0)
        """
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch, logs=None):
        """Put the averages in, if it was asked for; see `Callback`.

        Examples
        --------
        >>> SwapEMAWeights().on_epoch_end(0)
        """
        if not self.swap_on_epoch:
            return
        self._swap(True)
        if epoch == self.params["epochs"] - 1:  # at the end of training the averages become the weights once more
            for weight, average in self._pairs():
                average.assign(weight.array)

    def on_test_begin(self, logs=None):
        """Put the averages in; see `Callback`.

        Examples
        --------
        >>> SwapEMAWeights().on_test_begin()
        Traceback (most recent call last):
        ...
        ValueError: SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. Received: use_ema=None
        """
        self._swap(True)

    def on_test_end(self, logs=None):
        """Put the weights back; see `Callback`.

        Examples
        --------
        >>> SwapEMAWeights().on_test_end()
        """
        self._swap(False)

    def on_predict_begin(self, logs=None):
        """Put the averages in; see `Callback`.

        Examples
        --------
        >>> SwapEMAWeights().on_predict_begin()
        Traceback (most recent call last):
        ...
        ValueError: SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. Received: use_ema=None
        """
        self._swap(True)

    def on_predict_end(self, logs=None):
        """Put the weights back; see `Callback`.

        Examples
        --------
        >>> SwapEMAWeights().on_predict_end()
        """
        self._swap(False)
