"""Benchmarks on named workloads, always beside the same work in NumPy.

What is measured and how fastconv does it is read from the bench command's own folder, ``fastconv/benchmark/sides`` of
this source tree, whatever version of fastconv is installed: one list serves both.

The number of threads is the environment's (``OMP_NUM_THREADS=1 asv run ...`` pins both sides), but for the variants of
the kernels, which are measured on one thread and on two.

The modules mirror the package's floors:

============  ============================================================================
bench.py      the tables and fastconv's side of the bench command, from this source tree
baseline.py   the same work in NumPy: patches and matrix products
kernels.py    the machine's peaks; the kernels' variants
ops.py        layers of ResNet-50, VGG-16, MobileNet and others: forward, and each gradient
layers.py     layers called on arrays
plan.py       fused steps against single ops; making a plan
models.py     the tutorial's network: steps, epochs, predictions, memory, accuracy
saving.py     files of weights and models
package.py    time to import, size of the installation and of the wheel
============  ============================================================================
"""
