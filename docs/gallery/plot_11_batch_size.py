"""
Batch sizes
===========

Images a second in training, by the size of a batch. The figures are of the machine on which these pages were built, and
it may have been busy.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import fastconv as keras

model = keras.Sequential(
    [
        keras.layers.Conv2D(64, 3, activation="relu", input_shape=(28, 28, 1)),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
rng = np.random.default_rng(0)
sizes, rates = [1, 2, 4, 8, 16, 32, 64, 128, 256], []
for size in sizes:
    x, y = rng.random((size, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, size)
    model.train_on_batch(x, y)  # plans the buffers of this batch size
    times = []
    for _ in range(5):
        start = time.perf_counter()
        model.train_on_batch(x, y)
        times.append(time.perf_counter() - start)
    rates.append(size / np.median(times))

figure, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
axes.semilogx(sizes, rates, marker="o", base=2)
axes.set_xlabel("batch size")
axes.set_ylabel("images a second")
axes.set_ylim(0)
axes.grid(alpha=0.3)
