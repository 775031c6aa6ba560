"""Names of Keras's that are not here: whoever asks for one is told why, and what to use instead.

One table says it all: of each module, its reasons, and behind each the names that it is the reason for. `of` makes a
module's ``__getattr__`` of it, so that both ``keras.layers.LSTM`` and ``from fastconv.layers import LSTM`` say the
reason; the guide for those who come from Keras shows the table.
"""

import sys

from fastconv.names import suggestion

_IMPORT = "importlib._bootstrap"
_SEQUENCES = "recurrent and attention layers, and those on words, are not fastconv's field"
_TEXT = "words and sound are not fastconv's field"
_SHARED = "programs of several machines and of other frameworks' graphs are not fastconv's field"
_GRADIENTS = "gradients come from a way back of each op, not from a scope; ops.vjp gives them"
_KERAS_OWN = "it is for Keras's own use"
_TRAINED = "networks with trained weights are not part of fastconv; models.load_model reads those that Keras saved"
_LEGACY = "Keras 2's leftovers are not kept"
_NUMPY = (
    "use NumPy's on arrays; in a layer's call and in a loss it would have no gradient, for which the functions that "
    "fastconv.ops has must do"
)

TABLES = {
    "fastconv": {
        _SHARED: "distillation distribution device",
        "models.Model(inputs, outputs) is the graph of layers": "Function Operation",
        "quantisation is not supported": "Quantizer quantizers",
        _GRADIENTS: "StatelessScope SymbolicScope RematScope remat",
        "Model.save writes files that Keras reads, and exports": "export",
        "weights are named by the layers that they belong to": "name_scope",
        "plain Python lists and dicts do": "tree",
        "fastconv.visualize and utils.plot_model draw": "visualization",
        "scikit-learn's wrappers of models are not supported": "wrappers",
        _LEGACY: "legacy",
        _KERAS_OWN: "src",
    },
    "fastconv.applications": {
        _TRAINED: (
            "ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge DenseNet121 DenseNet169 DenseNet201 "
            "EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5 EfficientNetB6 "
            "EfficientNetB7 EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L "
            "EfficientNetV2M EfficientNetV2S InceptionResNetV2 InceptionV3 MobileNet MobileNetV2 MobileNetV3Large "
            "MobileNetV3Small NASNetLarge NASNetMobile ResNet101 ResNet101V2 ResNet152 ResNet152V2 ResNet50 ResNet50V2 "
            "VGG16 VGG19 Xception convnext densenet efficientnet efficientnet_v2 imagenet_utils inception_resnet_v2 "
            "inception_v3 mobilenet mobilenet_v2 mobilenet_v3 nasnet resnet resnet50 resnet_v2 vgg16 vgg19 xception"
        ),
    },
    "fastconv.dtype_policies": {
        "quantisation is not supported": (
            "AWQDTypePolicy GPTQDTypePolicy Int4DTypePolicy QuantizedDTypePolicy QuantizedFloat8DTypePolicy"
        ),
        "give each layer its own dtype=": "DTypePolicyMap",
    },
    "fastconv.mixed_precision": {
        "bfloat16 has the range of float32, so that losses need no scaling": "LossScaleOptimizer",
    },
    "fastconv.layers": {
        _SEQUENCES: (
            "AdditiveAttention Attention Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D EinsumDense Embedding GRU "
            "GRUCell GroupQueryAttention LSTM LSTMCell Masking MultiHeadAttention RMSNormalization RNN "
            "ReversibleEmbedding SimpleRNN SimpleRNNCell StackedRNNCells TimeDistributed"
        ),
        _TEXT: "MelSpectrogram STFTSpectrogram StringLookup TextVectorization",
        "columns of tables are not fastconv's field; utils.to_categorical and NumPy prepare them": (
            "CategoryEncoding Discretization HashedCrossing Hashing IntegerLookup"
        ),
        "RandomFlip, RandomCrop, RandomTranslation, RandomRotation, RandomZoom, RandomContrast and RandomBrightness "
        "are there": (
            "AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization MixUp Pipeline "
            "RandAugment RandomColorDegeneration RandomColorJitter RandomElasticTransform RandomErasing "
            "RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization "
            "RandomSaturation RandomSharpness RandomShear Solarization"
        ),
        "boxes around objects are not supported": "MaxNumBoundingBoxes",
        "layers of other frameworks cannot be run": "FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper",
        "a subclass of Layer may hold layers and call them": "SpectralNormalization Wrapper",
        "Multiply and ops.sum do it in a Layer of one's own": "Dot dot",
    },
    "fastconv.losses": {"alignments of sequences are not fastconv's field": "CTC ctc"},
    "fastconv.optimizers": {
        "Adam and its kin, SGD, RMSprop, Adagrad, Adadelta, Lion and Ftrl are there": (
            "Adafactor adafactor Lamb lamb Muon muon ScheduleFreeAdamW schedulefreeadamw"
        ),
        "all weights of a model have one optimizer": "MultiOptimizer OptimizerMap",
        "16-bit floats, which it is for, are not supported": "LossScaleOptimizer",
        _LEGACY: "legacy",
    },
    "fastconv.initializers": {_TEXT: "STFT STFTInitializer stft"},
    "fastconv.saving": {"get_weights, set_weights and h5py look into files and change them": "KerasFileEditor"},
    "fastconv.datasets": {
        "fastconv.datasets holds pictures only": "boston_housing california_housing imdb reuters",
    },
    "fastconv.config": {
        "there is one backend, fastconv's own": "set_backend is_nnx_enabled",
        _SEQUENCES: "disable_flash_attention enable_flash_attention is_flash_attention_enabled",
        "verbose=2 of fit prints lines, verbose=0 nothing": (
            "disable_interactive_logging enable_interactive_logging is_interactive_logging_enabled"
        ),
        "tracebacks are short and never filtered": (
            "disable_traceback_filtering enable_traceback_filtering is_traceback_filtering_enabled"
        ),
        "models.load_model(..., safe_mode=False) says it for one file": "enable_unsafe_deserialization",
        "fit's epochs and steps_per_epoch say it": "max_epochs max_steps_per_epoch set_max_epochs "
        "set_max_steps_per_epoch",
    },
    "fastconv.utils": {
        _TEXT: "audio_dataset_from_directory pad_sequences text_dataset_from_directory",
        "columns of tables are not fastconv's field": "FeatureSpace",
        "boxes around objects are not supported": "bounding_boxes",
        "verbose=2 of fit prints lines, verbose=0 nothing": (
            "disable_interactive_logging enable_interactive_logging is_interactive_logging_enabled"
        ),
        "plot_model draws a model, without Graphviz": "model_to_dot",
        "a dict does": "Config",
        _LEGACY: "legacy",
    },
    "fastconv.preprocessing": {
        _TEXT: "sequence text_dataset_from_directory",
    },
    "fastconv.preprocessing.image": {
        "layers.Resizing(..., crop_to_aspect_ratio=True) does it": "smart_resize",
        "it is no longer in Keras 3; layers such as RandomFlip and utils.image_dataset_from_directory do it": (
            "ImageDataGenerator"
        ),
    },
    "fastconv.backend": {"numpy.result_type does it": "result_type"},
    "fastconv.ops": {
        _NUMPY: (
            "all allclose amax amin angle any append arccos arccosh arcsin arcsinh arctan2 arctanh argpartition "
            "argsort array array_split average bartlett bincount bitwise_and bitwise_invert bitwise_left_shift "
            "bitwise_not bitwise_or bitwise_right_shift bitwise_xor blackman cbrt conj conjugate copy corrcoef "
            "correlate count_nonzero cross cumprod cumsum deg2rad diag diagflat diagonal diff digitize divide_no_nan "
            "dot dsplit dstack dtype einsum empty empty_like exp2 eye fabs fliplr flipud floor_divide fmax fmin fmod "
            "full full_like gcd geomspace get_item hamming hanning heaviside histogram hsplit hstack hypot i0 "
            "identity imag inner isclose isfinite isin isinf isneginf isposinf isreal kaiser kron lcm ldexp "
            "left_shift linspace logaddexp logaddexp2 logical_xor logspace median meshgrid mod nan_to_num nanargmax "
            "nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd "
            "nansum nanvar ndim nextafter nonzero numpy outer percentile prod ptp quantile rad2deg ravel real repeat "
            "right_shift roll rot90 select signbit sinc size sort take take_along_axis tensordot tile trace trapezoid "
            "tri tril triu trunc unique unravel_index unstack vander vdot vectorize view vsplit vstack"
        ),
        "numpy.linalg has it, for arrays": (
            "cdist cholesky cholesky_inverse det eig eigh inv linalg logdet lstsq lu_factor matrix_rank norm pinv qr "
            "slogdet solve solve_triangular svd"
        ),
        "numpy.fft has it, for arrays": "extract_sequences fft fft2 ifft2 irfft istft rfft stft",
        "complex numbers are not supported": "polar view_as_complex view_as_real",
        "a loop or a branch of Python does, where it does not depend on the numbers": (
            "associative_scan cond fori_loop map scan switch vectorized_map while_loop"
        ),
        _GRADIENTS: "custom_gradient jvp",
        "fastconv.losses has it": (
            "binary_crossentropy categorical_crossentropy ctc_decode ctc_loss sparse_categorical_crossentropy"
        ),
        "fastconv.layers has what is like it": "layer_normalization normalize rms_normalization",
        "fastconv.metrics has what is like it": "in_top_k psnr top_k",
        _SEQUENCES: "dot_product_attention segment_max segment_min segment_prod segment_sum",
        "reshape and transpose do it": "depth_to_space fold rearrange space_to_depth unfold",
        "SciPy has it": "erf erfc erfinv",
        "arrays are NumPy's": "is_tensor saturate_cast scatter scatter_update searchsorted slice slice_update",
        "one_hot, and maximum over an axis, do it": "multi_hot",
    },
    "fastconv.ops.image": {
        "it is not there yet; those that are there say dir(fastconv.ops.image)": (
            "elastic_transform extract_patches extract_patches_3d gaussian_blur hsv_to_rgb map_coordinates "
            "perspective_transform rgb_to_hsv scale_and_translate sobel_edges ssim"
        ),
    },
}


def reasons(module):
    """Return why names of Keras's are not in a module.

    Parameters
    ----------
    module : str
        Its name: ``"fastconv.layers"``.

    Returns
    -------
    dict of str
        From each name to the reason.

    Examples
    --------
    >>> reasons("fastconv.losses")["CTC"]
    "alignments of sequences are not fastconv's field"
    """
    return {name: reason for reason, names in TABLES.get(module, {}).items() for name in names.split()}


def of(module, on_first_use=None):
    """Return the ``__getattr__`` of a module: what tells about names that it has not.

    Parameters
    ----------
    module : str
        Its name.
    on_first_use : callable, optional
        Returns the value of a name that is made when it is asked for, or None for any other.

    Returns
    -------
    function

    Examples
    --------
    >>> of("fastconv.losses")("CTC")
    Traceback (most recent call last):
    ...
    AttributeError: module 'fastconv.losses' has no 'CTC': alignments of sequences are not fastconv's field.
    """

    def __getattr__(name):  # noqa: N807 (a module takes it for its own)
        found = on_first_use and on_first_use(name)
        if found is not None:
            return found
        caller = sys._getframe(1)
        if name.startswith("__") or caller.f_globals.get("__name__") == _IMPORT:  # Python's own questions
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        message = _message(module, name)
        if _is_from_import(caller):  # of an AttributeError the statement would not show the message
            raise ImportError(f"cannot import name {name!r}: {message}", name=name)
        raise AttributeError(message, name=name)  # without `obj`: the suggestion is ours

    return __getattr__


def _message(module, name):
    """Return a sentence that says that, and if it is known why, a module has no such name."""
    reason = reasons(module).get(name)
    if reason is not None:
        return f"module {module!r} has no {name!r}: {reason}."
    known = getattr(sys.modules.get(module), "__all__", ())
    return f"module {module!r} has no attribute {name!r}.{suggestion(name, known)}"


def _is_from_import(frame):
    """Tell whether a frame is just now at the ``from`` part of an import."""
    import dis  # when needed: it takes a while

    return dis.opname[frame.f_code.co_code[frame.f_lasti]] == "IMPORT_FROM"


class Attribute:
    """Stands in a class for a method of Keras's that is not there: asking an object for it tells why.

    Parameters
    ----------
    reason : str

    Examples
    --------
    >>> class Oven:
    ...     fly = Attribute("an oven bakes")
    >>> Oven().fly
    Traceback (most recent call last):
    ...
    AttributeError: Oven has no 'fly': an oven bakes.
    """

    def __init__(self, reason):
        self.reason = reason

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner):
        if instance is None:
            return self
        called = getattr(instance, "name", None)
        who = f"{owner.__name__} {called!r}" if isinstance(called, str) else owner.__name__
        raise AttributeError(f"{who} has no {self.name!r}: {self.reason}.")
