"""
A network with branches
=======================

Layers need not stand in a row. Here one path goes around two convolutions, and the two meet again in a sum: a residual
block.
"""

import fastconv as keras
from fastconv import layers

(x_train, y_train), test = keras.datasets.fashion_mnist_small.load_data()
x_train, x_test, y_test = x_train[..., None] / 255.0, test[0][..., None] / 255.0, test[1]


def block(x, filters):
    """Return a residual block behind a tensor."""
    around = layers.Conv2D(filters, 1)(x)
    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(filters, 3, padding="same")(x)
    return layers.ReLU()(layers.Add()([x, around]))


inputs = keras.Input((28, 28, 1))
x = layers.MaxPooling2D(2)(block(inputs, 16))
x = layers.GlobalAveragePooling2D()(block(x, 32))
model = keras.Model(inputs, layers.Dense(10, activation="softmax")(x))

# %%
# The layers in the order in which they are computed, and who reads whom:
drawing = keras.utils.plot_model(model, to_file=None, show_shapes=True, dpi=100)

# %%
# It trains like any other, and `history` draws how:
model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=64, epochs=8, validation_data=(x_test, y_test), verbose=0)
curves = keras.visualize.history(history)
