"""PyTorch with bfloat16 autocast: 8 bits of precision where the others have 24, so no rival, but good to know."""

from . import torch_side


class Side(torch_side.Side):
    """The network's works of PyTorch, with products in bfloat16."""

    def __init__(self, torch, threads):
        super().__init__(torch, threads)
        self.makers = {kind: self.makers[kind] for kind in ("train", "fit", "call", "predict", "step", "infer")}
        self.values = {}

    def precision(self):
        """Return autocast."""
        return self.torch.autocast("cpu", dtype=self.torch.bfloat16)
