"""Every public class and function takes Keras's arguments by Keras's names and defaults; differences have a reason."""

import importlib
import inspect
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import pytest

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

MODULES = [
    "", "activations", "backend", "callbacks", "config", "constraints", "initializers", "layers", "losses", "metrics",
    "models", "ops", "ops.image", "optimizers", "optimizers.schedules", "preprocessing", "preprocessing.image",
    "random", "regularizers", "saving", "utils",
]  # fmt: skip
TORCH = set(dir(torch.nn.Module)) - {"trainable", "name"}  # what Keras's layers have from there

# Why the arguments of a class, a function or a method are others than Keras's, by its last words.
OTHER_ARGUMENTS = {
    "Sequential": "Keras's class takes *args, and its constructor these",
    "Optimizer": "Keras's class takes *args, and its constructor these",
    "TensorBoard": "it refuses to be made",
    "RemoteMonitor": "it refuses to be made",
    "OrbaxCheckpoint": "it refuses to be made",
    "ProgbarLogger": "the bar that it draws on may be given",
    "KerasTensor": "what made it is told by keyword; nothing else is let in",
    "KerasTensor.reshape": "NumPy's name",
    "add_weight": "positional arguments beyond Keras's first are refused",
    "compute_output_spec": "Keras's takes anything, or names what a call of the layer is given",
    "compute_mask": "there are no masks",
    "build": "of optimizers: Keras's name of the list of variables is not the same in all of them",
    "update_step": "Keras's name of the gradient is not the same in all optimizers",
    "summary": "show_flops is one more, at the end",
    "call": "layers say what they do by `lower`; `call` is for layers of one's own, which take what they like",
    "compute_output_shape": "one shape, or a list of them",
    "Rescaling.from_config": "a config without classes of one's own needs none",
    "Lambda.from_config": "no code is read from configs",
}
# Why an attribute of Keras's is not there, where `fastconv.absent` does not say it.
WITHOUT = {
    **dict.fromkeys(
        ("transform_bounding_boxes", "transform_images", "transform_labels", "transform_segmentation_masks",
         "transform_single_bounding_box", "transform_single_image", "transform_single_label", "get_shifted_bbox",
         "transform_single_segmentation_mask", "get_random_transformation", "convert_weight", "get_clipped_bbox",
         "get_transformed_x_y"),
        "layers on images take images, not dicts of labels and boxes; a call does what these are for",
    ),
    **dict.fromkeys(
        ("kernel", "batch_shape", "name", "dtype", "shape", "path", "trainable", "synchronization", "sparse", "ragged",
         "model"),
        "an attribute of objects, not a property of the class",
    ),
    "ragged_rank": "there are no ragged tensors",
    "row_splits_dtype": "there are no ragged tensors",
    "squeeze": "ops.squeeze",
    "convolution_op": "a layer's ops are those of `lower`",
    "variable_serialization_spec": "quantisation is not supported",
    "interpolate_pr_auc": "a part of AUC's result",
    "stateless_apply": "apply changes the variables in place",
    "summary": "it refuses to be made",
    "convert_input": "a layer converts its inputs itself",
    "is_multihost_enabled": "it refuses to be made",
    "is_primary_host": "it refuses to be made",
    "wait_until_finished": "it refuses to be made",
}  # fmt: skip


def arguments(thing):
    """Return the names and defaults of what a thing takes, None if nobody can tell."""
    try:
        return [(p.name, repr(p.default)) for p in inspect.signature(thing).parameters.values()]
    except (TypeError, ValueError):
        return None


def pairs():
    """Return (name, Keras's thing, ours) of all public classes and functions that both have, second names left out."""
    found = {}
    for module in MODULES:
        theirs = importlib.import_module(f"keras.{module}" if module else "keras")
        ours = importlib.import_module(f"fastconv.{module}" if module else "fastconv")
        for name in dir(theirs):
            thing = getattr(theirs, name)
            if not name.startswith("_") and callable(thing) and hasattr(ours, name):
                found[f"{module}.{name}".strip(".")] = (thing, getattr(ours, name))
    return found


PAIRS = pairs()
CLASSES = {name: pair for name, pair in PAIRS.items() if inspect.isclass(pair[0])}
USED = set()


def is_explained(name, table):
    """Tell whether the end of a name is in a table, and note that the table's row is needed."""
    words = name.split(".")
    ends = {".".join(words[i:]) for i in range(len(words))} & set(table)
    USED.update((id(table), end) for end in ends)
    return bool(ends)


@pytest.mark.parametrize("name", PAIRS)
def test_arguments(name):
    theirs, ours = PAIRS[name]
    if arguments(theirs) != arguments(ours):
        assert is_explained(name, OTHER_ARGUMENTS), f"{arguments(ours)}, but Keras: {arguments(theirs)}"


def differences(name):
    """Return what methods of a class differ without a reason, and what is missing."""
    theirs, ours = CLASSES[name]
    found = []
    for member in dir(theirs):
        in_theirs, in_ours = (inspect.getattr_static(cls, member, None) for cls in (theirs, ours))
        if (
            member.startswith("_") or member in TORCH or type(in_ours).__name__ == "Attribute"
        ):  # absent, and it says why
            continue
        if in_ours is None and not hasattr(ours, member):
            found += [] if is_explained(member, WITHOUT) else [f"{member} is missing"]
        elif isinstance(in_theirs, property):
            found += [f"{member} is no property"] if callable(in_ours) else []
        elif callable(in_theirs) or isinstance(in_theirs, (classmethod, staticmethod)):
            takes = arguments(getattr(ours, member)), arguments(getattr(theirs, member))
            if takes[0] != takes[1] and not is_explained(f"{name}.{member}", OTHER_ARGUMENTS):
                found.append(f"{member}{takes[0]}, but Keras: {takes[1]}")
    return found


@pytest.mark.parametrize("name", CLASSES)
def test_methods(name):
    assert differences(name) == []


def test_each_explanation_is_needed():
    for name in PAIRS:
        test_arguments(name)
    for name in CLASSES:
        differences(name)
    for table in (OTHER_ARGUMENTS, WITHOUT):
        assert {name for name in table if (id(table), name) not in USED} == set()
