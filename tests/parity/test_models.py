"""Sequential against Keras: summaries, building, fit's history, evaluate, predict, configs, errors."""

import os
import re
import warnings

import numpy as np
import pytest

import fastconv
from fastconv.layers.layer import reset_names

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

BOTH = (keras, fastconv)


def differs(why):
    """Mark a test that shows a difference from Keras."""
    return pytest.mark.xfail(reason=why, strict=True)


@pytest.fixture(autouse=True)
def fresh_names():
    """Number names from the beginning in both libraries, so that they are the same."""
    keras.utils.clear_session(free_memory=False)
    reset_names()


@pytest.fixture
def data(rng):
    """Return ten pictures and their labels, 0 to 2."""
    return rng.standard_normal((10, 6, 6, 1), np.float32), rng.integers(0, 3, 10)


def small(module, shape=(6, 6, 1), **kwargs):
    """Return a small model; without a shape it is built by its first data."""
    layers = module.layers
    first = [] if shape is None else [module.Input(shape)]
    body = [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(), layers.Dropout(0.0), layers.Flatten()]
    return module.Sequential([*first, *body, layers.Dense(3, activation="softmax")], **kwargs)


def pair(make=small, **compiled):
    """Return Keras's model and ours with the same weights; compiled alike, unless nothing is said about that."""
    keras.utils.set_random_seed(3)
    theirs, ours = models = [make(module) for module in BOTH]
    if ours.built:
        ours.set_weights(theirs.get_weights())
    for module, model in zip(BOTH, models, strict=True) if compiled else ():
        optimizer = module.optimizers.SGD(compiled.get("learning_rate", 0.01))
        given = {key: value for key, value in compiled.items() if key != "learning_rate"}
        model.compile(optimizer, "sparse_categorical_crossentropy", **given)
    return theirs, ours


def outcome(call, *args, **kwargs):
    """Return what a call returns, or the class of its error."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return type(error)


# ---- summary ----------------------------------------------------------------------------------------------

ITERATIONS = differs("iterations is an int64, as in Keras on TensorFlow; on torch it is an int32 of 4 bytes less")


def tutorial(module):
    """Return the tutorial's network."""
    layers = module.layers
    return module.Sequential(
        [
            module.Input((28, 28, 1)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="tutorial",
    )


def named(module):
    """Return a model with names of all sorts and lengths."""
    layers = module.layers
    return module.Sequential(
        [
            module.Input((30, 30, 3)),
            layers.Rescaling(1 / 255, name="a_name_that_is_a_good_deal_longer_than_its_column"),
            layers.Conv2D(8, 3, name="a name of many words, which are far too many for a line"),
            layers.GlobalAveragePooling2D(name="[bold]x[/bold]".replace("/", "")),
            layers.Dense(1000, name="ünïcode"),
        ],
        name="names",
    )


def frozen(module):
    """Return a model of which one layer does not learn."""
    model = small(module)
    model.layers[0].trainable = False
    return model


def wide(module):
    """Return a model of many megabytes."""
    layers = module.layers
    return module.Sequential([module.Input((300,)), layers.Dense(20_000), layers.Dense(7, use_bias=False)])


def unbuilt(module):
    """Return a model that does not know its inputs."""
    return small(module, None)


def weights_only(module):
    """Return a model that does not know its inputs, of layers that Keras builds behind build() alone."""
    return module.Sequential([module.layers.Conv2D(3, 3), module.layers.Flatten(), module.layers.Dense(2)])


def empty(module):
    """Return a model without layers."""
    return module.Sequential()


def trained(optimizer, **settings):
    """Return a function that makes a model whose optimizer has seen a batch."""

    def make(module):
        model = small(module)
        chosen = getattr(module.optimizers, optimizer)(**settings)
        model.compile(chosen, "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.train_on_batch(np.zeros((2, 6, 6, 1), "float32"), np.zeros(2))
        return model

    make.__name__ = "-".join(["trained", optimizer, *settings])
    return make


def compiled(module):
    """Return a model that is compiled but not trained."""
    model = small(module)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


BUILT = [tutorial, named, frozen, wide, empty, compiled, weights_only, unbuilt]
TRAINED = [
    trained("Adam"),
    trained("Adam", amsgrad=True),
    trained("SGD"),
    trained("SGD", momentum=0.9),
    trained("RMSprop", momentum=0.9, centered=True),
]
SHOWN = [
    {"line_length": 80},
    {},
    {"line_length": 40},
    {"line_length": 61},
    {"line_length": 120},
    {"show_trainable": True},
    {"show_trainable": True, "line_length": 80},
    {"positions": [0.3, 0.6, 0.7], "line_length": 80},
    {"positions": [0.6, 0.7, 1.0]},
]


def summaries(make, **kwargs):
    """Return what print_fn is given by Keras and by us: all of it, in one call."""
    texts = []
    for module in BOTH:
        calls = []
        make(module).summary(print_fn=lambda *args, calls=calls, **more: calls.append((args, more)), **kwargs)
        ((text,), more), *rest = calls
        assert not rest
        assert not more
        texts.append(text)
    return texts


@pytest.mark.parametrize("make", BUILT, ids=lambda make: make.__name__)
def test_summaries(make):
    theirs, ours = summaries(make, line_length=80)
    assert ours.split("\n") == theirs.split("\n")


@pytest.mark.parametrize(
    "make", [pytest.param(make, marks=ITERATIONS) for make in TRAINED], ids=lambda make: make.__name__
)
def test_summaries_after_training(make):
    theirs, ours = summaries(make, line_length=80)
    assert ours.split("\n") == theirs.split("\n")


@pytest.mark.parametrize("make", TRAINED, ids=lambda make: make.__name__)
def test_summaries_after_training_but_for_bytes(make):
    theirs, ours = (re.sub(r"\([\d.]+ .?B\)", "", text) for text in summaries(make, line_length=80))
    assert "Optimizer params" in ours
    assert ours.split("\n") == theirs.split("\n")


@pytest.mark.parametrize("kwargs", SHOWN, ids=str)
@pytest.mark.parametrize("make", [tutorial, named, frozen], ids=lambda make: make.__name__)
def test_arguments_of_summary(make, kwargs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "130")
    theirs, ours = summaries(make, **kwargs)
    assert ours.split("\n") == theirs.split("\n")


@pytest.mark.parametrize("positions", [[0.5, 0.7, 1.0], [0.4, 0.6, 0.8, 1.0]], ids=str)
def test_positions_of_four_columns(positions):
    theirs, ours = summaries(small, positions=positions, line_length=80, show_trainable=True)
    assert ours.split("\n") == theirs.split("\n")


def test_summaries_are_printed(capsys):
    printed = []
    for module in BOTH:
        assert tutorial(module).summary() is None
        printed.append(capsys.readouterr())
    assert printed[1] == printed[0]
    assert "max_pooling2d_1 (MaxPooling2D)" in printed[1].out


@pytest.mark.parametrize("columns", ["50", "80", "92", "200"])
def test_summaries_fit_the_terminal(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    for kwargs in ({}, {"show_trainable": True}):
        theirs, ours = summaries(tutorial, **kwargs)
        assert ours.split("\n") == theirs.split("\n")


@pytest.mark.parametrize("layer_range", [("conv2d", "flatten"), ["max_pooling2d", "max_pooling2d"]])
def test_layer_range(layer_range):
    theirs, ours = summaries(small, layer_range=layer_range, line_length=80)
    assert ours.split("\n") == theirs.split("\n")


@pytest.mark.parametrize("layer_range", [("flatten", "conv2d"), ("max", "fla"), ("conv.*", "dense")])
def test_layer_range_by_patterns(layer_range):
    theirs, ours = summaries(small, layer_range=layer_range, line_length=80)
    assert ours.split("\n") == theirs.split("\n")


@pytest.mark.parametrize(
    "kwargs",
    [
        {"layer_range": ("conv2d", "nothing")},
        {"layer_range": ("conv2d",)},
        {"positions": [0.5, 0.5, 1.0]},
        {"line_length": 10},
    ],
    ids=str,
)
def test_errors_of_summary(kwargs):
    for module in BOTH:
        assert outcome(small(module).summary, print_fn=lambda text: None, **kwargs) is ValueError


# ---- names, building, shapes ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [tutorial, small, unbuilt, empty], ids=lambda make: make.__name__)
def test_names(make):
    for _ in range(2):  # the second models count on
        theirs, ours = (make(module) for module in BOTH)
        assert ours.name == theirs.name
        assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]


@pytest.mark.parametrize("make", [tutorial, named, frozen, small], ids=lambda make: make.__name__)
def test_built_models(make):
    theirs, ours = (make(module) for module in BOTH)
    for attribute in ("built", "input_shape", "output_shape", "trainable"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert ours.count_params() == sum(v.value.numel() for v in theirs.trainable_weights + theirs.non_trainable_weights
                                      if "seed" not in v.name)  # fmt: skip
    for attribute in ("weights", "trainable_weights", "non_trainable_weights"):
        described = [
            [(v.name, tuple(v.shape), v.dtype, v.trainable) for v in getattr(model, attribute) if "seed" not in v.name]
            for model in (theirs, ours)
        ]
        assert described[1] == described[0]


def test_paths_of_weights():
    theirs, ours = (tutorial(module) for module in BOTH)
    assert [v.path for v in ours.weights] == [v.path for v in theirs.trainable_weights]


def test_repr():
    theirs, ours = (small(module, name="tiny") for module in BOTH)
    assert repr(ours) == repr(theirs) == "<Sequential name=tiny, built=True>"


WAYS_TO_BUILD = {
    "fit": lambda model, x, y: model.fit(x, y, verbose=0, batch_size=10),
    "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
    "evaluate": lambda model, x, y: model.evaluate(x, y, verbose=0, batch_size=10),
    "predict": lambda model, x, y: model.predict(x, verbose=0, batch_size=10),
    "call": lambda model, x, y: model(x),
    "build": lambda model, x, y: model.build((None, 6, 6, 1)),
}


@pytest.mark.parametrize("way", WAYS_TO_BUILD)
def test_deferred_build(way, data):
    models = pair(unbuilt, metrics=["accuracy"])
    for model in models:
        assert not model.built
        assert outcome(model.count_params) is ValueError
        assert model.weights == []
        WAYS_TO_BUILD[way](model, *data)
        assert model.built
    theirs, ours = models
    assert [tuple(v.shape) for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
    assert ours.input_shape[1:] == theirs.input_shape[1:] == (6, 6, 1)
    assert ours.output_shape[1:] == theirs.output_shape[1:] == (3,)
    assert ours.count_params() == theirs.count_params()
    assert ours.input_shape[0] is None  # Keras remembers the first batch's size, unless told by build()
    assert (theirs.input_shape[0] is None) == (way == "build")


def test_fixed_batch_size():
    theirs, ours = (module.Sequential([module.Input((4,), batch_size=3), module.layers.Dense(2)]) for module in BOTH)
    assert (ours.input_shape, ours.output_shape) == (theirs.input_shape, theirs.output_shape)


@pytest.mark.parametrize("first", [{"input_shape": (4,)}, {"input_dim": 4}], ids=str)
@pytest.mark.filterwarnings("ignore:Do not pass an .input_shape:UserWarning")
def test_inputs_of_the_first_layer(first):
    theirs, ours = (module.Sequential([module.layers.Dense(2, **first), module.layers.Dense(3)]) for module in BOTH)
    assert ours.built == theirs.built
    assert (ours.input_shape, ours.output_shape) == (theirs.input_shape, theirs.output_shape)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]


def test_batch_input_shape_is_taken_as_in_keras_2():
    assert outcome(keras.layers.Dense, 2, batch_input_shape=(None, 4)) is ValueError
    assert fastconv.Sequential([fastconv.layers.Dense(2, batch_input_shape=(None, 4))]).input_shape == (None, 4)


def test_adding_and_popping():
    models = [module.Sequential() for module in BOTH]
    shapes = []
    for module, model in zip(BOTH, models, strict=True):
        layers = module.layers
        steps = []
        model.add(module.Input((4,)))
        for layer in (layers.Dense(2), layers.Activation("relu"), layers.Dense(3)):
            model.add(layer)
            steps.append((model.built, model.output_shape, len(model.layers), len(model.weights)))
        assert type(model.pop()).__name__ == "Dense"
        steps.append((model.built, model.output_shape, len(model.layers), len(model.weights)))
        shapes.append(steps)
    assert shapes[1] == shapes[0]


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.Sequential().add(5),
        lambda m: m.Sequential().add(m.layers.Dense),
        lambda m: m.Sequential([m.layers.Dense(2, name="a"), m.layers.Dense(2, name="a")]),
        lambda m: m.Sequential([m.Input((3,)), m.Input((3,))]),
        lambda m: m.Sequential([m.Input((3,)), m.layers.Conv2D(3, 3)]),
        lambda m: small(m).build((None, 7, 7, 1)),
        lambda m: small(m).get_layer("nothing"),
        lambda m: small(m).get_layer(index=7),
        lambda m: small(m).get_layer("conv2d", 1),
        lambda m: small(m).get_layer(),
        lambda m: small(m).set_weights([]),
        lambda m: small(m).predict(np.ones((2, 6, 5, 1)), verbose=0),
        lambda m: small(m, None).predict(np.ones((2, 6, 6)), verbose=0),
        lambda m: small(m).fit(np.ones((2, 6, 6, 1)), np.ones(2), verbose=0),
        lambda m: small(m).compile("nothing", "mse"),
    ],
)
def test_errors(call):
    assert [outcome(call, module) for module in BOTH] == [ValueError, ValueError]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda m: m.Sequential(m.layers.Dense(2)), TypeError),
        (lambda m: m.Sequential([m.layers.Dense(2)]).inputs, AttributeError),
        (lambda m: m.Sequential([m.layers.Dense(2)]).output, AttributeError),
        (lambda m: m.Sequential().build((2, 3)), ValueError),
        (lambda m: m.Sequential().pop(), IndexError),
    ],
)
def test_errors_of_other_classes(call, error):
    assert [outcome(call, module) for module in BOTH] == [error, error]


def frozen_but_one(m):
    """A frozen model with a layer in it that was set free."""
    base = m.Sequential([m.Input((4,)), m.layers.Dense(3), m.layers.Dense(2)], name="base")
    base.layers[0].set_weights([np.ones((4, 3)), np.zeros(3)])
    base.trainable = False
    base.layers[1].trainable = True
    return base


@pytest.mark.parametrize("is_part", [False, True])
def test_a_frozen_model_stays_frozen_unless_it_is_part_of_another(is_part):
    """Whatever its layers say; but the model that is trained asks each weight only."""
    told, trained = [], []
    for m in BOTH:
        base = frozen_but_one(m)
        model = m.Sequential([m.Input((4,)), base, m.layers.Dense(2)]) if is_part else base
        told.append([(x.trainable, len(x.trainable_weights), len(x.non_trainable_weights)) for x in (base, model)])
        before = base.get_weights()
        model.compile("sgd", "mse")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras's optimizer has nothing to do
            if m is fastconv or is_part:
                model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
        trained.append([not np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True)])
    assert told[0] == told[1]
    assert trained[0] == trained[1] == [False, False, is_part, is_part]


def test_each_frozen_layer_alone_says_nothing_about_the_model():
    for m in BOTH:
        model = m.Sequential([m.Input((4,)), m.layers.Dense(3)])
        model.layers[0].trainable = False
        assert model.trainable and model.trainable_weights == []


#: Where we raise ValueError, and Keras another error or none (then the class of what it returns).
STRICTER = [
    (lambda m: m.Sequential([m.layers.Dense(3), m.Input((3,))]).built, False),
    (lambda m: m.Sequential([layer := m.layers.Dense(3), layer]).built, False),
    (lambda m: m.Sequential([m.layers.Dense(3)]).build(), None),
    (lambda m: small(m).evaluate(np.ones((2, 6, 6, 1)), np.ones(2), verbose=0), AttributeError),
    (lambda m: small(m).compile("sgd", "nothing"), None),
    (lambda m: fit(m, y=np.array([0, 1, 3])), IndexError),
    (lambda m: fit(m, batch_size=0).epoch, [0]),
    (lambda m: fit(m, validation_split=1.5).epoch, [0]),
]


def fit(module, x=np.ones((3, 6, 6, 1)), y=np.array([0, 1, 2]), **kwargs):  # noqa: B008
    """Fit a small model."""
    model = small(module)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model.fit(x, y, verbose=0, **kwargs)


@pytest.mark.parametrize(("call", "theirs"), STRICTER)
@pytest.mark.filterwarnings("ignore:.*`build\\(\\)` was called:UserWarning")
def test_stricter_errors(call, theirs):
    assert outcome(call, fastconv) is ValueError
    assert outcome(call, keras) == theirs


@pytest.mark.parametrize(
    "kwargs",
    [
        {"batch_size": -1},
        {"batch_size": 2.5},
        {"validation_split": 0.9},
        {"validation_split": 1.0},
        {"y": np.array([0, 1])},
        {"y": None},
    ],
    ids=str,
)
def test_errors_of_fit(kwargs):
    assert [outcome(fit, module, **kwargs) for module in BOTH] == [ValueError, ValueError]


# ---- fit --------------------------------------------------------------------------------------------------

METRICS = {"metrics": ["accuracy", "sparse_categorical_crossentropy"]}
WEIGHTS = np.arange(10, dtype="float32")
FITS = {
    "plain": {},
    "batches": {"batch_size": 4, "epochs": 3},
    "one-batch": {"batch_size": 100, "epochs": 2},
    "split": {"validation_split": 0.25, "epochs": 2},
    "split-and-batches": {"validation_split": 0.33, "epochs": 2, "batch_size": 2, "validation_batch_size": 3},
    "split-of-weights": {"validation_split": 0.3, "sample_weight": WEIGHTS, "batch_size": 2},
    "validation": {"validation_data": "all", "epochs": 2},
    "validation-with-weights": {"validation_data": "weighted", "epochs": 2},
    "validation-and-split": {"validation_data": "all", "validation_split": 0.5},
    "validation-steps": {"validation_data": "all", "validation_steps": 1, "validation_batch_size": 2},
    "every-second-epoch": {"validation_data": "all", "validation_freq": 2, "epochs": 5},
    "some-epochs": {"validation_data": "all", "validation_freq": [1, 4], "epochs": 5},
    "later-epochs": {"initial_epoch": 3, "epochs": 5},
    "no-epochs": {"epochs": 0},
    "steps": {"batch_size": 3, "steps_per_epoch": 2, "epochs": 2},
    "class-weights": {"class_weight": {0: 1, 1: 2, 2: 0.5}, "batch_size": 4},
    "some-class-weights": {"class_weight": {1: 3.0}},
    "sample-weights": {"sample_weight": WEIGHTS, "batch_size": 4, "epochs": 2},
}


def arguments(kwargs, x, y):
    """Return the arguments of fit, validation data filled in."""
    filled = {"all": (x[:7], y[:7]), "weighted": (x, y, WEIGHTS)}
    return {key: filled[value] if isinstance(value, str) else value for key, value in kwargs.items()}


@pytest.mark.parametrize("kwargs", FITS.values(), ids=FITS)
def test_history(kwargs, data):
    histories = []
    for model in pair(**METRICS, weighted_metrics=["sparse_categorical_accuracy"]):
        history = model.fit(*data, verbose=0, shuffle=False, **arguments(kwargs, *data))
        assert type(history).__name__ == "History"
        assert model.history is history
        assert all(type(value) is float for values in history.history.values() for value in values)
        histories.append(history)
    theirs, ours = histories
    assert ours.epoch == theirs.epoch
    assert ours.params == theirs.params
    assert set(ours.history) == set(theirs.history)
    for name, values in theirs.history.items():
        assert ours.history[name] == pytest.approx(values, rel=1e-5, abs=1e-6), name


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.33, 0.5, 0.75])
def test_validation_split_takes_the_last_rows(share, data):
    x, y = data
    for model in pair(metrics=["accuracy"]):
        before = model.get_weights()
        logs = model.fit(x, y, validation_split=share, verbose=0).history
        at = int(np.floor(10 * (1 - share)))
        assert model.evaluate(x[at:], y[at:], verbose=0) == pytest.approx(
            [logs["val_loss"][0], logs["val_accuracy"][0]]
        )
        model.set_weights(before)
        assert model.evaluate(x[:at], y[:at], verbose=0)[0] == pytest.approx(logs["loss"][0], rel=1e-5)


def test_names_in_history_are_sorted(data):
    theirs, ours = ([*model.fit(*data, verbose=0).history] for model in pair(**METRICS))
    assert ours == theirs == ["accuracy", "loss", "sparse_categorical_crossentropy"]


def test_names_of_validation_in_history_are_sorted(data):
    theirs, ours = ([*model.fit(*data, validation_split=0.2, verbose=0).history] for model in pair(**METRICS))
    assert ours == theirs


@pytest.mark.parametrize("name", ["accuracy", "acc", "sparse_categorical_accuracy"])
def test_a_metric_is_logged_under_the_name_given(name, data):
    theirs, ours = (model.fit(*data, verbose=0, shuffle=False).history for model in pair(metrics=[name]))
    assert set(ours) == set(theirs) == {name, "loss"}
    assert ours[name] == theirs[name]


def test_a_metric_weighted_and_not(data):
    x, y = data
    theirs, ours = (
        model.fit(x, y, verbose=0, sample_weight=WEIGHTS).history
        for model in pair(metrics=["accuracy"], weighted_metrics=["accuracy"])
    )
    assert set(ours) == set(theirs)


def test_class_and_sample_weights_together(data):
    """Keras has no answer; we multiply them."""
    theirs, ours = pair(metrics=[])
    given = {"sample_weight": WEIGHTS, "class_weight": {0: 2.0}, "verbose": 0}
    assert outcome(theirs.fit, *data, **given) is ValueError
    product = WEIGHTS * np.where(data[1] == 0, 2, 1)
    expected = ours.evaluate(*data, verbose=0, sample_weight=product)
    assert ours.fit(*data, **given).history["loss"] == pytest.approx([expected], rel=1e-5)


@pytest.mark.parametrize("kind", ["generator", "batches-with-weights"])
def test_iterables_of_batches(kind, data):
    x, y = data
    histories = []
    for model in pair(metrics=["accuracy"]):
        rows = [slice(0, 5), slice(5, 10)]
        feed = (
            (x[part], y[part], WEIGHTS[part]) if kind == "batches-with-weights" else (x[part], y[part])
            for _ in range(3)
            for part in rows
        )
        histories.append(model.fit(feed, epochs=3, steps_per_epoch=2, shuffle=False, verbose=0).history)
    theirs, ours = histories
    for name, values in theirs.items():
        assert ours[name] == pytest.approx(values, rel=1e-5, abs=1e-6)


def test_shuffling_uses_every_row_once(data):
    """The order is not Keras's; but where nothing is learnt, the losses of epochs are, to the rounding of sums."""
    theirs, ours = (
        model.fit(*data, batch_size=5, epochs=3, verbose=0).history
        for model in pair(learning_rate=0.0, metrics=["accuracy"])
    )
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
    assert ours["accuracy"] == theirs["accuracy"]


# ---- evaluate, predict and their kin ----------------------------------------------------------------------

EVALUATIONS = {
    "plain": {},
    "batches": {"batch_size": 3},
    "steps": {"batch_size": 2, "steps": 2},
    "weights": {"batch_size": 4, "sample_weight": WEIGHTS},
}


@pytest.mark.parametrize("metrics", [[], ["accuracy"], ["sparse_categorical_crossentropy", "accuracy"]], ids=len)
@pytest.mark.parametrize("kwargs", EVALUATIONS.values(), ids=EVALUATIONS)
def test_evaluate(kwargs, metrics, data):
    theirs, ours = (model.evaluate(*data, verbose=0, **kwargs) for model in pair(metrics=metrics))
    assert type(ours) is type(theirs) is (list if metrics else float)
    assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)
    if metrics:
        assert [type(value) for value in ours] == [type(value) for value in theirs]
    theirs, ours = (model.evaluate(*data, verbose=0, return_dict=True, **kwargs) for model in pair(metrics=metrics))
    assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch"])
@pytest.mark.parametrize("metrics", [[], ["accuracy"], ["sparse_categorical_crossentropy", "accuracy"]], ids=len)
def test_on_batch(method, metrics, data):
    x, y = data
    for kwargs in ({}, {"sample_weight": WEIGHTS}, {"return_dict": True}):
        models = pair(metrics=metrics)
        for rows in (slice(0, 5), slice(5, 9)):  # the second call does not remember the first
            more = {key: value[rows] if key == "sample_weight" else value for key, value in kwargs.items()}
            theirs, ours = (getattr(model, method)(x[rows], y[rows], **more) for model in models)
            assert type(ours) is type(theirs)
            assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)


def test_order_of_results_as_a_dict(data):
    for model in (models := pair(metrics=["accuracy"])):
        model.evaluate(*data, verbose=0)
    theirs, ours = (list(model.evaluate(*data, verbose=0, return_dict=True)) for model in models)
    assert ours == theirs


def test_metrics_names_before_compile():
    theirs, ours = pair()
    assert ours.metrics_names == theirs.metrics_names == []
    assert ours.metrics == theirs.metrics == []


def test_metrics_names(data):
    models = pair(metrics=["acc"])
    for model in models:
        model.evaluate(*data, verbose=0)
    theirs, ours = models
    assert ours.metrics_names == theirs.metrics_names


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x,
        lambda x: x.astype("float64"),
        lambda x: x.astype("int64"),
        lambda x: np.abs(9 * x).astype("uint8"),
        lambda x: x > 0,
        lambda x: x[..., 0],
        lambda x: np.asfortranarray(x),
        lambda x: x[::-1, :, ::-1],
    ],
    ids=["float32", "float64", "int64", "uint8", "bool", "without-channels", "fortran", "backwards"],
)
def test_predict(convert, data):
    x = convert(data[0])
    models = pair()
    usual = x if x.strides[0] > 0 else np.ascontiguousarray(x)  # PyTorch knows no negative strides
    theirs, ours = models[0].predict(usual, verbose=0), models[1].predict(x, verbose=0)
    assert type(ours) is type(theirs) is np.ndarray
    assert (ours.dtype, ours.shape, ours.flags.writeable) == (theirs.dtype, theirs.shape, True)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    theirs, ours = models[0].predict_on_batch(usual), models[1].predict_on_batch(x)
    assert (type(ours), ours.dtype) == (type(theirs), theirs.dtype)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(models[1](x), models[0](usual.astype("float32")).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kwargs", [{"batch_size": 3}, {"batch_size": 3, "steps": 2}, {"batch_size": 1}], ids=str)
def test_predict_in_batches(kwargs, data):
    theirs, ours = (model.predict(data[0], verbose=0, **kwargs) for model in pair())
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_float64_models(data):
    def make(module):
        layers = [module.layers.Conv2D(4, 3, dtype="float64"), module.layers.Flatten(dtype="float64")]
        return module.Sequential([module.Input((6, 6, 1), dtype="float64"), *layers])

    theirs, ours = (model.predict(data[0].astype("float64"), verbose=0) for model in pair(make))
    assert ours.dtype == theirs.dtype == "float64"
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


def test_pictures_without_channels(data):
    """Arrays (N, 6, 6) go into a model for (6, 6, 1), in training too."""
    x, y = data
    results = []
    for model in pair(metrics=["accuracy"]):
        history = model.fit(x[..., 0], y, epochs=2, shuffle=False, verbose=0, validation_data=(x[..., 0], y)).history
        results.append([*sorted(history.items()), ("again", model.evaluate(x, y, verbose=0))])
    for (name, theirs), (_, ours) in zip(*results, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6), name


@pytest.mark.parametrize("convert", [lambda y: y[:, None], lambda y: y.astype("float32"), lambda y: y.astype("uint8")])
def test_labels_of_other_shapes_and_types(convert, data):
    x, y = data
    theirs, ours = (model.evaluate(x, convert(y), verbose=0) for model in pair(metrics=["accuracy"]))
    assert ours == pytest.approx(theirs, rel=1e-5)


# ---- configs ----------------------------------------------------------------------------------------------

#: Keys that only Keras writes: it reads configs without them as well.
LEFT_OUT = {"dtype", "registered_name", "build_config", "quantization_config", "sparse", "ragged", "optional"}
LEFT_OUT |= {"activity_regularizer"}  # which Keras leaves out of Dense's config


def plain(config):
    """Return a config without the keys that differ on purpose."""
    if isinstance(config, dict):
        return {key: plain(value) for key, value in config.items() if key not in LEFT_OUT}
    return [plain(value) for value in config] if isinstance(config, list) else config


@pytest.mark.parametrize("make", [tutorial, small, empty, frozen], ids=lambda make: make.__name__)
def test_configs(make):
    theirs, ours = (make(module).get_config() for module in BOTH)
    assert plain(ours) == plain(theirs)


def test_config_of_an_unbuilt_model():
    theirs, ours = (unbuilt(module).get_config() for module in BOTH)
    assert plain(ours) == plain(theirs)


def test_keys_of_configs():
    theirs, ours = (small(module).get_config() for module in BOTH)
    assert set(ours) == set(theirs)
    assert [set(layer) for layer in ours["layers"]] == [set(layer) for layer in theirs["layers"]]


@pytest.mark.parametrize("make", [tutorial, small, unbuilt, frozen], ids=lambda make: make.__name__)
def test_keras_reads_our_configs_and_we_read_theirs(make):
    theirs, ours = (make(module) for module in BOTH)
    for read, original in (
        (keras.Sequential.from_config(ours.get_config()), theirs),
        (fastconv.Sequential.from_config(theirs.get_config()), ours),
        (fastconv.Sequential.from_config(ours.get_config()), ours),
    ):
        assert read.get_config() == original.get_config()
        assert read.built == original.built
        assert [layer.trainable for layer in read.layers] == [layer.trainable for layer in original.layers]
