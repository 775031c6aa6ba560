"""
A first network
===============

Ten lines that train, and the curves of the training.
"""

import fastconv as keras

(x_train, y_train), test = keras.datasets.fashion_mnist_small.load_data()
x_train, x_test, y_test = x_train[..., None] / 255.0, test[0][..., None] / 255.0, test[1]

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
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=6, validation_data=(x_test, y_test), verbose=2)

# %%
figure = keras.visualize.history(history)

# %%
# The plan says how the network runs: convolution, relu and pooling are one step.
print(model.plan)
