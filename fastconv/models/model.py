"""Model: weights, running, inspection; `fastconv.models.training` adds compile, fit, evaluate and predict."""

import numpy as np

from fastconv.layers.layer import assign_all, penalties
from fastconv.models import feeding, profiling, summary
from fastconv.models.training import Trainer
from fastconv.names import suggestion
from fastconv.plan import Plan


class Model(Trainer):
    """What every model has; see `Sequential` for one to make.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.built = False
        self._plans = {}
        self._shapes = []

    def __getstate__(self):
        return {**self.__dict__, "_plans": {}}  # kernels are bound to memory: copies make their own

    def _forget(self):
        """Drop what was made from the layers, after a change of them."""
        self.built = False
        self._plans = {}

    @property
    def plan(self):
        """The steps that run; ``print(model.plan)`` shows them."""
        self.require_built("plan")
        plan = self._plans.get("plan")
        if plan is None:  # of two threads that come at once, both get the same
            plan = self._plans.setdefault("plan", Plan(self.layers, self.input_shape[1:], self.dtype, self.loss_op()))
        return plan

    def require_built(self, what):
        """Raise ValueError if the model does not know its inputs' shape yet."""
        if not self.built:
            hint = "add an Input or input_shape= to its first layer, call build(input_shape), or run it on data."
            if not self.layers:
                hint = "it has no layers to run; add one."
            raise ValueError(f"Model {self.name!r} is not built yet, so {what} is not there; {hint}")

    def __call__(self, x, training=False, mask=None):
        """Run the model on a batch.

        Parameters
        ----------
        x : array_like
            Batch first.
        training : bool
            Whether layers such as Dropout act.
        mask : None
            Not supported.

        Returns
        -------
        ndarray
        """
        if mask is not None:
            raise NotImplementedError(f"Model {self.name!r}: mask={mask!r} is not supported; leave it out.")
        if training or any(layer.activity_regularizer is not None for layer in self.layers):  # `losses` tells then
            owner = self._owner("call")
            x = feeding.as_numbers("x", x, owner)
            self._build_for(x)
            reader = feeding.Reader("x", x, self.input_shape[1:], owner)
            x = np.empty((len(reader), *self.input_shape[1:]), self.dtype)
            reader.write(np.arange(len(reader), dtype=np.intp), x)
            for layer in self.layers:
                x = layer(x, training=training)
            return x
        return self.predict_on_batch(x)

    # -- weights ------------------------------------------------------------------------------------------
    @property
    def weights(self):
        """All weights, layer by layer."""
        return [v for layer in self.layers for v in layer.weights]

    variables = weights

    @property
    def trainable_weights(self):
        """The weights that training changes."""
        return [v for layer in self.layers for v in layer.trainable_weights]

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self):
        """The weights that training leaves alone."""
        return [v for layer in self.layers for v in layer.non_trainable_weights]

    non_trainable_variables = non_trainable_weights

    @property
    def trainable(self):
        """Whether training changes any layer; setting it sets all layers."""
        return any(layer.trainable for layer in self.layers) or not self.layers

    @trainable.setter
    def trainable(self, value):
        for layer in self.layers:
            layer.trainable = value

    @property
    def losses(self):
        """The penalties of all layers' regularizers; see `Layer.losses`."""
        return penalties(self.layers)

    def get_weights(self):
        """Return copies of all weights as a list of arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights):
        """Set all weights from a list of arrays as `get_weights` returns it.

        Raises
        ------
        ValueError
            If their number or a shape does not fit; nothing is changed then.
        """
        self.require_built("set_weights")
        assign_all(f"Model {self.name!r}", self.weights, weights)

    def count_params(self):
        """Return the number of values in all weights.

        Raises
        ------
        ValueError
            If the model is not built yet.
        """
        self.require_built("count_params")
        return sum(layer.count_params() for layer in self.layers)

    def get_layer(self, name=None, index=None):
        """Return a layer by its name or its place.

        Raises
        ------
        ValueError
            If neither or both are given, or there is no such layer.
        """
        if (name is None) == (index is None):
            raise ValueError(
                f"Model {self.name!r}: get_layer expects either name or index; got name={name!r}, index={index!r}."
            )
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(
                    f"Model {self.name!r}: get_layer(index={index}), but it has {len(self.layers)} layers."
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise ValueError(f"Model {self.name!r}: no layer is named {name!r}; they are {names}.{suggestion(name, names)}")

    def summary(
        self,
        line_length=None,
        positions=None,
        print_fn=None,
        expand_nested=False,
        show_trainable=False,
        layer_range=None,
        show_flops=False,
    ):
        """Print the layers with their output shapes and numbers of weights.

        Parameters
        ----------
        line_length : int, optional
            Width of the table; by default that of the terminal less 4, at most 88.
        positions : list of float, optional
            Where the columns end, as shares of the width.
        print_fn : callable, optional
            Gets the whole text in one call instead of ``print``.
        expand_nested : bool
            Show the layers of models that are layers, below these.
        show_trainable : bool
            Add a column that tells whether a layer is trainable.
        layer_range : pair of str, optional
            The first and the last layer to show: their names, or regular expressions that the names begin with.
        show_flops : bool
            Add a column with the additions and multiplications of one sample; not in Keras.
        """
        extras = {"show_trainable": show_trainable, "show_flops": show_flops}
        summary.show(self, print_fn, line_length, positions, layer_range, expand_nested, **extras)

    def profile(self, x, y=None, sample_weight=None, seconds=0.5):
        """Time every step that runs for a batch: forward, and with targets also backward; nothing is trained.

        Parameters
        ----------
        x : array_like
            One batch.
        y, sample_weight : array_like, optional
            Targets (for a compiled model) and weights; with them a training step is measured, without its optimizer.
        seconds : float
            How long to measure, about.

        Returns
        -------
        Profile
            ``print`` it, or read its ``steps``: times, operations, kernels.

        Raises
        ------
        ValueError
            If the arrays do not fit the model, the batch is empty, or `seconds` is not a positive number.

        Examples
        --------
        >>> import fastconv as keras
        >>> model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3, activation="relu")])
        >>> profile = model.profile(np.zeros((4, 28, 28, 1)), seconds=0.01)
        >>> [(step.name, step.output_shape, step.forward.flops) for step in profile.steps]
        [('conv2d_relu', (4, 26, 26, 8), 389376)]
        """
        return profiling.profile(self, x, y, sample_weight, seconds)
