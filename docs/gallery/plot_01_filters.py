"""
Filters that find edges
=======================

A convolution with weights chosen by hand: upright edges, flat ones, and both together.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastconv as keras

(x_train, _), _ = keras.datasets.fashion_mnist_small.load_data()
shirt = x_train[1:2, :, :, np.newaxis] / np.float32(255)

# %%
# Two filters side by side are one array: height, width, channels in, channels out.
sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float32)
filters = np.stack([sobel, sobel.T], axis=-1)[:, :, np.newaxis, :]
maps = keras.ops.conv(shirt, filters, padding="same")
print(shirt.shape, filters.shape, maps.shape)

# %%
# Where the two meet, the length of both together says how steep a pixel's place is.
strength = np.hypot(maps[0, :, :, 0], maps[0, :, :, 1])
pictures = {
    "picture": shirt[0, :, :, 0],
    "upright": maps[0, :, :, 0],
    "flat": maps[0, :, :, 1],
    "both": strength,
}
figure, axes = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained")
for place, (title, picture) in zip(axes, pictures.items(), strict=True):
    place.imshow(picture, cmap="gray")
    place.set_title(title)
    place.set_axis_off()
