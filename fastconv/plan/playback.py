"""What every layer makes of a batch, kept, and the gradients of any of it with respect to any other.

Training needs gradients of weights, from the loss; who looks into a network wants those of the input and of inner
outputs, from anywhere, in inference: dropout does nothing, and normalizations use what they have learnt.
"""

import numpy as np

from fastconv.ops import primitives as P
from fastconv.ops.symbolic import Tape, Taped

LOGS = (P.Softmax, P.LogSoftmax)


class Playback:
    """A plan's ops run one by one, as the layers gave them, onto a tape, so that each output and way back is kept.

    The tape carries the gradients; what is here are the plan's numbers and layers' names for the values on it.

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
    >>> played = Playback(model.plan, np.array([[3.0, 4.0]], np.float32))
    >>> played.values[played.output].tolist()
    [[11.0]]
    >>> played.gradient(played.made["sum"], np.ones((1, 1))).tolist()
    [[1.0, 2.0]]
    """

    def __init__(self, plan, x):
        self._steps, _, self.made, self.output = plan.unfused
        self._tape, self._taped = Tape(), {0: Taped(x)}
        for step in self._steps:
            params = [self._taped[v] if isinstance(v, int) else v for v in step.variables]
            self._taped[step.y] = self._tape.add(step.op, self._taped[step.x], *params)
        self.values = {number: taped.array for number, taped in self._taped.items()}

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
        start, goal = self._taped[start], self._taped[goal]
        self._tape.backward([start], [np.asarray(dy, start.array.dtype)], goal)
        return self._tape.gradient_of(goal)
