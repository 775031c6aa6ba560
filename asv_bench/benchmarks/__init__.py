"""Benchmarks on named workloads, always beside the same work in NumPy.

The number of threads is the environment's: ``OMP_NUM_THREADS=1 asv run ...`` pins both sides.

============  ========================================================
workloads.py  the layers and batches that are measured, by name
baseline.py   the same work in NumPy: patches and matrix products
kernels.py    convolutions: forward and backward
depthwise.py  convolutions of every channel by itself
pool.py       max, average and global pooling: forward and backward
models.py     the tutorial's network: steps, predictions, memory, import
============  ========================================================
"""
