"""Losses as ops: predictions and targets in, each row's loss and the gradient of their weighted sum out.

Unlike other ops a loss computes its gradient in the forward pass: one pass over the predictions does both.
"""

from math import prod

import numpy as np

from fastconv.ops.op import Op
from fastconv.runtime import settings


class LossOp(Op):
    """A loss over the last axis of the predictions.

    At a site: ``x`` predictions; ``targets`` (class numbers, int32, without the last axis, where ``takes_labels``; else
    numbers like x); ``weights`` (n,), one a sample; ``scale`` (1,), by which the weighted sum is multiplied; ``losses``
    (rows,); ``total`` (1,) float64; ``dx``. With ``y_pred`` set, predictions as the model gives them are written there.
    """

    name = "loss"
    takes_labels = False
    writes_predictions = False

    def output_shape(self, x, *params):
        return x

    def target_shape(self, x):
        """Return the shape of the targets for predictions of shape `x`, batch first."""
        return x[:-1] if self.takes_labels else x

    def arrays(self, site):
        """Return the arguments all loss kernels share: x as a matrix first, then weights, scale, losses, total, dx."""
        matrix = (prod(site.x_shape[:-1]), site.x_shape[-1])
        return site.x.reshape(matrix), (
            site.weights,
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


class BinaryCrossEntropy(LossOp):
    """Mean over the last axis of the cross-entropy of probabilities, or with `from_logits` of sigmoid(x)."""

    name = "binary_cross_entropy"

    def __init__(self, from_logits=False, smoothing=0.0):
        super().__init__(from_logits=from_logits, smoothing=smoothing)

    def forward(self, site):
        x, rest = self.arrays(site)
        return [
            site.k.binary_cross_entropy(
                x,
                self.dense_targets(site),
                *rest,
                settings.epsilon(),
                self.from_logits,
                self.smoothing,
                threads=site.threads,
            )
        ]


class SquaredError(LossOp):
    """Mean over the last axis of (x - target)^2."""

    name = "squared_error"

    def forward(self, site):
        x, rest = self.arrays(site)
        return [site.k.squared_error(x, self.dense_targets(site), *rest, threads=site.threads)]


class AbsoluteError(LossOp):
    """Mean over the last axis of |x - target|."""

    name = "absolute_error"

    def forward(self, site):
        x, rest = self.arrays(site)
        return [site.k.absolute_error(x, self.dense_targets(site), *rest, threads=site.threads)]


def loss_buffers(op, x_shape, dtype, n):
    """Return fresh arrays for a loss at batch size n: everything but predictions and their gradient."""
    rows_ = prod(x_shape[:-1])
    arrays = {
        "targets": np.zeros(op.target_shape(x_shape), np.intc if op.takes_labels else dtype),
        "weights": np.ones(n, dtype),
        "scale": np.ones(1, dtype),
        "losses": np.zeros(rows_, dtype),
        "total": np.zeros(1, np.float64),
    }
    if getattr(op, "from_logits", False) and isinstance(op, CrossEntropy) and not op.writes_predictions:
        arrays["probabilities"] = np.empty((rows_, x_shape[-1]), dtype)
    return arrays
