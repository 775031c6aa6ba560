"""Right and wrong calls of the trainer, optimizers, callbacks and base classes, asked of Keras and of us alike.

Each row is a function of the module. Both must give equal results or raise errors of one class, or ours of a subclass.
Rows where they differ stand in `DIFFERENT` with the reason, and a test holds that each of them still differs.
"""

import os
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import fastconv

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

X, Y = np.ones((8, 3), "float32"), np.ones((8, 2), "float32")


def dense(K, **compiled):
    """Return a compiled model of one dense layer."""
    model = K.Sequential([K.Input((3,)), K.layers.Dense(2, kernel_initializer="ones")])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compiled})
    return model


def silent(K):
    """Return a model that was not compiled."""
    return K.Sequential([K.Input((3,)), K.layers.Dense(2)])


def two_outputs(K, **compiled):
    """Return the names in the history of a model of two outputs."""
    x = K.Input((3,))
    model = K.Model(x, [K.layers.Dense(2, name="a")(x), K.layers.Dense(2, name="b")(x)])
    model.compile("sgd", **compiled)
    return sorted(model.fit(X, [Y, Y], verbose=0).history)


def two_inputs(K, held):
    """Return a model whose two inputs are held together as a list, tuple or dict."""
    xs = {"p": K.Input((3,), name="p"), "q": K.Input((3,), name="q")}
    return K.Model(xs if held is dict else held(xs.values()), K.layers.Add()(list(xs.values())))


def log_lengths(K, *data, **kwargs):
    """Return the names in the history of a training, and how many values each has."""
    history = dense(K).fit(*(data or (X, Y)), verbose=0, **kwargs)
    return {name: len(values) for name, values in history.history.items()}, history.epoch


def with_callback(K, callback, **kwargs):
    """Return the names in the history of a training with a callback."""
    return sorted(dense(K).fit(X, Y, verbose=0, callbacks=[callback], **kwargs).history)


def pieces(count):
    """Give batches."""
    for _ in range(count):
        yield X[:4], Y[:4]


def variable(K):
    """Return a variable of two values."""
    return K.Variable(np.array([1.0, 2.0], "float32"))


def update(K, optimizer, gradients):
    """Return two variables after a step."""
    variables = [variable(K), variable(K)]
    optimizer.build(variables)
    tensors = [g if g is None else K.ops.convert_to_tensor(np.array(g, "float32")) for g in gradients]
    optimizer.apply(tensors, variables)
    return [np.array(plain(v)).tolist() for v in variables]


def recorded(K, run):
    """Return which hooks a call runs, with their numbers and the names in their logs."""
    seen = []

    def hook(name):
        def numbered(self, index, logs=None):
            seen.append((name, index, sorted(logs or {})))

        def plain_hook(self, logs=None):
            seen.append((name, sorted(logs or {})))

        return numbered if "batch" in name or "epoch" in name else plain_hook

    names = [f"on_{phase}_{edge}" for phase in ("train", "test", "predict") for edge in ("begin", "end")]
    names += [name.replace("_begin", "_batch_begin").replace("_end", "_batch_end") for name in names]
    names += ["on_epoch_begin", "on_epoch_end"]
    callback = type("Recorder", (K.callbacks.Callback,), {name: hook(name) for name in names})()
    run([callback])
    return seen, callback.params


def stopped(K, phase):
    """Return after how many batches a callback can end an evaluation or prediction, and what came out."""

    class Stop(K.callbacks.Callback):
        batches = 0

    def stop(self, batch, logs=None):
        self.batches += 1
        setattr(self.model, f"stop_{phase}ing", True)

    callback = type("Stop", (Stop,), {"on_test_batch_end": stop, "on_predict_batch_end": stop})()
    if phase == "evaluat":
        return dense(K).evaluate(X, Y, batch_size=2, verbose=0, callbacks=[callback]) >= 0, callback.batches
    return dense(K).predict(X, batch_size=2, verbose=0, callbacks=[callback]).shape, callback.batches


def layer_of(K, call, **methods):
    """Return a layer of one's own."""
    return type("Own", (K.layers.Layer,), {"call": call, **methods})()


def revived(K, **kwargs):
    """Return a model of a class of its own, made of its config."""

    class Own(K.Model):
        def __init__(self, *args, param=1, **kwargs):
            super().__init__(*args, **kwargs)
            self.param = param

        def get_config(self):
            return {**super().get_config(), "param": self.param}

    x = K.Input((3,))
    return Own.from_config(Own(inputs=x, outputs=K.layers.Dense(2)(x), **kwargs).get_config())


def chain(K, **kwargs):
    """Return a functional model."""
    x = K.Input((3,))
    return K.Model(x, K.layers.Dense(2, name="d")(x), **kwargs)


def broken_config(K, reads):
    """Make a model of a config whose layer reads what is not there."""
    config = chain(K).get_config()
    config["layers"][1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = [reads, 0, 0]
    return K.Model.from_config(config)


def counted(K, layer):
    """Return what a layer has counted after two predictions."""
    model = K.Sequential([K.Input((3,)), layer])
    for _ in range(2):
        model.predict(X, verbose=0)
    return float(np.array(plain(layer.n)))


def schedule(K):
    """Return a schedule."""
    return K.optimizers.schedules.ExponentialDecay(0.5, 10, 0.5)


def _count(self, x):
    self.n.assign_add(1.0)
    return x


def _count_build(self, input_shape):
    self.n = self.add_weight(shape=(), initializer="zeros", trainable=False)


def _add_weight(self, x):
    self.w = self.add_weight(shape=(), initializer="zeros", name="late")
    return x


def _cleared_activation(K):
    layer = K.layers.Dense(2)
    layer.build((None, 3))
    layer.activation = None
    return tuple(layer(X).shape)


def _pair(K):
    class Pair(K.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = K.layers.Dense(4), K.layers.Dense(4)

        def call(self, x):
            a, b = x
            return self.a(a) + self.b(b)

    return Pair()


TRAINER = {
    "epochs-0": lambda K: log_lengths(K, epochs=0),
    "initial-epoch": lambda K: log_lengths(K, epochs=3, initial_epoch=1),
    "validation": lambda K: log_lengths(K, epochs=2, validation_data=(X, Y)),
    "validation-freq": lambda K: log_lengths(K, epochs=4, validation_data=(X, Y), validation_freq=2),
    "validation-epochs": lambda K: log_lengths(K, epochs=4, validation_data=(X, Y), validation_freq=[1, 3]),
    "validation-split": lambda K: log_lengths(K, validation_split=0.25),
    "validation-split-1": lambda K: log_lengths(K, validation_split=1.0),
    "validation-split-generator": lambda K: log_lengths(K, pieces(2), validation_split=0.5),
    "steps-beyond-the-end": lambda K: log_lengths(K, batch_size=4, steps_per_epoch=5, epochs=2),
    "generator": lambda K: log_lengths(K, pieces(2)),
    "generator-in-steps": lambda K: log_lengths(K, pieces(4), steps_per_epoch=2, epochs=2),
    "generator-ends": lambda K: log_lengths(K, pieces(2), epochs=3),
    "generator-ends-in-steps": lambda K: log_lengths(K, pieces(2), steps_per_epoch=2, epochs=2),
    "fit-unknown": lambda K: dense(K).fit(X, Y, foo=1),
    "fit-lengths": lambda K: dense(K).fit(X, Y[:4], verbose=0),
    "fit-no-y": lambda K: dense(K).fit(X, verbose=0),
    "fit-no-x": lambda K: dense(K).fit(None, Y, verbose=0),
    "fit-none": lambda K: dense(K).fit([None], Y, verbose=0),
    "fit-text": lambda K: dense(K).fit(np.array([["a"] * 3]), Y[:1], verbose=0),
    "fit-objects": lambda K: dense(K).fit(np.array([[None] * 3]), Y[:1], verbose=0),
    "fit-not-compiled": lambda K: silent(K).fit(X, Y),
    "fit-class-weight": lambda K: dense(K).fit(X, Y, class_weight="balanced", verbose=0),
    "fit-batch-0": lambda K: log_lengths(K, batch_size=0),
    "fit-verbose-3": lambda K: type(dense(K).fit(X, Y, verbose=3)).__name__,
    "fit-callback": lambda K: log_lengths(K, callbacks=K.callbacks.EarlyStopping("loss")),
    "fit-callbacks": lambda K: log_lengths(K, callbacks=(K.callbacks.EarlyStopping("loss"),)),
    "fit-no-callback": lambda K: log_lengths(K, callbacks=[3]),
    "fit-penalty-alone": lambda K: list(dense(K, loss=None, metrics=None).fit(X, Y, verbose=0).history),
    "evaluate-steps": lambda K: dense(K).evaluate(X, Y, batch_size=4, steps=1, verbose=0),
    "evaluate-unknown": lambda K: dense(K).evaluate(X, Y, foo=1),
    "evaluate-dict": lambda K: dense(K, metrics=["mae"]).evaluate(X, Y, verbose=0, return_dict=True),
    "evaluate-list": lambda K: dense(K, metrics=["mae"]).evaluate(X, Y, verbose=0),
    "evaluate-stopped": lambda K: stopped(K, "evaluat"),
    "predict-stopped": lambda K: stopped(K, "predict"),
    "predict-steps": lambda K: dense(K).predict(X, batch_size=4, steps=1, verbose=0).shape,
    "predict-sample": lambda K: dense(K).predict(X[0], verbose=0).shape,
    "predict-empty": lambda K: dense(K).predict(X[:0], verbose=0).shape,
    "predict-text": lambda K: dense(K).predict(np.array([["a"] * 3]), verbose=0),
    "train-on-batch": lambda K: dense(K, metrics=["mae"]).train_on_batch(X, Y),
    "train-on-batch-dict": lambda K: dense(K, metrics=["mae"]).train_on_batch(X, Y, return_dict=True),
    "test-on-batch": lambda K: dense(K).test_on_batch(X, Y),
    "predict-on-batch": lambda K: dense(K).predict_on_batch(X),
    "hooks-fit": lambda K: recorded(
        K, lambda cs: dense(K).fit(X, Y, batch_size=4, validation_data=(X, Y), verbose=0, callbacks=cs)
    ),
    "hooks-evaluate": lambda K: recorded(K, lambda cs: dense(K).evaluate(X, Y, batch_size=4, verbose=0, callbacks=cs)),
    "hooks-predict": lambda K: recorded(K, lambda cs: dense(K).predict(X, batch_size=4, verbose=0, callbacks=cs)),
    "compile-unknown": lambda K: dense(K, foo=1),
    "compile-eager": lambda K: dense(K, run_eagerly=True).compiled,
    "compile-steps": lambda K: dense(K, steps_per_execution=2).compiled,
    "compile-jit": lambda K: dense(K, jit_compile=True).compiled,
    "compile-scale": lambda K: dense(K, auto_scale_loss=False).compiled,
    "compile-no-optimizer": lambda K: dense(K, optimizer=None).compiled,
    "compile-one-metric": lambda K: sorted(dense(K, metrics="mae").fit(X, Y, verbose=0).history),
    "outputs": lambda K: two_outputs(K, loss="mse"),
    "outputs-losses": lambda K: two_outputs(K, loss=["mse", "mae"], loss_weights=[1, 2]),
    "outputs-loss-dict": lambda K: two_outputs(K, loss={"a": "mse"}),
    "outputs-loss-dict-unknown": lambda K: two_outputs(K, loss={"a": "mse", "c": "mse"}),
    "outputs-losses-short": lambda K: two_outputs(K, loss=["mse"]),
    "outputs-losses-nested": lambda K: two_outputs(K, loss=["mse", ["mse", "mae"]]),
    "outputs-weights-nested": lambda K: two_outputs(K, loss=["mse", "mse"], loss_weights=[1, (1, 2)]),
    "outputs-weights-short": lambda K: two_outputs(K, loss=["mse", "mse"], loss_weights=[1]),
    "outputs-weight": lambda K: two_outputs(K, loss="mse", loss_weights=2.0),
    "outputs-metrics-dict": lambda K: two_outputs(K, loss="mse", metrics={"a": ["mae", "mse"]}),
    "outputs-metrics-unknown": lambda K: two_outputs(K, loss="mse", metrics={"c": "mae"}),
    "outputs-metrics-short": lambda K: two_outputs(K, loss="mse", metrics=["mae"]),
    "outputs-metrics": lambda K: two_outputs(K, loss="mse", metrics=["mae", "mse"]),
    "outputs-metrics-text": lambda K: two_outputs(K, loss="mse", metrics="mae"),
}
OPTIMIZERS = {
    "no-gradient-no-decay": lambda K: update(K, K.optimizers.SGD(0.5, weight_decay=0.5), [[1, 1], None]),
    "decay": lambda K: update(K, K.optimizers.SGD(0.5, weight_decay=0.5), [[1, 1], [0, 0]]),
    "no-gradients": lambda K: update(K, K.optimizers.SGD(), [None, None]),
    "none-at-all": lambda K: K.optimizers.SGD().apply([], []),
    "rate-text": lambda K: K.optimizers.SGD(learning_rate="x"),
    "rate-negative": lambda K: type(K.optimizers.SGD(learning_rate=-1.0)).__name__,
    "rate-function": lambda K: float(K.optimizers.SGD(lambda: 0.25).learning_rate),
    "rate-of-schedule": lambda K: float(K.optimizers.SGD(schedule(K)).learning_rate),
    "rate-set-on-schedule": lambda K: setattr(K.optimizers.SGD(schedule(K)), "learning_rate", 0.5),
    "schedule-from-a-rate": lambda K: float(
        K.optimizers.schedules.PolynomialDecay(K.optimizers.SGD(0.5).learning_rate, 4)(0)
    ),
    "unknown": lambda K: K.optimizers.SGD(foo=1),
    "lr": lambda K: K.optimizers.SGD(lr=1),
    "two-clips": lambda K: K.optimizers.SGD(clipnorm=1, clipvalue=1),
    "accumulate-1": lambda K: K.optimizers.SGD(gradient_accumulation_steps=1),
    "momentum": lambda K: K.optimizers.SGD(momentum=2.0),
    "ema-momentum": lambda K: K.optimizers.SGD(use_ema=True, ema_momentum=2),
    "loss-scale": lambda K: float(K.optimizers.SGD(loss_scale_factor=2.0).scale_loss(3.0)),
    "iterations": lambda K: int(np.array(plain(K.optimizers.SGD().iterations))),
    "exclude-early": lambda K: K.optimizers.SGD(weight_decay=0.1).exclude_from_weight_decay([variable(K)]),
    "get": lambda K: type(K.optimizers.get({"class_name": "adam", "config": {}})).__name__,
    "get-number": lambda K: K.optimizers.get(3),
    "variable-equals": lambda K: [variable(K) == 1, variable(K) != 1, variable(K) > 1],
    "variable-bool": lambda K: bool(variable(K)),
    "variable-overwrite": lambda K: variable(K).overwrite_with_gradient,
    "variable-aggregation": lambda K: variable(K).aggregation,
}
CALLBACKS = {
    "factor": lambda K: K.callbacks.ReduceLROnPlateau(factor=1.0),
    "mode": lambda K: K.callbacks.EarlyStopping(mode="unknown").mode,
    "checkpoint-name": lambda K: K.callbacks.ModelCheckpoint("x.foo"),
    "checkpoint-weights-name": lambda K: K.callbacks.ModelCheckpoint("x.h5", save_weights_only=True),
    "checkpoint-frequency": lambda K: K.callbacks.ModelCheckpoint("x.keras", save_freq="day"),
    "checkpoint-unknown": lambda K: K.callbacks.ModelCheckpoint("x.keras", period=1),
    "checkpoint-monitor": lambda K: with_callback(
        K, K.callbacks.ModelCheckpoint("x.keras", monitor="nope", save_best_only=True)
    ),
    "stopping-monitor": lambda K: with_callback(K, K.callbacks.EarlyStopping("nope")),
    "stopping-no-validation": lambda K: with_callback(K, K.callbacks.EarlyStopping()),
    "plateau-monitor": lambda K: with_callback(K, K.callbacks.ReduceLROnPlateau("nope")),
    "plateau": lambda K: with_callback(K, K.callbacks.ReduceLROnPlateau("loss")),
    "schedule": lambda K: with_callback(K, K.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5)),
    "schedule-text": lambda K: with_callback(K, K.callbacks.LearningRateScheduler(lambda epoch: "x")),
}
LAYERS = {
    "text": lambda K: K.layers.Dense(2)("text"),
    "none": lambda K: K.layers.Dense(2)(None),
    "object": lambda K: K.layers.Dense(2)(object()),
    "by-place": lambda K: K.layers.Dropout(0.5)(X, True),
    "by-place-symbolic": lambda K: layer_of(K, lambda self, x, flag: x)(K.KerasTensor((2, 3)), True),
    "two-by-place": lambda K: layer_of(K, lambda self, a, b: a + b)(K.Input((3,)), K.Input((3,))).shape,
    "lambda-list": lambda K: K.layers.Lambda(lambda pair: pair[0] - 2 * pair[1])([X, X + 1]),
    "lambda-list-symbolic": lambda K: (
        K.layers.Lambda(lambda pair: pair[0] * pair[1])([K.Input((3,)), K.Input((1,))]).shape
    ),
    "lambda-list-shape": lambda K: (
        (
            K.layers.Lambda(lambda pair: pair[0] * pair[1], output_shape=lambda shapes: shapes[0])(
                [K.Input((3,)), K.Input((1,))]
            )
        ).shape
    ),
    "trainable-text": lambda K: K.layers.Dense(2, trainable="yes"),
    "trainable-1": lambda K: K.layers.Dense(2, trainable=1),
    "trainable-none": lambda K: K.layers.Dense(2, trainable=None),
    "weight": lambda K: tuple(K.layers.Layer().add_weight().shape),
    "weight-int": lambda K: K.layers.Layer().add_weight((2,), dtype="int32", trainable=False),
    "weight-bool": lambda K: K.layers.Layer().add_weight((2,), dtype="bool", trainable=False),
    "weight-text": lambda K: K.layers.Layer().add_weight("kernel"),
    "weight-in-call": lambda K: layer_of(K, _add_weight)(X),
    "state-in-call": lambda K: counted(K, layer_of(K, _count, build=_count_build)),
    "no-activation": _cleared_activation,
    "mask": lambda K: K.layers.Dropout(0.5).supports_masking,
    "input-call": lambda K: K.layers.InputLayer((3,)).call(),
    "input-flags": lambda K: [getattr(K.layers.InputLayer((3,)), key) for key in ("sparse", "ragged", "optional")],
    "input-unknown": lambda K: K.layers.Conv2D(2, 3)(K.Input((None, None, 3))).shape,
    "input-optional": lambda K: K.Input((3,), optional=True).shape,
}
MODELS = {
    "clone": lambda K: [K.models.clone_model(dense(K)).compiled, K.models.clone_model(silent(K)).compiled],
    "clone-config": lambda K: sorted(K.models.clone_model(dense(K, metrics=["mae"])).fit(X, Y, verbose=0).history),
    "clone-tensors": lambda K: [
        K.models.clone_model(chain(K), input_tensors=K.Input((3,), name="other")).inputs[0].name,
    ],
    "no-model": lambda K: type(K.models.clone_model(3)).__name__,
    "config-trainable": lambda K: K.Model.from_config(chain(K, trainable=False).get_config()).trainable,
    "config-custom-objects": lambda K: K.Model.from_config(chain(K).get_config(), custom_objects={}).output_shape,
    "config-own-class": lambda K: revived(K, param=3).param,
    "config-missing": lambda K: broken_config(K, "nowhere"),
    "config-loop": lambda K: broken_config(K, "d"),
    "pair-list": lambda K: tuple(_pair(K)([X, Y]).shape),
    "pair-tuple": lambda K: _pair(K).predict((X, Y), verbose=0).shape,
    "dict-for-list": lambda K: two_inputs(K, list).predict({"p": X, "q": X}, verbose=0),
    "tuple-for-list": lambda K: two_inputs(K, list).predict((X, X), verbose=0),
    "list-for-dict": lambda K: two_inputs(K, dict).predict([X, X], verbose=0),
    "too-many": lambda K: two_inputs(K, dict).predict({"p": X, "q": X, "r": X}, verbose=0),
    "too-few": lambda K: two_inputs(K, list).predict([X], verbose=0),
    "load-missing": lambda K: K.models.load_model("no-such-folder/m.keras"),
    "load-missing-h5": lambda K: K.models.load_model("no-such-folder/m.h5"),
    "load-weights-missing": lambda K: dense(K).load_weights("no-such-folder/m.weights.h5"),
    "save-weights-name": lambda K: dense(K).save_weights("m.foo"),
    "save-name": lambda K: dense(K).save("m.foo"),
    "set-weights": lambda K: dense(K).set_weights([1]),
    "get-layer": lambda K: dense(K).get_layer("x"),
    "add": lambda K: K.Sequential().add({}),
    "twice": lambda K: K.Sequential([K.layers.Dense(2, name="a"), K.layers.Dense(2, name="a")]),
    "layers-set": lambda K: setattr(K.Sequential(), "layers", []),
    "empty-call": lambda K: K.Sequential()(X),
}
TABLES = {"trainer": TRAINER, "optimizers": OPTIMIZERS, "callbacks": CALLBACKS, "layers": LAYERS, "models": MODELS}
ROWS = {f"{table}-{name}": row for table, rows in TABLES.items() for name, row in rows.items()}

_STRICT = "what Keras lets pass, fails by chance at, or warns of is refused by name"
_ONE_WAY = "there is one way to run a step"
_SIZES = "sizes but the batch's are known when a model is made"
DIFFERENT = {
    "trainer-generator-ends": _STRICT,
    "trainer-generator-ends-in-steps": _STRICT,
    "trainer-fit-class-weight": _STRICT,
    "trainer-fit-batch-0": _STRICT,
    "trainer-fit-verbose-3": _STRICT,
    "trainer-fit-no-callback": _STRICT,
    "trainer-predict-empty": "no sample gives no row; Keras fails",
    "trainer-compile-eager": _ONE_WAY,
    "trainer-compile-steps": _ONE_WAY,
    "trainer-compile-no-optimizer": _STRICT,
    "trainer-outputs-losses-short": _STRICT,
    "trainer-outputs-losses-nested": _STRICT,
    "optimizers-rate-negative": _STRICT,
    "callbacks-mode": _STRICT,
    "layers-two-by-place": "several inputs are a list",
    "layers-state-in-call": "a call is traced: what does not come of its inputs would be done once",
    "layers-mask": "there are no masks",
    "layers-input-unknown": _SIZES,
    "layers-input-optional": "inputs are all there",
    "models-no-model": _STRICT,
}


@dataclass
class Raised:
    """An error in the place of a result."""

    error: Exception

    def is_like(self, other):
        """Tell whether another error is of the same class, or of a subclass."""
        known = [cls for cls in type(other.error).__mro__ if cls.__module__ == "builtins"]
        return next(cls for cls in type(self.error).__mro__ if cls.__module__ == "builtins") in known


def outcome(row, module):
    """Return what a row gives for a module, or the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(row(module))
        except Exception as error:
            return Raised(error)


def plain(value):
    """Return a result without what is the backend's: arrays as lists."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    if hasattr(value, "numpy"):
        return plain(value.value if hasattr(value.value, "detach") else value.numpy())
    return np.asarray(value).tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def agree(row):
    """Tell whether Keras and we give the same for a row; return both, too."""
    expected, actual = outcome(row, keras), outcome(row, fastconv)
    if isinstance(expected, Raised) or isinstance(actual, Raised):
        same = isinstance(expected, Raised) and isinstance(actual, Raised) and expected.is_like(actual)
    else:
        same = _near(actual, expected)
    return same, expected, actual


def _near(actual, expected):
    if isinstance(expected, dict):
        return list(actual) == list(expected) and all(_near(actual[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(actual) == len(expected) and all(map(_near, actual, expected))
    return actual == (pytest.approx(expected, rel=2e-6) if isinstance(expected, float) else expected)


@pytest.mark.parametrize("name", ROWS)
def test_a_call(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    same, expected, actual = agree(ROWS[name])
    assert same != (name in DIFFERENT), f"Keras: {expected!r}; fastconv: {actual!r}"


def test_reasons_are_of_rows():
    assert set(DIFFERENT) <= set(ROWS)
