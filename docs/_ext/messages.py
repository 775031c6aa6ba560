"""Every message of every error that fastconv raises, read from its source.

The directive ``{messages}`` lists them, module by module, each with what it means. Headings of
``guide/troubleshooting.md`` quote some of them; `quoted` finds those, and `occurs` tells whether a quotation is (still)
in the source.
"""

import ast
import re
from pathlib import Path
from typing import NamedTuple

# What the wording of a message tells, its class before a colon; the first row that is found in it counts.
FORMS = [
    (
        r"does not define|does not implement|need to implement|is missing; it",
        "Your subclass lacks this method: write it.",
    ),
    (
        r"get_config|part of a config|described in a file",
        "A file cannot hold this: give the class a get_config() of plain values, and register it.",
    ),
    (r"runs no code", "Files run no code here: write what they name yourself, and pass it in custom_objects."),
    (r"could not be written|is there already and overwrite", "Nothing was written; what was there before stays."),
    (
        r"is too large|asks for more|deeper than|has more than|more than max",
        "More than is sensible; it might be made to do harm.",
    ),
    (
        r"InvalidFileError|UnpicklingError|EOFError|is damaged|lacks|ends within|declares the shape|file says",
        "The file is broken or another one: delete it and fetch it again.",
    ),
    (
        r"needs matplotlib|is not installed|pip install",
        "An optional package is missing: install what the message says.",
    ),
    (
        r"FASTCONV_\w+|environment variable",
        "An environment variable holds something else than it can: correct or unset it.",
    ),
    (
        r"symbolic tensor|no values yet|NumPy function|no gradient|of \{function\}|has the settings",
        "Only functions of fastconv.ops can stand here: they take tensors without values, and know their gradients.",
    ),
    (
        r"NotImplementedError|is not supported|are not supported|no longer supported|is for|leave it out|draws random",
        "fastconv does not do this; leave the argument out or take what the message offers.",
    ),
    (
        r"not built yet|not yet been built|is not built|isn't built|was not called|must call|needs a loss|needs a built"
        r"|has no weights yet|is not open|did not call super|before the first step|has no optimizer|use_ema=True",
        "Too early: build (or compile, or open) first.",
    ),
    (
        r"[Oo]nly one of|only one may|only for|only supports|can only|only with|is set, |cannot be specified"
        r"|nothing to do|needs a |needs \{|needs arrays|num_classes is needed|[Aa]t least one of|x that|either name",
        "Arguments exclude each other, or one needs the other; the message has both.",
    ),
    (
        r"[Nn]o sample|no batch|no pairs|no gradients|No images|part empty|none of the arguments",
        "There is nothing to work on: look at what was passed.",
    ),
    (
        r"unique names|more than once|wait for each other|comes? later|which no Input",
        "Layers and variables stand once, each with its name, and an Input before them.",
    ),
    (
        r"Could not interpret|is unknown|no layer is named|there is no|not recognized|unknown arg|There are no"
        r"|there are|unknown var|[Uu]nrecognized|Invalid keyword|has no attribute|does not take|get_layer|be made from",
        "A name that nothing here has; often a slip of the pen, and the closest name is offered.",
    ),
    (r"dtype|types", "Types do not fit together; the message has both."),
    (
        r"shape|axes|axis|channels|divisible|do not fit|does not fit|broadcast|rank|cardinality|values for"
        r"|is greater than 1|is a class \{",
        "Sizes do not fit together; the message has both.",
    ),
    (r"is not one of|is unknown; expected|one of", "A choice that is not in the list; the list is in the message."),
    (r"finite|NaN|terminated", "A number has left the range of floats: see the section above."),
    (
        r"is not|are not|expected|Expected|outside|holds|must |should be|has to|have to|is negative|is above"
        r"|do not rise|is neither|Invalid|color_mode|would clip|size that is no|is a class|be assigned",
        "A value of another kind or size than is expected here; the message has both.",
    ),
    (r"AssertionError", "A gradient is not what differences say; the worst values are listed."),
    (r"\{error\}", "What follows the names says what is wrong there."),
]
_OTHER = "The message says what to do."
_INSIDE = ("fastconv.ops.reference", "fastconv.benchmark", "fastconv.kernels._")  # nobody meets these


class Message(NamedTuple):
    """One ``raise``: the module, the class of the error, and the text with ``{...}`` where values go."""

    module: str
    error: str
    text: str

    @property
    def meaning(self):
        """What its wording tells."""
        return next((meaning for pattern, meaning in FORMS if re.search(pattern, f"{self.error}: {self.text}")), _OTHER)


def read(package):
    """Return all messages of a package's folder, module by module.

    Parameters
    ----------
    package : path
        The folder of ``fastconv``.

    Returns
    -------
    list of Message
    """
    package = Path(package)
    found = []
    for file in sorted(package.rglob("*.py")):
        module = ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        for node in ast.walk(tree):
            text = _text_of(node, functions)
            if text:
                found.append(Message(module, _class_of(node.exc.func), text))
    return found


def _class_of(node):
    """Return the class of an error; one that depends on the layer is any."""
    return "Exception" if ast.unparse(node).startswith("self.") else ast.unparse(node).rpartition(".")[2]


def _text_of(node, functions):
    """Return the message of a ``raise``, None for all else."""
    if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
        return None
    if getattr(node.exc.func, "id", "").startswith("_"):  # it is caught inside
        return None
    return next(filter(None, (_text(argument, functions) for argument in node.exc.args)), None)


def _text(node, functions):
    """Return the text of an argument: its own, what a function returns or a name was given; None if none is found."""
    if isinstance(node, ast.Call):
        function = functions.get(getattr(node.func, "attr", getattr(node.func, "id", None)))
        returns = [part.value for part in ast.walk(function) if isinstance(part, ast.Return)] if function else []
        return next(filter(None, map(_template, returns)), None)
    if isinstance(node, ast.Name):
        home = [f for f in functions.values() if f.lineno <= node.lineno <= f.end_lineno]
        given = [part for f in home for part in ast.walk(f) if isinstance(part, ast.Assign)]
        given = [part.value for part in given if getattr(part.targets[0], "id", None) == node.id]
        return next(filter(None, map(_template, given)), None)
    return _template(node)


def _template(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_piece(value) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (_template(node.left) or "{}") + (_template(node.right) or "{}")
    if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "join" and isinstance(node.args[0], ast.List):
        return _template(node.func.value).join(_template(line) or "{...}" for line in node.args[0].elts)
    return None


def _piece(node):
    if isinstance(node, ast.Constant):
        return node.value
    name = ast.unparse(node.value)
    return "{" + (name if re.fullmatch(r"[\w.]+", name) else "...") + "}"


def quoted(page):
    """Return what the third-level headings of a page quote: the texts in their backticks."""
    return re.findall(r"^### `(.+)`$", Path(page).read_text(encoding="utf-8"), re.MULTILINE)


def occurs(quotation, messages):
    """Tell whether a message has the parts of a quotation in their order; ``...`` stands for anything."""
    pattern = re.compile(".*".join(re.escape(part.strip()) for part in quotation.split("...")), re.DOTALL)
    return any(pattern.search(message.text) for message in messages)


def as_text(package):
    """Return the list of all messages in Markdown, module by module."""
    by_module = {}
    for message in read(package):
        if not message.module.startswith(_INSIDE):
            by_module.setdefault(message.module, {})[message] = None
    lines = []
    for module, messages in by_module.items():
        lines += ["```{rubric} " + module, "```", ""]
        lines += [f"- *{message.error}:* {_code(message.text)}  \n  {message.meaning}" for message in messages]
        lines.append("")
    return "\n".join(lines)


def _code(text):
    return "`" + " ".join(text.replace("`", "'").split()) + "`"
