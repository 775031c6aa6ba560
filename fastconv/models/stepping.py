"""One batch: forward, in training backward, the weights, the loss and the metrics."""

import math

import numpy as np

from fastconv.layers.layer import EagerTrace
from fastconv.losses.lowering import mean_loss, scale
from fastconv.models import feeding
from fastconv.models.data import Fed
from fastconv.names import spelled

FEW_BYTES = 1 << 16  # a batch up to this size is copied in one go


@spelled
class Stepping(Fed):
    """What runs single batches."""

    _broken = None  # where the first NaN or infinity was that made a loss so, if a callback handles that

    def _run_batch(self, batch, mode, handles_nan=False):
        """Run a batch forward, in training backward; update weights, loss and metrics.

        A loss that is NaN raises and leaves the weights alone; with `handles_nan`, it and an infinite one only leave
        them alone.
        """
        with self.plan.program(len(batch), mode, batch.weights_shape) as program:
            if mode == "test":
                self.plan.refresh(program)
            batch.write(program)
            program.scale[0] = scale(self._loss_object, program.loss_step.op, program)
            program.run()
            loss = mean_loss(self._loss_object, program)
            if mode == "train":
                if handles_nan and not math.isfinite(loss):
                    self._broken = self._first_nan(batch)
                elif loss != loss:
                    raise FloatingPointError(self._explain_nan(self._first_nan(batch)))
                else:
                    self._update_weights()
            self._loss_tracker.add(loss, len(batch))
            self._metrics.update(program.targets, program.y, program.weights if program.weighted else None)

    def _update_weights(self):
        variables = self.plan.trainable
        if not self.optimizer.built:
            self.optimizer.build(variables)
        self.optimizer.step([self.plan.gradient(v) for v in variables], variables)

    def _first_nan(self, batch):
        """Say where the first NaN or infinity is; the weights are those before this batch."""
        x = np.empty((len(batch), *self.input_shape[1:]), self.dtype)
        batch.x.write(batch.index, x)
        where = "in the loss itself"
        if not np.isfinite(x).all():
            where = "in the inputs x"
        else:
            trace = _Watch()
            try:
                self.lower_whole(trace, x)
            except _Found as found:
                where = str(found)
        return where

    def _explain_nan(self, where):
        return (
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
        plan = self._plans.get("plan")
        if plan is not None and _is_plain(x, plan) and self.is_single:
            return plan.predict(x)
        owner = self._owner("predict")
        x = feeding.as_numbers("x", self._sole(x), owner)
        self._build_for(x)
        reader = feeding.Reader("x", x, self.input_shape[1:], owner)
        return self._structured(self._predict_rows(reader, np.arange(len(reader), dtype=np.intp)))

    def _predict_rows(self, reader, index, out=None):
        """Return the outputs for the rows of `index`, a list of arrays, written to those of `out` if given."""
        with self.plan.program(len(index), "predict") as program:
            self.plan.refresh(program)
            reader.write(index, program.x)
            program.run()
            if out is None:
                return [y.copy() for y in program.outputs]
            for place, y in zip(out, program.outputs, strict=True):
                place[...] = y
            return out


class _Found(Exception):  # noqa: N818 it is no error
    """Where the first NaN is."""


class _Watch(EagerTrace):
    """Runs a model at once and stops at the first number that is none."""

    def add(self, op, value, *params):
        """Run an op; raise `_Found` if its weights or its output are not finite."""
        bad = [v.path for v in params if hasattr(v, "path") and not np.isfinite(v.array).all()]
        if bad:
            raise _Found(f"in the weights {bad} of layer {self.layer!r}")
        y = super().add(op, value, *params)
        if not np.isfinite(y).all():
            raise _Found(f"in the output of layer {self.layer!r}")
        return y


def _is_plain(x, plan):
    """Tell whether `x` is a small batch that needs no conversion and no second thread to be read."""
    plain = type(x) is np.ndarray and x.dtype == plan.dtype and x.shape[1:] == plan.input_shape
    return plain and x.ndim > 0 and x.nbytes <= FEW_BYTES
