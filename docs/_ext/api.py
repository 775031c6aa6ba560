"""Pages of the API, made from the modules themselves, so that they are complete without being written by hand.

The directive ``{api} fastconv.layers`` stands for the module's docstring, a table of its public names, and a page for
each class and function. A name that is another one's second name (``MaxPool2D``) gets a line that says so.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path

FOLDER = "generated/api"
ELSEWHERE = {"fastconv.utils": "fastconv.saving", "fastconv.models": "fastconv.saving"}  # shows names of the other, too
_DIRECTIVE = re.compile(r"^```\{api\} (\S+)$", re.MULTILINE)


def modules(source):
    """Return the names of the modules that the pages in ``source/api`` document."""
    pages = sorted((Path(source) / "api").glob("*.md"))
    return [name for page in pages for name in _DIRECTIVE.findall(page.read_text(encoding="utf-8"))]


def contents(name):
    """Return a module's public names that have pages, and its second names with what they stand for.

    Parameters
    ----------
    name : str
        ``"fastconv.layers"``.

    Returns
    -------
    own : list of str
    second : dict of str
    """
    module = import_module(name)
    public = public_names(module)
    own, second = [], {}
    for member in public:
        thing = getattr(module, member)
        if not (inspect.isclass(thing) or inspect.isroutine(thing)):
            continue
        home = _home(name, member, thing, public, module)
        if home == f"{name}.{member}":
            own.append(member)
        else:
            second[member] = home
    return own, second


def public_names(module):
    """Return what a module says is public, or else the functions and classes that it defines itself."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    mine = {name: thing for name, thing in vars(module).items() if not name.startswith("_")}
    return [name for name, thing in mine.items() if getattr(thing, "__module__", None) == module.__name__]


def _home(name, member, thing, public, module):
    """Return under which name a thing is described."""
    first = getattr(thing, "__name__", member)
    other = ELSEWHERE.get(name)
    if other and member in import_module(other).__all__:
        return f"{other}.{member if first == member else first}"
    if first != member and first in public and getattr(module, first) is thing:
        return f"{name}.{first}"
    if name == "fastconv":  # its names are those of its floors
        for floor in public:
            inner = getattr(module, floor)
            if inspect.ismodule(inner) and getattr(inner, member, None) is thing and member in inner.__all__:
                return f"{name}.{floor}.{member}"
    return f"{name}.{member}"


def module_text(name):
    """Return what stands for a module on its page, in reStructuredText."""
    own, second = contents(name)
    lines = [f".. automodule:: {name}", "   :no-members:", "", f".. currentmodule:: {name}", ""]
    if own:
        lines += [".. autosummary::", f"   :toctree: ../{FOLDER}", "   :nosignatures:", ""]
        lines += [f"   {member}" for member in sorted(own, key=str.lower)]
    if second:
        lines += ["", ".. rubric:: Second names", ""]
    for member in second:
        lines += [f".. py:data:: {member}", "   :no-typesetting:", ""]
    for member, home in second.items():
        lines += [f"- ``{member}`` is :py:obj:`{home.removeprefix('fastconv.')} <{home}>`."]
    return "\n".join(lines)


def write_pages(source):
    """Write a page for each class and function below the folder of the documentation; touch none that is right."""
    folder = Path(source) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {}
    for name in modules(source):
        for member in contents(name)[0]:
            wanted[f"{name}.{member}.rst"] = _page(name, member)
    for page in folder.glob("*.rst"):
        if page.name not in wanted:
            page.unlink()
    for file, text in wanted.items():
        page = folder / file
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def _page(name, member):
    kind = "class" if inspect.isclass(getattr(import_module(name), member)) else "function"
    title = f"{name.removeprefix('fastconv.')}.{member}" if name != "fastconv" else member
    return f"{title}\n{'=' * len(title)}\n\n.. currentmodule:: {name}\n\n.. auto{kind}:: {member}\n"
