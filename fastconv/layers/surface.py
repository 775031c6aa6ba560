"""What Keras's layers can be asked and told beyond what the library itself needs."""

from fastconv.absent import Attribute
from fastconv.ops.symbolic import KerasTensor


class Surface:
    """The part of a layer that is there for Keras's sake."""

    input_spec = None  # an InputSpec, or a list of them: what inputs must be like
    supports_masking = False  # layers of one's own may say so; there are no masks
    autocast = True

    @property
    def input_dtype(self):
        """The type that inputs are converted to before they are multiplied."""
        return self.compute_dtype

    @property
    def path(self):
        """The name, with those of the models before it that its weights belong to; None before it is built."""
        paths = [variable.path.rpartition("/")[0] for variable in getattr(self, "_weights", ())]
        return paths[0] if paths else self.name if self.built else None

    @property
    def metrics(self):
        """The metrics of a model, of a layer none."""
        return []

    @property
    def metrics_variables(self):
        """What the metrics keep."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def compute_mask(self, inputs, previous_mask):
        """Return the mask of the outputs, which is that of the inputs: there are none."""
        return previous_mask

    def compute_output_spec(self, inputs):
        """Return symbolic outputs for symbolic inputs, without noting that the layer was called.

        Parameters
        ----------
        inputs : KerasTensor or list of KerasTensor

        Returns
        -------
        KerasTensor or list of KerasTensor
        """
        several = isinstance(inputs, (list, tuple))
        out = self.compute_output_shape([x.shape for x in inputs] if several else inputs.shape)
        return (
            [KerasTensor(shape, self.dtype) for shape in out] if isinstance(out, list) else KerasTensor(out, self.dtype)
        )

    def symbolic_call(self, *args, **kwargs):
        """Return what a call on symbolic tensors returns."""
        return self(*args, **kwargs)

    def get_build_config(self):
        """Return what `build` was given, for `build_from_config`; None before.

        Returns
        -------
        dict or None
        """
        return self.build_entry().get("build_config")

    def build_from_config(self, config):
        """Build the layer as `get_build_config` said.

        Parameters
        ----------
        config : dict or None
        """
        if config and config.get("input_shape") is not None:
            self.build(config["input_shape"])

    _QUANTISED = "quantisation is not supported"
    quantization_mode = Attribute(_QUANTISED)
    quantize = Attribute(_QUANTISED)
    quantized_build = Attribute(_QUANTISED)
    quantized_call = Attribute(_QUANTISED)
    enable_lora = Attribute("low-rank adaptation is not supported; set trainable of the layers that shall be trained")
    rematerialized_call = Attribute("outputs are kept for the way back; a smaller batch needs less memory")
    stateless_call = Attribute("a layer's weights are changed in place; get_weights and set_weights read and set them")
    add_loss = Attribute(
        "penalties on outputs are activity_regularizer= of a layer, those on weights regularizer= of add_weight"
    )
    add_metric = Attribute("metrics are compile's metrics=")
    add_variable = Attribute("it is called add_weight")
    torch_params = Attribute("weights are NumPy arrays: see get_weights")


class ModelSurface:
    """The part of a model that is there for Keras's sake."""

    jit_compile = False
    run_eagerly = False

    _ONE_STEP = (
        "a training step is planned and fused as a whole; a loss, a metric, an optimizer, a layer or a callback of "
        "one's own changes what it does"
    )
    train_step = Attribute(_ONE_STEP)
    test_step = Attribute(_ONE_STEP)
    predict_step = Attribute(_ONE_STEP)
    make_train_function = Attribute(_ONE_STEP)
    make_test_function = Attribute(_ONE_STEP)
    make_predict_function = Attribute(_ONE_STEP)
    compute_loss = Attribute("evaluate computes it; a function or a subclass of Loss given to compile says how")
    compute_metrics = Attribute("evaluate computes them; subclasses of Metric given to compile say how")
    stateless_compute_loss = Attribute("evaluate computes it")
    export = Attribute("save writes a .keras file, which Keras loads and exports")
    get_state_tree = Attribute("get_weights and optimizer.variables hold a training's state; save writes both")
    set_state_tree = Attribute("set_weights and load_model bring back a training's state")
    get_quantization_layer_structure = Attribute("quantisation is not supported")

    def refuse_overridden(self):
        """Raise if a subclass writes a method that nothing here would call."""
        for name, thing in vars(ModelSurface).items():
            found = getattr(type(self), name)
            if isinstance(thing, Attribute) and found is not thing:
                raise NotImplementedError(
                    f"Model {self.name!r} ({type(self).__name__}): a {name} of one's own is not supported: "
                    f"{thing.reason}."
                )
