"""Files of Keras's older format, as Keras 2 and 3 write them: here for the tests alone."""

import json

from fastconv import optimizers


def plain(config):
    """Return a config as the older format has it: objects without their modules."""
    if isinstance(config, list):
        return [plain(value) for value in config]
    if not isinstance(config, dict):
        return config
    if "class_name" in config:
        return {"class_name": config["class_name"], "config": plain(config["config"])}
    return {key: plain(value) for key, value in config.items()}


def save_older(model, path, two=False):
    """Write a compiled model; `two`: with the names that Keras 2 had."""
    import h5py

    config = plain(json.loads(model.to_json()))
    if two:
        config = as_keras_2(config)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.15.0" if two else "3.15.1"
        file.attrs["model_config"] = json.dumps(config)
        save_layers(model, file.create_group("model_weights"), two)
        if model.optimizer is not None:
            training = {key: plain(value) for key, value in model.get_compile_config().items() if key != "optimizer"}
            training["optimizer_config"] = plain(optimizers.serialize(model.optimizer))
            file.attrs["training_config"] = json.dumps(training)
            save_arrays(file.create_group("optimizer_weights"), {v.path: v.array for v in model.optimizer.variables})


def save_layers(model, group, two=False):
    """Write the layers' weights."""
    group.attrs["layer_names"] = [name.encode() if two else name for name in (layer.name for layer in model.layers)]
    for layer in model.layers:
        names = {f"{layer.name}/{v.name}:0" if two else v.path: v.array for v in layer.weights}
        save_arrays(group.create_group(layer.name), names)
    save_arrays(group.create_group("top_level_model_weights"), {})


def save_arrays(group, arrays):
    """Write arrays and the list of their names."""
    group.attrs["weight_names"] = list(arrays)
    for name, array in arrays.items():
        group[name] = array


def as_keras_2(config):
    """Return a config in Keras 2's words."""
    if isinstance(config, list):
        return [as_keras_2(value) for value in config]
    if not isinstance(config, dict):
        return config
    config = {key: as_keras_2(value) for key, value in config.items()}
    settings = config.get("config")
    if config.get("class_name") == "InputLayer":
        settings["batch_input_shape"] = settings.pop("batch_shape")
    if config.get("class_name") == "LeakyReLU":
        settings["alpha"] = settings.pop("negative_slope")
    if config.get("class_name") == "BatchNormalization":
        settings["axis"] = [settings["axis"]]
        for key in ("synchronized", "renorm", "renorm_clipping", "renorm_momentum"):
            settings.pop(key)
    return config
