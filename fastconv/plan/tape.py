"""What every layer makes of a batch, kept, and the gradients of any of it with respect to any other.

Training needs gradients of weights, from the loss; who looks into a network wants those of the input and of inner
outputs, from anywhere, in inference: dropout does nothing, and normalizations use what they have learnt.
"""

import numpy as np

from fastconv.ops import primitives as P

LOGS = (P.Softmax, P.LogSoftmax)


class Tape:
    """A plan's ops run one by one, as the layers gave them; each leaves its output and its way back.

    Parameters
    ----------
    plan : Plan
    x : ndarray
        A batch, of the plan's type.

    Attributes
    ----------
    values : dict of ndarray
        The output of every op by its number; 0 is the input.
    output : int
        The number of the (first) output.
    made : dict of int
        The number of what each layer has made, by its name.

    Examples
    --------
    >>> import fastconv as keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="sum"), keras.layers.ReLU()])
    >>> model.set_weights([[[1.0], [2.0]], [0.0]])
    >>> tape = Tape(model.plan, np.array([[3.0, 4.0]], np.float32))
    >>> tape.values[tape.output].tolist()
    [[11.0]]
    >>> tape.gradient(tape.made["sum"], np.ones((1, 1))).tolist()
    [[1.0, 2.0]]
    """

    def __init__(self, plan, x):
        self._steps, _, self.made, self.output = plan.unfused
        self.values = {0: x}
        self._ways = []
        for step in self._steps:
            params = [None if v is None else self.values[v] if isinstance(v, int) else v.array for v in step.variables]
            self.values[step.y], way_back = step.op(self.values[step.x], *params)
            self._ways.append(way_back)

    @property
    def scores(self):
        """The number of what a softmax at the end makes probabilities of; without one, that of the output.

        Probabilities near 1 have gradients near 0, whatever the image; scores do not.
        """
        before = {step.y: step.x for step in self._steps if isinstance(step.op, LOGS)}
        return before.get(self.output, self.output)

    def gradient(self, start, dy, goal=0):
        """Return the gradient of ``sum(dy * values[start])`` with respect to ``values[goal]``.

        Parameters
        ----------
        start, goal : int
            Numbers of values.
        dy : array_like
            Of the shape of ``values[start]``.
        """
        gradients = {start: np.asarray(dy, self.values[start].dtype)}
        for step, way_back in zip(reversed(self._steps), reversed(self._ways), strict=True):
            if step.y in gradients and step.y != goal:
                for value, dx in zip((step.x, *step.variables), way_back(gradients.pop(step.y)), strict=True):
                    if isinstance(value, int):
                        gradients[value] = gradients[value] + dx if value in gradients else dx
        return gradients[goal] if goal in gradients else np.zeros_like(self.values[goal])
