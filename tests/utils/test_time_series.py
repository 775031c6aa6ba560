"""Windows of a series: which points they have, and which target."""

import numpy as np
import pytest

import fastconv as keras
from fastconv.utils import timeseries_dataset_from_array

SERIES = np.arange(40.0).reshape(20, 2)
TARGETS = 100 + np.arange(20)


@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("rate", [1, 2])
@pytest.mark.parametrize(("start", "end"), [(None, None), (2, 17)])
def test_windows_are_where_they_are_said_to_be(length, stride, rate, start, end):
    windows = timeseries_dataset_from_array(
        SERIES, TARGETS, length, stride, rate, batch_size=3, start_index=start, end_index=end
    )
    first, last = start or 0, end or 20
    begins = range(first, last - (length - 1) * rate, stride)
    xs, ys = zip(*windows, strict=True)
    assert [len(x) for x in xs[:-1]] == [3] * (len(xs) - 1)
    np.testing.assert_array_equal(np.concatenate(ys), TARGETS[list(begins)])
    np.testing.assert_array_equal(np.concatenate(xs), [[SERIES[b + i * rate] for i in range(length)] for b in begins])


def test_without_targets_and_without_batches():
    assert [x.shape for x in timeseries_dataset_from_array(SERIES, None, 16, batch_size=4)] == [(4, 16, 2), (1, 16, 2)]
    assert [x.shape for x in timeseries_dataset_from_array(SERIES, None, 16, batch_size=None)] == [(16, 2)] * 5
    assert len(timeseries_dataset_from_array(SERIES, TARGETS[:3], 5)[0][1]) == 3  # fewer targets, fewer windows


def test_shuffled_anew_at_each_epoch_as_the_seed_says():
    def orders(seed):
        windows = timeseries_dataset_from_array(SERIES, TARGETS, 3, batch_size=18, shuffle=True, seed=seed)
        found = []
        for _ in range(2):
            x, y = windows[0]
            assert (x[:, 0] == SERIES[y - 100]).all()
            found.append(y.tolist())
            windows.on_epoch_end()
        return found

    first, second = orders(1)
    assert first != second and sorted(first) == sorted(second) == list(range(100, 118))
    assert orders(1) == [first, second] != orders(2)


def test_a_network_trains_on_it():
    windows = timeseries_dataset_from_array(SERIES / 40, TARGETS / 120, 5, batch_size=8, shuffle=True)
    model = keras.Sequential(
        [keras.Input((5, 2)), keras.layers.Conv1D(3, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    history = model.fit(windows, epochs=2, verbose=0).history["loss"]
    assert len(history) == 2 and np.isfinite(history).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sequence_length": 0}, "sequence_length=0"),
        ({"sequence_length": 21}, "sequence_length=21 is too large for the series; expected at most 20"),
        ({"sequence_length": 12, "sampling_rate": 2}, "no window of sequence_length=12, sampling_rate=2"),
        ({"sequence_length": 2, "sequence_stride": 20}, "sequence_stride=20 is too large"),
        ({"sequence_length": 2, "batch_size": 0}, "batch_size=0"),
        ({"sequence_length": 2, "start_index": 20}, "start_index=20 is not below end_index=20"),
        ({"sequence_length": 2, "end_index": 21}, "end_index=21 is not from 1 to 20"),
        ({"sequence_length": 2, "format": "np"}, "format='np'"),
    ],
)
def test_what_is_refused(settings, words):
    with pytest.raises(ValueError, match=f"timeseries_dataset_from_array: {words}"):
        timeseries_dataset_from_array(SERIES, TARGETS, **settings)
