"""
What units look for
===================

A network, asked the other way round: not what it sees in a picture, but which picture would please a unit most.
"""

import fastconv as keras

(x_train, y_train), _ = keras.datasets.fashion_mnist_small.load_data()
x_train = x_train[..., None] / 255.0

model = keras.Sequential(
    [
        keras.layers.Conv2D(16, 5, activation="relu", input_shape=(28, 28, 1), name="near"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(32, 3, activation="relu", name="far"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax", name="classes"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x_train, y_train, epochs=8, verbose=0)

# %%
# The first layer's filters can be looked at as they are: red weights are positive, blue ones negative.
weights = keras.visualize.filters(model.get_layer("near"))

# %%
# Further up there is no such picture, since a filter reads maps and not pixels. So start from grey noise and climb:
# each step changes the pixels a little in the direction that excites the unit more. The first layer likes edges and
# stripes, or simply light, as its filters say.
near = keras.visualize.activation_maximization(model, "near", units=range(8))

# %%
# The second layer likes patterns of these. Where noise remains, the unit did not answer to noise at all, so no way
# leads uphill: a `relu` that is shut has no gradient.
far = keras.visualize.activation_maximization(model, "far", units=range(16))

# %%
# And the last layer's units, one a class? Hardly clothes: a network that has only ever seen clothes may take anything
# for a shirt. What convinces it is not what convinces us.
classes = keras.visualize.activation_maximization(model, "classes", steps=100)
