"""
Batch normalization
===================

The same deep network with and without it, at a learning rate that is too high for one of them.
"""

import matplotlib.pyplot as plt

import fastconv as keras
from fastconv import layers

(x_train, y_train), test = keras.datasets.fashion_mnist_small.load_data()
x_train = x_train[..., None] / 255.0


def network(normalized):
    """Return six convolutions, each with or without a normalization behind it."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((28, 28, 1))])
    for i in range(6):
        model.add(layers.Conv2D(16, 3, strides=2 if i in (1, 3) else 1, padding="same", use_bias=not normalized))
        if normalized:
            model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


figure, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
for normalized, label in ((False, "without"), (True, "with batch normalization")):
    model = network(normalized)
    losses = model.fit(x_train, y_train, epochs=6, batch_size=64, verbose=0).history["loss"]
    axes.plot(range(1, 7), losses, marker="o", markersize=3, label=label)
axes.set_xlabel("epoch")
axes.set_ylabel("loss")
axes.grid(alpha=0.3)
axes.legend()

# %%
# In inference the normalizations are gone: they are folded into the weights of the convolutions before them.
print(model.plan)
