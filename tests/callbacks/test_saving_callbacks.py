"""ModelCheckpoint, and training that goes on where it was killed."""

import json

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv.callbacks import BackupAndRestore, ModelCheckpoint
from tests.saving.models import data


class Killed(Exception):  # noqa: N818 (it stands for a signal)
    """What the training dies of."""


class Kill(keras.callbacks.Callback):
    """Ends training at a batch of an epoch, as a signal would: nothing is tidied up."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise Killed


def noisy(seed, optimizer="adam"):
    """Return a model with every kind of randomness."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            L.Conv2D(4, 3, activation="relu"),
            L.BatchNormalization(),
            L.Dropout(0.3),
            L.GaussianNoise(0.1, seed=4),
            L.Flatten(),
            L.Dropout(0.2, seed=9),
            L.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(model, *callbacks, epochs=4, **settings):
    x, y = data(22)
    return model.fit(x, y, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks), **settings)


def bits(model):
    return [v.array.tobytes() for v in [*model.weights, *model.optimizer.variables]]


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "nadam"])
@pytest.mark.parametrize(
    ("save_freq", "epoch", "batch"),
    [("epoch", 0, 3), ("epoch", 2, 0), ("epoch", 3, 5), (1, 1, 2), (2, 2, 3), (4, 2, 5), (6, 1, 0), (3, 0, 1)],
    ids=str,
)
def test_killed_and_begun_again_ends_with_the_same_bits(save_freq, epoch, batch, optimizer, tmp_path):
    through = noisy(1, optimizer)
    history = fit(through).history
    with pytest.raises(Killed):
        fit(noisy(1, optimizer), BackupAndRestore(tmp_path / "b", save_freq), Kill(epoch, batch))
    again = noisy(1 if (epoch, batch) in ((0, 3), (0, 1)) else 2, optimizer)  # nothing saved yet: from the beginning
    rest = fit(again, BackupAndRestore(tmp_path / "b", save_freq)).history
    assert bits(again) == bits(through)
    assert {name: values[-len(rest[name]) :] for name, values in history.items()} == rest
    assert not (tmp_path / "b").exists()


# -- other ways of training


class Batches(keras.utils.PyDataset):
    """Batches by number, with an end or without."""

    def __init__(self, batches=6, **settings):
        super().__init__(**settings)
        self.batches = batches
        self.made = []

    @property
    def num_batches(self):
        return self.batches

    def __getitem__(self, index):
        self.made.append(index)
        return data(4 + index)[0][-4:], data(4 + index)[1][-4:]


def halved(epoch, rate):
    """Return a learning rate for `LearningRateScheduler` that hangs on the one before."""
    return rate * 0.5


WAYS = {
    "cut": lambda: {"steps_per_epoch": 4},  # 6 batches a pass: 4, then 2
    "cut into equal parts": lambda: {"steps_per_epoch": 2},
    "cut in order": lambda: {"steps_per_epoch": 4, "shuffle": False},
    "validated": lambda: {"validation_split": 0.2},
    "weighted": lambda: {"class_weight": {0: 2.0}},
    "a PyDataset": lambda: {"x": Batches()},
    "a PyDataset in threads": lambda: {"x": Batches(workers=3)},
    "a PyDataset in order": lambda: {"x": Batches(), "shuffle": False},
    "a cut PyDataset": lambda: {"x": Batches(), "steps_per_epoch": 4},
    "a PyDataset without end": lambda: {"x": Batches(None), "steps_per_epoch": 4},
    "scheduled": lambda: {"callbacks": [keras.callbacks.LearningRateScheduler(halved)]},
}
SGD = keras.optimizers.SGD
OPTIMIZERS = {
    "schedule": lambda: SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.7), momentum=0.9),
    "averages": lambda: SGD(0.1, use_ema=True, ema_overwrite_frequency=7),
    "accumulated": lambda: SGD(0.1, gradient_accumulation_steps=4),
}


def train(model, way, *more, epochs=5):
    settings = WAYS[way]()
    callbacks = [*settings.pop("callbacks", ()), *more]
    if "x" not in settings:
        (settings["x"], settings["y"]), settings["batch_size"] = data(22), 4
    return model.fit(**settings, epochs=epochs, verbose=0, callbacks=callbacks)


KILLS = [("epoch", [(1, 1)]), ("epoch", [(3, 0)]), (1, [(1, 0), (1, 1)]), (3, [(2, 1), (3, 1)]), (5, [(4, 1)])]


def assert_resumes(way, optimizer, kills, folder):
    """Kill trainings, begin them again from other weights, and compare with one that was never killed."""
    through = noisy(1, optimizer())
    history = train(through, way).history
    for save_freq, moments in kills:
        for seed, at in enumerate(moments, 1):
            with pytest.raises(Killed):
                train(noisy(seed, optimizer()), way, BackupAndRestore(folder, save_freq), Kill(*at))
        again = noisy(9, optimizer())
        rest = train(again, way, BackupAndRestore(folder, save_freq)).history
        assert bits(again) == bits(through)
        assert {name: values[-len(rest[name]) :] for name, values in history.items()} == rest
        assert not folder.exists()


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_training_goes_on_with_the_same_bits(way, tmp_path):
    assert_resumes(way, lambda: "adam", KILLS, tmp_path / "b")


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("way", ["cut", "a PyDataset"])
def test_every_state_of_an_optimizer_goes_on_with_the_same_bits(way, optimizer, tmp_path):
    assert_resumes(way, OPTIMIZERS[optimizer], KILLS[1:4], tmp_path / "b")


def test_batches_of_a_data_set_are_not_made_to_be_left_out(tmp_path):
    def run(model, dataset, *more):
        callback = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
        model.fit(dataset, steps_per_epoch=10, epochs=3, verbose=0, callbacks=[callback, *more])

    with pytest.raises(Killed):
        run(noisy(1), Batches(None), Kill(2, 3))
    dataset = Batches(None)
    run(noisy(1), dataset)
    assert dataset.made == list(range(20, 30))


def test_averages_that_are_swapped_in(tmp_path):
    def run(seed, *more):
        model = noisy(seed, SGD(0.1, use_ema=True))
        callbacks = [BackupAndRestore(tmp_path / "b", 2), keras.callbacks.SwapEMAWeights(swap_on_epoch=True), *more]
        fit(model, *callbacks, validation_split=0.2)
        return bits(model)

    through = run(1)
    for at in ((1, 3), (2, 0), (3, 3)):
        with pytest.raises(Killed):
            run(1, Kill(*at))
        assert run(2) == through


def test_a_backup_whose_random_numbers_are_none(tmp_path):
    import h5py

    def save(change):
        with pytest.raises(Killed):
            fit(noisy(1), BackupAndRestore(tmp_path, 1), Kill(0, 2))
        with h5py.File(tmp_path / "latest.weights.h5", "r+") as file:
            described = json.loads(bytes(file["training_state/vars/0"][()]))
            change(described)
            del file["training_state/vars/0"]
            file["training_state/vars/0"] = np.frombuffer(json.dumps(described).encode(), np.uint8)

    for key in ("random", "before_pass", "generators", "epoch", "done_of_pass"):
        for value in ({}, "x", [1]):
            save(lambda described, key=key, value=value: described.update({key: value}))
            with pytest.raises(ValueError, match=r"BackupAndRestore: .*latest.weights.h5' cannot be read"):
                fit(noisy(1), BackupAndRestore(tmp_path))
            (tmp_path / "latest.weights.h5").unlink()


def test_killed_again_and_again(tmp_path):
    through = noisy(1)
    fit(through, epochs=5)
    for seed, at in enumerate([(0, 2), (0, 5), (1, 1), (2, 4), (4, 3)], 1):
        with pytest.raises(Killed):
            fit(noisy(seed), BackupAndRestore(tmp_path / "b", 2), Kill(*at), epochs=5)
    again = noisy(99)
    fit(again, BackupAndRestore(tmp_path / "b", 2), epochs=5)
    assert bits(again) == bits(through)


def test_a_training_that_was_done_is_not_done_again(tmp_path):
    keep = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
    model = noisy(1)
    fit(model, keep, epochs=2)
    before = bits(model)
    assert fit(model, keep, epochs=2).epoch == [] and bits(model) == before
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["latest.weights.h5"]


def test_the_file_before_the_last_one(tmp_path):
    def run(model, *more):
        return fit(model, BackupAndRestore(tmp_path, double_checkpoint=True, delete_checkpoint=False), *more)

    through = noisy(1)
    fit(through)
    with pytest.raises(Killed):
        run(noisy(1), Kill(3, 0))
    (tmp_path / "latest.weights.h5").write_bytes(b"broken")
    (tmp_path / ".latest.weights.h5.0123.part").write_bytes(b"left behind")
    (tmp_path / "mine.txt").write_text("not touched")
    again = noisy(2)
    assert run(again).epoch == [2, 3]
    assert bits(again) == bits(through)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["latest.weights.h5", "latest.weights.h5.bkp", "mine.txt"]


def test_a_broken_backup_is_an_error(tmp_path):
    (tmp_path / "latest.weights.h5").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"BackupAndRestore: .*latest.weights.h5' cannot be read"):
        fit(noisy(1), BackupAndRestore(tmp_path))
    noisy(1).save_weights(tmp_path / "latest.weights.h5")
    with pytest.raises(ValueError, match="how far training was"):
        fit(noisy(1), BackupAndRestore(tmp_path))


@pytest.mark.parametrize(
    "make",
    [
        lambda: BackupAndRestore(""),
        lambda: BackupAndRestore("b", save_freq=False),
        lambda: BackupAndRestore("b", save_freq=0),
        lambda: BackupAndRestore("b", save_freq="batch"),
        lambda: ModelCheckpoint("m.keras", save_freq=1.5),
        lambda: ModelCheckpoint("m.h5"),
        lambda: ModelCheckpoint("m.weights.h5"),
        lambda: ModelCheckpoint("m.keras", save_weights_only=True),
        lambda: ModelCheckpoint("m.keras", mode="up"),
    ],
)
def test_bad_arguments(make):
    with pytest.raises(ValueError, match=r"BackupAndRestore: |ModelCheckpoint: "):
        make()


def test_backup_needs_a_built_model(tmp_path):
    model = keras.Sequential([L.Dense(3)])
    model.compile("sgd", "mse")
    callback = BackupAndRestore(tmp_path)
    callback.set_model(model)
    with pytest.raises(ValueError, match="is not built"):
        callback.on_train_begin()


# -- ModelCheckpoint


def test_a_file_an_epoch(tmp_path, capsys):
    model = noisy(1)
    fit(model, ModelCheckpoint(tmp_path / "deep" / "{epoch:02d}-{loss:.2f}.keras", verbose=1), epochs=2)
    names = sorted(path.name for path in (tmp_path / "deep").iterdir())
    assert [name[:3] for name in names] == ["01-", "02-"]
    again = keras.models.load_model(tmp_path / "deep" / names[-1])
    assert bits(again) == bits(model)
    assert "Epoch 2: finished saving model to" in capsys.readouterr().out


def test_a_file_every_few_batches(tmp_path):
    model = noisy(1)
    path = tmp_path / "{epoch}-{batch}.weights.h5"
    fit(model, ModelCheckpoint(path, save_weights_only=True, save_freq=4), epochs=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-4.weights.h5", "2-2.weights.h5", "2-6.weights.h5"]
    again = noisy(2)
    again.optimizer.build(again.trainable_weights)
    again.load_weights(tmp_path / "2-6.weights.h5")
    assert bits(again) == bits(model)


def test_only_the_best(tmp_path, capsys):
    class Scores(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = [1.0, 3.0, 2.0, 4.0][epoch]

    saver = ModelCheckpoint(
        tmp_path / "{epoch}.keras", "score", verbose=1, save_best_only=True, mode="max", initial_value_threshold=2.5
    )
    fit(noisy(1), Scores(), saver)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.keras", "4.keras"] and saver.best == 4.0
    assert "score did not improve from 3.00000" in capsys.readouterr().out
    with pytest.warns(UserWarning, match="with nothing available"):
        fit(noisy(1), ModelCheckpoint(tmp_path / "m.keras", "nothing", save_best_only=True, mode="min"), epochs=1)
    assert (tmp_path / "m.keras").exists()
    with pytest.raises(KeyError, match="names 'nothing'"):
        fit(noisy(1), ModelCheckpoint(tmp_path / "{nothing}.keras"), epochs=1)


def test_batches_from_a_list_go_on_too(tmp_path):
    x, y = data(20)
    batches = [(x[i : i + 5], y[i : i + 5]) for i in range(0, 20, 5)]

    class Batches:
        def __iter__(self):
            return iter(batches)

        def __len__(self):
            return len(batches)

    through = noisy(1)
    through.fit(Batches(), epochs=3, verbose=0)
    killed = noisy(1)
    with pytest.raises(Killed):
        killed.fit(Batches(), epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path, 1), Kill(1, 2)])
    again = noisy(2)
    again.fit(Batches(), epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path, 1)])
    assert bits(again) == bits(through)
    assert np.isfinite(through.get_weights()[0]).all()
