"""Data against Keras: data sets in fit, pictures, folders, averages; what is refused in the same place."""

import inspect
import os

import numpy as np
import pytest

import fastconv

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytest.importorskip("PIL")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

BOTH = (keras, fastconv)
RNG = np.random.default_rng(2)
X, Y = RNG.standard_normal((20, 6, 6, 1), np.float32), RNG.integers(0, 3, 20)


def make(module, **settings):
    """Return a network of one module; its weights do not depend on the module."""
    layers = module.layers
    model = module.Sequential(
        [module.Input((6, 6, 1)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3, "softmax")]
    )
    rng = np.random.default_rng(1)
    model.set_weights([0.3 * rng.standard_normal(w.shape) for w in model.get_weights()])
    given = {"optimizer": module.optimizers.SGD(0.05), "loss": "sparse_categorical_crossentropy", **settings}
    model.compile(metrics=["accuracy"], **given)
    return model


def dataset(module, n=5, **kwargs):
    """Return a data set of `n` batches of four."""

    class Batches(module.utils.PyDataset):
        @property
        def num_batches(self):
            return n

        def __getitem__(self, index):
            rows = slice(4 * (index % 5), 4 * (index % 5) + 4)
            return X[rows], Y[rows]

    return Batches(**kwargs)


def same(theirs, ours):
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        assert ours[name] == pytest.approx(values, rel=1e-5, abs=1e-6), name


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("fit", [{}, {"class_weight": {0: 2.0, 2: 0.5}}, {"steps_per_epoch": 5}], ids=str)
def test_data_sets_in_fit(workers, fit):
    histories, results = [], []
    for module in BOTH:
        used = workers if module is fastconv else 1  # with more, Keras skips a batch while it builds
        model, source = make(module), dataset(module, workers=used)
        held = dataset(module, 2, workers=used)
        histories.append(model.fit(source, epochs=3, shuffle=False, verbose=0, validation_data=held, **fit).history)
        results.append([model.evaluate(source, verbose=0), model.predict(source, verbose=0)])
    same(*histories)
    assert results[1][0] == pytest.approx(results[0][0], rel=1e-5)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-4, atol=1e-6)


def test_endless_data_sets():
    histories = [
        make(module).fit(dataset(module, None), epochs=4, steps_per_epoch=3, shuffle=False, verbose=0).history
        for module in BOTH
    ]
    same(*histories)


def test_torch_loaders():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    loader = torch.utils.data.DataLoader(data, batch_size=6)
    held = torch.utils.data.DataLoader(data, batch_size=20)
    histories = [
        make(module).fit(loader, epochs=2, shuffle=False, verbose=0, validation_data=held).history for module in BOTH
    ]
    same(*histories)


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
def test_arrays_that_run_out():
    histories = [
        make(module).fit(X, Y, 4, epochs=2, steps_per_epoch=7, shuffle=False, verbose=0).history for module in BOTH
    ]
    same(*histories)


@pytest.mark.parametrize("targets", [np.eye(3)[Y], np.eye(3)[Y].astype(int)], ids=["floats", "integers"])
def test_class_weights_of_one_hot_rows(targets):
    histories = [
        make(module, loss="categorical_crossentropy")
        .fit(X, targets, 5, shuffle=False, verbose=0, class_weight={0: 3.0, 1: 0.5})
        .history
        for module in BOTH
    ]
    same(*histories)


def test_class_weights_of_pixels_are_refused():
    def pixels(module):
        model = module.Sequential([module.Input((4, 4, 1)), module.layers.Conv2D(3, 1, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(np.zeros((2, 4, 4, 1)), np.zeros((2, 4, 4), int), class_weight={0: 2.0}, verbose=0)

    with pytest.raises(TypeError):
        pixels(keras)
    with pytest.raises(ValueError, match="class_weight needs one label a sample; y has 16 values"):
        pixels(fastconv)


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_running_averages(swap_on_epoch):
    histories, weights = [], []
    for module in BOTH:
        model = make(module, optimizer=module.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.6))
        swap = module.callbacks.SwapEMAWeights(swap_on_epoch=swap_on_epoch)
        fitted = model.fit(X, Y, 5, 3, shuffle=False, verbose=0, callbacks=[swap], validation_data=(X[:7], Y[:7]))
        histories.append(fitted.history)
        weights.append(model.get_weights())
    same(*histories)
    for theirs, ours in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["TensorBoard", "RemoteMonitor", "OrbaxCheckpoint"])
def test_refused_callbacks_are_keras_names(name):
    assert hasattr(keras.callbacks, name) and hasattr(fastconv.callbacks, name)


FUNCTIONS = ["load_img", "save_img", "img_to_array", "array_to_img", "split_dataset", "image_dataset_from_directory"]


@pytest.mark.parametrize(
    "name", [*FUNCTIONS, "PyDataset", "Sequence", "set_random_seed", "to_categorical", "normalize"]
)
def test_signatures(name):
    theirs, ours = ([*inspect.signature(getattr(module.utils, name)).parameters.values()] for module in BOTH)
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
def test_signatures_of_data_sets(name):
    theirs, ours = (inspect.signature(getattr(module.datasets, name).load_data).parameters for module in BOTH)
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("scale", [False, True])
def test_pictures(channels, scale, tmp_path):
    modes = {1: "grayscale", 3: "rgb", 4: "rgba"}
    x = RNG.integers(0, 256, (9, 14, channels)).astype("float32")
    pixels = []
    for module in BOTH:
        path = tmp_path / f"{module.__name__}.png"
        module.utils.save_img(path, x, scale=scale)
        pixels.append(np.asarray(module.utils.array_to_img(x, scale=scale)))
        pixels[-1] = [pixels[-1], *(
            module.utils.img_to_array(module.utils.load_img(path, modes[channels], **how))
            for how in ({}, {"target_size": (5, 6)}, {"target_size": (4, 9), "interpolation": "bicubic"},
                        {"target_size": (7, 3), "keep_aspect_ratio": True, "interpolation": "lanczos"})
        )]  # fmt: skip
    for theirs, ours in zip(*pixels, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


@pytest.mark.parametrize("labels", ["inferred", None, "given"])
@pytest.mark.parametrize("seed", [None, 0, 7])
def test_files_labels_and_splits(labels, seed, tmp_path):
    """Which files come in which order is decided by what Keras's data set is made of."""
    from keras.src.utils import dataset_utils

    for i in range(40):
        folder = tmp_path / "cab"[i % 3] / ("deep" if i % 7 == 0 else ".")
        folder.mkdir(parents=True, exist_ok=True)
        fastconv.utils.save_img(folder / f"{i}.png", np.zeros((2, 2, 1)))
    given = [i % 4 for i in range(40)] if labels == "given" else labels
    shuffle = seed is not None
    paths, classes, names = dataset_utils.index_directory(
        str(tmp_path), given if given != [] else None, (".png",), shuffle=shuffle, seed=seed, verbose=False
    )
    for subset in (None, "training", "validation"):
        share = None if subset is None else 0.3
        part, expected = dataset_utils.get_training_or_validation_split(paths, classes, share, subset)
        ours = fastconv.utils.image_dataset_from_directory(
            tmp_path, [i % 4 for i in range(40)] if labels == "given" else labels, shuffle=shuffle,
            seed=seed, validation_split=share, subset=subset, verbose=False,
        )  # fmt: skip
        assert [os.path.normpath(p) for p in ours.file_paths] == [os.path.normpath(p) for p in part]
        assert ours.class_names == names
        assert (ours.labels is None) == (expected is None)
        if expected is not None:
            assert ours.labels.tolist() == list(expected)


@pytest.mark.parametrize(("size", "interpolation"), [((3, 9), "bilinear"), ((11, 4), "bilinear"), ((8, 8), "nearest")])
def test_pictures_cut_to_proportion(size, interpolation):
    from fastconv.utils.resizing import resize

    x = RNG.random((7, 12, 3)).astype("float32")
    theirs = keras.preprocessing.image.smart_resize(x, size, interpolation)
    np.testing.assert_allclose(resize(x, size, interpolation, crop=True), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop", "AdamW", "Nadam"])
def test_optimizers_are_numbered(name):
    keras.utils.clear_session(free_memory=False)
    fastconv.layers.layer.reset_names()
    theirs, ours = ([getattr(module.optimizers, name)().name for _ in range(3)] for module in BOTH)
    assert ours == theirs


def test_losses_of_users_are_numbered():
    keras.utils.clear_session(free_memory=False)
    fastconv.layers.layer.reset_names()
    made = [type("MyLoss", (module.losses.Loss,), {}) for module in BOTH]
    theirs, ours = ([cls().name for _ in range(2)] for cls in made)
    assert ours == theirs == ["my_loss", "my_loss_1"]


def test_models_are_numbered():
    keras.utils.clear_session(free_memory=False)
    fastconv.layers.layer.reset_names()
    theirs, ours = ([module.Sequential().name for _ in range(3)] for module in BOTH)
    assert ours == theirs == ["sequential", "sequential_1", "sequential_2"]
