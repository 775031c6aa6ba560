"""Which gradients may lie in one buffer: a sum passes its own on to all its terms, and that needs no copies.

The gradient of a value is written to by whatever else reads the value, since gradients add up, and by ops that work in
place; it is read where the value was made. Backward goes through the steps from the last to the first, so what happens
at a step of a lower number happens later. Two gradients in one buffer are safe if none is written to before the other
has been read.
"""


class Sharing:
    """What is known of the steps of a plan, to tell which gradients may share a buffer.

    Parameters
    ----------
    steps : list of Step
    """

    def __init__(self, steps):
        self._steps = steps
        self._maker = {step.y: i for i, step in enumerate(steps)}
        self._readers = {}
        for i, step in enumerate(steps):
            for value in step.reads:
                self._readers.setdefault(value, []).append(i)

    def pending(self, values, i):
        """Return those of some values whose gradients are still to be read when step `i` runs backward."""
        return [value for value in values if self._maker.get(value, -1) < i]

    def passed(self, i, gradients, places, differentiable):
        """Return the places whose gradients may be that of step `i`'s result, at the moment when it runs backward.

        Parameters
        ----------
        i : int
        gradients : dict of Buffer
            The buffers there are so far, by value.
        places : iterable of int
            Those for which the op does not change the gradient.
        differentiable : collection of int
            The values that need a gradient.
        """
        step = self._steps[i]
        sources, buffer = (step.x, *step.variables), gradients[step.y]
        if any(gradients.get(value) is buffer for value in step.reads):
            return []  # it is added to here and now
        holders = self.pending([v for v, held in gradients.items() if held is buffer and v != step.y], i)
        found, seen = [], set()
        for at in places:
            value = sources[at]
            if not isinstance(value, int) or value not in differentiable or value in seen:
                continue
            seen.add(value)
            if value in gradients:
                found.append(at)  # it is only read here, and added to another
            elif all(self._is_safe(value, other, i) for other in holders):
                found.append(at)
                holders.append(value)
        return found

    def _is_safe(self, one, other, i):
        """Tell whether the gradients of two values may share a buffer from the moment of step `i` on."""
        makers = [self._maker[value] for value in (one, other)]
        if any(self._steps[maker].op.alias for maker in makers):
            return False  # the buffer lives on, as the gradient of another value
        return all(
            step <= maker for value, maker in ((one, makers[1]), (other, makers[0])) for step in self._writes(value, i)
        )

    def _writes(self, value, i):
        """Return the steps that write to the gradient of a value, after step `i`."""
        maker = self._maker[value]
        in_place = [] if self._steps[maker].op.keeps_dy else [maker]
        return [*(reader for reader in self._readers[value] if reader < i), *in_place]
