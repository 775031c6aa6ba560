"""Benchmarks on named workloads, always beside the same work in NumPy.

What is measured and how fastconv does it is read from the bench command's own folder, ``fastconv/benchmark/sides`` of
this source tree, whatever version of fastconv is installed: one list serves both.

The number of threads is the environment's (``OMP_NUM_THREADS=1 asv run ...`` pins both sides), but for the variants of
the kernels, which are measured on one thread and on two.

============  ============================================================================
bench.py      the tables and fastconv's side of the bench command, from this source tree
baseline.py   the same work in NumPy: patches and matrix products
layers.py     layers: forward, and each gradient by itself; the kernels' variants
models.py     the tutorial's network: steps, epochs, predictions, memory, import
============  ============================================================================
"""
