"""Gradients of whole networks in float64 against finite differences of their loss."""

import numpy as np
import pytest

from fastconv import layers as L
from fastconv import losses
from fastconv.ops import loss
from tests.gradients import check_gradients
from tests.layers.catalogue import MERGING
from tests.plan.networks import make_plan, step

FIRST = {"data_format": "channels_first"}

#: name -> (layers, shape of a sample, loss): between them every layer, every setting, every loss.
NETWORKS = {
    "dense": (lambda: [L.Dense(7, "tanh"), L.Dense(3)], (5,), loss.SquaredError()),
    "dense-without-bias": (lambda: [L.Dense(7, "elu", use_bias=False), L.Dense(3)], (2, 5), loss.SquaredError()),
    "conv-same-strided": (
        lambda: [L.Conv2D(5, 3, strides=(2, 3), padding="same", activation="tanh"), L.Conv2D(2, 2, strides=2)],
        (7, 8, 3),
        loss.SquaredError(),
    ),
    "conv-dilated": (
        lambda: [L.Conv2D(4, (2, 3), dilation_rate=(3, 2), activation="elu"), L.Conv2D(3, 2, dilation_rate=(1, 2))],
        (7, 9, 2),
        loss.SquaredError(),
    ),
    "conv-groups": (
        lambda: [L.Conv2D(8, 3, groups=2, activation="softplus"), L.Conv2D(8, 3, groups=8, use_bias=False)],
        (7, 6, 4),
        loss.SquaredError(),
    ),
    "conv-relu-pool": (
        lambda: [
            L.Conv2D(6, 3, activation="relu"),
            L.MaxPooling2D(2),
            L.Conv2D(5, 3, padding="same"),
            L.MaxPooling2D((2, 3)),
            L.ReLU(),
            L.Flatten(),
            L.Dense(4, activation="softmax"),
        ],
        (12, 15, 3),
        loss.CrossEntropy(sparse=True),
    ),
    "wide-conv-relu-pool": (
        lambda: [
            L.Conv2D(16, 3, activation="relu"),
            L.MaxPooling2D(2),
            L.Conv2D(17, 3, activation="relu"),
            L.MaxPooling2D(2),
            L.Flatten(),
            L.Dense(4, activation="softmax"),
        ],
        (12, 12, 1),
        loss.CrossEntropy(sparse=True),
    ),
    "overlapping-pools": (
        lambda: [
            L.Conv2D(3, 2, activation="selu"),
            L.MaxPooling2D(3, strides=1),
            L.Conv2D(3, 1),
            L.AveragePooling2D(3, strides=2, padding="same"),
            L.Conv2D(2, 1),
            L.MaxPooling2D(2, strides=1, padding="same"),
        ],
        (8, 8, 2),
        loss.SquaredError(),
    ),
    "one-dimension": (
        lambda: [
            L.Reshape((9, 4)),
            L.MaxPooling1D(2),
            L.AveragePooling1D(2, strides=1),
            L.GlobalMaxPooling1D(),
            L.Dense(2),
        ],
        (36,),
        loss.SquaredError(),
    ),
    "sequences": (
        lambda: [
            L.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu"),
            L.DepthwiseConv1D(3, depth_multiplier=2),
            L.Conv1DTranspose(4, 3, strides=2, padding="same", activation="tanh"),
            L.SeparableConv1D(3, 2, activation="relu"),
            L.AdaptiveAveragePooling1D(4),
        ],
        (9, 2),
        loss.SquaredError(),
    ),
    "images-made-larger": (
        lambda: [
            L.Conv2DTranspose(5, 3, strides=2, padding="same", activation="relu"),
            L.AdaptiveMaxPooling2D((4, 5)),
            L.Conv2DTranspose(1, 2, strides=(2, 3), output_padding=(1, 0)),
        ],
        (3, 4, 2),
        loss.SquaredError(),
    ),
    "volumes": (
        lambda: [
            L.Conv3D(4, 2, padding="same", activation="relu"),
            L.MaxPooling3D((1, 2, 2)),
            L.Conv3DTranspose(3, 3, strides=(1, 2, 2), activation="tanh"),
            L.AveragePooling3D(2, padding="same"),
            L.AdaptiveMaxPooling3D(2),
        ],
        (3, 5, 6, 2),
        loss.SquaredError(),
    ),
    "volumes-to-averages": (
        lambda: [L.Conv3D(3, 2), L.AdaptiveAveragePooling3D((2, 1, 3)), L.GlobalAveragePooling3D(), L.Dense(2)],
        (4, 3, 5, 2),
        loss.SquaredError(),
    ),
    "volumes-to-maxima": (
        lambda: [L.Conv3D(3, 2), L.GlobalMaxPooling3D(), L.Dense(2)],
        (4, 3, 5, 2),
        loss.SquaredError(),
    ),
    "adaptive-average": (lambda: [L.Conv2D(3, 2), L.AdaptiveAveragePooling2D(3)], (6, 5, 2), loss.SquaredError()),
    "adaptive-maximum": (lambda: [L.Conv1D(3, 2), L.AdaptiveMaxPooling1D(3)], (9, 2), loss.SquaredError()),
    "one-dimension-average": (lambda: [L.GlobalAveragePooling1D(), L.Dense(2)], (5, 3), loss.SquaredError()),
    "depthwise": (
        lambda: [
            L.DepthwiseConv2D(3, depth_multiplier=2, activation="relu"),
            L.SeparableConv2D(3, 2),
            L.Flatten(),
            L.Dense(2),
        ],
        (6, 7, 3),
        loss.SquaredError(),
    ),
    "depthwise-strides-dilation": (
        lambda: [
            L.DepthwiseConv2D(3, padding="same", activation="softplus"),
            L.DepthwiseConv2D((2, 3), strides=(2, 1), depth_multiplier=2, activation="tanh"),
            L.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, activation="elu"),
            L.SeparableConv2D(2, 2, dilation_rate=(1, 2), use_bias=False),
        ],
        (7, 10, 3),
        loss.SquaredError(),
    ),
    "average-pool-same": (
        lambda: [L.Conv2D(3, 2), L.AveragePooling2D((3, 2), padding="same"), L.Flatten(), L.Dense(2)],
        (6, 9, 2),
        loss.SquaredError(),
    ),
    "global-average": (
        lambda: [L.Conv2D(4, 3, activation="silu"), L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax")],
        (6, 7, 2),
        loss.CrossEntropy(sparse=False),
    ),
    "global-max": (
        lambda: [L.Conv2D(4, 3, activation="gelu"), L.GlobalMaxPooling2D(keepdims=True), L.Conv2D(2, 1)],
        (6, 7, 2),
        loss.SquaredError(),
    ),
    "zero-padding": (
        lambda: [L.Conv2D(3, 2), L.ZeroPadding2D(((1, 2), (0, 3))), L.Conv2D(2, 3, activation="softsign")],
        (5, 4, 2),
        loss.SquaredError(),
    ),
    "rescaling-and-reshape": (
        lambda: [L.Reshape((4, 3, 2)), L.Conv2D(3, 2), L.Rescaling([0.5, 2, -1], 0.25), L.Reshape((-1, 2)), L.Dense(2)],
        (24,),
        loss.SquaredError(),
    ),
    "dropout-rate-zero": (
        lambda: [L.Dense(9, "tanh"), L.Dropout(0.0), L.Dense(2)],
        (5,),
        loss.SquaredError(),
    ),
    "noise": (  # the way back of each is tested beside its op
        lambda: [
            L.Conv2D(4, 2),
            L.SpatialDropout2D(0.0),
            L.GaussianNoise(0.0),
            L.GaussianDropout(0.0),
            L.AlphaDropout(0.0),
            L.Reshape((12, 4)),
            L.SpatialDropout1D(0.0),
            L.Reshape((2, 3, 2, 4)),
            L.SpatialDropout3D(0.0),
            L.Flatten(),
        ],
        (5, 4, 2),
        loss.SquaredError(),
    ),
    "smooth-activations": (
        lambda: [
            L.Dense(6, "sigmoid"),
            L.Dense(6, "exponential"),
            L.Dense(6, "softplus"),
            L.Dense(6, "hard_sigmoid"),
            L.Dense(2),
        ],
        (5,),
        loss.SquaredError(),
    ),
    "more-activations": (
        lambda: [
            L.Dense(6, "celu"),
            L.Dense(6, "mish"),
            L.Dense(6, "hard_silu"),
            L.Dense(6, "glu"),
            L.Dense(6, "log_softmax"),
            L.Dense(6, "sparse_plus"),
            L.Dense(6, "squareplus"),
            L.Dense(6, "log_sigmoid"),
            L.ELU(0.5),
            L.LeakyReLU(),
            L.Dense(4, "sparsemax"),
            L.Dense(2),
        ],
        (5,),
        loss.SquaredError(),
    ),
    "prelu": (
        lambda: [
            L.PReLU("ones"),
            L.Conv2D(4, 2),
            L.PReLU("ones", shared_axes=[1, 2]),
            L.Softmax(axis=[1, 3]),
            L.Conv2D(3, 2),
            L.PReLU("ones", shared_axes=3, alpha_regularizer="l2"),
            L.Flatten(),
        ],
        (5, 4, 2),
        loss.SquaredError(),
    ),
    "sizes": (
        lambda: [
            L.Conv2D(3, 2),
            L.UpSampling2D((2, 1), interpolation="bilinear"),
            L.Cropping2D(((1, 2), (0, 1))),
            L.UpSampling2D((1, 2)),
            L.ZeroPadding2D(((0, 1), (2, 0))),
            L.Permute((3, 1, 2)),
            L.Reshape((3, 6, 6, 1)),
            L.Cropping3D(((0, 1), (1, 1), (2, 0))),
            L.ZeroPadding3D((0, 1, 0)),
            L.UpSampling3D((1, 1, 2)),
            L.Identity(),
            L.Flatten(),
            L.Dense(6, "tanh"),
            L.RepeatVector(4),
            L.UpSampling1D(2),
            L.Cropping1D((1, 2)),
            L.ZeroPadding1D((2, 1)),
            L.Flatten(),
        ],
        (5, 4, 2),
        loss.SquaredError(),
    ),
    "relus": (
        lambda: [
            L.Dense(9),
            L.ReLU(max_value=1.5, negative_slope=0.25, threshold=0.5),
            L.Dense(9, "leaky_relu"),
            L.Dense(9, "relu6"),
            L.Dense(2),
        ],
        (5,),
        loss.SquaredError(),
    ),
    "softmax-inside": (
        lambda: [L.Conv2D(4, 2, activation="softmax"), L.Flatten(), L.Dense(5), L.Softmax(), L.Dense(2)],
        (4, 4, 2),
        loss.SquaredError(),
    ),
    "channels-first": (
        lambda: [
            L.Conv2D(4, 3, activation="relu", **FIRST),
            L.MaxPooling2D(2, **FIRST),
            L.ZeroPadding2D(1, **FIRST),
            L.Conv2D(3, 2, activation="softmax", **FIRST),
            L.AveragePooling2D(2, **FIRST),
            L.Flatten(**FIRST),
            L.Dense(3),
        ],
        (2, 10, 9),
        loss.SquaredError(),
    ),
    "batch-norm": (
        lambda: [
            L.Conv2D(4, 3, use_bias=False),
            L.BatchNormalization(),
            L.ReLU(),
            L.Conv2D(3, 2, activation="tanh"),
            L.BatchNormalization(scale=False),
            L.Flatten(),
            L.Dense(5),
            L.BatchNormalization(center=False),
            L.Dense(2),
        ],
        (6, 7, 2),
        loss.SquaredError(),
    ),
    "batch-norm-channels-first": (
        lambda: [
            L.Conv2D(4, 3, **FIRST),
            L.BatchNormalization(1),
            L.ReLU(),
            L.MaxPooling2D(2, **FIRST),
            L.BatchNormalization(2),
            L.Flatten(**FIRST),
            L.Dense(2),
        ],
        (2, 6, 7),
        loss.SquaredError(),
    ),
    "batch-norm-frozen": (
        lambda: [L.Conv2D(4, 3), L.BatchNormalization(trainable=False), L.ReLU(), L.Flatten(), L.Dense(2)],
        (6, 7, 2),
        loss.SquaredError(),
    ),
    "group-and-layer-norm": (
        lambda: [
            L.Conv2D(6, 3),
            L.GroupNormalization(3),
            L.Conv2D(4, 2, activation="tanh"),
            L.LayerNormalization(),
            L.Conv2D(3, 2),
            L.LayerNormalization([1, 2]),
            L.UnitNormalization(1),
            L.Flatten(),
            L.Dense(2),
        ],
        (7, 7, 2),
        loss.SquaredError(),
    ),
    "images": (
        lambda: [
            L.Conv2D(4, 3, activation="tanh"),
            L.Resizing(7, 5, "bicubic"),
            L.CenterCrop(4, 5),
            L.RandomCrop(4, 4),
            L.Normalization(mean=0.5, variance=2.0),
            L.RandomTranslation(0, 0),
            L.RandomRotation(0),
            L.RandomZoom(0, fill_mode="constant"),
            L.RandomBrightness(0, (-9, 9)),
            L.GlobalAveragePooling2D(keepdims=True),
            L.RandomContrast((0, 0), (-9, 9)),
            L.RandomFlip(),
            L.Flatten(),
            L.Dense(2),
        ],
        (6, 7, 2),
        loss.SquaredError(),
    ),
    "pixels": (
        lambda: [L.Conv2D(4, 3, activation="tanh"), L.Conv2D(5, 1, activation="softmax")],
        (5, 6, 2),
        loss.CrossEntropy(sparse=True),
    ),
    "labels-ignored": (
        lambda: [L.Conv2D(4, 3, activation="tanh"), L.Conv2D(5, 1, activation="softmax")],
        (5, 6, 2),
        loss.CrossEntropy(sparse=True, ignored=2),
    ),
    "logits": (lambda: [L.Dense(7, "tanh"), L.Dense(4)], (5,), loss.CrossEntropy(sparse=True, from_logits=True)),
    "penalties": (
        lambda: [
            L.Conv2D(
                3, 2, activation="tanh", kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2"
            ),
            L.ActivityRegularization(0.1, 0.2),
            L.Flatten(),
            L.Dense(3, kernel_regularizer="orthogonal_regularizer"),
        ],
        (4, 3, 2),
        loss.SquaredError(),
    ),
    "smoothed": (
        lambda: [L.Dense(7, "tanh"), L.Dense(4)],
        (5,),
        loss.CrossEntropy(sparse=False, from_logits=True, smoothing=0.2),
    ),
    "probabilities": (
        lambda: [L.Dense(7, "tanh"), L.Dense(4, "softplus")],
        (5,),
        loss.CrossEntropy(sparse=False, smoothing=0.1),
    ),
    "probabilities-ignored": (
        lambda: [L.Dense(7, "tanh"), L.Dense(4, "softplus")],
        (5,),
        loss.CrossEntropy(sparse=True, ignored=0),
    ),
    "binary": (lambda: [L.Dense(7, "tanh"), L.Dense(3, "sigmoid")], (5,), loss.BinaryCrossEntropy()),
    "binary-smoothed": (lambda: [L.Dense(7, "tanh"), L.Dense(1, "sigmoid")], (5,), loss.BinaryCrossEntropy(False, 0.2)),
    "binary-logits": (lambda: [L.Dense(7, "tanh"), L.Dense(3)], (5,), loss.BinaryCrossEntropy(from_logits=True)),
    "absolute": (lambda: [L.Dense(7, "tanh"), L.Dense(3)], (5,), loss.AbsoluteError()),
    "elementwise": (lambda: [L.Dense(7, "tanh"), L.Dense(3)], (5,), loss.ElementwiseLoss("huber", 0.3)),
    "array": (
        lambda: [L.Dense(7, "tanh"), L.Dense(3)],
        (5,),
        loss.ArrayLoss(losses.CosineSimilarity().value_and_gradient),
    ),
}


def draw_targets(op, shape, rng):
    """Return targets for predictions of a shape: labels, probabilities or numbers."""
    if op.takes_labels:
        return rng.integers(0, shape[-1], shape[:-1])
    targets = rng.random(shape)
    return targets / targets.sum(-1, keepdims=True) if isinstance(op, loss.CrossEntropy) else targets


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "plain"])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients(name, fused, rng):
    make, shape, op = NETWORKS[name]
    layers = make()
    for layer in layers:
        layer.dtype = "float64"
    plan = make_plan(layers, shape, op, dtype="float64", fused=fused)
    weights = [rng.standard_normal(v.shape) / np.sqrt(max(1, v.array[..., 0].size)) for v in plan.variables]
    weights = [np.abs(w) if v.name == "moving_variance" else w for v, w in zip(plan.variables, weights, strict=True)]
    learns = [v.trainable for v in plan.variables]
    # what sees the batch in training only has another loss in tests
    mode = "train" if any(each.op.state for each in plan.steps_of("train")[0]) else "test"
    x = rng.standard_normal((4, *shape))
    targets = draw_targets(op, (4, *layers_out(layers, shape)), rng)
    more = {"weights": rng.random(4) + 0.5, "scale": 0.3}

    def total(*arrays):
        for variable, array in zip(plan.variables, arrays, strict=True):
            variable.assign(array)
        return np.float64(step(plan, x, targets, mode=mode, **more).total)

    value = total(*weights)
    trained = step(plan, x, targets, mode="train", **more)
    assert trained.total == value and np.isfinite(value)
    assert all(g.dtype == np.float64 for g in trained.gradients)
    gradients = iter(trained.gradients)
    check_gradients(total, weights, np.float64(1), [next(gradients) if learn else None for learn in learns], samples=6)


def layers_out(layers, shape):
    """Return the shape of what comes out, without the batch."""
    shape = (None, *shape)
    for layer in layers:
        shape = layer.compute_output_shape(shape)
    return shape[1:]


def test_every_layer_and_every_loss_is_among_them():
    used = {type(layer) for make, *_ in NETWORKS.values() for layer in make()}
    known = {cls for cls in vars(L).values() if isinstance(cls, type) and issubclass(cls, L.Layer)}
    assert known - used == {L.Layer, L.InputLayer, L.Activation, L.Lambda, *MERGING}
    used = {type(op) for *_, op in NETWORKS.values()}
    known = {cls for cls in vars(loss).values() if isinstance(cls, type) and issubclass(cls, loss.LossOp)}
    assert known - used == {loss.LossOp, loss.SoftmaxCrossEntropy}


def test_frozen_weights_have_no_gradient(rng):
    layers = [L.Dense(4, "tanh"), L.Dense(4, "tanh"), L.Dense(2)]
    plan = make_plan(layers, (3,), loss.SquaredError())
    x, t = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    free = step(plan, x, t)
    for frozen in ([0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]):
        for i, layer in enumerate(layers):
            layer.trainable = i not in frozen
        result = step(plan, x, t)
        kept = [g for i, g in enumerate(free.gradients) if i // 2 not in frozen]
        assert result.total == free.total
        for a, b in zip(result.gradients, kept, strict=True):
            np.testing.assert_array_equal(a, b)
        assert all((plan.gradient(v) is None) == (not v.trainable) for v in plan.variables)


def test_gradients_are_weighted_sums_over_samples(rng):
    plan = make_plan([L.Dense(4, "tanh"), L.Dense(2)], (3,), loss.SquaredError())
    x, t, w = rng.standard_normal((6, 3)), rng.standard_normal((6, 2)), rng.random(6)
    whole = step(plan, x, t, weights=w, scale=0.5).gradients
    parts = [step(plan, x[i : i + 1], t[i : i + 1], weights=w[i : i + 1], scale=0.5).gradients for i in range(6)]
    for i, gradient in enumerate(whole):
        np.testing.assert_allclose(gradient, sum(part[i] for part in parts), rtol=1e-4, atol=1e-6)
