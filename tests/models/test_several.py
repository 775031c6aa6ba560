"""Models with several inputs and outputs: how they are held together, trained, reported, and what does not fit."""

import numpy as np
import pytest

import fastconv as keras
from fastconv import layers as L
from fastconv import losses, metrics, ops
from fastconv.models import Functional, Model
from fastconv.models.structure import Structure

SPARSE = "sparse_categorical_crossentropy"
N = 12


def network(kind=list):
    """Return a model with inputs xa and xb, and outputs p (of three classes) and q (one number)."""
    a, b = L.Input((6, 6, 2), name="xa"), L.Input((3,), name="xb")
    h = L.Flatten(name="f")(L.Conv2D(4, 3, activation="relu", name="c")(a))
    h = L.Concatenate(name="cc")([h, L.Dense(5, activation="tanh", name="d")(b)])
    p, q = L.Dense(3, activation="softmax", name="p")(h), L.Dense(1, name="q")(h)
    if kind is dict:
        return Model({"xb": b, "xa": a}, {"q": q, "p": p}, name="m")
    return Model(kind([a, b]), kind([p, q]), name="m")


def samples(n=N):
    rng = np.random.default_rng(0)
    x = {"xa": rng.standard_normal((n, 6, 6, 2)).astype("float32"), "xb": rng.standard_normal((n, 3))}
    return x, {"p": np.arange(n) % 3, "q": rng.standard_normal((n, 1))}


X, Y = samples()
PLAIN = {"loss": [SPARSE, "mse"], "metrics": [["accuracy"], ["mae"]]}


def compiled(kind=list, **settings):
    model = network(kind)
    rng = np.random.default_rng(1)
    model.set_weights([0.3 * rng.standard_normal(w.shape) for w in model.get_weights()])
    model.compile("adam", **{**PLAIN, **settings})
    return model


# ---- what goes in and comes out


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_shapes_names_and_values(kind):
    model = network(kind)
    assert model.output_names == (["p", "q"]) and model.input_shape == [(None, 6, 6, 2), (None, 3)]
    assert model.output_shape == [(None, 3), (None, 1)] and len(model.inputs) == len(model.outputs) == 2
    assert type(model.input) is type(model.output) is kind
    assert [layer.name for layer in model.layers] == ["xa", "c", "xb", "f", "d", "cc", "p", "q"]
    flat = list(X.values())
    h = model.get_layer("f")(model.get_layer("c")(flat[0]))
    h = np.concatenate([h, model.get_layer("d")(flat[1])], 1)
    expected = {name: model.get_layer(name)(h) for name in ("p", "q")}
    ways = [X] if kind is dict else [X, flat, tuple(flat), {**X, "other": None}]
    for x in ways:
        for found in (model(x), model.predict(x, verbose=0), model.predict(x, 5, verbose=0), model(x, training=True)):
            assert type(found) is kind
            named = found if kind is dict else dict(zip("pq", found, strict=True))
            for name, y in named.items():
                np.testing.assert_allclose(y, expected[name], rtol=1e-5, atol=1e-6)


def test_an_array_for_each_input_in_batches():
    model = network()
    expected = model.predict(X, verbose=0)

    def parts():
        for i in range(0, N, 4):
            yield ({name: x[i : i + 4] for name, x in X.items()},)

    class Parts(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return [x[4 * i : 4 * i + 4] for x in X.values()], None

    for source in (parts(), Parts()):
        for a, b in zip(model.predict(source, verbose=0), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_several_inputs_and_one_output_and_the_other_way_round():
    a, b = L.Input((3,)), L.Input((3,))
    difference = Model([a, b], L.Subtract()([a, b]))
    one, two = np.ones((2, 3)), np.full((2, 3), 3.0)
    np.testing.assert_array_equal(difference([two, one]), np.full((2, 3), 2))
    both = Model(a, {"twice": a * 2, "itself": a})
    found = both.predict(one, verbose=0)
    assert list(found) == ["twice", "itself"] and (found["twice"] == 2).all() and (found["itself"] == 1).all()
    assert both.output_names == ["itself", "twice"]
    unread = Model([a, b], a + 1)
    assert [layer.name for layer in unread.layers][-1] == unread.layers[1].name
    np.testing.assert_array_equal(unread([one, two]), two - 1)


def test_models_of_several_within_models():
    inner = network(dict)
    a, b = L.Input((6, 6, 2)), L.Input((3,))
    found = inner({"xa": a, "xb": b})
    assert list(found) == ["q", "p"]
    outer = Model([b, a], L.Concatenate()([found["p"], found["q"]]))
    expected = inner.predict(X, verbose=0)
    got = outer.predict([X["xb"], X["xa"]], verbose=0)
    np.testing.assert_allclose(got, np.concatenate([expected["p"], expected["q"]], 1), rtol=1e-6)
    with pytest.raises(ValueError, match=r"Model 'm' was built for inputs of shape .* got inputs of shape"):
        inner([b, a])


# ---- training


def history(model, x=X, y=Y, **settings):
    return model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0, **settings).history


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_all_ways_to_say_the_same(kind):
    named = {"loss": {"p": SPARSE, "q": "mse"}, "metrics": {"p": "accuracy", "q": ["mae"]}}
    ways = [named] if kind is dict else [named, PLAIN, {"loss": ([SPARSE], losses.MeanSquaredError())}]
    for settings in ways:
        model = compiled(kind, **settings)
        targets = [Y] if kind is dict else [Y, list(Y.values()), tuple(Y.values())]
        found = [history(compiled(kind, **settings), X, y, validation_data=(X, y)) for y in targets]
        assert all(each == found[0] for each in found)
        assert found[0] == history(model, validation_data=(X, Y, None))
        expected = {"loss", "p_loss", "q_loss", "p_accuracy", "q_mae"}
        assert set(found[0]) == {*expected, *(f"val_{name}" for name in expected)}


def test_one_loss_and_one_weight_for_all_outputs():
    model = compiled(loss="mse", loss_weights=2.0, metrics=None)
    targets = {"p": np.zeros((N, 3), "float32"), "q": Y["q"]}
    found = model.evaluate(X, targets, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(2 * (found["p_loss"] + found["q_loss"]), rel=1e-6)


def test_losses_by_hand():
    model = compiled(loss_weights=[0.5, 3.0])
    p, q = model.predict(X, verbose=0)
    entropy = -np.log(p[np.arange(N), Y["p"]]).mean()
    error = ((q - Y["q"]) ** 2).mean()
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(found) == ["loss", "p_accuracy", "p_loss", "q_loss", "q_mae"]
    assert found["p_loss"] == pytest.approx(entropy, rel=1e-5) and found["q_loss"] == pytest.approx(error, rel=1e-5)
    assert found["loss"] == pytest.approx(0.5 * entropy + 3 * error, rel=1e-5)
    values = model.evaluate(X, Y, verbose=0)
    assert values == [found[name] for name in ("loss", "p_loss", "q_loss", "p_accuracy", "q_mae")]
    assert model.metrics_names == ["loss", "compile_metrics", "p_loss", "q_loss"]
    assert [metric.name for metric in model.metrics] == ["loss", "accuracy", "mae", "p_loss", "q_loss"]
    assert model.test_on_batch(X, Y) == pytest.approx(values, rel=1e-6)


@pytest.mark.parametrize("weights", [None, [1.0, 1.0], [0.25, 2.0], [0.0, 1.0], {"p": -1.0, "q": 0.5}], ids=str)
def test_gradients_are_those_of_the_sum(weights):
    model = compiled(loss=["categorical_crossentropy", "mse"], metrics=None, loss_weights=weights)
    model.optimizer = keras.optimizers.SGD(1.0)
    wp, wq = weights.values() if isinstance(weights, dict) else weights or (1.0, 1.0)
    one_hot = np.eye(3)[Y["p"]]
    before = dict(zip([v.path for v in model.weights], model.get_weights(), strict=True))

    def define(ck, cb, dk, db, pk, pb, qk, qb):
        h = ops.reshape(ops.relu(ops.conv(X["xa"].astype(float), ck) + cb), (N, -1))
        h = ops.concatenate([h, ops.tanh(X["xb"] @ dk + db)], 1)
        p = ops.log_softmax(h @ pk + pb)
        return -wp * ops.mean(ops.sum(one_hot * p, -1)) + wq * ops.mean((h @ qk + qb - Y["q"]) ** 2)

    value, back = ops.vjp(define, *(w.astype(float) for w in before.values()))
    total = model.train_on_batch(X, {"p": one_hot, "q": Y["q"]}, return_dict=True)["loss"]
    assert total == pytest.approx(float(value), rel=1e-5)
    for new, old, gradient in zip(model.get_weights(), before.values(), back(1.0), strict=True):
        np.testing.assert_allclose(old - new, gradient, rtol=1e-3, atol=2e-6)


def test_two_losses_of_one_tensor_and_a_loss_within():
    """Gradients meet: of two losses, and of a loss and of what is made of the same values further on."""
    a = L.Input((4,))
    h = L.Dense(3, activation="softmax", name="h")(a)
    model = Model(a, [h, h, L.Dense(2, name="o")(h)])
    x, t = np.random.default_rng(0).standard_normal((5, 4)), np.arange(5) % 3
    y = [t, np.eye(3)[t], np.ones((5, 2))]
    before = [w.astype(float) for w in model.get_weights()]

    def define(hk, hb, ok, ob):
        s = ops.softmax(x @ hk + hb)
        entropy = -ops.mean(ops.sum(y[1] * ops.log(s), -1))
        return entropy + ops.mean((s - y[1]) ** 2) + ops.mean((s @ ok + ob - y[2]) ** 2)

    value, back = ops.vjp(define, *before)
    model.compile(keras.optimizers.SGD(1.0), [SPARSE, "mse", "mse"])
    assert model.train_on_batch(x, y)[0] == pytest.approx(float(value), rel=1e-5)
    for new, old, gradient in zip(model.get_weights(), before, back(1.0), strict=True):
        np.testing.assert_allclose(old - new, gradient, rtol=1e-4, atol=1e-6)


def test_each_loss_is_fused_with_what_it_judges():
    names = [step.op.name for step in compiled().plan.steps_of("train")[1]]
    assert names == ["softmax_cross_entropy", "squared_error"]
    assert "softmax" not in [step.op.name for step in compiled().plan.steps_of("train")[0]]
    assert "softmax" in [step.op.name for step in compiled().plan.steps]


def test_outputs_without_a_loss():
    full, half = compiled(metrics=None), compiled(loss=[SPARSE, None], metrics=[["accuracy"], None])
    before = half.get_layer("q").get_weights()
    for y in (Y, [Y["p"], None], [Y["p"]], {"p": Y["p"]}, {"p": Y["p"], "q": None}):
        found = half.evaluate(X, y, verbose=0, return_dict=True)
        assert set(found) == {"loss", "p_accuracy"}
        assert found["loss"] == pytest.approx(full.evaluate(X, Y, verbose=0, return_dict=True)["p_loss"], rel=1e-6)
    assert set(history(half, y=[Y["p"], None], validation_split=0.25)) == {
        "loss", "p_accuracy", "val_loss", "val_p_accuracy",
    }  # fmt: skip
    for a, b in zip(half.get_layer("q").get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    partly = compiled(dict, loss={"q": "mse"}, metrics=None)
    assert set(history(partly, y={"q": Y["q"]})) == {"loss"}


def test_sample_weights():
    weights = np.linspace(0, 2, N)
    every = compiled(weighted_metrics=[["accuracy"], []]).evaluate(X, Y, verbose=0, sample_weight=weights)
    for given in ([weights, weights], {"p": weights, "q": weights}, (weights, weights)):
        assert compiled(weighted_metrics=[["accuracy"], []]).evaluate(X, Y, verbose=0, sample_weight=given) == every
    model = compiled(weighted_metrics={"p": ["accuracy", "ce"], "q": "mae"})
    names = list(model.evaluate(X, Y, verbose=0, sample_weight=weights, return_dict=True))
    assert names == sorted(names) and {"p_weighted_accuracy", "q_weighted_mae", "p_ce"} <= set(names)
    p, q = model.predict(X, verbose=0)
    found = model.evaluate(X, Y, verbose=0, sample_weight=[None, weights], return_dict=True)
    assert found["q_loss"] == pytest.approx((weights * ((q - Y["q"]) ** 2)[:, 0]).mean(), rel=1e-5)
    assert found["p_loss"] == pytest.approx(-np.log(p[np.arange(N), Y["p"]]).mean(), rel=1e-5)


def test_names_that_the_shapes_decide():
    model = compiled(loss={"p": "crossentropy", "q": "mse"}, metrics={"p": ["accuracy", "ce"]})
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert found["p_ce"] == pytest.approx(found["p_loss"], rel=1e-5) and "p_accuracy" in found
    own = compiled(metrics=[[metrics.MeanSquaredError("own"), "mse"], ["mse"]], loss="mse")
    found = own.evaluate(X, {"p": np.eye(3)[Y["p"]], "q": Y["q"]}, verbose=0, return_dict=True)
    assert set(found) == {"loss", "p_loss", "q_loss", "p_own", "p_mse", "q_mse"}
    assert found["p_own"] == pytest.approx(found["p_loss"], rel=1e-6)


def test_batches_of_generators_and_data_sets():
    expected = history(compiled())

    def endless():
        while True:
            for i in range(0, N, 5):
                yield {n: x[i : i + 5] for n, x in X.items()}, [y[i : i + 5] for y in Y.values()]

    class Parts(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            rows = slice(5 * i, 5 * i + 5)
            return tuple(x[rows] for x in X.values()), {n: y[rows] for n, y in Y.items()}, np.ones(len(X["xb"][rows]))

    for source in (endless(), Parts()):
        found = compiled().fit(source, epochs=2, steps_per_epoch=3, shuffle=False, verbose=0).history
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-5)
    again = compiled()
    again.fit(Parts(workers=2), epochs=1, verbose=0, validation_data=Parts(), shuffle=False)
    assert again.history.history["val_q_loss"]


def test_the_last_samples_of_all_arrays_are_set_aside():
    whole = history(compiled(), {n: x[:9] for n, x in X.items()}, {n: y[:9] for n, y in Y.items()},
                    validation_data=({n: x[9:] for n, x in X.items()}, {n: y[9:] for n, y in Y.items()}))  # fmt: skip
    assert history(compiled(), validation_split=0.25) == whole
    assert history(compiled(dict, loss={"p": SPARSE, "q": "mse"}, metrics={"p": "accuracy", "q": "mae"}),
                   validation_split=0.25) == whole  # fmt: skip


def test_files_and_configs(tmp_path):
    for kind in (list, dict):
        settings = {"loss": {"p": SPARSE, "q": "mse"}, "loss_weights": {"p": 1.0, "q": 0.5}}
        model = compiled(kind, **settings, metrics={"q": ["mae"]})
        history(model)
        model.save(tmp_path / "model.keras")
        twin = keras.models.load_model(tmp_path / "model.keras")
        assert type(twin) is Functional and twin.get_config() == model.get_config()
        assert twin.evaluate(X, Y, verbose=0, return_dict=True) == model.evaluate(X, Y, verbose=0, return_dict=True)
        assert history(twin) == history(model)
        clone = keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        for a, b in zip(clone.predict(X, verbose=0), model.predict(X, verbose=0), strict=True):
            np.testing.assert_array_equal(a, b)


def test_profile_and_summary(capsys):
    model = compiled()
    steps = model.profile(X, Y, seconds=0.01).steps
    assert [step.name for step in steps][-2:] == ["softmax_cross_entropy", "squared_error"]
    assert len(model.profile(list(X.values()), seconds=0.01).steps) == len(model.plan.steps)
    model.summary(show_flops=True)
    text = capsys.readouterr().out
    assert "xb (InputLayer)" in text and "Connected to" in text and "xa[0][0]" in text


def test_where_a_nan_is():
    model = compiled()
    bad = {**X, "xb": np.full((N, 3), np.nan)}
    with pytest.raises(FloatingPointError, match=r"in the input x\['xb'\]"):
        model.train_on_batch(bad, Y)


# ---- what does not fit


def _wrong(call, words, error=ValueError):
    return pytest.param(call, words, error, id=words[:50])


ONES = np.ones((N, 3))


@pytest.mark.parametrize(
    ("call", "words", "error"),
    [
        _wrong(lambda m: m.predict(ONES, verbose=0), r"predict: x is an array of shape \(12, 3\).*list or dict of 2"),
        _wrong(lambda m: m.predict([ONES], verbose=0), r"x has 1 arrays; expected 2, for \['xa', 'xb'\]"),
        _wrong(lambda m: m.predict({"xa": ONES}, verbose=0), r"x has nothing for 'xb'"),
        _wrong(lambda m: m.predict({"xa": ONES, "xc": ONES}, verbose=0), r"keys \['xa', 'xc'\]; expected \['xa'"),
        _wrong(lambda m: m.predict([ONES, ONES], verbose=0), r"x\['xa'\] has shape \(12, 3\).*expected \(6, 6, 2\)"),
        _wrong(lambda m: m([X["xa"], np.ones((N, 4))]), r"x\['xb'\] has shape \(12, 4\).*expected \(3,\)"),
        _wrong(lambda m: m.predict([X["xa"], ONES[:3]], verbose=0), r"cardinality.*x\['xa'\]: 12, x\['xb'\]: 3"),
        _wrong(lambda m: m.predict([X["xa"], ["a"] * N], verbose=0), r"x\['xb'\] has dtype <U1", TypeError),
        _wrong(lambda m: m.fit(X, verbose=0), "y is missing"),
        _wrong(lambda m: m.fit(X, Y["p"], verbose=0), r"y is an array of shape \(12,\); expected a list or dict of 2"),
        _wrong(lambda m: m.fit(X, [Y["p"]], verbose=0), r"y has 1 arrays; expected 2"),
        _wrong(lambda m: m.fit(X, [Y["p"], None], verbose=0), "y has nothing for 'q'"),
        _wrong(lambda m: m.fit(X, {"p": Y["p"]}, verbose=0), "y has nothing for 'q'"),
        _wrong(lambda m: m.fit(X, {**Y, "r": ONES}, verbose=0), r"y is a dict with the keys \['p', 'q', 'r'\]"),
        _wrong(lambda m: m.fit(X, [Y["p"], ONES], verbose=0), r"y\['q'\] has shape \(12, 3\)"),
        _wrong(lambda m: m.fit(X, [Y["p"] + 7, Y["q"]], verbose=0), r"y\['p'\] holds the label"),
        _wrong(lambda m: m.fit(X, Y, sample_weight={"p": ONES[:, 0]}, verbose=0), "sample_weight has nothing for 'q'"),
        _wrong(lambda m: m.fit(X, Y, sample_weight=ONES[:3, 0], verbose=0), r"sample_weight\['p'\] has 3 values"),
        _wrong(lambda m: m.fit(X, Y, class_weight={0: 1.0}, verbose=0), "only supported for models with a single"),
        _wrong(lambda m: m.compile("sgd", [SPARSE, "mse", "mse"]), "compile: loss has 3 entries; expected 2"),
        _wrong(lambda m: m.compile("sgd", {"p": "mse"}), r"expected keys \['p', 'q'\] in loss; got \['p'\]"),
        _wrong(lambda m: m.compile("sgd", ["mse", "mae"], loss_weights=0.5), "loss_weights=0.5 for 2 outputs"),
        _wrong(lambda m: m.compile("sgd", "mse", loss_weights=[1.0, 2.0, 3.0]), "loss_weights has 3 entries"),
        _wrong(lambda m: m.compile("sgd", "mse", loss_weights={"p": 1.0}), r"in loss_weights; got \['p'\]"),
        _wrong(lambda m: m.compile("sgd", "mse", loss_weights=[1.0, "2"]), "loss_weights has '2'; expected numbers"),
        _wrong(lambda m: m.compile("sgd", "mse", metrics=["mae"]), "metrics should be a list with an entry for each"),
        _wrong(lambda m: m.compile("sgd", "mse", metrics={"r": "mae"}), r"a dict with keys out of \['p', 'q'\]"),
        _wrong(lambda m: m.compile("sgd", [None, "mse"], metrics=[["mae"], []]), "output 'p', which has no loss",
               NotImplementedError),
    ],
)  # fmt: skip
def test_errors_name_what_is_wrong(call, words, error):
    with pytest.raises(error, match=words):
        call(compiled())


def test_structures():
    pairs = Structure({"b": 1, "a": 2})
    assert pairs.flat({"a": 3, "b": 4}) == [3, 4] and pairs.wrap([5, 6]) == {"b": 6, "a": 5}
    assert (
        Structure([1]).pack([2]) == 2 and Structure([1]).wrap([2]) == [2] and Structure({"a": 1}).pack([2]) == {"a": 2}
    )
    with pytest.raises(ValueError, match=r"x is a list, but the model has a dict.*\['a', 'b'\]"):
        pairs.arrays([1, 2], ["a", "b"], "model", "x")
