"""What may be passed as data: types, shapes, memory orders, iterables; and what is refused, by name."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import optimizers
from fastconv.models import Sequential
from tests.models.data import Seen, classifier, line, stripes


def bytes_of(model):
    return [w.tobytes() for w in model.get_weights()]


# ---- arrays


@pytest.mark.parametrize(
    "dtype", ["bool", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">i2", ">f4", ">f8"]
)
def test_images_of_any_type(dtype, rng):
    model = classifier()
    x = rng.integers(0, 2, (9, 8, 8, 1)).astype(dtype)
    expected = model.predict(x.astype("f4"), verbose=0)
    np.testing.assert_array_equal(model.predict(x, batch_size=4, verbose=0), expected)
    np.testing.assert_array_equal(model.predict_on_batch(x), expected)
    np.testing.assert_array_equal(model(x), expected)


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8"])
def test_images_are_converted_exactly(dtype, rng):
    model = Sequential([L.Input((3,)), L.ReLU()])
    x = rng.integers(0, 200, (50, 3)).astype(dtype)
    np.testing.assert_array_equal(model.predict(x, verbose=0), x.astype("f4"))
    model = Sequential([L.Input((3,)), L.ReLU(dtype="float64")])
    x = rng.random((50, 3)) if dtype == "f8" else x
    np.testing.assert_array_equal(model.predict(x, verbose=0), x.astype("f8"))


def orders(x):
    """Return an array in other orders of memory."""
    yield "fortran", np.asfortranarray(x)
    yield "backwards", x[::-1].copy()[::-1]
    yield "every-second", np.repeat(x, 2, axis=0)[::2]
    yield "transposed", np.ascontiguousarray(x.T).T
    yield "list", x.tolist()
    frozen = x.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen
    padded = np.zeros((*x.shape[:-1], x.shape[-1] + 3), x.dtype)
    padded[..., : x.shape[-1]] = x
    yield "cut", padded[..., : x.shape[-1]]


def test_memory_orders():
    x, y = stripes(11)
    reference = classifier(optimizers.SGD(0.1))
    start = reference.get_weights()
    reference.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for name, other in orders(x):
        model = classifier(optimizers.SGD(0.1))
        model.set_weights(start)
        labels = dict(orders(y)).get(name, y)
        model.fit(other, labels, batch_size=4, shuffle=False, verbose=0)
        assert bytes_of(model) == bytes_of(reference), name


def test_data_is_left_alone():
    x, y = stripes(11)
    copies = x.copy(), y.copy()
    classifier(metrics=["accuracy"]).fit(x, y, epochs=2, validation_split=0.3, verbose=0)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(y, copies[1])


def test_a_last_axis_of_one_may_be_missing_or_too_much():
    x, y = stripes(6)
    model = classifier(metrics=["accuracy"])
    expected = model.evaluate(x, y, verbose=0)
    for images in (x, x[..., None]):
        for labels in (y, y[:, None], y.astype(float), y.astype("u1"), y.tolist()):
            assert model.evaluate(images, labels, verbose=0) == expected
    flat = line()
    for xs in (np.ones(4), np.ones((4, 1)), np.ones((4, 1, 1))):
        for ys in (np.ones(4), np.ones((4, 1))):
            assert flat.evaluate(xs, ys, verbose=0) == 1.0
    wide = Sequential([L.Input((5,)), L.Dense(2)])
    assert wide.predict(np.ones((3, 5, 1)), verbose=0).shape == (3, 2)


def test_nothing():
    model = classifier()
    assert model.predict(np.zeros((0, 8, 8, 1)), verbose=0).shape == (0, 3)
    assert model.predict(np.zeros((0, 8, 8)), verbose=0).shape == (0, 3)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_training_and_evaluating_need_samples(method):
    with pytest.raises(ValueError, match=f"{method}.*no (sample|batch)"):
        getattr(line(), method)(np.zeros((0, 1)), np.zeros((0, 1)), verbose=0)


# ---- iterables


def batches(n=5, size=2, weights=False):
    """Yield batches whose targets are their numbers."""
    for i in range(n):
        x, y = np.zeros((size, 1)), np.full((size, 1), float(i))
        yield (x, y, np.full(size, 2.0)) if weights else (x, y)


class Sized:
    """Batches that can be gone through again and again."""

    def __init__(self, **settings):
        self.settings = settings
        self.passes = 0

    def __len__(self):
        return self.settings.get("n", 5)

    def __iter__(self):
        self.passes += 1
        return batches(**self.settings)


class Indexed:
    """Batches by number, as a data set class may have them; beyond the end is nothing but an error."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        assert index < 3, "asked for a batch beyond the end"
        return np.zeros((2, 1)), np.full((2, 1), float(index))


class Unbounded:
    """Batches by number, without a last one."""

    def __getitem__(self, index):
        return np.zeros((2, 1)), np.full((2, 1), float(index))


def test_batches_by_number_need_an_end():
    for call, steps in (("fit", "steps_per_epoch"), ("evaluate", "steps"), ("predict", "steps")):
        with pytest.raises(ValueError, match=rf"the Unbounded gives batches by number and has no __len__; .* {steps},"):
            getattr(line(), call)(Unbounded(), verbose=0)
    assert line().fit(Unbounded(), steps_per_epoch=3, verbose=0).history["loss"] == [pytest.approx(5 / 3)]


def test_generators_go_on_where_they_stopped():
    seen = Seen()
    model = line(metrics=[seen])
    history = model.fit(batches(6), epochs=3, steps_per_epoch=2, verbose=0)
    assert [y[0] for y in seen.targets] == [0, 1, 2, 3, 4, 5]
    assert history.history["loss"] == [0.5, (4 + 9) / 2, (16 + 25) / 2]


def test_iterables_begin_anew():
    seen, source = Seen(), Sized(n=3)
    model = line(metrics=[seen])
    model.fit(source, epochs=2, verbose=0)
    assert source.passes == 2 and [y[0] for y in seen.targets] == [0, 1, 2, 0, 1, 2]
    assert model.evaluate(source, verbose=0)[0] == pytest.approx((0 + 1 + 4) / 3)
    assert model.predict(source, verbose=0).shape == (6, 1)
    assert model.evaluate(source, steps=2, verbose=0)[0] == 0.5


def test_a_generator_that_ends_in_the_first_epoch():
    assert line().fit(batches(4), verbose=0).history["loss"] == [pytest.approx(14 / 4)]
    assert line().evaluate(batches(4), verbose=0) == pytest.approx(14 / 4)
    assert line().predict(batches(4), verbose=0).shape == (8, 1)


def test_a_generator_that_ends_before_the_last_epoch():
    with pytest.raises(ValueError, match=r"x gave no batch in epoch 2"):
        line().fit(batches(4), epochs=2, verbose=0)


def test_a_generator_that_gives_nothing():
    for run in (line().fit, line().predict):
        with pytest.raises(ValueError, match="x gave no batch"):
            run(iter([]), verbose=0)


def test_an_evaluation_over_nothing():
    with pytest.raises(ValueError, match="x gave no batch"):
        line().evaluate(iter([]), verbose=0)


def test_batches_by_number():
    seen = Seen()
    line(metrics=[seen]).fit(Indexed(), epochs=2, verbose=0)
    assert [y[0] for y in seen.targets] == [0, 1, 2, 0, 1, 2]


def test_batches_with_weights_and_class_weights():
    model = line()
    assert model.evaluate(batches(3, weights=True), verbose=0) == pytest.approx(2 * 5 / 3)
    assert model.fit(batches(2, weights=True), class_weight={0: 1, 1: 3}, verbose=0).history["loss"] == [3.0]


def test_batches_of_changing_sizes_are_weighted_by_samples():
    def uneven():
        yield np.zeros((8, 1)), np.zeros((8, 1))
        yield np.zeros((2, 1)), np.full((2, 1), 10.0)

    assert line().evaluate(uneven(), verbose=0) == 20.0
    assert line().fit(uneven(), verbose=0).history["loss"] == [20.0]


def test_batches_build_a_model():
    model = Sequential([L.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(batches(), verbose=0)
    assert model.input_shape == (None, 1)


def test_batches_of_inputs_alone_or_in_lists():
    model = line()
    assert model.predict(iter([np.zeros((2, 1)), np.zeros((3, 1))]), verbose=0).shape == (5, 1)
    assert model.predict(iter([(np.zeros((2, 1)),)]), verbose=0).shape == (2, 1)
    assert model.evaluate(iter([[np.zeros((2, 1)), np.ones((2, 1))]]), verbose=0) == 1.0


class Tensor:
    """As much of another framework's tensor as is used."""

    def __init__(self, array):
        self.array = array

    def numpy(self):
        return self.array


def test_tensors_in_batches():
    assert line().evaluate(iter([(Tensor(np.zeros((2, 1))), Tensor(np.ones((2, 1))))]), verbose=0) == 1.0


def test_validation_by_iterables():
    model = line()
    history = model.fit(np.zeros(4), np.zeros(4), epochs=2, validation_data=Sized(n=3), verbose=0)
    assert history.history["val_loss"] == [pytest.approx(5 / 3)] * 2
    history = model.fit(np.zeros(4), np.zeros(4), epochs=2, validation_data=batches(4), validation_steps=2, verbose=0)
    assert history.history["val_loss"] == [0.5, 6.5]


def test_how_many_steps_there_will_be():
    from tests.models.data import Log

    for source, settings, steps in [
        (batches(), {}, None),
        (batches(), {"steps_per_epoch": 3}, 3),
        (Sized(), {}, 5),
        (Sized(), {"steps_per_epoch": 2}, 2),
    ]:
        log = Log()
        line().fit(source, callbacks=[log], verbose=0, **settings)
        assert log.params["steps"] == steps


# ---- NaN


def nan_in_x(model, x, y):
    x[3, 2, 2] = np.nan
    return "in the inputs x"


def nan_in_weights(model, x, y):
    kernel = model.layers[3].kernel.numpy()
    kernel[0, 0] = np.nan
    model.layers[3].kernel.assign(kernel)
    return r"in the weights \['m/head/kernel'\] of layer 'head'"


def infinite_weights(model, x, y):
    model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, np.inf))
    return r"in the weights \['m/conv/kernel'\] of layer 'conv'"


def overflow(model, x, y):
    model.layers[0].kernel.assign(np.ones(model.layers[0].kernel.shape))  # so that some filter is alive
    model.layers[3].kernel.assign(np.full(model.layers[3].kernel.shape, 3e38) * np.array([1, -1, 1]))
    x[...] = 100
    return "in the output of layer 'head'"


@pytest.mark.parametrize("spoil", [nan_in_x, nan_in_weights, infinite_weights, overflow])
@pytest.mark.parametrize("method", ["train_on_batch", "fit"])
def test_nan_stops_training_and_changes_nothing(spoil, method):
    x, y = stripes(6)
    x = x[..., None]
    model = Sequential(
        [
            L.Input((8, 8, 1)),
            L.Conv2D(6, 3, activation="relu", name="conv"),
            L.MaxPooling2D(2, name="pool"),
            L.Flatten(name="flat"),
            L.Dense(3, "softmax", name="head"),
        ],
        name="m",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.train_on_batch(x, y)
    where = spoil(model, x, y)
    before, state = bytes_of(model), [v.array.tobytes() for v in model.optimizer.variables]
    with pytest.raises(FloatingPointError, match=rf"Model 'm': the loss became NaN.*{where}\..*[Tt]he weights"):
        model.train_on_batch(x, y) if method == "train_on_batch" else model.fit(x, y, verbose=0)
    assert bytes_of(model) == before
    assert [v.array.tobytes() for v in model.optimizer.variables] == state


def test_nan_in_targets_and_weights_is_in_the_loss():
    for y, w in ((np.array([1.0, np.nan]), None), (np.ones(2), np.array([1.0, np.nan]))):
        with pytest.raises(FloatingPointError, match="in the loss itself"):
            line().train_on_batch(np.zeros(2), y, sample_weight=w)


def test_nan_while_evaluating_and_predicting_is_passed_on():
    x = np.array([0.0, np.nan])
    assert np.isnan(line().evaluate(x, np.ones(2), verbose=0))
    assert np.isnan(line().predict(x, verbose=0)).tolist() == [[False], [True]]


def test_training_goes_on_after_nan():
    model = line(optimizer=optimizers.SGD(0.5))
    with pytest.raises(FloatingPointError):
        model.train_on_batch(np.array([np.nan]), np.ones(1))
    assert model.train_on_batch(np.array([0.0]), np.ones(1)) == 1.0
    assert model.get_weights()[1].item() == 1.0
