"""An op with weights and any activation behind it, in one step of inference."""

from fastconv.ops.op import Op


class Activated(Op):
    """What an op makes of x and its parameters, with an activation over it.

    Parameters
    ----------
    op : Op
        A convolution or a dense op, with nothing behind it; its last call makes all of its result.
    behind : tuple
        The activation as its op tells it: see `Relu.behind`.
    """

    def __init__(self, op, behind):
        super().__init__(**op.settings, behind=behind)
        self.op, self.name, self.late = op, f"{op.name}_{behind[0]}", op.late

    def output_shape(self, x, *params):
        return self.op.output_shape(x, *params)

    def flops(self, x, *params):
        return self.op.flops(x, *params)

    def needs(self, site):
        return self.op.needs(site)

    def prepare(self, site):
        return self.op.prepare(site)

    def forward(self, site):
        """Return the op's calls; kernels that cannot activate what they make are followed by one that does."""
        calls = self.op.forward(site)
        finish = getattr(calls[-1], "finish_with", None)
        if finish is None or not finish(self.behind):
            calls = [*calls, site.k.activate(site.y.reshape(-1), self.behind, threads=site.threads)]
        return calls
