"""fit, evaluate, predict: the loops over batches.

A model inherits them in storeys, each in a file: `compiling` (compile and metrics), `data` (feeds of batches),
`stepping` (one batch), and the loops here.
"""

from contextlib import closing
from itertools import islice

import numpy as np

from fastconv import callbacks as callbacks_module
from fastconv.layers.layer import count
from fastconv.models import feeding
from fastconv.models.stepping import Stepping
from fastconv.names import meant, spelled


@spelled
class Trainer(Stepping):
    """The training half of a model."""

    _done_of_pass = 0  # batches that were given of the pass over the data that the epoch is in, before it

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Train.

        Parameters
        ----------
        x : array_like, PyDataset or iterable of batches
            Arrays of any real type, or batches (x, y) or (x, y, sample_weight). Of several inputs, a list or tuple of
            arrays in their order, or a dict by their names.
        y : array_like, optional
            Of several outputs, a list, tuple or dict of arrays; None where there is no loss.
        batch_size : int, optional
            32 by default.
        epochs, initial_epoch : int
            Training goes from epoch `initial_epoch` up to `epochs`.
        verbose : {"auto", 0, 1, 2}
            Silent, a progress bar, a line an epoch; "auto" is 1.
        callbacks : list of Callback, optional
        validation_split : float
            The share of the last samples that is set aside, before any shuffling.
        validation_data : tuple or iterable of batches, optional
            (x, y) or (x, y, sample_weight).
        shuffle : bool
            A new order at each epoch: of samples, or of the batches of a PyDataset; other iterables keep theirs.
        class_weight : dict, optional
            Weights of classes in the loss.
        sample_weight : array_like, optional
            Weights of samples in the loss; of several outputs in all losses, or a list, tuple or dict of arrays.
        steps_per_epoch, validation_steps : int, optional
            Batches of an epoch and of a validation; needed for endless iterables.
        validation_batch_size, validation_freq : int or list of int, optional
            `validation_freq`: every so many epochs, or in which epochs (from 1).

        Returns
        -------
        History
            ``history.history`` has a list for each name, one value an epoch.

        Raises
        ------
        ValueError
            If the data does not fit the model.
        FloatingPointError
            If the loss becomes NaN: says where the first NaN appeared.
        """
        self._require_compiled("fit")
        owner = self._owner("fit")
        epochs, initial_epoch = count(owner, "epochs", epochs, 0), count(owner, "initial_epoch", initial_epoch, 0)
        _check_counts(
            owner, batch_size=batch_size, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
        )  # fmt: skip
        validation_freq = _frequency(owner, validation_freq)
        feeding.check_class_weight(class_weight, owner)
        if validation_split and validation_data is None:
            x, y, sample_weight, validation_data = self._split(x, y, sample_weight, validation_split)
        feed = self._feed(x, y, sample_weight, batch_size, "fit", class_weight, shuffle, steps_per_epoch)
        validation = self._validation_feed(validation_data, validation_batch_size or batch_size, validation_steps)
        steps = feed.steps
        container = callbacks_module.CallbackList(
            callbacks, add_history=True, add_progbar=verbose != 0, model=self,
            verbose=1 if verbose == "auto" else verbose, epochs=epochs, steps=steps,
        )  # fmt: skip
        self.stop_training = False
        self._begin_at, self._resuming = initial_epoch, None  # a callback may change them
        container.on_train_begin()
        logs = None
        with closing(feed), closing(validation or feed):
            for epoch in range(self._begin_at, epochs):
                logs = self._fit_epoch(feed, container, epoch)
                if validation is not None and _is_due(epoch, validation_freq):
                    results = self._test_loop(validation, container, "fit (validation_data)")
                    logs.update({f"val_{name}": value for name, value in sorted(results.items())})
                container.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        if self.optimizer.built and self.optimizer.use_ema:
            self.optimizer.finalize_variable_values(self.plan.trainable)
        container.on_train_end(logs)
        return self.history

    def _fit_epoch(self, feed, container, epoch):
        """Train for one epoch; return the sorted logs."""
        self.reset_metrics()
        self._broken = None
        resuming = self._resuming
        self._done_of_pass = feed.taken if resuming is None else resuming.done_of_pass
        container.on_epoch_begin(epoch)
        batches = enumerate(feed)
        if resuming is not None:
            _leave_out(feed, batches, resuming)
            self._resuming = None
        for step, batch in batches:
            container.on_train_batch_begin(step)
            self._run_batch(batch, "train", container.handles_nan)
            self._report(container, "on_train_batch_end", step)
            if self.stop_training:
                break
        self._done_of_pass = feed.taken
        self._require_batches("fit", f" in epoch {epoch + 1}")
        return dict(sorted(self.get_metrics_result().items()))

    def _report(self, container, hook, step):
        """Tell the callbacks that a batch is done; work out the metrics only if one of them looks."""
        if container.calls(hook):
            logs = dict(sorted(self.get_metrics_result().items())) if container.wants_logs(hook) else None
            getattr(container, hook)(step, logs)

    def _test_loop(self, feed, container, what="evaluate"):
        """Run over a feed without training; return the logs."""
        self.reset_metrics()
        self.stop_evaluating = False
        container.on_test_begin()
        for step, batch in enumerate(feed):
            container.on_test_batch_begin(step)
            self._run_batch(batch, "test")
            self._report(container, "on_test_batch_end", step)
            if self.stop_evaluating:
                break
        self._require_batches(what)
        logs = self.get_metrics_result()
        container.on_test_end(logs)
        return logs

    def _require_batches(self, what, when=""):
        """Raise unless a sample was seen since the metrics began to count."""
        if not self._loss_tracker.count.array:
            raise ValueError(f"{self._owner(what)}: x gave no batch{when}, no sample; expected at least one.")

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
        **kwargs,
    ):
        """Compute loss and metrics over data; see `fit` for the arguments.

        Returns
        -------
        float, list of float or dict
            The loss, or [loss, metrics...], or with `return_dict` all by name.
        """
        if kwargs:
            hint = meant(self.evaluate, kwargs)
            raise ValueError(f"{self._owner('evaluate')}: unknown arguments {sorted(kwargs)}.{hint}")
        self._require_compiled("evaluate")
        _check_counts(self._owner("evaluate"), batch_size=batch_size, steps=steps)
        feed = self._feed(x, y, sample_weight, batch_size, "evaluate", steps=steps)
        container = callbacks_module.CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=1 if verbose == "auto" else verbose, epochs=1,
            steps=feed.steps,
        )  # fmt: skip
        with closing(feed):
            self._test_loop(feed, container)
        return self._result(return_dict)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Return the outputs for data; see `fit` for the arguments.

        Returns
        -------
        ndarray
            One row a sample. Of several outputs a list, tuple or dict of arrays, as the model was made.
        """
        _check_counts(self._owner("predict"), batch_size=batch_size, steps=steps)
        x = self._sole(x)
        if type(x) is np.ndarray and x.ndim and len(x) <= (batch_size or 32) and not (steps or callbacks or verbose):
            return self.predict_on_batch(x)  # one batch, and nobody to tell
        feed = self._feed(x, None, None, batch_size, "predict", steps=steps)
        container = None
        if callbacks or verbose in (1, 2, "auto"):
            container = callbacks_module.CallbackList(
                callbacks, add_progbar=verbose != 0, model=self, verbose=1 if verbose == "auto" else verbose, epochs=1,
                steps=feed.steps,
            )  # fmt: skip
            container.on_predict_begin()
        with closing(feed):
            outputs = self._predict_loop(feed, container)
        if container is not None:
            container.on_predict_end()
        return outputs

    def _predict_loop(self, feed, container):
        whole = isinstance(feed, feeding.ArrayFeed)
        outputs, at = [], 0
        self.stop_predicting = False
        if whole:
            outputs = [np.empty((feed.count, *shape[1:]), self.dtype) for shape in self._output_shapes]
        for step, batch in enumerate(feed):
            if container is not None:
                container.on_predict_batch_begin(step)
            rows = [y[at : at + len(batch)] for y in outputs] if whole else None
            result = self._predict_rows(batch, rows)
            at += len(batch)
            if not whole:
                outputs.append(result)
            if container is not None:
                container.on_predict_batch_end(step, {"outputs": self._outs.pack(result)})
            if self.stop_predicting:
                break
        if whole:
            return self._outs.pack([y[:at] for y in outputs])
        if not outputs:
            raise ValueError(f"{self._owner('predict')}: x gave no batch; expected at least one.")
        return self._outs.pack([np.concatenate(parts) for parts in zip(*outputs, strict=True)])


def _leave_out(feed, batches, resuming):
    """Go to where a training was that goes on: over the batches that it has done."""
    resuming.go_back()
    if resuming.done_of_pass:
        feed.skip(resuming.done_of_pass)
    for _ in islice(batches, resuming.batch):
        pass
    resuming.go_on()


def _frequency(owner, value):
    """Return the number of epochs from one validation to the next, or a list of the epochs that have one."""
    if np.iterable(value):
        return [count(owner, "validation_freq", epoch) for epoch in value]
    return count(owner, "validation_freq", value)


def _is_due(epoch, frequency):
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency


def _check_counts(owner, **arguments):
    """Raise ValueError for the first argument that is neither None nor a whole number above 0."""
    for argument, value in arguments.items():
        if value is not None:
            count(owner, argument, value)
