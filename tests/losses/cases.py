"""Every loss with settings worth trying, and data that suit it."""

import numpy as np

SHAPES = [(7, 10), (3, 4, 5, 6), (1, 2), (33, 3), (5, 1), (2, 1000)]
ALPHAS = [0.1, 0.7, 0.2, 0.4, 0.3, 0.6, 0.5, 0.9, 0.8, 1.0]

# loss class, settings, kind of data
CASES = [
    ("MeanSquaredError", {}, "numbers"),
    ("MeanAbsoluteError", {}, "numbers"),
    ("MeanAbsolutePercentageError", {}, "numbers"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "numbers"),
    ("Huber", {}, "numbers"),
    ("Huber", {"delta": 0.3}, "numbers"),
    ("LogCosh", {}, "numbers"),
    ("Poisson", {}, "positive"),
    ("KLDivergence", {}, "distributions"),
    ("KLDivergence", {}, "positive"),
    ("Hinge", {}, "signs"),
    ("Hinge", {}, "answers of scores"),
    ("SquaredHinge", {}, "signs"),
    ("SquaredHinge", {}, "answers of scores"),
    ("CategoricalHinge", {}, "classes of scores"),
    ("CosineSimilarity", {}, "numbers"),
    ("CosineSimilarity", {"axis": 1}, "numbers"),
    ("BinaryCrossentropy", {}, "answers"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "answers of scores"),
    ("BinaryCrossentropy", {"axis": 1}, "answers"),
    ("BinaryFocalCrossentropy", {}, "answers"),
    ("BinaryFocalCrossentropy", {"gamma": 0.5, "apply_class_balancing": True}, "answers"),
    ("BinaryFocalCrossentropy", {"gamma": 0, "label_smoothing": 0.3}, "answers"),
    (
        "BinaryFocalCrossentropy",
        {"from_logits": True, "alpha": 0.9, "apply_class_balancing": True},
        "answers of scores",
    ),
    ("BinaryFocalCrossentropy", {"axis": -2}, "answers"),
    ("CategoricalCrossentropy", {}, "classes"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "classes of scores"),
    ("CategoricalFocalCrossentropy", {}, "classes"),
    ("CategoricalFocalCrossentropy", {"alpha": 0.5, "gamma": 1.0, "label_smoothing": 0.2}, "classes"),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, "classes of scores"),
    ("SparseCategoricalCrossentropy", {}, "labels"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "labels"),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 0}, "labels of scores"),
    ("SparseCategoricalCrossentropy", {"axis": 1}, "labels"),
    ("CategoricalGeneralizedCrossEntropy", {}, "labels"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.9}, "labels"),
    ("Dice", {}, "answers"),
    ("Dice", {"axis": -1}, "answers"),
    ("Dice", {"axis": (0, 1)}, "answers"),
    ("Tversky", {"alpha": 0.2, "beta": 0.7}, "answers"),
    ("Tversky", {"axis": (-1,)}, "answers"),
    ("Circle", {"gamma": 3.0}, "embeddings"),
    ("Circle", {"gamma": 2.0, "margin": 0.25, "remove_diagonal": False}, "embeddings"),
]
IDS = ["-".join([name, *map(str, settings.items()), kind]) for name, settings, kind in CASES]


def fits(settings, kind, shape):
    """Tell whether a case makes sense for predictions of a shape."""
    axis = settings.get("axis", -1)
    classes = shape[axis] if isinstance(axis, int) else 2
    if kind.startswith(("classes", "labels", "distributions")) and classes == 1:
        return False
    return (len(shape) == 2 and shape[1] > 1) if kind == "embeddings" else True


def data(kind, shape, rng, axis=-1, dtype="float64"):
    """Return labels and predictions of a kind, away from corners where no derivative is."""
    axis = axis if isinstance(axis, int) else -1
    kind, scores = kind.removesuffix(" of scores"), kind.endswith(" of scores")
    numbers, others = rng.normal(size=shape) * 2, rng.normal(size=shape) * 2
    if kind == "numbers":
        return numbers.astype(dtype), others.astype(dtype)
    if kind == "positive":
        return rng.uniform(0.1, 0.9, shape).astype(dtype), rng.uniform(0.1, 0.9, shape).astype(dtype)
    if kind == "embeddings":
        short = 0.9 * numbers / np.linalg.norm(numbers, axis=-1, keepdims=True)
        return rng.integers(0, 3, shape[0]), short.astype(dtype)
    powers = np.exp(others / 2)
    probabilities = powers / powers.sum(axis, keepdims=True) if kind != "answers" else rng.uniform(0.05, 0.95, shape)
    y_pred = (others if scores or kind == "signs" else probabilities).astype(dtype)
    labels = rng.integers(0, shape[axis], shape[:axis] + shape[axis:][1:])
    if kind == "labels":
        return labels, y_pred
    if kind == "classes":
        return np.moveaxis(np.eye(shape[axis])[labels], -1, axis).astype(dtype), y_pred
    if kind == "distributions":
        return (np.exp(numbers) / np.exp(numbers).sum(-1, keepdims=True)).astype(dtype), y_pred
    return (rng.integers(0, 2, shape) * (2 if kind == "signs" else 1) - (kind == "signs")).astype(dtype), y_pred
