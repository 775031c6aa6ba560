"""Ten programs as tutorials write them: each runs with either library, with nothing changed but the import."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

import fastconv

real_keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]
BOTH = {"fastconv": fastconv, "keras": real_keras}


def digits(count=64, size=12, classes=4):
    """Return small pictures whose class is where they are bright."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, classes, count)
    x = rng.integers(0, 60, (count, size, size)).astype("uint8")
    for picture, label in zip(x, y, strict=True):
        picture[:, 3 * label : 3 * label + 3] += 150
    return x, y


def simple_convnet(keras, folder):
    """The first network of all tutorials: scaled pictures, one-hot labels, validation split, evaluation."""
    from importlib import import_module

    layers = import_module(f"{keras.__name__}.layers")
    x, y = digits()
    x = np.expand_dims(x.astype("float32") / 255, -1)
    y = keras.utils.to_categorical(y, 4)
    model = keras.Sequential(
        [
            keras.Input(shape=(12, 12, 1)),
            layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.1),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(0.01), metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=15, validation_split=0.1, verbose=0)
    score = model.evaluate(x, y, verbose=0)
    assert score[1] > 0.9
    return model.count_params(), list(history.history), len(score), model.predict(x[:3], verbose=0).shape


def pictures_from_a_folder(keras, folder):
    """Classes as folders of files, a network that scales them itself."""
    x, y = digits(24, classes=2)
    for i, (picture, label) in enumerate(zip(x, y, strict=True)):
        (folder / f"kind{label}").mkdir(exist_ok=True)
        keras.utils.save_img(folder / f"kind{label}" / f"{i}.png", np.stack([picture] * 3, -1), scale=False)
    names = sorted(path.name for path in folder.iterdir())
    files = [path for name in names for path in sorted((folder / name).iterdir())]
    pictures = np.stack([keras.utils.img_to_array(keras.utils.load_img(p, target_size=(8, 8))) for p in files])
    labels = np.array([names.index(p.parent.name) for p in files])
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1.0 / 255),
            keras.layers.Conv2D(4, 3, padding="same", activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["acc"])
    history = model.fit(pictures, labels, epochs=2, verbose=0)
    return names, pictures.mean().round(3), sorted(history.history)


def transfer(keras, folder):
    """A trained base is frozen, gets a new head, and is then tuned a little."""
    x, y = digits()
    x = x[..., None] / 255.0
    base = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()])
    base.trainable = False
    model = keras.Sequential([keras.Input((12, 12, 1)), base, keras.layers.Flatten(), keras.layers.Dense(4)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["sparse_categorical_accuracy"])
    before = base.get_weights()
    model.fit(x, y, epochs=2, verbose=0)
    assert all((a == b).all() for a, b in zip(before, base.get_weights(), strict=True))
    counts = [len(model.trainable_weights), len(model.non_trainable_weights)]
    base.trainable = True
    for layer in base.layers[:-1]:
        layer.trainable = False
    model.compile(keras.optimizers.SGD(1e-3), loss)
    model.fit(x, y, verbose=0)
    assert (before[0] == base.get_weights()[0]).all() and not (before[2] == base.get_weights()[2]).all()
    return [*counts, len(model.trainable_weights), len(model.non_trainable_weights)]


def feature_maps(keras, folder):
    """What each layer sees."""
    model = keras.models.Sequential()
    model.add(keras.layers.Input(shape=(12, 12, 1)))
    model.add(keras.layers.Conv2D(4, 3, activation="relu", name="first"))
    model.add(keras.layers.MaxPool2D())
    model.add(keras.layers.Conv2D(6, 3, name="second"))
    extractor = keras.Model(inputs=model.inputs, outputs=[layer.output for layer in model.layers])
    maps = extractor.predict(digits(2)[0][..., None], verbose=0)
    filters, biases = model.get_layer("first").get_weights()
    second = keras.Model(model.inputs, model.get_layer("second").output)
    return [m.shape for m in maps], filters.shape, biases.shape, second(np.zeros((1, 12, 12, 1))).shape


def augmentation(keras, folder):
    """Random flips, turns and zooms act in training only, as a part of the network."""
    augment = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(0.1),
            keras.layers.RandomZoom(0.1),
            keras.layers.RandomContrast(0.1),
        ],
        name="augmentation",
    )
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            augment,
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
        ]
    )
    x, y = digits()
    x = x[..., None].astype("float32")
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=2, verbose=0)
    one, two = (keras.ops.convert_to_numpy(model(x, training=False)) for _ in range(2))
    assert (one == two).all()
    return [layer.name for layer in model.layers], one.shape


def callbacks(keras, folder):
    """Stop early, keep the best, lower the rate, write a log, and do something of one's own."""
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, sorted(logs)))

    x, y = digits()
    model = keras.Sequential(
        [keras.Input((12, 12)), keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x / 255.0,
        y,
        validation_data=(x / 255.0, y),
        epochs=4,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, min_delta=10.0, restore_best_weights=True),
            keras.callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True),
            keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=10.0),
            keras.callbacks.CSVLogger(folder / "log.csv"),
            keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9),
            Watch(),
        ],
    )
    best = keras.models.load_model(folder / "best.keras")
    assert best.evaluate(x / 255.0, y, verbose=0)[0] == pytest.approx(min(history.history["val_loss"]), rel=1e-4)
    return history.epoch, seen, (folder / "log.csv").read_text().splitlines()[0]


def of_ones_own(keras, folder):
    """A layer, a loss and a metric of one's own."""
    ops = keras.ops

    class Scale(keras.layers.Layer):
        def __init__(self, start=1.0, **kwargs):
            super().__init__(**kwargs)
            self.start = start

        def build(self, input_shape):
            self.scale = self.add_weight(
                shape=(input_shape[-1],),
                initializer=keras.initializers.Constant(self.start),
                trainable=True,
                name="scale",
            )

        def call(self, inputs):
            return inputs * self.scale

        def get_config(self):
            return {**super().get_config(), "start": self.start}

    class Within(keras.metrics.Metric):
        def __init__(self, name="within", **kwargs):
            super().__init__(name=name, **kwargs)
            self.hits = self.add_weight(name="hits", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            near = ops.cast(ops.abs(y_true - y_pred) < 100.0, "float32")
            self.hits.assign_add(ops.sum(near))

        def result(self):
            return self.hits

    def cubed(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred) ** 3, axis=-1)

    model = keras.Sequential([keras.Input((3,)), Scale(0.5), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.01), loss=cubed, metrics=[Within()])
    x = np.linspace(0, 1, 24).reshape(8, 3).astype("float32")
    history = model.fit(x, x.sum(1, keepdims=True), epochs=3, batch_size=8, verbose=0).history
    return {key: np.round(np.array(values), 4).tolist() for key, values in history.items()}


def schedules(keras, folder):
    """A rate that falls with the steps, and momentum."""
    falling = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5, staircase=True)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(learning_rate=falling, momentum=0.9), "mse")
    x = np.linspace(-1, 1, 24).reshape(8, 3).astype("float32")
    history = model.fit(x, x[:, :1], epochs=4, batch_size=4, shuffle=False, verbose=0).history["loss"]
    return np.round(history, 4).tolist(), round(float(model.optimizer.learning_rate), 5)


def saving(keras, folder):
    """Whole models, weights alone, architecture alone."""
    model = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten()], name="kept")
    x = digits(2)[0][..., None] / 255.0
    expected = model.predict(x, verbose=0)
    model.save(folder / "model.keras")
    model.save_weights(folder / "model.weights.h5")
    again = keras.models.load_model(folder / "model.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-6)
    for twin in (keras.models.clone_model(model), keras.models.model_from_json(model.to_json())):
        twin.load_weights(folder / "model.weights.h5")
        np.testing.assert_allclose(twin.predict(x, verbose=0), expected, rtol=1e-6)
    return again.name, [layer.name for layer in again.layers]


def summary(keras, folder):
    """What the network is made of, on paper."""
    model = keras.Sequential(name="paper")
    model.add(keras.layers.Conv2D(4, (3, 3), activation="relu", input_shape=(12, 12, 1)))
    model.add(keras.layers.MaxPooling2D((2, 2)))
    model.add(keras.layers.LeakyReLU(negative_slope=0.1))
    model.add(keras.layers.Dense(2, activation=keras.layers.LeakyReLU(0.2)))
    lines = []
    model.summary(line_length=70, print_fn=lines.append)
    return lines, model.output_shape, [weight.shape for weight in model.get_weights()]


PROGRAMS = [
    simple_convnet, pictures_from_a_folder, transfer, feature_maps, augmentation, callbacks, of_ones_own, schedules,
    saving, summary,
]  # fmt: skip


def plain(value):
    """Return a result with tuples for lists and shapes, so that both libraries' can be compared."""
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return {key: plain(part) for key, part in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_tutorial_runs_with_its_import_changed(program, tmp_path):
    told = {}
    for name, keras in BOTH.items():
        keras.utils.clear_session()
        keras.utils.set_random_seed(3)
        (tmp_path / name).mkdir()
        told[name] = plain(program(keras, tmp_path / name))
    assert told["fastconv"] == told["keras"]
