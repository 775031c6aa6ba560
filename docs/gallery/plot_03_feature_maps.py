"""
One image's way through a network
=================================

What the layers make of a picture, before and after training.
"""

import fastconv as keras

(x_train, y_train), (x_test, _) = keras.datasets.fashion_mnist_small.load_data()
x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0
names = [name.split("/")[0] for name in keras.datasets.fashion_mnist_small.CLASS_NAMES]

model = keras.Sequential(
    [
        keras.layers.Conv2D(16, 3, activation="relu", input_shape=(28, 28, 1)),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")

# %%
# Before: the filters are random, and so is the answer.
before = keras.visualize.feature_maps(model, x_test[1], class_names=names)

# %%
# After four epochs:
model.fit(x_train, y_train, epochs=4, verbose=0)
after = keras.visualize.feature_maps(model, x_test[1], class_names=names)
