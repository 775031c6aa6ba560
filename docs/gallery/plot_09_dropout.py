"""
Against learning by heart
=========================

Four hundred pictures are few. A network without dropout knows them by heart after a while, and gets no better on
others.
"""

import matplotlib.pyplot as plt

import fastconv as keras
from fastconv import layers

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist_small.load_data()
x_train, y_train, x_test = x_train[:400, ..., None] / 255.0, y_train[:400], x_test[..., None] / 255.0

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for place, rate in zip(axes, (0.0, 0.5), strict=True):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            layers.Conv2D(32, 3, activation="relu", input_shape=(28, 28, 1)),
            layers.MaxPooling2D(2),
            layers.Dropout(rate),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    curves = model.fit(x_train, y_train, epochs=40, validation_data=(x_test, y_test), verbose=0).history
    place.plot(curves["loss"], label="training")
    place.plot(curves["val_loss"], label="validation")
    place.set_title(f"dropout {rate:g}")
    place.set_xlabel("epoch")
    place.grid(alpha=0.3)
axes[0].set_ylabel("loss")
axes[0].legend()
