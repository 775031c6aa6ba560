"""What is measured, in groups: the rows of the tables, and how many operations, bytes or pictures each of them is."""

from typing import NamedTuple

from fastconv.benchmark.sides import workloads
from fastconv.benchmark.sides.nets import NET_INFERENCE, NET_TRAINING, NETS
from fastconv.benchmark.sides.workloads import CONV, DEPTHWISE, EPOCH, INFERENCE_BATCHES, POOL, TRAINING_BATCHES

# unit -> (the figure of a row from its amount and its cost, which is seconds or bytes a call; is more better?)
UNITS = {
    "GFLOP/s": (lambda amount, cost: amount / cost / 1e9, True),
    "GB/s": (lambda amount, cost: amount / cost / 1e9, True),
    "images/s": (lambda amount, cost: amount / cost, True),
    "MB": (lambda amount, cost: cost / 1e6, False),
    "ms": (lambda amount, cost: cost * 1e3, False),
}
DIRECTIONS = {"forward": "forward", "data": "gradient of the images", "filters": "gradient of the filters"}
POOL_DIRECTIONS = {"forward": "forward", "both": "forward and backward"}
MOST_ROUNDS = {"memory": 1, "installed": 1, "wheel": 1, "import": 3}  # sizes stay, and imports take long
FRESH = {"memory", "import"}  # what a process did before has a say in these
WITH_PERCENT = ("conv/", "depthwise/")  # told as a part of what the machine can do
QUICK = (
    "peak/",
    "copy/",
    "conv/tutorial",
    "conv/vgg16.conv5_1",
    "conv/resnet50.c4",
    "depthwise/mobilenet.dw14",
    "pool/tutorial",
    "train/128",
    "alone/128",
    "call/",
    "step/",
    "infer/",
    "memory/",
    "import",
    "installed",
)


class Work(NamedTuple):
    """A row: `name` is what workers are asked, its first part the kind; `amount` is what one call gets done."""

    name: str
    label: str
    unit: str
    amount: int = 1

    @property
    def kind(self):
        """The first part of the name."""
        return self.name.partition("/")[0]

    def figure(self, cost):
        """Return what a table shows for seconds or bytes a call.

        Examples
        --------
        >>> Work("train/32", "training", "images/s", 32).figure(0.5)
        64.0
        """
        return UNITS[self.unit][0](self.amount, cost)


class Group(NamedTuple):
    """A table: rows that may be compared, so that their ratios have a mean, or a collection where `mixed`."""

    name: str
    title: str
    works: tuple
    mixed: bool = False


def groups(variants, threads):
    """Return all groups, for the kernels' `variants` that this machine runs and a number of `threads`."""
    counts = {1: "1 thread", threads: "1 thread" if threads == 1 else f"{threads} threads"}
    machine = [
        Work(f"peak/{variant}/{count}", f"multiply-adds, {variant}, {words}", "GFLOP/s", workloads.PEAK_FLOPS)
        for variant in variants
        for count, words in counts.items()
    ]
    copied = 2 * 4 * workloads.COPIED
    machine += [
        Work(f"copy/{count}", f"copy, bytes in and out, {words}", "GB/s", copied) for count, words in counts.items()
    ]
    training = [
        *(Work(f"train/{n}", f"step, batch {n}", "images/s", n) for n in TRAINING_BATCHES),
        *(Work(f"alone/{n}", f"step, batch {n}, one thread", "images/s", n) for n in (128,) if threads > 1),
        *(Work(f"fit/{n}", f"fit, batch {n}", "images/s", EPOCH) for n in TRAINING_BATCHES),
    ]
    inference = [
        *(Work(f"call/{n}", f"model(x), batch {n}", "images/s", n) for n in INFERENCE_BATCHES),
        *(Work(f"predict/{n}", f"predict, batch {n}", "images/s", n) for n in INFERENCE_BATCHES),
    ]
    networks = [
        work
        for name in NETS
        for work in (
            *(Work(f"step/{name}/{n}", f"{name}: training step, batch {n}", "images/s", n) for n in NET_TRAINING),
            *(Work(f"infer/{name}/{n}", f"{name}: inference, batch {n}", "images/s", n) for n in NET_INFERENCE),
        )
    ]
    costs = [
        Work("memory/128", "most memory in training, batch 128", "MB"),
        Work("import", "import, beyond NumPy's", "ms"),
        Work("installed", "package, installed", "MB"),
        Work("wheel", "package, compressed", "MB"),
    ]
    return [
        Group("machine", "This machine", tuple(machine), mixed=True),
        *_layers("conv", "Dense convolutions", CONV, DIRECTIONS, "flops", "GFLOP/s"),
        *_layers("depthwise", "Depthwise convolutions", DEPTHWISE, DIRECTIONS, "flops", "GFLOP/s"),
        *_layers("pool", "Max pooling", POOL, POOL_DIRECTIONS, "bytes", "GB/s"),
        *_layers("average", "Average pooling", POOL, POOL_DIRECTIONS, "bytes", "GB/s"),
        Group("training", "The tutorial's network: training", tuple(training)),
        Group("inference", "The tutorial's network: inference", tuple(inference)),
        Group("networks", "Residual and mobile networks", tuple(networks)),
        Group("costs", "What it takes", tuple(costs), mixed=True),
    ]


def _layers(kind, title, layers, directions, amount, unit):
    for direction, words in directions.items():
        works = (Work(f"{kind}/{name}/{direction}", name, unit, getattr(at, amount)) for name, at in layers.items())
        yield Group(f"{kind}/{direction}", f"{title}: {words}", tuple(works))


def choose(groups, only=(), quick=False, peak=None):
    """Return the groups with those works alone whose names contain one of `only`, and that are quick if asked for.

    Where any of them is to be told as a part of what the machine can do, the work named `peak` is there too.

    Examples
    --------
    >>> chosen = choose(groups(["avx2"], 2), ["conv2/data", "train/"], quick=True, peak="peak/avx2/2")
    >>> [work.name for group in chosen for work in group.works]
    ['peak/avx2/2', 'conv/tutorial.conv2/data', 'train/128']
    """

    def wanted(work):
        return (not only or any(part in work.name for part in only)) and (not quick or work.name.startswith(QUICK))

    names = {work.name for group in groups for work in group.works if wanted(work)}
    if any(name.startswith(WITH_PERCENT) for name in names):
        names.add(peak)
    return keep(groups, lambda work: work.name in names)


def keep(groups, wanted):
    """Return the groups with those works alone for which ``wanted(work)`` is true; groups with no works are dropped."""
    groups = [group._replace(works=tuple(filter(wanted, group.works))) for group in groups]
    return [group for group in groups if group.works]
