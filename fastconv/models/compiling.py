"""compile: the loss, the metrics and the optimizer that a model trains with."""

from fastconv import metrics, optimizers
from fastconv.models.compiled_losses import CompiledLosses
from fastconv.models.compiled_metrics import CompiledMetrics
from fastconv.names import spelled
from fastconv.saving.compiling import arguments, description


@spelled
class Compiled:
    """What `compile` gives a model, and its metrics."""

    def __init__(self):
        self.optimizer = None
        self.loss = None
        self.stop_training = self.stop_evaluating = self.stop_predicting = False  # callbacks set them
        self.history = None
        self._losses = CompiledLosses()
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
        loss : str, function or Loss, or list or dict of them
            See `fastconv.losses`. Of several outputs each may have its own: in their order, or by their names; None
            for those that are not trained. What is trained is the sum.
        loss_weights : float, or list or dict of them, optional
            By which the losses are multiplied in that sum, 1 by default; one number where there is one loss for all.
        metrics, weighted_metrics : str, function or Metric, or list or dict of them, optional
            ``"accuracy"`` is resolved by the shapes, as in Keras; weighted ones use sample and class weights. Of
            several outputs a list with an entry for each, or a dict by their names; an entry may be a list.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            For frameworks that compile graphs; anything but the default is refused or, where it only concerns how a
            graph is run (`jit_compile`, `auto_scale_loss`), has no meaning here.

        Raises
        ------
        ValueError
            For unknown names, with a suggestion; for losses and metrics that fit no output.
        """
        owner = f"Model {self.name!r}, compile"
        _refuse(self.name, run_eagerly=run_eagerly or None)
        if steps_per_execution != 1:
            _refuse(self.name, steps_per_execution=steps_per_execution)
        if optimizer is None:
            raise ValueError(f"Model {self.name!r}, compile: optimizer=None is not a name or an Optimizer.")
        self.optimizer = optimizers.get(optimizer)
        self.freeze_again()
        self._losses = CompiledLosses(loss, loss_weights, owner)
        self._metrics = CompiledMetrics(metrics, weighted_metrics, owner)
        self.loss, self._loss_weights = loss, loss_weights
        self._compile_arguments = {"loss": loss, "metrics": metrics, "weighted_metrics": weighted_metrics}
        self._plans = {}
        self.compiled = True
        if self.built:
            self._assign_outputs()

    compiled = False
    _compile_arguments = {}
    _loss_weights = None

    def _assign_outputs(self):
        """Say which losses and metrics belong to which output, once outputs are known."""
        if self._losses.of_outputs is None:
            self._losses.assign(self.output_names, self._outs)
            self._metrics.assign(self.output_names)
            for place, one in enumerate(self._losses.of_outputs):
                if one is None and len(self.output_names) > 1 and self._metrics.needs(place):
                    raise NotImplementedError(
                        f"{self._losses.owner}: metrics for the output {self.output_names[place]!r}, which has no "
                        "loss, are not supported; give it a loss with the weight 0."
                    )

    @property
    def compile_arguments(self):
        """What `compile` was given, as it was given."""
        return {"optimizer": self.optimizer, **self._compile_arguments, "loss_weights": self._loss_weights}

    def get_compile_config(self):
        """Return what `compile` was given, as Keras writes it; None before.

        Raises
        ------
        ValueError
            If something of it has no name, such as a lambda.
        """
        if not self.compiled:
            return None
        return {**description(self.optimizer, **self._compile_arguments), "loss_weights": self._loss_weights}

    def compile_from_config(self, config):
        """Compile by what `get_compile_config` returned."""
        self.compile(**arguments(config))

    def _require_compiled(self, what):
        if not self.compiled:
            raise ValueError(
                f"Model {self.name!r}: You must call compile() before using the model: {what} needs a loss."
            )
        if self._losses.spec is None:
            raise ValueError(f"Model {self.name!r}: {what} needs a loss; compile() got loss=None.")

    @property
    def metrics(self):
        """The loss tracker, the metric objects, once shapes are known, and the trackers of several losses."""
        return [self._loss_tracker, *self._metrics, *self._losses.trackers] if self.compiled else []

    @property
    def metrics_names(self):
        """What evaluation reports, as Keras 3 says it: the loss, all metrics together, and the single losses."""
        if not self.compiled:
            return []
        together = ["compile_metrics"] if self._metrics else []
        return ["loss", *together, *(tracker.name for tracker in self._losses.trackers)]

    def reset_metrics(self):
        """Begin to count anew."""
        for tracker in (self._loss_tracker, *self._losses.trackers):
            tracker.clear()
        for metric in self._metrics:
            metric.reset_state()

    def get_metrics_result(self):
        """Return the values of all metrics so far, by name."""
        if not self.compiled:
            return {}
        losses = {tracker.name: float(tracker.result()) for tracker in (self._loss_tracker, *self._losses.trackers)}
        return {"loss": losses.pop("loss"), **self._metrics.results(), **losses}


def _refuse(owner, **arguments):
    for argument, value in arguments.items():
        if value is not None:
            raise NotImplementedError(f"Model {owner!r}, compile: {argument}={value!r} is not supported; leave it out.")
