"""compile, fit, evaluate, predict: the loops over batches."""

import numbers
from collections.abc import Mapping
from itertools import islice

import numpy as np

from fastconv import callbacks as callbacks_module
from fastconv import losses, metrics, optimizers
from fastconv.layers.layer import count
from fastconv.losses.lowering import check, is_trainable, lower
from fastconv.models import feeding
from fastconv.runtime import seeds

BY_SHAPE = ("crossentropy", "ce")  # names whose meaning the shapes of labels and predictions decide


class Trainer:
    """The training half of a model."""

    def __init__(self):
        self.optimizer = None
        self.loss = None
        self.stop_training = False
        self.history = None
        self._loss_object = None
        self._metric_specs = ([], [])  # as given to compile: metrics, weighted metrics
        self._metrics = None  # objects, once shapes are known
        self._loss_tracker = metrics.Mean(name="loss")

    # -- compile ------------------------------------------------------------------------------------------
    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Say how to train.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str, function or Loss
            See `fastconv.losses`.
        metrics, weighted_metrics : list of str, function or Metric, optional
            ``"accuracy"`` is resolved by the shapes, as in Keras; weighted ones use sample and class weights.
        loss_weights, run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            For frameworks that compile graphs; anything but the default is refused or, where it only concerns how a
            graph is run (`jit_compile`, `auto_scale_loss`), has no meaning here.

        Raises
        ------
        ValueError
            For unknown names, with a suggestion.
        """
        _refuse(self.name, loss_weights=loss_weights, run_eagerly=run_eagerly or None)
        if steps_per_execution != 1:
            _refuse(self.name, steps_per_execution=steps_per_execution)
        if optimizer is None:
            raise ValueError(f"Model {self.name!r}, compile: optimizer=None is not a name or an Optimizer.")
        self.optimizer = optimizers.get(optimizer)
        self._loss_object = None
        if isinstance(loss, str) and loss.lower() in BY_SHAPE:
            self._loss_object = loss.lower()  # settled when the labels are seen
        elif loss is not None:
            self._loss_object = losses.resolve(loss)
            check(self._loss_object)
        self._metric_specs = (_as_list(metrics), _as_list(weighted_metrics))
        for spec in (*self._metric_specs[0], *self._metric_specs[1]):
            _check_metric(spec)
        self.loss = loss
        self._metrics = None
        self._plans = {}
        self.compiled = True

    compiled = False

    def loss_op(self):
        """Return the op of the loss, None where there is none that training knows."""
        if not is_trainable(self._loss_object):
            return None
        return lower(self._loss_object, len(self.output_shape))

    def _require_compiled(self, what):
        if not self.compiled:
            raise ValueError(
                f"Model {self.name!r}: You must call compile() before using the model: {what} needs a loss."
            )
        if self._loss_object is None:
            raise ValueError(f"Model {self.name!r}: {what} needs a loss; compile() got loss=None.")

    @property
    def metrics(self):
        """The loss tracker and the metric objects, once shapes are known."""
        return [self._loss_tracker, *(metric for metric, _ in self._metrics or [])] if self.compiled else []

    @property
    def metrics_names(self):
        """What evaluation reports, as Keras 3 says it: the loss, and all metrics together."""
        return [] if not self.compiled else ["loss", *(["compile_metrics"] if any(self._metric_specs) else [])]

    def _resolve_metrics(self, target_shape):
        if self._metrics is None:
            shapes = ((None, *target_shape[1:]), self.output_shape)
            plain, weighted = ([metrics.resolve(spec, *shapes) for spec in specs] for specs in self._metric_specs)
            taken = {metric.name for metric in plain}
            for metric in weighted:  # of two with one name, Keras marks this one
                metric.name = f"weighted_{metric.name}" if metric.name in taken else metric.name
            self._metrics = [(m, False) for m in plain] + [(m, True) for m in weighted]

    def reset_metrics(self):
        """Begin to count anew."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self):
        """Return the values of all metrics so far, by name."""
        return {metric.name: float(metric.result()) for metric in self.metrics}

    # -- one batch ----------------------------------------------------------------------------------------
    def _run_batch(self, batch, mode):
        """Run a batch forward, in training backward; update weights, loss and metrics."""
        with self.plan.program(len(batch), mode) as program:
            if mode == "test":
                self.plan.refresh(program)
            batch.write(program)
            rows = program.losses.size
            program.scale[0] = (
                1.0 if self._loss_object.reduction == "sum" else 1.0 / max(1, self._counted(program, rows))
            )
            program.run()
            loss = float(program.total[0])
            if mode == "train":
                if loss != loss:
                    self._explain_nan(batch)
                self._update_weights()
            self._loss_tracker.update_state(loss, sample_weight=len(batch))
            for metric, weighted in self._metrics:
                metric.update_state(program.targets, program.y, sample_weight=program.weights if weighted else None)

    def _counted(self, program, rows):
        """Return how many loss values a mean is over: those of an ignored class do not count."""
        ignored = getattr(self._loss_object, "ignore_class", None)
        return rows if ignored is None else int(np.count_nonzero(program.targets != ignored))

    def _update_weights(self):
        variables = self.plan.trainable
        if not self.optimizer.built:
            self.optimizer.build(variables)
        self.optimizer.step([self.plan.gradient(v) for v in variables], variables)

    def _explain_nan(self, batch):
        """Raise with the first layer whose output is not a number; the weights are those before this batch."""
        x = np.empty((len(batch), *self.input_shape[1:]), self.dtype)
        batch.x.write(batch.index, x)
        where = "in the loss itself"
        if np.isnan(x).any():
            where = "in the inputs x"
        else:
            for layer in self.layers:
                bad = [v.path for v in layer.weights if not np.isfinite(v.array).all()]
                if bad:
                    where = f"in the weights {bad} of layer {layer.name!r}"
                    break
                x = layer(x)
                if np.isnan(x).any():
                    where = f"in the output of layer {layer.name!r}"
                    break
        raise FloatingPointError(
            f"Model {self.name!r}: the loss became NaN; the first NaN or infinity is {where}. Expected finite "
            "numbers: check the data for NaN, scale it to a small range, or lower the learning rate. The weights are "
            "those before this batch."
        )

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """Train on one batch; return the loss, or [loss, metrics...], of this batch."""
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Compute the loss, or [loss, metrics...], of one batch."""
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(self, mode, x, y, sample_weight, class_weight, return_dict):
        what = f"{mode}_on_batch"
        self._require_compiled(what)
        feeding.check_class_weight(class_weight, self._owner(what))
        batch = self._convert(x, y, sample_weight, class_weight, what)
        self.reset_metrics()
        self._run_batch(batch, mode)
        return self._result(return_dict)

    def _result(self, return_dict):
        values = self.get_metrics_result()
        if return_dict:
            return dict(sorted(values.items()))
        values = list(values.values())
        return values[0] if len(values) == 1 else values

    def predict_on_batch(self, x):
        """Return the outputs for one batch, which is run whole."""
        owner = self._owner("predict")
        x = feeding.as_numbers("x", x, owner)
        self._build_for(x)
        reader = feeding.Reader("x", x, self.input_shape[1:], owner)
        return self._predict_rows(reader, np.arange(len(reader), dtype=np.intp))

    def _predict_rows(self, reader, index, out=None):
        """Return the outputs for the rows of `index`, written to `out` if given."""
        with self.plan.program(len(index), "predict") as program:
            self.plan.refresh(program)
            reader.write(index, program.x)
            program.run()
            if out is None:
                return program.y.copy()
            out[...] = program.y
            return out

    # -- data ---------------------------------------------------------------------------------------------
    def _owner(self, what):
        return f"Model {self.name!r}, {what}"

    def _build_for(self, x):
        """Build a model without an Input for the data that comes first."""
        if not self.built:
            self.build((None, *x.shape[1:]))
            self.require_built("its output")

    def _convert(self, x, y=None, sample_weight=None, class_weight=None, what="fit"):
        """Return a batch of all samples of arrays."""
        x_reader, y_reader, weights = self._readers(x, y, sample_weight, class_weight, what)
        return feeding.Batch(np.arange(len(x_reader), dtype=np.intp), x_reader, y_reader, weights)

    def _readers(self, x, y, sample_weight, class_weight, what):
        owner = self._owner(what)
        x = feeding.as_numbers("x", x, owner)
        self._build_for(x)
        x_reader = feeding.Reader("x", x, self.input_shape[1:], owner)
        if y is None:
            if what != "predict":
                raise ValueError(f"{owner}: y is missing; expected targets for {len(x)} samples.")
            return x_reader, None, None
        if isinstance(self._loss_object, str):
            self._loss_object = losses.resolve(self._loss_object, np.shape(y), self.output_shape)
            self._plans = {}
        op = self.plan.steps_of("test")[1].op
        feeding.check_lengths(owner, x=x, y=feeding.as_numbers("y", y, owner))
        y_reader = feeding.Targets(y, op, self.output_shape[1:], owner)
        self._resolve_metrics(op.target_shape((1, *self.output_shape[1:])))
        weights = feeding.sample_weights(sample_weight, len(x), owner)
        weights = feeding.class_weights(weights, class_weight, y_reader, owner)
        return x_reader, y_reader, None if weights is None else weights.astype(self.dtype)

    def _feed(self, x, y, sample_weight, batch_size, what, class_weight=None, shuffle=False, steps=None):
        """Return a feed for arrays or for an iterable of batches."""
        owner = self._owner(what)
        if _is_iterable_of_batches(x):
            if y is not None or sample_weight is not None:
                raise ValueError(f"{owner}: x gives batches with their own y; expected y=None and sample_weight=None.")
            if batch_size is not None:
                raise ValueError(f"{owner}: batch_size={batch_size} with x that gives batches; leave batch_size out.")

            def convert(x, y=None, weights=None):
                return self._convert(x, y, weights, class_weight, what)

            return feeding.IterableFeed(x, convert, steps)
        x_reader, y_reader, weights = self._readers(x, y, sample_weight, class_weight, what)
        feed = feeding.ArrayFeed(x_reader, y_reader, weights, batch_size or 32, seeds.generator if shuffle else None)
        return feed if steps is None else _Limited(feed, steps, goes_on=what == "fit")

    # -- loops --------------------------------------------------------------------------------------------
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
        x : array_like or iterable of batches
            Arrays of any real type, or batches (x, y) or (x, y, sample_weight).
        y : array_like, optional
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
            A new order at each epoch; iterables keep theirs.
        class_weight : dict, optional
            Weights of classes in the loss.
        sample_weight : array_like, optional
            Weights of samples in the loss.
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
        container.on_train_begin()
        logs = None
        for epoch in range(initial_epoch, epochs):
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
        container.on_epoch_begin(epoch)
        for step, batch in enumerate(feed):
            container.on_train_batch_begin(step)
            self._run_batch(batch, "train")
            self._report(container, "on_train_batch_end", step)
            if self.stop_training:
                break
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
        container.on_test_begin()
        for step, batch in enumerate(feed):
            container.on_test_batch_begin(step)
            self._run_batch(batch, "test")
            self._report(container, "on_test_batch_end", step)
        self._require_batches(what)
        logs = self.get_metrics_result()
        container.on_test_end(logs)
        return logs

    def _require_batches(self, what, when=""):
        """Raise unless a sample was seen since the metrics began to count."""
        if not self._loss_tracker.count.array:
            raise ValueError(f"{self._owner(what)}: x gave no batch{when}, no sample; expected at least one.")

    def _split(self, x, y, sample_weight, share):
        owner = self._owner("fit")
        if not isinstance(share, numbers.Real) or not 0 < share < 1:
            raise ValueError(f"{owner}: validation_split={share!r} is not between 0 and 1.")
        if _is_iterable_of_batches(x):
            raise ValueError(f"{owner}: validation_split needs arrays; x gives batches. Pass validation_data instead.")
        n = len(x)
        at = int(np.floor(n * (1 - share)))
        if at == 0 or at == n:
            raise ValueError(
                f"{owner}: validation_split={share} of {n} samples leaves no sample for one of the two parts."
            )
        parts = [None if a is None else np.asarray(a) for a in (x, y, sample_weight)]
        feeding.check_lengths(owner, x=parts[0], y=parts[1], sample_weight=parts[2])
        head = [None if a is None else a[:at] for a in parts]
        tail = tuple(a[at:] for a in parts if a is not None)
        return (*head, tail)

    def _validation_feed(self, data, batch_size, steps):
        if data is None:
            return None
        if isinstance(data, (tuple, list)) and len(data) in (2, 3) and not _is_iterable_of_batches(data[0]):
            x, y, weights = (*data, None)[:3]
            return self._feed(x, y, weights, batch_size, "fit (validation_data)", steps=steps)
        if not _is_iterable_of_batches(data):
            raise ValueError(
                f"{self._owner('fit')}: validation_data={type(data).__name__} is not (x, y), (x, y, sample_weight) or "
                "an iterable of such batches."
            )
        return self._feed(data, None, None, None, "fit (validation_data)", steps=steps)

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
            raise ValueError(f"{self._owner('evaluate')}: unknown arguments {sorted(kwargs)}.")
        self._require_compiled("evaluate")
        _check_counts(self._owner("evaluate"), batch_size=batch_size, steps=steps)
        feed = self._feed(x, y, sample_weight, batch_size, "evaluate", steps=steps)
        container = callbacks_module.CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=1 if verbose == "auto" else verbose, epochs=1,
            steps=feed.steps,
        )  # fmt: skip
        self._test_loop(feed, container)
        return self._result(return_dict)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Return the outputs for data; see `fit` for the arguments.

        Returns
        -------
        ndarray
            One row a sample.
        """
        _check_counts(self._owner("predict"), batch_size=batch_size, steps=steps)
        feed = self._feed(x, None, None, batch_size, "predict", steps=steps)
        container = None
        if callbacks or verbose in (1, 2, "auto"):
            container = callbacks_module.CallbackList(
                callbacks, add_progbar=verbose != 0, model=self, verbose=1 if verbose == "auto" else verbose, epochs=1,
                steps=feed.steps,
            )  # fmt: skip
            container.on_predict_begin()
        outputs = self._predict_loop(feed, container)
        if container is not None:
            container.on_predict_end()
        return outputs

    def _predict_loop(self, feed, container):
        whole = isinstance(feed, feeding.ArrayFeed)
        outputs, at = [], 0
        if whole:
            outputs = np.empty((len(feed.x), *self.output_shape[1:]), self.dtype)
        for step, batch in enumerate(feed):
            if container is not None:
                container.on_predict_batch_begin(step)
            if whole:
                result = self._predict_rows(batch.x, batch.index, outputs[at : at + len(batch)])
                at += len(batch)
            else:
                result = self._predict_rows(batch.x, batch.index)
                outputs.append(result)
            if container is not None:
                container.on_predict_batch_end(step, {"outputs": result})
        if whole:
            return outputs
        if not outputs:
            raise ValueError(f"{self._owner('predict')}: x gave no batch; expected at least one.")
        return np.concatenate(outputs)


class _Limited:
    """The first batches of a feed at each pass; with `goes_on`, a pass begins where the one before it stopped.

    No pass goes beyond the feed's end; the pass after one that came there begins anew.
    """

    def __init__(self, feed, steps, goes_on):
        self.feed, self.x, self.steps, self.goes_on = feed, feed.x, min(steps, feed.steps), goes_on
        self.rest, self.left = iter(()), 0

    def __iter__(self):
        if not self.goes_on or self.left == 0:
            self.rest, self.left = iter(self.feed), self.feed.steps
        for batch in islice(self.rest, min(self.steps, self.left)):
            self.left -= 1
            yield batch


def _is_iterable_of_batches(x):
    if isinstance(x, (np.ndarray, list, tuple, Mapping)) or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__getitem__")


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


def _as_list(value):
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _check_metric(spec):
    """Raise at compile for a metric that nothing would know later."""
    if spec is None or not (isinstance(spec, str) and spec.lower() in ("accuracy", "acc", *BY_SHAPE)):
        metrics.resolve(spec, (None, 1), (None, 1))


def _refuse(owner, **arguments):
    for argument, value in arguments.items():
        if value is not None:
            raise NotImplementedError(f"Model {owner!r}, compile: {argument}={value!r} is not supported; leave it out.")
