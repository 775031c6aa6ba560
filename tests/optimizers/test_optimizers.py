"""The optimizers against numbers that Keras 3.15 printed, their state, and what they refuse."""

import copy
import pickle

import numpy as np
import pytest

from fastconv import optimizers
from fastconv.layers.variable import Variable
from fastconv.optimizers import schedules

# p = 1 and the gradients .1, -.2, .3: the values after each step.
TRAJECTORIES = [
    (optimizers.SGD(0.01), [0.999, 1.001, 0.998]),
    (optimizers.SGD(0.01, momentum=0.9), [0.999, 1.0001, 0.99809]),
    (optimizers.SGD(0.01, momentum=0.9, nesterov=True), [0.9981, 1.00109, 0.996281]),
    (optimizers.SGD(0.01, weight_decay=0.1), [0.998, 0.999002, 0.995003]),
    (optimizers.Adam(), [0.9990000, 0.9993661, 0.9990228]),
    (optimizers.Adam(weight_decay=0.004), [0.9989960, 0.9993581, 0.9990109]),
    (optimizers.AdamW(), [0.9989960, 0.9993581, 0.9990109]),
    (optimizers.Adam(clipnorm=0.05), [0.9990001, 0.9990527, 0.9987170]),
    (optimizers.RMSprop(), [0.9968379, 0.9996949, 0.9971043]),
    (optimizers.RMSprop(momentum=0.9, centered=True), [0.9966668, 0.9965601, 0.9938334]),
    (optimizers.Adamax(), [0.999, 0.9992895, 0.9990423]),
    (optimizers.Nadam(), [0.9989372, 0.9998189, 0.9989872]),
    (optimizers.Adagrad(), [0.9996985, 1.0002148, 0.9996024]),
    (optimizers.Adadelta(1.0), [0.9985859, 1.0003837, 0.9982195]),
    (optimizers.Lion(), [0.999, 1.0, 0.999]),
    (optimizers.Ftrl(0.1), [0.0163863, 0.0680261, 0.0067888]),
]


def gradient(value, size=1):
    return np.full(size, value, "float32")


@pytest.mark.parametrize(("optimizer", "expected"), TRAJECTORIES)
def test_three_steps(optimizer, expected):
    weight, got = Variable([1.0], name="w"), []
    for g in (0.1, -0.2, 0.3):
        optimizer.apply([gradient(g)], [weight])
        got.append(float(weight.array[0]))
    np.testing.assert_allclose(got, expected, atol=6e-7)


def test_epsilon_is_not_corrected_for_bias():
    weight, optimizer = Variable([1.0]), optimizers.Adam()
    got = []
    for _ in range(2):
        optimizer.apply([gradient(1e-8)], [weight])
        got.append(float(weight.array[0]))
    np.testing.assert_allclose(got, [0.9999968, 0.9999924], atol=1.2e-7)


def test_accumulated_clipped_decayed_momentum():
    optimizer = optimizers.SGD(0.1, gradient_accumulation_steps=3, momentum=0.9, weight_decay=0.1, clipnorm=0.5)
    weight, got = Variable([1.0, 1.0]), []
    for g in range(1, 8):
        optimizer.apply([gradient(g, 2)], [weight])
        got.append(float(weight.array[0]))
    np.testing.assert_allclose(got, [1, 1, *[0.9546447] * 3, *[0.8779231] * 2], rtol=1e-6)
    assert int(optimizer.iterations) == 2
    assert int(optimizer.variables[0].array) == 7
    np.testing.assert_allclose(optimizer.variables[2].array, [7, 7])


def test_averages_overwrite_weights():
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    weight, got = Variable([1.0]), []
    for _ in range(5):
        optimizer.apply([gradient(1)], [weight])
        got.append(float(weight.array[0]))
    np.testing.assert_allclose(got, [0.9, 0.85, 0.75, 0.725, 0.625], rtol=1e-6)


def test_averages_replace_weights_at_the_end():
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    weight = Variable([1.0])
    for _ in range(3):
        optimizer.apply([gradient(1)], [weight])
    assert weight.numpy() == pytest.approx(0.7)
    version = weight.version
    optimizer.finalize_variable_values([weight])
    assert weight.numpy() == pytest.approx(0.775)
    assert weight.version > version


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ({"global_clipnorm": 1.0}, [0.93291795, 0.9776393]),
        ({"clipvalue": 0.5}, [0.95, 1.01]),
        ({"clipnorm": 0.5}, [0.96464466, 1.01]),
    ],
)
def test_clipping(clip, expected):
    second = 1.0 if "global_clipnorm" in clip else -0.1
    a, b = Variable([1.0, 1.0]), Variable([1.0, 1.0])
    grads = [gradient(3, 2), gradient(second, 2)]
    optimizers.SGD(0.1, **clip).apply(grads, [a, b])
    np.testing.assert_allclose([a.array[0], b.array[0]], expected, rtol=1e-6)
    assert (grads[0] == 3).all()  # the caller's gradients stay


def test_gradients_that_are_not_finite_are_passed_on():
    weight = Variable([1.0, 1.0])
    optimizers.SGD(0.1, global_clipnorm=1.0).apply([np.array([np.nan, 1], "float32")], [weight])
    assert np.isnan(weight.array[0])


class NotNegative:
    def __call__(self, values):
        return np.maximum(values, 0)


def test_constraints_come_after_the_step():
    weight = Variable([1.0])
    weight.constraint = NotNegative()
    optimizers.SGD(0.1).apply([gradient(30)], [weight])
    assert weight.numpy() == 0


@pytest.mark.parametrize("given", ["float32", "float64"])
def test_arrays_stay_in_place_and_keep_their_type(given):
    weight = Variable(np.ones(3), dtype=given)
    weight.constraint = NotNegative()
    memory = weight.array
    for optimizer in (
        optimizers.Adam(amsgrad=True, use_ema=True, ema_overwrite_frequency=1, weight_decay=0.1, clipnorm=1.0),
        optimizers.SGD(momentum=0.9, nesterov=True),
        optimizers.RMSprop(momentum=0.9, centered=True),
    ):
        optimizer.build([weight])
        slots = [v.array for v in optimizer.variables]
        version = weight.version
        optimizer.apply([np.ones(3, given)])
        assert weight.array is memory
        assert weight.version > version
        assert all(v.array is slot for v, slot in zip(optimizer.variables, slots, strict=True))
        assert {v.dtype for v in optimizer.variables[2:]} == {given}
    assert memory.dtype == given


def two_variables():
    return [Variable(np.ones((2, 3), "float32"), name="kernel"), Variable(np.ones(3, "float32"), name="bias")]


START = ["iteration", "learning_rate"]


@pytest.mark.parametrize(
    ("optimizer", "names"),
    [
        (optimizers.SGD(), []),
        (optimizers.SGD(momentum=0.5), ["kernel_momentum", "bias_momentum"]),
        (optimizers.SGD(use_ema=True), ["kernel_average", "bias_average"]),
        (optimizers.Adam(), ["kernel_momentum", "kernel_velocity", "bias_momentum", "bias_velocity"]),
        (
            optimizers.Adam(amsgrad=True, use_ema=True),
            [
                "kernel_average",
                "bias_average",
                "kernel_momentum",
                "kernel_velocity",
                "bias_momentum",
                "bias_velocity",
                "kernel_velocity_hat",
                "bias_velocity_hat",
            ],
        ),
        (
            optimizers.SGD(gradient_accumulation_steps=2),
            ["kernel_gradient_accumulator", "bias_gradient_accumulator"],
        ),
    ],
)
def test_the_order_of_variables(optimizer, names):
    assert [v.name for v in optimizer.variables] == START
    optimizer.build(two_variables())
    assert [v.name for v in optimizer.variables] == START + names
    assert optimizer.variables[-1].path == f"{optimizer.name}/{(START + names)[-1]}"


@pytest.mark.parametrize("cls", [optimizers.Adam, optimizers.Ftrl, optimizers.Nadam, optimizers.SGD])
def test_what_an_optimizer_remembers_is_not_trained(cls):
    optimizer = cls()
    optimizer.build([Variable(np.ones(3, "float32"))])
    assert not any(variable.trainable for variable in optimizer.variables)


def test_slots_are_named_after_paths():
    variable = Variable([1.0], name="kernel")
    variable.path = "net/conv2d/kernel"
    optimizer = optimizers.SGD(momentum=0.5)
    optimizer.build([variable])
    assert optimizer.variables[2].path == "sgd/net_conv2d_kernel_momentum"


def test_the_learning_rate_is_settable():
    optimizer = optimizers.SGD(0.1)
    assert float(optimizer.learning_rate) == np.float32(0.1)
    optimizer.learning_rate = 0.5
    assert float(optimizer.learning_rate) == 0.5
    optimizer.learning_rate.assign(0.25)
    weight = Variable([1.0])
    optimizer.apply([gradient(1)], [weight])
    assert weight.numpy() == 0.75
    optimizer.learning_rate = np.float64(1.0)
    optimizer.apply([gradient(1)], [weight])
    assert weight.numpy() == -0.25


def test_a_schedule_sets_the_learning_rate():
    asked = []

    class Schedule(schedules.LearningRateSchedule):
        def __call__(self, step):
            asked.append(step)
            return 0.5**step

    optimizer, weight = optimizers.SGD(Schedule()), Variable([4.0])
    for _ in range(3):
        optimizer.apply([gradient(1)], [weight])
    assert asked == [0, 1, 2]
    assert weight.numpy() == 4 - 1.75
    assert float(optimizer.learning_rate) == 0.125
    assert [v.name for v in optimizer.variables] == ["iteration"]
    with pytest.raises(TypeError, match="SGD: its learning_rate is a schedule"):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = schedules.PiecewiseConstantDecay([1], [0.1, 0.2])
    assert float(optimizer.learning_rate) == np.float32(0.2)
    assert float(optimizers.SGD(lambda: 0.5).learning_rate) == 0.5


def test_several_ways_to_apply():
    variables = two_variables()
    grads = [np.ones(v.shape, "float32") for v in variables]
    optimizer = optimizers.SGD(0.25)
    optimizer.apply([], [])
    assert not optimizer.built
    optimizer.apply(grads, variables)
    optimizer.apply(grads)
    assert int(optimizer.apply_gradients(zip(grads, variables, strict=True))) == 3
    optimizer.apply(grads[1:], variables[1:])
    optimizer.apply([g.astype("float64") for g in reversed(grads)], variables[::-1])
    assert (variables[0].array == 0).all()
    assert (variables[1].array == -0.25).all()


@pytest.mark.parametrize("make", [optimizers.SGD, optimizers.Adam, optimizers.RMSprop])
def test_awkward_gradients(make):
    plain, strided = Variable(np.ones((3, 2), "float32")), Variable(np.ones((3, 2), "float32"))
    scalar, first, second = Variable(1.0), make(0.1), make(0.1)
    for step in range(1, 4):
        grad = np.full((2, 3), step, "float32")
        first.apply([np.ascontiguousarray(grad.T)], [plain])
        second.apply([grad.T, np.float32(step)], [strided, scalar])
    np.testing.assert_array_equal(plain.array, strided.array)
    assert scalar.array == plain.array[0, 0]


def test_variables_without_gradients_are_left_out():
    variables, optimizer = two_variables(), optimizers.Adam(0.5, weight_decay=0.1)
    with pytest.warns(UserWarning, match=r"Adam: there are no gradients for the variables \['kernel'\]"):
        optimizer.apply([None, np.ones(3, "float32")], variables)
    assert (variables[0].array == 1).all()
    assert (variables[1].array < 0.5).all()
    assert (optimizer.variables[2].array == 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda o, v: o.apply([np.ones(3)]), "apply without variables needs a built optimizer"),
        (lambda o, v: o.apply([None, None], v), "no gradients provided for any variable"),
        (lambda o, v: o.apply([np.ones(3)], v), "got 1 gradients for 2 variables"),
        (
            lambda o, v: o.apply([np.ones(3)], v[:1]),
            r"gradient of 'kernel' has shape \(3,\); expected \(2, 3\)",
        ),
        (lambda o, v: o.apply_gradients([]), "no pairs"),
        (lambda o, v: (o.build(v), o.build([Variable([1.0], name="new")])), "unknown variable 'new'"),
        (lambda o, v: (o.build(v), o.apply([np.ones(1)], [Variable([1.0])])), "unknown variable"),
        (lambda o, v: o.set_weights([1]), "set_weights got 1 values; expected 2. It is not built yet: call build"),
        (lambda o, v: o.apply([np.ones(3)] * 2, [v[1], v[1]]), "got a variable more than once: .*'bias'"),
    ],
)
def test_steps_that_are_refused(make, message):
    with pytest.raises(ValueError, match="SGD: .*" + message):
        make(optimizers.SGD(), two_variables())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Adam(foo=1), r"Adam: argument\(s\) not recognized: {'foo': 1}"),
        (lambda: optimizers.Adam(lr=0.1), "Did you mean 'learning_rate'"),
        (lambda: optimizers.SGD(momemtum=0.1), "Did you mean 'momentum'"),
        (lambda: optimizers.Adam(decay=0.1), "decay=0.1 is not supported; use a schedule"),
        (
            lambda: optimizers.Adam(clipnorm=1, clipvalue=1),
            "only one of clipnorm, clipvalue, global_clipnorm",
        ),
        (lambda: optimizers.Adam(clipnorm=-1), "clipnorm=-1 is not a number that is at least 0"),
        (lambda: optimizers.Adam(clipvalue=0), "clipvalue=0 would clip"),
        (
            lambda: optimizers.Adam(gradient_accumulation_steps=1),
            "gradient_accumulation_steps=1 is not None or",
        ),
        (lambda: optimizers.Adam(ema_momentum=2), "ema_momentum=2 is not a number between 0 and 1"),
        (lambda: optimizers.Adam(ema_overwrite_frequency=0.5), "ema_overwrite_frequency=0.5 is not None or"),
        (lambda: optimizers.Adam(weight_decay=-1), "weight_decay=-1 is not"),
        (lambda: optimizers.Adam("fast"), "learning_rate='fast' is not a number"),
        (lambda: optimizers.Adam(-0.1), "learning_rate=-0.1 is not"),
        (lambda: optimizers.Adam(np.nan), "learning_rate=nan is not"),
        (lambda: optimizers.Adam(None), "learning_rate=None is not"),
        (lambda: optimizers.Adam(beta_1=1.0), "beta_1=1.0 never learns|beta_1=1.0 would never learn"),
        (lambda: optimizers.Adam(epsilon=-1), "epsilon=-1 is not"),
        (lambda: optimizers.SGD(momentum=2), "SGD: momentum=2 is not a number between 0 and 1"),
        (lambda: optimizers.SGD(momentum="a"), "SGD: momentum='a' is not a number"),
        (lambda: optimizers.RMSprop(rho=2), "RMSprop: rho=2 is not a number between 0 and 1"),
        (
            lambda: optimizers.get("adm"),
            "Could not interpret optimizer identifier: 'adm'. Did you mean 'adam'",
        ),
        (lambda: optimizers.get(3), "Could not interpret optimizer identifier: 3"),
        (lambda: optimizers.get(lambda: 0), "Could not interpret optimizer identifier"),
        (lambda: optimizers.Lion(beta_1=0.0), "Lion: beta_1=0.0 is not above 0"),
        (
            lambda: optimizers.Ftrl(learning_rate_power=0.5),
            "learning_rate_power=0.5 is not a number that is at most 0",
        ),
        (lambda: optimizers.Ftrl(beta=-1), "Ftrl: beta=-1 is not a number that is at least 0"),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1), "initial_accumulator_value=-1 is not a number"),
        (lambda: optimizers.Adadelta(rho=1.5), "Adadelta: rho=1.5 is not a number between 0 and 1"),
        (lambda: optimizers.Nadam(beta_2=1), "Nadam: beta_2=1 would never learn"),
        (lambda: optimizers.Adamax(espilon=1), r"not recognized: {'espilon': 1}. Did you mean 'epsilon'"),
        (lambda: optimizers.AdamW(weight_decay=None), "AdamW: weight_decay=None is not a number; use Adam"),
        (lambda: optimizers.Adam(use_ema="yes"), "Adam: use_ema='yes' is not True or False"),
        (lambda: optimizers.Adam(loss_scale_factor=0), "loss_scale_factor=0 is not None or a number above 0"),
        (lambda: optimizers.Adam().add_variable((1,), aggregation="all"), "aggregation='all' is not one of 'none'"),
        (
            lambda: optimizers.Adam().add_optimizer_variables([], ["a", "b"], ["zeros"]),
            "Adam: add_optimizer_variables got 1 initializers for the names",
        ),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("others", [{}, {"gradient_accumulation_steps": 2}, {"clipnorm": 0.5}])
def test_gradients_of_a_scaled_loss(others):
    plain, scaled = Variable([1.0, 2.0]), Variable([1.0, 2.0])
    first, second = optimizers.Adam(0.1, **others), optimizers.Adam(0.1, loss_scale_factor=8.0, **others)
    assert (first.scale_loss(3.0), second.scale_loss(3.0)) == (3.0, 24.0)
    for step in range(1, 5):
        first.apply([gradient(step, 2)], [plain])
        if step % 2:
            second.apply([gradient(8 * step, 2)], [scaled])
        else:
            second.step([gradient(step, 2)], [scaled])  # not scaled: what a model gives
    np.testing.assert_array_equal(plain.array, scaled.array)


def test_excluded_variables_do_not_decay():
    variables = [*two_variables(), Variable([1.0], name="gamma")]
    optimizer = optimizers.SGD(1.0, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[variables[2]], var_names=["bi"])
    optimizer.apply([np.zeros(v.shape, "float32") for v in variables], variables)
    assert [v.array.flat[0] for v in variables] == [0.5, 1, 1]


def test_an_optimizer_of_ones_own():
    class Heavy(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.past = [self.add_variable_from_reference(v, name="past") for v in variables]

        def update_step(self, gradient, variable, learning_rate):
            past = self.past[self._get_variable_index(variable)]
            self.assign(past, past * 0.5 + gradient)
            self.assign_sub(variable, learning_rate * past.array)

    optimizer, weight = Heavy(learning_rate=1.0, weight_decay=0.5), Variable([4.0], name="w")
    for _ in range(2):
        optimizer.apply([gradient(1)], [weight])
    assert weight.numpy() == (4 * 0.5 - 1) * 0.5 - 1.5
    assert optimizer.name == "heavy"
    assert [v.name for v in optimizer.variables][2:] == ["w_past"]
    with pytest.raises(NotImplementedError, match="Optimizer does not define update_step"):
        optimizers.Optimizer(0.1).apply([gradient(1)], [weight])


def test_a_changed_update_step_is_used():
    class Careful(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(np.clip(gradient, -1, 1), variable, learning_rate)

    weight = Variable([1.0])
    Careful(0.5).apply([gradient(10)], [weight])
    assert weight.numpy() == 0.5


def test_decay_may_be_excluded_after_a_step():
    variables = two_variables()
    grads = [np.zeros(v.shape, "float32") for v in variables]
    optimizer = optimizers.SGD(1.0, weight_decay=0.5)
    optimizer.apply(grads, variables)
    optimizer.exclude_from_weight_decay(var_list=[variables[0]])
    optimizer.apply(grads, variables)
    optimizer.exclude_from_weight_decay(var_names=["^b"])  # in place of the other
    optimizer.apply(grads, variables)
    assert [v.array.flat[0] for v in variables] == [0.25, 0.25]
    with pytest.raises(TypeError, match="var_names='bias'; expected a list"):
        optimizer.exclude_from_weight_decay(var_names="bias")


def test_settings_may_change_between_steps():
    variables = two_variables()
    grads = [np.full(v.shape, 2.0, "float32") for v in variables]
    optimizer = optimizers.SGD(1.0)
    optimizer.apply(grads, variables)
    optimizer.clipvalue = 0.5
    optimizer.apply(grads, variables)
    optimizer.clipvalue, optimizer.clipnorm, optimizer.weight_decay = None, np.sqrt(3.0), 1.0
    optimizer.apply(grads, variables)
    np.testing.assert_allclose(variables[1].array, [-1.0] * 3, rtol=1e-6)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))], ids=["copy", "pickle"])
def test_a_copy_goes_its_own_way(copied):
    variables = two_variables()
    grads = [np.ones(v.shape, "float32") for v in variables]
    optimizer = optimizers.Nadam(0.1, use_ema=True, gradient_accumulation_steps=2, clipnorm=1.0, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_list=variables[:1])
    for _ in range(3):
        optimizer.apply(grads, variables)
    twin, twins = copied((optimizer, variables))
    before = [v.numpy() for v in (*variables, *optimizer.variables)]
    for _ in range(3):
        twin.apply(grads, twins)
    for old, v in zip(before, (*variables, *optimizer.variables), strict=True):
        np.testing.assert_array_equal(old, v.array)
    for _ in range(3):
        optimizer.apply(grads, variables)
    for a, b in zip((*variables, *optimizer.variables), (*twins, *twin.variables), strict=True):
        np.testing.assert_array_equal(a.array, b.array)


def test_a_joint_norm_needs_one_type():
    variables = [Variable(np.ones(3, "float32")), Variable(np.ones(3, "float64"))]
    grads = [np.ones(3, "float32"), np.ones(3)]
    optimizers.SGD(0.1, clipnorm=1.0).apply(grads, variables)
    with pytest.raises(ValueError, match=r"global_clipnorm: .* of several types \(\['float32', 'float64'\]\)"):
        optimizers.SGD(0.1, global_clipnorm=1.0).apply(grads, variables)


def test_gradients_that_change_in_place_or_are_converted():
    weight, grad = Variable([0.0, 0.0]), np.array([1.0, 2.0])  # float64: a copy at every step
    optimizer = optimizers.SGD(1.0)
    optimizer.apply([grad], [weight])
    grad[...] = 10
    optimizer.apply([grad], [weight])
    assert weight.numpy().tolist() == [-11, -12]
    kept = np.array([1.0, 2.0], "float32")
    optimizer.apply([kept], [weight])
    kept[...] = 100
    optimizer.apply([kept], [weight])
    assert weight.numpy().tolist() == [-112, -114]


def test_state_is_saved_and_loaded():
    first, variables = optimizers.Adam(0.1), two_variables()
    first.apply([np.ones(v.shape, "float32") for v in variables], variables)
    store = {}
    first.save_own_variables(store)
    second = optimizers.Adam()
    second.build(two_variables())
    second.load_own_variables(store)
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a.array, b.array)
    with pytest.warns(UserWarning, match="SGD: its state is not loaded, as 6 variables were saved, not 2"):
        optimizers.SGD().load_own_variables(store)


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("adam", optimizers.Adam),
        ("Adam", optimizers.Adam),
        ("ADAM", optimizers.Adam),
        ("sgd", optimizers.SGD),
        ("SGD", optimizers.SGD),
        ("adamw", optimizers.AdamW),
        ("AdamW", optimizers.AdamW),
        ("rmsprop", optimizers.RMSprop),
        ("RMSprop", optimizers.RMSprop),
        ("Adamax", optimizers.Adamax),
        ("nadam", optimizers.Nadam),
        ("adagrad", optimizers.Adagrad),
        ("adadelta", optimizers.Adadelta),
        ("LION", optimizers.Lion),
        ("ftrl", optimizers.Ftrl),
    ],
)
def test_names(name, cls):
    assert type(optimizers.get(name)) is cls


def test_other_identifiers():
    optimizer = optimizers.Adam()
    assert optimizers.get(None) is None
    assert optimizers.get(optimizer) is optimizer
    assert type(optimizers.get(optimizers.SGD)) is optimizers.SGD
    written_by_torch = {
        "module": "keras.src.backend.torch.optimizers.torch_adam",
        "class_name": "Adam",
        "registered_name": "Adam",
        "config": {"learning_rate": 0.5},
    }
    assert float(optimizers.get(written_by_torch).learning_rate) == 0.5


@pytest.mark.parametrize(
    "optimizer",
    [
        optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0, name="mine"),
        optimizers.Adam(schedules.CosineDecay(0.1, 10, alpha=0.1), amsgrad=True, use_ema=True),
        optimizers.AdamW(weight_decay=0.1, gradient_accumulation_steps=4),
        optimizers.RMSprop(centered=True, global_clipnorm=2.0),
        optimizers.Adamax(beta_1=0.5, loss_scale_factor=2.0),
        optimizers.Nadam(schedules.PolynomialDecay(0.1, 10)),
        optimizers.Adagrad(initial_accumulator_value=0.5),
        optimizers.Adadelta(rho=0.5, ema_overwrite_frequency=3),
        optimizers.Lion(beta_2=0.5),
        optimizers.Ftrl(learning_rate_power=-0.3, beta=0.5),
    ],
)
def test_round_trip(optimizer):
    config = optimizers.serialize(optimizer)
    again = optimizers.deserialize(config)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert config["module"] == "keras.optimizers"
