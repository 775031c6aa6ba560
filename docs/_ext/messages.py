"""Every message of every error that fastconv raises, read from its source.

The directive ``{messages}`` lists them, module by module, each with what it means. Headings of
``guide/troubleshooting.md`` quote some of them; `quoted` finds those, and `occurs` tells whether a quotation is (still)
in the source.
"""

import ast
import re
from pathlib import Path
from typing import NamedTuple

# What the wording of a message tells; the first row that is found in it counts.
FORMS = [
    (r"does not define", "Your subclass lacks this method: write it."),
    (r"is damaged|ends within|declares the shape", "The file is broken or another one: delete it and fetch it again."),
    (
        r"needs matplotlib|is not installed|pip install",
        "An optional package is missing: install what the message says.",
    ),
    (
        r"FASTCONV_\w+|environment variable",
        "An environment variable holds something else than it can: correct or unset it.",
    ),
    (
        r"is not supported|are not supported|is for|leave it out",
        "fastconv does not do this; leave the argument out or take what the message offers.",
    ),
    (
        r"Could not interpret|is unknown|no layer is named|there is no|not recognized|unknown arg|There are no",
        "A name that nothing here has; often a slip of the pen, and the closest name is offered.",
    ),
    (r"not built yet|was not called|has no weights yet|is not open", "Too early: build (or compile, or open) first."),
    (
        r"shape|axes|axis|channels|divisible|do not fit|does not fit|broadcast|rank",
        "Sizes do not fit together; the message has both.",
    ),
    (r"is not one of|is unknown; expected", "A choice that is not in the list; the list is in the message."),
    (r"finite|NaN|terminated", "A number has left the range of floats: see the section above."),
    (
        r"is not|are not|expected|Expected|outside|holds",
        "A value of another kind or size than is expected here; the message has both.",
    ),
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
        return next((meaning for pattern, meaning in FORMS if re.search(pattern, self.text)), _OTHER)


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
                found.append(Message(module, node.exc.func.id, text))
    return found


def _text_of(node, functions):
    """Return the message of a ``raise``, None for all else; it may be what a function of the module returns."""
    if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)):
        return None
    text = node.exc.args[0] if node.exc.args else None
    if isinstance(text, ast.Call):
        name = getattr(text.func, "attr", getattr(text.func, "id", None))
        returns = [part.value for part in ast.walk(functions.get(name, text)) if isinstance(part, ast.Return)]
        return next(filter(None, map(_template, returns)), None)
    return _template(text)


def _template(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_piece(value) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (_template(node.left) or "{}") + (_template(node.right) or "{}")
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
