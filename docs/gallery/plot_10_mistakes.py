"""
Mistakes, and how sure the network is of them
=============================================

Which classes are taken for which others, and the pictures on which the network is most wrong.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastconv as keras

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist_small.load_data()
x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0
names = [name.split("/")[0] for name in keras.datasets.fashion_mnist_small.CLASS_NAMES]

model = keras.Sequential(
    [
        keras.layers.Conv2D(32, 3, activation="relu", input_shape=(28, 28, 1)),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=6, verbose=0)
probabilities = model.predict(x_test, verbose=0)
guesses = probabilities.argmax(axis=1)

# %%
# Each row is a class, each column what it was taken for. Shirts are hard.
counts = keras.visualize.confusion(y_test, probabilities, labels=names)

# %%
# The worst: where the right class got the least.
worst = probabilities[np.arange(len(y_test)), y_test].argsort()[:10]
figure, axes = plt.subplots(2, 5, figsize=(9, 4.4), layout="constrained")
for place, i in zip(axes.flat, worst, strict=True):
    place.imshow(x_test[i, :, :, 0], cmap="gray")
    place.set_title(f"{names[guesses[i]]}?\nit is: {names[y_test[i]]}", fontsize=9)
    place.set_axis_off()
