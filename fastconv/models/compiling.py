"""compile: the loss, the metrics and the optimizer that a model trains with."""

from fastconv import losses, metrics, optimizers
from fastconv.losses.lowering import check, is_trainable, lower
from fastconv.models.compiled_metrics import CompiledMetrics
from fastconv.names import spelled
from fastconv.saving.compiling import arguments, description

BY_SHAPE = ("crossentropy", "ce")  # names whose meaning the shapes of labels and predictions decide


@spelled
class Compiled:
    """What `compile` gives a model, and its metrics."""

    def __init__(self):
        self.optimizer = None
        self.loss = None
        self.stop_training = False
        self.history = None
        self._loss_object = None
        self._metrics = CompiledMetrics()
        self._loss_tracker = metrics.Mean(name="loss")

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
        metrics, weighted_metrics : str, function or Metric, or list or dict of them, optional
            ``"accuracy"`` is resolved by the shapes, as in Keras; weighted ones use sample and class weights.
        loss_weights, run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            For frameworks that compile graphs; anything but the default is refused or, where it only concerns how a
            graph is run (`jit_compile`, `auto_scale_loss`), has no meaning here.

        Raises
        ------
        ValueError
            For unknown names, with a suggestion.
        """
        if not self.is_single and loss is not None:
            raise NotImplementedError(
                f"Model {self.name!r}, compile: loss={loss!r} for a model with a list of outputs is not supported; "
                "train a model with one output, which may share its layers, and predict with this one."
            )
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
        self._metrics = CompiledMetrics(metrics, weighted_metrics)
        self.loss = loss
        self._compile_arguments = {"loss": loss, "metrics": metrics, "weighted_metrics": weighted_metrics}
        self._plans = {}
        self.compiled = True

    compiled = False
    _compile_arguments = {}

    def get_compile_config(self):
        """Return what `compile` was given, as Keras writes it; None before.

        Raises
        ------
        ValueError
            If something of it has no name, such as a lambda.
        """
        return description(self.optimizer, **self._compile_arguments) if self.compiled else None

    def compile_from_config(self, config):
        """Compile by what `get_compile_config` returned."""
        self.compile(**arguments(config))

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
        return [self._loss_tracker, *self._metrics] if self.compiled else []

    @property
    def metrics_names(self):
        """What evaluation reports, as Keras 3 says it: the loss, and all metrics together."""
        return [] if not self.compiled else ["loss", *(["compile_metrics"] if self._metrics else [])]

    def reset_metrics(self):
        """Begin to count anew."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self):
        """Return the values of all metrics so far, by name."""
        return {"loss": float(self._loss_tracker.result()), **self._metrics.results()} if self.compiled else {}


def _refuse(owner, **arguments):
    for argument, value in arguments.items():
        if value is not None:
            raise NotImplementedError(f"Model {owner!r}, compile: {argument}={value!r} is not supported; leave it out.")
