"""
Where a network looks
=====================

Three ways to ask which pixels made the answer: cover a part and see what is lost, follow the score's gradient down to
the pixels, or weigh the maps of the last convolution (Grad-CAM).
"""

import fastconv as keras

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist_small.load_data()
x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0
names = keras.datasets.fashion_mnist_small.CLASS_NAMES

model = keras.Sequential(
    [
        keras.layers.Conv2D(32, 3, activation="relu", input_shape=(28, 28, 1)),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(64, 3, activation="relu", padding="same", name="maps"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=12, verbose=0)

# %%
# A sandal: the network is sure of it, and rightly so.
sandal = x_test[y_test == names.index("Sandal")][0]
probabilities = model.predict(sandal[None], verbose=0)[0]
print({names[i]: f"{probabilities[i]:.1%}" for i in probabilities.argsort()[:-4:-1]})

# %%
# Cover a square of seven pixels with the picture's mean, slide it over the picture, and write down how much less likely
# the class becomes. Red places speak for it; where it is blue, the network would be surer without them.
occluded = keras.visualize.occlusion(model, sandal)

# %%
# One backward pass is enough for the gradient of the score by each pixel. It is fine, and noisy.
gradients = keras.visualize.saliency(model, sandal)

# %%
# Grad-CAM is as coarse as the maps are, here 13 by 13 places. Each map is weighted by what it does for the class.
weighed = keras.visualize.grad_cam(model, sandal, layer="maps")

# %%
# What would have to be seen there to call it a sneaker?
sneaker = keras.visualize.grad_cam(model, sandal, layer="maps", class_index=names.index("Sneaker"))
