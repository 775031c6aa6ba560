"""
What filters become
===================

The first layer's weights before and after training. Nobody tells them to look for edges.
"""

import matplotlib.pyplot as plt

import fastconv as keras

(x_train, y_train), _ = keras.datasets.fashion_mnist_small.load_data()
x_train = x_train[..., None] / 255.0

model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(16, 7, activation="relu", name="first"),
        keras.layers.MaxPooling2D(3),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
before = model.get_layer("first").get_weights()[0].copy()
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x_train, y_train, epochs=12, verbose=0)
after = model.get_layer("first").get_weights()[0]

# %%
figure, axes = plt.subplots(4, 16, figsize=(10, 2.8), layout="constrained")
for row, weights in ((0, before), (2, after)):
    for i in range(16):
        most = abs(weights[..., i]).max()
        axes[row, i].imshow(weights[:, :, 0, i], cmap="RdBu", vmin=-most, vmax=most)
axes[0, 0].set_title("before", loc="left")
axes[2, 0].set_title("after", loc="left")
for place in axes.flat:
    place.set_axis_off()
