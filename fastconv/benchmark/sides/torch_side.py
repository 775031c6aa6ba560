"""PyTorch at its best: channels last, oneDNN's own calls for the gradients, no graph where none is needed."""

import contextlib

from . import sizes
from .nets import NETS, build, net_batch
from .network import STEPS_TO_THE_PEAK
from .workloads import CONV, DEPTHWISE, EPOCH, POOL, batch


class Side:
    """PyTorch's works; see ``sides/__init__.py``."""

    def __init__(self, torch, threads):
        self.torch = torch
        torch.set_num_threads(threads)
        self.makers = {"train": self.train, "fit": self.fit, "call": self.call, "predict": self.call}
        self.makers |= {"conv": self.conv, "depthwise": self.depthwise, "pool": self.pool, "average": self.average}
        self.makers |= {"step": self.step, "infer": self.infer}
        self.values = {"memory": self.memory, "installed": lambda: sizes.installed(torch)}

    def precision(self):
        """Return the context in which the network computes."""
        return contextlib.nullcontext()

    # -- layers -------------------------------------------------------------------------------------------
    def images(self, shape):
        """Return random images of the shape (n, height, width, channels) in PyTorch's axes, channels last in memory."""
        return self.torch.rand(*shape).permute(0, 3, 1, 2)

    def conv(self, name, direction):
        """Return a convolution layer's forward pass, or one of its gradients."""
        layer = CONV[name]
        return self._layer(layer, (layer.filters, layer.channels), 1, direction)

    def depthwise(self, name, direction):
        """Return a depthwise layer's forward pass, or one of its gradients."""
        layer = DEPTHWISE[name]
        return self._layer(layer, (layer.channels, 1), layer.channels, direction)

    def _layer(self, layer, outer, groups, direction):
        torch, stride, padding = self.torch, [layer.stride] * 2, [layer.padding] * 2
        x, dy, bias = self.images(layer.x), self.images(layer.y), torch.rand(outer[0])
        w = torch.rand(*outer, layer.kernel, layer.kernel).contiguous(memory_format=torch.channels_last)
        if direction == "forward":

            def call():
                with torch.inference_mode():
                    return torch.conv2d(x, w, bias, stride, padding, 1, groups)

            return call
        wanted = [direction == "data", direction == "filters", direction == "filters"]
        backward = torch.ops.aten.convolution_backward
        settings = ([outer[0]], stride, padding, [1, 1], False, [0, 0], groups, wanted)
        return lambda: backward(dy, x, w, *settings)

    def pool(self, name, direction):
        """Return a max-pooling layer's forward pass, or that of training and the gradient ("both")."""
        torch, layer, aten = self.torch, POOL[name], self.torch.ops.aten
        x, dy = self.images(layer.x), self.images(layer.y)
        size, stride = [layer.kernel] * 2, [layer.stride] * 2
        if direction == "forward":

            def call():
                with torch.inference_mode():
                    return torch.max_pool2d(x, size, stride)

            return call

        def both():
            _, winners = aten.max_pool2d_with_indices(x, size, stride)
            aten.max_pool2d_with_indices_backward(dy, x, size, stride, [0, 0], [1, 1], False, winners)

        return both

    def average(self, name, direction):
        """Return an average-pooling layer's forward pass, or that and the gradient ("both")."""
        torch, layer, aten = self.torch, POOL[name], self.torch.ops.aten
        x, dy = self.images(layer.x), self.images(layer.y)
        window = [layer.kernel] * 2, [layer.stride] * 2, [0, 0]

        def call():
            with torch.inference_mode():
                aten.avg_pool2d(x, *window)
                if direction == "both":
                    aten.avg_pool2d_backward(dy, x, *window, False, True, None)

        return call

    # -- network ------------------------------------------------------------------------------------------
    def model(self):
        """Return the network; its last layer gives logits."""
        nn = self.torch.nn
        layers = [nn.Conv2d(1, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2)]
        layers += [nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10)]
        return nn.Sequential(*layers).to(memory_format=self.torch.channels_last)

    def batch(self, n):
        """Return `n` pictures and their labels as tensors."""
        return self.tensors(*batch(n))

    def tensors(self, x, y):
        """Return pictures, channels last in memory, and labels as tensors."""
        return self.torch.from_numpy(x).permute(0, 3, 1, 2), self.torch.from_numpy(y)

    def stepper(self, model):
        """Return a function that trains a model on one batch."""
        optimizer = self.torch.optim.Adam(model.parameters())
        loss = self.torch.nn.functional.cross_entropy

        def step(x, y):
            optimizer.zero_grad(set_to_none=True)
            with self.precision():
                value = loss(model(x), y)
            value.backward()
            optimizer.step()

        return step

    def train(self, n):
        """Return a training step of `n` pictures."""
        step, (x, y) = self.stepper(self.model()), self.batch(int(n))
        return lambda: step(x, y)

    def fit(self, n):
        """Return an epoch over shuffled pictures in batches of `n`."""
        step, (x, y) = self.stepper(self.model()), self.batch(EPOCH)

        def epoch():
            for chosen in self.torch.randperm(len(y)).split(int(n)):
                step(x[chosen], y[chosen])

        return epoch

    def call(self, n):
        """Return the probabilities of `n` pictures, as an array."""
        return self.caller(self.model(), self.batch(int(n))[0])

    def caller(self, model, x):
        """Return a function that gives a model's probabilities for pictures, as an array."""
        model.eval()

        def call():
            with self.torch.inference_mode(), self.precision():
                return self.torch.softmax(model(x), -1).float().numpy()

        return call

    def step(self, name, n):
        """Return a training step of one of `NETS` on `n` pictures."""
        step, (x, y) = self.stepper(self.net(name)), self.tensors(*net_batch(name, int(n)))
        return lambda: step(x, y)

    def infer(self, name, n):
        """Return the probabilities that one of `NETS` gives `n` pictures, as an array."""
        return self.caller(self.net(name), self.tensors(*net_batch(name, int(n)))[0])

    def net(self, name):
        """Return one of `NETS`; its last layer gives logits."""
        nn, net = self.torch.nn, NETS[name]

        def conv(row):
            filters, kernel, stride = row.settings
            return nn.Conv2d(row.channels[0], filters, kernel, stride, kernel // 2, bias=False)

        def depthwise(row):
            (kernel, stride), channels = row.settings, row.channels[0]
            return nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)

        modules = {
            "conv": conv,
            "depthwise": depthwise,
            "norm": lambda row: nn.BatchNorm2d(row.channels[0]),
            "relu": lambda row: nn.ReLU(inplace=True),
            "relu6": lambda row: nn.ReLU6(inplace=True),
            "dense": lambda row: nn.Linear(*row.channels),
        }
        calls = {"sum": lambda x, other, row: x + other, "mean": lambda x, row: x.mean((2, 3))}
        layers = nn.ModuleList(modules[row.kind](row) if row.kind in modules else nn.Identity() for row in net.rows)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = layers

            def forward(self, x):
                of = {id(row): layer for row, layer in zip(net.rows, self.layers, strict=True)}
                make = dict.fromkeys(modules, lambda x, row: of[id(row)](x)) | calls
                return build(net, x, make)

        return Net().to(memory_format=self.torch.channels_last)

    def memory(self, n):
        """Return the process's peak after some training steps of `n` pictures."""
        step = self.train(n)
        for _ in range(STEPS_TO_THE_PEAK):
            step()
        return sizes.peak_memory()
