"""One batch: forward, in training backward, the weights, the loss and the metrics."""

import math

import numpy as np

from fastconv.layers.layer import EagerTrace
from fastconv.models import feeding
from fastconv.models.data import Fed
from fastconv.models.structure import label
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
        plan, n = self.plan, len(batch)
        with plan.program(n, mode, batch.weights_shapes) as program:
            if mode == "test":
                plan.refresh(program)
            batch.write(program)
            self._losses.set_scales(program)
            program.run()
            loss, single = self._losses.total(program)
            if mode == "train":
                if handles_nan and not math.isfinite(loss):
                    self._broken = self._first_nan(batch)
                elif loss != loss:
                    raise FloatingPointError(self._explain_nan(self._first_nan(batch)))
                else:
                    self._update_weights(program)
            self._loss_tracker.add(loss, n)
            self._losses.note(single, n)
            if self._metrics.look:
                seen = [(site.targets, site.y_pred, site.weights if site.weighted else None) for site in program.losses]
                self._metrics.update(self._losses.by_output(seen))

    def _update_weights(self, program):
        if not self.optimizer.built:
            self.optimizer.build(program.learning)
        self.optimizer.step(program.learned, program.learning)

    def _first_nan(self, batch):
        """Say where the first NaN or infinity is; the weights are those before this batch."""
        names, arrays = self._input_names, self._written(batch.x, batch.index)
        for i, array in enumerate(arrays):
            if not np.isfinite(array).all():
                return "in the inputs x" if len(names) == 1 else f"in the input {label('x', names, i)}"
        try:
            self.lower_whole(_Watch(), arrays if len(arrays) > 1 else arrays[0])
        except _Found as found:
            return str(found)
        return "in the loss itself"

    def _written(self, readers, index):
        """Return arrays of the model's type with the rows of `index`."""
        arrays = [np.empty((len(index), *shape[1:]), self.dtype) for shape in self._input_shapes]
        for reader, array in zip(readers, arrays, strict=True):
            reader.write(index, array)
        return arrays

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
        known = [metric.name for metric in self.metrics if metric.name in values]  # as Keras orders them
        values = [values[name] for name in dict.fromkeys([*known, *sorted(values)])]
        return values[0] if len(values) == 1 else values

    def predict_on_batch(self, x):
        """Return the outputs for one batch, which is run whole."""
        plan = self._plans.get("plan")
        if plan is not None and _is_plain(x, plan) and self._outs.is_single and plan.at_once(len(x)) == len(x):
            return plan.predict(x)
        readers = self._input_readers(x, self._owner("predict"))
        return self._outs.pack(self._predict_rows(feeding.Batch(np.arange(len(readers[0]), dtype=np.intp), readers)))

    def _predict_rows(self, batch, out=None):
        """Return the outputs for a batch, a list of arrays, written to those of `out` if given."""
        plan, n = self.plan, len(batch)
        size = plan.at_once(n)
        if out is None:
            out = [np.empty((n, *shape[1:]), self.dtype) for shape in self._output_shapes]
        for start in range(0, max(1, n), max(1, size)):
            part = batch if size == n else feeding.Batch(batch.index[start : start + size], batch.x)
            with plan.program(len(part), "predict") as program:
                plan.refresh(program)
                part.write_inputs(program)
                program.run()
                for place, y in zip(out, program.outputs, strict=True):
                    place[start : start + len(part)] = y
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
