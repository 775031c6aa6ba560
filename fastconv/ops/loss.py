"""Losses as ops: predictions and targets in, each row's loss and the gradient of their weighted sum out.

Unlike other ops a loss computes its gradient in the forward pass: one pass over the predictions does both.
"""

from math import prod

import numpy as np

from fastconv.ops.op import Op
from fastconv.runtime import settings


class LossOp(Op):
    """A loss over the last axis of the predictions.

    At a site: ``x`` predictions; ``targets`` (class numbers, int32, without the axis of the classes, where
    ``takes_labels``; else numbers like x); ``weights``, one a sample or for some of the axes that follow; ``scale``
    (1,), by which the weighted sum is multiplied; ``losses`` (rows,); ``total`` (1,) float64; ``dx``. With ``y_pred``
    set, predictions as the model gives them are written there.
    """

    name = "loss"
    takes_labels = False
    writes_predictions = False
    ignored = None  # the class number that stands for no class
    axis = -1  # where the classes are
    reduces = False  # the total is reduced already: `scale` has nothing to do

    def output_shape(self, x, *params):
        return x

    def target_shape(self, x):
        """Return the shape of the targets for predictions of shape `x`, batch first."""
        if not self.takes_labels:
            return x
        axis = self.axis % len(x)
        return x[:axis] + x[axis + 1 :]

    def classes(self, x):
        """Return how many classes there are for labels of predictions of shape `x`, None if any label will do."""
        return x[self.axis]

    def values_shape(self, x):
        """Return the shape of the loss values for predictions of shape `x`, None if only the loss itself knows."""
        return x[:-1]

    def arrays(self, site):
        """Return the arguments all loss kernels share: x as a matrix first, then weights, scale, losses, total, dx."""
        matrix = (prod(site.x_shape[:-1]), site.x_shape[-1])
        return site.x.reshape(matrix), (
            site.weights.reshape(-1),
            site.scale,
            site.losses,
            site.total,
            site.dx.reshape(matrix),
        )

    def dense_targets(self, site):
        return site.targets.reshape(-1, site.x_shape[-1])


class CrossEntropy(LossOp):
    """-sum(target * log(p)): of probabilities, or with `from_logits` of softmax(x)."""

    name = "cross_entropy"

    def __init__(self, sparse, from_logits=False, smoothing=0.0, ignored=None):
        super().__init__(sparse=sparse, from_logits=from_logits, smoothing=smoothing, ignored=ignored)
        self.takes_labels = sparse

    def forward(self, site):
        x, rest = self.arrays(site)
        labels = site.targets.reshape(-1) if self.sparse else None
        dense = None if self.sparse else self.dense_targets(site)
        if self.from_logits:
            probabilities = site.y_pred.reshape(x.shape) if self.writes_predictions else site.probabilities
            return [
                site.k.softmax_cross_entropy(
                    x,
                    labels,
                    dense,
                    probabilities,
                    *rest,
                    ignored=self.ignored,
                    smoothing=self.smoothing,
                    threads=site.threads,
                )
            ]
        return [
            site.k.cross_entropy(
                x,
                labels,
                dense,
                *rest,
                settings.epsilon(),
                ignored=self.ignored,
                smoothing=self.smoothing,
                threads=site.threads,
            )
        ]


class SoftmaxCrossEntropy(CrossEntropy):
    """Softmax and cross-entropy in one pass over the logits; the probabilities are the model's predictions."""

    name = "softmax_cross_entropy"
    writes_predictions = True

    def __init__(self, sparse, smoothing=0.0, ignored=None):
        super().__init__(sparse, True, smoothing, ignored)


class ElementwiseLoss(LossOp):
    """Mean (or with `mean` false the sum) over the last axis of a function of each prediction and its target.

    Parameters
    ----------
    function : str
        A name of the kernels' ``CELL_LOSS_NAMES``.
    *numbers : float
        The function's own.
    target : pair of float
        Scale and shift of the targets.
    mean : bool
    signs : bool
        Whether targets that are all 0 or 1 mean -1 and 1.
    """

    def __init__(self, function, *numbers, target=(1.0, 0.0), mean=True, signs=False):
        super().__init__(function=function, numbers=numbers, target=target, mean=mean, signs=signs)
        self.name = function

    def forward(self, site):
        x, rest = self.arrays(site)
        return [
            site.k.elementwise_loss(
                x,
                self.dense_targets(site),
                *rest,
                self.function,
                settings.epsilon(),
                self.numbers,
                self.target,
                self.mean,
                self.signs,
                threads=site.threads,
            )
        ]


def smoothed(smoothing):
    """Return scale and shift that move labels between 0 and 1 towards 1/2."""
    return 1.0 - smoothing, smoothing / 2


class BinaryCrossEntropy(ElementwiseLoss):
    """Mean over the last axis of the cross-entropy of probabilities, or with `from_logits` of sigmoid(x)."""

    def __init__(self, from_logits=False, smoothing=0.0):
        name = "binary_cross_entropy_of_logits" if from_logits else "binary_cross_entropy"
        super().__init__(name, target=smoothed(smoothing))


class SquaredError(ElementwiseLoss):
    """Mean over the last axis of (x - target)^2."""

    def __init__(self):
        super().__init__("squared_error")


class AbsoluteError(ElementwiseLoss):
    """Mean over the last axis of |x - target|."""

    def __init__(self):
        super().__init__("absolute_error")


class ArrayLoss(LossOp):
    """A loss in plain NumPy: rare ones, other axes than the last, and those that users write.

    Parameters
    ----------
    evaluate : callable
        Of targets, predictions and weights (None if there are none): returns the reduced loss and its gradient.
    takes_labels : bool
    axis : int
        The axis of the classes.
    ignored : int, optional
    any_label : bool
        Whether labels may be other numbers than those of the classes.
    """

    name = "array_loss"
    reduces = True

    def __init__(self, evaluate, takes_labels=False, axis=-1, ignored=None, any_label=False):
        super().__init__(evaluate=evaluate, takes_labels=takes_labels, axis=axis, ignored=ignored, any_label=any_label)

    def classes(self, x):
        return None if self.any_label else super().classes(x)

    def values_shape(self, x):
        return None

    def forward(self, site):
        def call():
            loss, gradient = self.evaluate(site.targets, site.x, site.weights if site.weighted else None)
            site.total[0] = np.mean(loss) * site.scale[0]  # of a loss that is not reduced its mean is reported
            np.multiply(gradient, site.scale[0], out=site.dx)

        return [call]


def loss_buffers(op, x_shape, dtype, weights_shape=None):
    """Return fresh arrays for a loss: everything but predictions and their gradient.

    Parameters
    ----------
    op : LossOp
    x_shape : tuple of int
        Of the predictions.
    dtype : dtype
    weights_shape : tuple of int, optional
        Of one sample's weights; None: there are no weights, which then are 1 for ever.
    """
    rows_, n = prod(x_shape[:-1]), x_shape[0]
    arrays = {
        "targets": np.zeros(op.target_shape(x_shape), np.intc if op.takes_labels else dtype),
        "weights": np.ones((n, *(weights_shape or ())), dtype),
        "weighted": weights_shape is not None,
        "scale": np.ones(1, dtype),
        "losses": np.zeros(rows_, dtype),
        "total": np.zeros(1, np.float64),
    }
    if getattr(op, "from_logits", False) and isinstance(op, CrossEntropy) and not op.writes_predictions:
        arrays["probabilities"] = np.empty((rows_, x_shape[-1]), dtype)
    return arrays
