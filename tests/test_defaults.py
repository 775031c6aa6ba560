"""What is taken where nothing is given: a table of all defaults. Tests of parity hold that they are Keras's."""

import importlib
import inspect
import re

import pytest

import fastconv

#: Methods whose defaults are in the table too, as if they were functions of a module.
METHODS = ("compile", "evaluate", "fit", "predict", "summary", "train_on_batch", "test_on_batch")
#: What all optimizers and all layers take stands in rows of their own.
SHARED = {"optimizers": fastconv.optimizers.Optimizer, "layers": fastconv.layers.Layer}
DEFAULTS = {
    "activations": """
        celu: alpha=1.0
        elu: alpha=1.0
        gelu: approximate=False
        glu: axis=-1
        hard_shrink: threshold=0.5
        leaky_relu: negative_slope=0.2
        log_softmax: axis=-1
        relu: negative_slope=0.0, threshold=0.0
        soft_shrink: threshold=0.5
        softmax: axis=-1
        sparsemax: axis=-1
        squareplus: b=4
    """,
    "callbacks": """
        BackupAndRestore: save_freq='epoch', double_checkpoint=False, delete_checkpoint=True
        CSVLogger: separator=',', append=False
        CallbackList: add_history=False, add_progbar=False
        EarlyStopping: monitor='val_loss', min_delta=0, patience=0, verbose=0, mode='auto', restore_best_weights=False,
            start_from_epoch=0
        LearningRateScheduler: verbose=0
        ModelCheckpoint: monitor='val_loss', verbose=0, save_best_only=False, save_weights_only=False, mode='auto',
            save_freq='epoch'
        ReduceLROnPlateau: monitor='val_loss', factor=0.1, patience=10, verbose=0, mode='auto', min_delta=0.0001,
            cooldown=0, min_lr=0.0
        SwapEMAWeights: swap_on_epoch=False
        TerminateOnNaN: raise_error=False
    """,
    "constraints": """
        MaxNorm: max_value=2, axis=0
        MinMaxNorm: min_value=0.0, max_value=1.0, rate=1.0, axis=0
        UnitNorm: axis=0
    """,
    "initializers": """
        Constant: value=0.0
        Identity: gain=1.0
        Orthogonal: gain=1.0
        RandomNormal: mean=0.0, stddev=0.05
        RandomUniform: minval=-0.05, maxval=0.05
        TruncatedNormal: mean=0.0, stddev=0.05
        VarianceScaling: scale=1.0, mode='fan_in', distribution='truncated_normal'
    """,
    "layers": """
        ActivityRegularization: l1=0.0, l2=0.0
        AveragePooling1D: padding='valid'
        AveragePooling2D: padding='valid'
        AveragePooling3D: padding='valid'
        BatchNormalization: axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True, beta_initializer='zeros',
            gamma_initializer='ones', moving_mean_initializer='zeros', moving_variance_initializer='ones', renorm=False,
            renorm_momentum=0.99, synchronized=False
        Concatenate: axis=-1
        Conv1D: strides=1, padding='valid', dilation_rate=1, groups=1, use_bias=True,
            kernel_initializer='glorot_uniform', bias_initializer='zeros'
        Conv1DTranspose: strides=1, padding='valid', dilation_rate=1, use_bias=True,
            kernel_initializer='glorot_uniform', bias_initializer='zeros'
        Conv2D: strides=(1, 1), padding='valid', dilation_rate=(1, 1), groups=1, use_bias=True,
            kernel_initializer='glorot_uniform', bias_initializer='zeros'
        Conv2DTranspose: strides=(1, 1), padding='valid', dilation_rate=(1, 1), use_bias=True,
            kernel_initializer='glorot_uniform', bias_initializer='zeros'
        Conv3D: strides=(1, 1, 1), padding='valid', dilation_rate=(1, 1, 1), groups=1, use_bias=True,
            kernel_initializer='glorot_uniform', bias_initializer='zeros'
        Conv3DTranspose: strides=(1, 1, 1), padding='valid', dilation_rate=(1, 1, 1), use_bias=True,
            kernel_initializer='glorot_uniform', bias_initializer='zeros'
        Cropping1D: cropping=(1, 1)
        Cropping2D: cropping=((0, 0), (0, 0))
        Cropping3D: cropping=((1, 1), (1, 1), (1, 1))
        Dense: use_bias=True, kernel_initializer='glorot_uniform', bias_initializer='zeros'
        DepthwiseConv1D: strides=1, padding='valid', depth_multiplier=1, dilation_rate=1, use_bias=True,
            depthwise_initializer='glorot_uniform', bias_initializer='zeros'
        DepthwiseConv2D: strides=(1, 1), padding='valid', depth_multiplier=1, dilation_rate=(1, 1), use_bias=True,
            depthwise_initializer='glorot_uniform', bias_initializer='zeros'
        ELU: alpha=1.0
        GlobalAveragePooling1D: keepdims=False
        GlobalAveragePooling2D: keepdims=False
        GlobalAveragePooling3D: keepdims=False
        GlobalMaxPool1D: keepdims=False
        GlobalMaxPool2D: keepdims=False
        GlobalMaxPool3D: keepdims=False
        GroupNormalization: groups=32, axis=-1, epsilon=0.001, center=True, scale=True, beta_initializer='zeros',
            gamma_initializer='ones'
        Input: optional=False
        InputLayer: optional=False
        InputSpec: allow_last_axis_squeeze=False, optional=False
        LayerNormalization: axis=-1, epsilon=0.001, center=True, scale=True, beta_initializer='zeros',
            gamma_initializer='ones'
        LeakyReLU: negative_slope=0.3
        MaxPool1D: pool_size=2, padding='valid'
        MaxPool2D: pool_size=(2, 2), padding='valid'
        MaxPool3D: pool_size=(2, 2, 2), padding='valid'
        Normalization: axis=-1, invert=False
        PReLU: alpha_initializer='Zeros'
        RandomBrightness: value_range=(0, 255)
        RandomContrast: value_range=(0, 255)
        RandomFlip: mode='horizontal_and_vertical'
        RandomRotation: fill_mode='reflect', interpolation='bilinear', fill_value=0.0
        RandomTranslation: fill_mode='reflect', interpolation='bilinear', fill_value=0.0
        RandomZoom: fill_mode='reflect', interpolation='bilinear', fill_value=0.0
        ReLU: negative_slope=0.0, threshold=0.0
        Rescaling: offset=0.0
        Resizing: interpolation='bilinear', crop_to_aspect_ratio=False, pad_to_aspect_ratio=False, fill_mode='constant',
            fill_value=0.0, antialias=False
        SeparableConv1D: strides=1, padding='valid', dilation_rate=1, depth_multiplier=1, use_bias=True,
            depthwise_initializer='glorot_uniform', pointwise_initializer='glorot_uniform', bias_initializer='zeros'
        SeparableConv2D: strides=(1, 1), padding='valid', dilation_rate=(1, 1), depth_multiplier=1, use_bias=True,
            depthwise_initializer='glorot_uniform', pointwise_initializer='glorot_uniform', bias_initializer='zeros'
        Softmax: axis=-1
        UnitNormalization: axis=-1
        UpSampling1D: size=2
        UpSampling2D: size=(2, 2), interpolation='nearest'
        UpSampling3D: size=(2, 2, 2)
        ZeroPadding1D: padding=1
        ZeroPadding2D: padding=(1, 1)
        ZeroPadding3D: padding=((1, 1), (1, 1), (1, 1))
        concatenate: axis=-1
    """,
    "losses": """
        BinaryCrossentropy: from_logits=False, label_smoothing=0.0, axis=-1, reduction='sum_over_batch_size'
        BinaryFocalCrossentropy: apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False,
            label_smoothing=0.0, axis=-1, reduction='sum_over_batch_size'
        CategoricalCrossentropy: from_logits=False, label_smoothing=0.0, axis=-1, reduction='sum_over_batch_size'
        CategoricalFocalCrossentropy: alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1,
            reduction='sum_over_batch_size'
        CategoricalGeneralizedCrossEntropy: q=0.5, reduction='sum_over_batch_size'
        CategoricalHinge: reduction='sum_over_batch_size'
        Circle: gamma=80.0, margin=0.4, remove_diagonal=True, reduction='sum_over_batch_size'
        CosineSimilarity: axis=-1, reduction='sum_over_batch_size'
        Dice: reduction='sum_over_batch_size'
        Hinge: reduction='sum_over_batch_size'
        Huber: delta=1.0, reduction='sum_over_batch_size'
        KLDivergence: reduction='sum_over_batch_size'
        LogCosh: reduction='sum_over_batch_size'
        Loss: reduction='sum_over_batch_size'
        LossFunctionWrapper: reduction='sum_over_batch_size'
        MeanAbsoluteError: reduction='sum_over_batch_size'
        MeanAbsolutePercentageError: reduction='sum_over_batch_size'
        MeanSquaredError: reduction='sum_over_batch_size'
        MeanSquaredLogarithmicError: reduction='sum_over_batch_size'
        Poisson: reduction='sum_over_batch_size'
        SparseCategoricalCrossentropy: from_logits=False, reduction='sum_over_batch_size', axis=-1
        SquaredHinge: reduction='sum_over_batch_size'
        Tversky: alpha=0.5, beta=0.5, reduction='sum_over_batch_size'
        binary_crossentropy: from_logits=False, label_smoothing=0.0, axis=-1
        binary_focal_crossentropy: apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False,
            label_smoothing=0.0, axis=-1
        categorical_crossentropy: from_logits=False, label_smoothing=0.0, axis=-1
        categorical_focal_crossentropy: alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
        circle: remove_diagonal=True, gamma=80, margin=0.4
        cosine_similarity: axis=-1
        huber: delta=1.0
        sparse_categorical_crossentropy: from_logits=False, axis=-1
        tversky: alpha=0.5, beta=0.5
    """,
    "metrics": """
        AUC: num_thresholds=200, curve='ROC', summation_method='interpolation', multi_label=False, from_logits=False
        BinaryAccuracy: threshold=0.5
        BinaryCrossentropy: from_logits=False, label_smoothing=0
        BinaryIoU: target_class_ids=(0, 1), threshold=0.5
        CategoricalCrossentropy: from_logits=False, label_smoothing=0, axis=-1
        ConcordanceCorrelation: axis=-1
        CosineSimilarity: axis=-1
        FBetaScore: beta=1.0
        IoU: sparse_y_true=True, sparse_y_pred=True, axis=-1
        MeanIoU: sparse_y_true=True, sparse_y_pred=True, axis=-1
        OneHotIoU: sparse_y_pred=False, axis=-1
        OneHotMeanIoU: sparse_y_pred=False, axis=-1
        PearsonCorrelation: axis=-1
        PrecisionAtRecall: num_thresholds=200
        R2Score: class_aggregation='uniform_average', num_regressors=0
        RecallAtPrecision: num_thresholds=200
        SensitivityAtSpecificity: num_thresholds=200
        SparseCategoricalCrossentropy: from_logits=False, axis=-1
        SparseTopKCategoricalAccuracy: k=5, from_sorted_ids=False
        SpecificityAtSensitivity: num_thresholds=200
        TopKCategoricalAccuracy: k=5
        binary_accuracy: threshold=0.5
        binary_crossentropy: from_logits=False, label_smoothing=0.0, axis=-1
        binary_focal_crossentropy: apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False,
            label_smoothing=0.0, axis=-1
        categorical_crossentropy: from_logits=False, label_smoothing=0.0, axis=-1
        categorical_focal_crossentropy: alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
        concordance_correlation: axis=-1
        huber: delta=1.0
        pearson_correlation: axis=-1
        sparse_categorical_crossentropy: from_logits=False, axis=-1
        sparse_top_k_categorical_accuracy: k=5, from_sorted_ids=False
        top_k_categorical_accuracy: k=5
    """,
    "models": """
        Functional: trainable=True
        Input: optional=False
        Sequential: trainable=True
        clone_model: recursive=False
        load_model: compile=True, safe_mode=True
        save_model: overwrite=True
    """,
    "Model": """
        compile: optimizer='rmsprop', run_eagerly=False, steps_per_execution=1, jit_compile='auto', auto_scale_loss=True
        evaluate: verbose='auto', return_dict=False
        fit: epochs=1, verbose='auto', validation_split=0.0, shuffle=True, initial_epoch=0, validation_freq=1
        predict: verbose='auto'
        summary: expand_nested=False, show_trainable=False, show_flops=False
        test_on_batch: return_dict=False
        train_on_batch: return_dict=False
    """,
    "ops": """
        argmax: keepdims=False
        argmin: keepdims=False
        average_pool: padding='valid'
        batch_normalization: epsilon=0.001
        celu: alpha=1.0
        concatenate: axis=0
        conv: strides=1, padding='valid', dilation_rate=1
        conv_transpose: strides=1, padding='valid', dilation_rate=1
        depthwise_conv: strides=1, padding='valid', dilation_rate=1
        elu: alpha=1.0
        gelu: approximate=True
        glu: axis=-1
        hard_shrink: threshold=0.5
        leaky_relu: negative_slope=0.2
        log_softmax: axis=-1
        logsumexp: keepdims=False
        max: keepdims=False
        max_pool: padding='valid'
        mean: keepdims=False
        min: keepdims=False
        moments: keepdims=False, synchronized=False
        one_hot: axis=-1, sparse=False
        pad: mode='constant'
        round: decimals=0
        separable_conv: strides=1, padding='valid', dilation_rate=1
        soft_shrink: threshold=0.5
        softmax: axis=-1
        sparsemax: axis=-1
        split: axis=0
        squareplus: b=4
        stack: axis=0
        std: keepdims=False
        sum: keepdims=False
        var: keepdims=False
    """,
    "optimizers": """
        Adadelta: learning_rate=0.001, rho=0.95, epsilon=1e-07
        Adagrad: learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-07
        Adam: learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=False
        AdamW: learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=False
        Adamax: learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07
        Ftrl: learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1,
            l1_regularization_strength=0.0, l2_regularization_strength=0.0, l2_shrinkage_regularization_strength=0.0,
            beta=0.0
        Lion: learning_rate=0.001, beta_1=0.9, beta_2=0.99
        Nadam: learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07
        Optimizer: use_ema=False, ema_momentum=0.99
        RMSprop: learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-07, centered=False
        SGD: learning_rate=0.01, momentum=0.0, nesterov=False
    """,
    "optimizers.schedules": """
        CosineDecay: alpha=0.0, warmup_steps=0
        CosineDecayRestarts: t_mul=2.0, m_mul=1.0, alpha=0.0
        ExponentialDecay: staircase=False
        InverseTimeDecay: staircase=False
        PolynomialDecay: end_learning_rate=0.0001, power=1.0, cycle=False
    """,
    "random": """
        categorical: dtype='int32'
        normal: mean=0.0, stddev=1.0
        randint: dtype='int32'
        shuffle: axis=0
        truncated_normal: mean=0.0, stddev=1.0
        uniform: minval=0.0, maxval=1.0
    """,
    "regularizers": """
        L1: l1=0.01
        L1L2: l1=0.0, l2=0.0
        L2: l2=0.01
        OrthogonalRegularizer: factor=0.01, mode='rows'
    """,
    "utils": """
        Progbar: width=20, verbose=1, interval=0.05, unit_name='step'
        PyDataset: workers=1, use_multiprocessing=False, max_queue_size=10
        array_to_img: scale=True
        clear_session: free_memory=True
        deserialize_keras_object: safe_mode=True
        get_file: untar=False, cache_subdir='datasets', hash_algorithm='auto', extract=False, archive_format='auto',
            force_download=False
        image_dataset_from_directory: labels='inferred', label_mode='int', color_mode='rgb', batch_size=32,
            image_size=(256, 256), shuffle=True, interpolation='bilinear', follow_links=False,
            crop_to_aspect_ratio=False, pad_to_aspect_ratio=False, format='tf', verbose=True
        load_img: color_mode='rgb', interpolation='nearest', keep_aspect_ratio=False
        normalize: axis=-1, order=2
        plot_model: to_file='model.png', show_shapes=False, show_dtype=False, show_layer_names=False, rankdir='TB',
            expand_nested=False, dpi=200, show_layer_activations=False, show_trainable=False, splines='ortho'
        register_keras_serializable: package='Custom'
        save_img: scale=True
        split_dataset: shuffle=False
        timeseries_dataset_from_array: sequence_stride=1, sampling_rate=1, batch_size=128, shuffle=False, format='tf'
    """,
    "visualize": """
        activation_maximization: steps=40, rate=0.1, seed=0
    """,
}


def given(thing):
    """Return the defaults of what a thing takes that say more than None, as a dict."""
    parameters = inspect.signature(thing).parameters.values()
    return {p.name: p.default for p in parameters if p.default not in (p.empty, None) and p.name != "name"}


def settings(module):
    """Return a dict from the names of what is public in a module to its defaults, each thing under its first name."""
    if module == "Model":
        members = {name: getattr(fastconv.Model, name) for name in METHODS}
    else:
        home = importlib.import_module(f"fastconv.{module}")
        members = {name: getattr(home, name) for name in sorted(home.__all__)}
    shared = given(SHARED[module]) if module in SHARED else {}
    found = {}
    for thing, name in {thing: name for name, thing in reversed(members.items()) if callable(thing)}.items():
        own = given(thing)
        if thing is not SHARED.get(module):
            own = {key: value for key, value in own.items() if key not in shared or value != shared[key]}
        if own:
            found[name] = ", ".join(f"{key}={value!r}" for key, value in own.items())
    return found


def rows(text):
    """Return the rows of a table as a dict; a row goes on where a line is set in further."""
    lines = re.sub(r"\n {12,}", " ", text).strip().splitlines()
    return dict(line.strip().split(": ", 1) for line in lines)


@pytest.mark.parametrize("module", DEFAULTS)
def test_defaults(module):
    assert settings(module) == rows(DEFAULTS[module])
