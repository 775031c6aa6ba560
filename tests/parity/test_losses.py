"""Losses against Keras on random inputs: values, reductions, gradients by PyTorch's autograd, configurations, names."""

import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

from fastconv import losses
from tests.losses.cases import CASES, IDS, data, fits

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:__array__ :DeprecationWarning")]

SHAPES = [(7, 10), (3, 4, 5, 6), (1, 2), (33, 3)]
REDUCTIONS = ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"]

# What keras.losses has and fastconv.losses has not, and the other way round, with the reason.
NOT_HERE = {"CTC": "alignments of sequences", "ctc": "alignments of sequences"}
OURS_ONLY = {"LossFunctionWrapper": "Keras has it, but not among its public names", "resolve": "what compile uses"}


def theirs(loss, y_true, y_pred, sample_weight=None, flat=False):
    """Return Keras's values and the gradient of their sum; `flat`: with one axis of samples.

    PyTorch cannot go back through class numbers of images.
    """
    p = torch.tensor(y_pred, requires_grad=True)
    if flat:
        weights = None if sample_weight is None else sample_weight.ravel()
        values = loss(y_true.ravel(), p.reshape(-1, y_pred.shape[-1]), sample_weight=weights)
        values = values.reshape(y_pred.shape[:-1]) if values.ndim else values
    else:
        values = loss(y_true, p, sample_weight=sample_weight)
    values.sum().backward()
    return values.detach().numpy(), p.grad.numpy()


def weights_of(values_shape, n, rng):
    """Return weights that mean the same to Keras, whose broadcasting counts axes from the last one."""
    if values_shape == ():  # Keras does not reduce a single value
        return [None, rng.uniform(0.5, 2, n).astype("float32")] if n > 1 else [None]
    return [None, rng.uniform(0.5, 2, values_shape).astype("float32")]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "settings", "kind"), CASES, ids=IDS)
def test_values_and_gradients(name, settings, kind, shape, reduction, rng):
    axis = settings.get("axis", -1)
    if not fits(settings, kind, shape):
        pytest.skip("no such data")
    y_true, y_pred = data(kind, shape, rng, axis, "float32")
    ours = getattr(losses, name)(reduction=reduction, **settings)
    keras_loss = getattr(keras.losses, name)(reduction=reduction, **settings)
    for weights in weights_of(np.shape(ours.call(y_true, y_pred)), len(y_pred), rng):
        expected, slopes = theirs(keras_loss, y_true, y_pred, weights, flat=kind.startswith("labels") and axis == -1)
        value, gradient = ours.value_and_gradient(y_true, y_pred, weights)
        assert np.shape(value) == expected.shape and value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, rtol=5e-6, atol=2e-6)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=2e-5 * max(1e-3, np.abs(slopes).max()))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["MeanSquaredError", "Huber", "LogCosh", "Poisson"])
def test_a_last_axis_of_one_may_be_missing(rng, name, shape):
    y_true, y_pred = (rng.uniform(0.1, 0.9, shape).astype("float32") for _ in range(2))
    ours, keras_loss = getattr(losses, name)(), getattr(keras.losses, name)()
    for a, b in ((y_true[..., None], y_pred), (y_true, y_pred[..., None])):
        expected, slopes = theirs(keras_loss, a, b)
        value, gradient = ours.value_and_gradient(a, b)
        np.testing.assert_allclose(value, expected, rtol=2e-6)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignore_class", [None, 1, -1])
def test_ignored_labels(rng, ignore_class, reduction):
    y_true, y_pred = data("labels", (3, 4, 5, 6), rng, dtype="float32")
    if ignore_class == -1:
        y_true = np.where(rng.random(y_true.shape) < 0.3, -1, y_true)
    settings = {"ignore_class": ignore_class, "reduction": reduction}
    ours, keras_loss = (m.SparseCategoricalCrossentropy(**settings) for m in (losses, keras.losses))
    for labels in (y_true, y_true[..., None]):
        for weights in (None, rng.random(y_true.shape).astype("float32")):
            expected, slopes = theirs(keras_loss, labels, y_pred, weights, flat=True)
            value, gradient = ours.value_and_gradient(labels, y_pred, weights)
            np.testing.assert_allclose(value, expected, rtol=2e-6, atol=1e-6)
            np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("huber", {"delta": 0.4}),
        ("cosine_similarity", {"axis": 0}),
        ("binary_focal_crossentropy", {"apply_class_balancing": True}),
        ("dice", {"axis": (0,)}),
        ("circle", {"gamma": 2, "margin": 0.3}),
        ("categorical_generalized_cross_entropy", {"q": 0.3}),
    ],
)
def test_functions(name, arguments, rng):
    kind = {"circle": "embeddings", "categorical_generalized_cross_entropy": "labels"}.get(name, "answers")
    y_true, y_pred = data(kind, (6, 5), rng, dtype="float32")
    expected = getattr(keras.losses, name)(torch.tensor(y_true), torch.tensor(y_pred), **arguments)
    np.testing.assert_allclose(getattr(losses, name)(y_true, y_pred, **arguments), expected.numpy(), rtol=5e-6)


def test_circle_with_references(rng):
    (y_true, y_pred), (labels, others) = (data("embeddings", shape, rng, dtype="float32") for shape in ((6, 5), (9, 5)))
    arguments = {"remove_diagonal": False, "gamma": 3.0}
    expected = keras.losses.circle(y_true, y_pred, labels, others, **arguments)
    np.testing.assert_allclose(losses.circle(y_true, y_pred, labels, others, **arguments), expected.numpy(), rtol=5e-6)


@pytest.mark.parametrize(("name", "settings", "kind"), CASES, ids=IDS)
def test_keras_reads_our_configs_and_we_read_theirs(name, settings, kind):
    loss = getattr(losses, name)(reduction="sum", name="mine", **settings)
    config = losses.serialize(loss)
    made = keras.losses.deserialize(config)
    if name == "CategoricalGeneralizedCrossEntropy":  # keras.losses.deserialize does not know it, not even Keras's own
        made = keras.losses.CategoricalGeneralizedCrossEntropy.from_config(config["config"])
    assert (type(made).__name__, made.name, made.reduction) == (name, "mine", "sum")
    again = losses.deserialize(keras.losses.serialize(made))
    assert again.get_config().items() >= made.get_config().items()
    ours, keras_config = config["config"], keras.losses.serialize(made)["config"]
    forgotten = {"Huber": {"delta"}, "CosineSimilarity": {"axis"}, "SparseCategoricalCrossentropy": {"axis"}}
    assert set(ours) - set(keras_config) == forgotten.get(name, set())
    assert {key: value for key, value in keras_config.items() if key != "axis"}.items() <= ours.items()


def test_public_names():
    public = {name for name in dir(keras.losses) if not name.startswith("_")}
    assert public - set(losses.__all__) == set(NOT_HERE)
    assert set(losses.__all__) - public == set(OURS_ONLY)
    for name in NOT_HERE:
        with pytest.raises(NotImplementedError, match=f"The loss '{name}' is not supported"):
            losses.get(name)


def test_names_for_compile():
    from keras.src.losses import ALL_OBJECTS_DICT

    for name, thing in ALL_OBJECTS_DICT.items():
        if name not in NOT_HERE and name != "Loss":
            found = losses.get(name) if name != "LossFunctionWrapper" else None
            assert found is None or getattr(found, "__name__", type(found).__name__) == thing.__name__


@pytest.mark.parametrize("name", [name for name in losses.__all__ if hasattr(keras.losses, name)])
def test_signatures_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (losses, keras.losses))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]
