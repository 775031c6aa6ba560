"""
Optimizers race
===============

The same network from the same weights, by five rules.
"""

import matplotlib.pyplot as plt

import fastconv as keras

(x_train, y_train), _ = keras.datasets.fashion_mnist_small.load_data()
x_train = x_train[..., None] / 255.0

optimizers = {
    "SGD": keras.optimizers.SGD(0.05),
    "SGD, momentum": keras.optimizers.SGD(0.05, momentum=0.9),
    "RMSprop": keras.optimizers.RMSprop(),
    "Adam": keras.optimizers.Adam(),
    "Lion": keras.optimizers.Lion(3e-4),
}
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, optimizer in optimizers.items():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Conv2D(16, 3, activation="relu", input_shape=(28, 28, 1)),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    losses = model.fit(x_train, y_train, epochs=8, verbose=0).history["loss"]
    axes.plot(range(1, 9), losses, marker="o", markersize=3, label=name)
axes.set_xlabel("epoch")
axes.set_ylabel("loss")
axes.grid(alpha=0.3)
axes.legend()
