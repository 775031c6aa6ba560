"""Looking things up by name."""

import pytest

from fastconv import losses, names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Conv2D", "conv2d"),
        ("MaxPooling2D", "max_pooling2d"),
        ("ReLU", "re_lu"),
        ("PReLU", "p_re_lu"),
        ("LeakyReLU", "leaky_re_lu"),
        ("GlorotUniform", "glorot_uniform"),
        ("SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy"),
        ("AdamW", "adam_w"),
        ("RMSprop", "rm_sprop"),
        ("SGD", "sgd"),
        ("already_snake", "already_snake"),
    ],
)
def test_snake_case(name, expected):
    assert names.snake_case(name) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [("adma", "adam"), ("ADMA", "adam"), ("MeanSquareError", "MeanSquaredError"), ("zzz", None), (3, None)],
)
def test_suggestion(given, expected):
    got = names.suggestion(given, ["adam", "sgd", "MeanSquaredError"])
    assert got == ("" if expected is None else f" Did you mean {expected!r}?")


def test_registered_objects_are_found(monkeypatch):
    class Mine(losses.Loss):
        def call(self, y_true, y_pred):
            return y_true - y_pred

    def mine(y_true, y_pred):
        return y_true - y_pred

    monkeypatch.setitem(names.CUSTOM_OBJECTS, "My>Mine", Mine)
    monkeypatch.setitem(names.CUSTOM_OBJECTS, "mine", mine)
    config = losses.serialize(Mine())
    assert config["registered_name"] == "My>Mine"
    assert type(losses.deserialize(config)) is Mine
    assert losses.get("mine") is mine
    assert losses.deserialize(losses.serialize(mine)) is mine


def test_modules_named_in_configs_are_not_imported():
    config = {"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}
    with pytest.raises(ValueError, match="Could not interpret loss identifier: 'system'"):
        losses.deserialize(config)


def test_members_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="'Odd', which is not a loss class"):
        losses.deserialize({"class_name": "Odd", "config": {}}, custom_objects={"Odd": int})
