"""
Where the time goes
===================

What runs when a network runs: the steps of its plan, how long each takes, and how much of the machine it uses. The
figures are of the machine on which these pages were built, and it may have been busy.
"""

import numpy as np

import fastconv as keras

model = keras.Sequential(
    [
        keras.layers.Conv2D(64, 3, activation="relu", input_shape=(28, 28, 1)),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")

# %%
# Seven layers, and operations that Keras's table does not have:
model.summary(show_flops=True)

# %%
# The plan has fewer steps than that, since a convolution, its activation and the pooling behind it run as one. Shapes
# are those of one sample; operations, bytes and times those of a batch.
rng = np.random.default_rng(0)
x, y = rng.random((128, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 128)
profile = model.profile(x, seconds=0.2)
steps = keras.visualize.plan(model, profile)

# %%
# With targets, the way back is timed, too:
training = model.profile(x, y, seconds=0.3)
both = keras.visualize.plan(model, training)

# %%
# The same as a table. The percentages are of the multiply-adds that this machine was just seen to do.
print(training)
