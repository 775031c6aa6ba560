"""From a name to a thing: how each family (losses, optimizers, ...) makes objects of what it is given.

A family is a closed table from names to its classes and functions. Configs read from files are looked up
there and in `CUSTOM_OBJECTS` only: a module named in a file is never imported.
"""

import re
import sys
from contextvars import ContextVar
from functools import wraps
from types import FunctionType

# Classes and functions of the user that may be named in configs, under "package>Name" or plain "Name"; those of a scope
# come first.
CUSTOM_OBJECTS = {}
SCOPE = ContextVar("the custom objects of a scope", default=None)
TRUSTED = ContextVar("whether the config being read is trusted", default=False)

# What the module of a class of our own begins with in saved configs; old configs name no module.
_OWN_MODULES = ("keras", "tf_keras", "keras_core", "tensorflow", "fastconv", "builtins")

_TAKES_ANY = 8  # inspect.CO_VARKEYWORDS

_WORD_STARTS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])")


def snake_case(name):
    """Return a class name in snake case, as layers are named and families are looked up.

    Parameters
    ----------
    name : str
        A name in camel case.

    Returns
    -------
    str
        The name in lower case with an underscore before each word but the first.

    Examples
    --------
    >>> snake_case("MeanSquaredError"), snake_case("Conv2D"), snake_case("LeakyReLU")
    ('mean_squared_error', 'conv2d', 'leaky_re_lu')
    """
    return _WORD_STARTS.sub("_", name).lower()


def suggestion(name, known):
    """Return a sentence that offers the closest known name, or an empty string if none is close.

    Parameters
    ----------
    name : str
        What was given.
    known : iterable of str
        What would have been understood.

    Returns
    -------
    str
        For example ``" Did you mean 'adam'?"``, to be put after an error message.

    Examples
    --------
    >>> suggestion("adma", ["adam", "sgd"])
    " Did you mean 'adam'?"
    >>> suggestion("zzz", ["adam", "sgd"])
    ''
    """
    import difflib  # imported when needed: it takes a while

    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    if not close:  # upper and lower case hide how close two names are
        lower = {k.lower(): k for k in known}
        close = [lower[k] for k in difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.6)]
    return f" Did you mean {close[0]!r}?" if close else ""


class Spelling:
    """The check that `Spelled` makes; apart from it, since a class's own signature is that of its constructor."""

    def __new__(cls, *args, **kwargs):  # noqa: D102  (the class says it)
        known = arguments_of(cls) if kwargs else ()
        for key in kwargs:
            if known is not None and key not in known:
                expected = ", ".join(known) or "none"
                hint = suggestion(key, known)
                raise TypeError(f"{cls.__name__} got an unknown argument {key!r}; expected some of {expected}.{hint}")
        return super().__new__(cls)


class Spelled(Spelling):
    """What classes inherit whose constructors refuse an unknown argument by the class's own name, with a suggestion.

    Examples
    --------
    >>> import fastconv as keras
    >>> keras.regularizers.L2(l=0.1)
    Traceback (most recent call last):
        ...
    TypeError: L2 got an unknown argument 'l'; expected some of l2. Did you mean 'l2'?
    """

    def __init__(self):
        pass


def arguments_of(cls):
    """Return the names of the arguments that a class's constructor takes by name, None if it takes any."""
    names, takes_any = _arguments(cls.__init__)
    return None if takes_any else names[1:]


def _arguments(function):
    """Return the names of a function's arguments that may be given by name, and whether it takes any others."""
    import inspect  # when needed, as above

    given = inspect.signature(function).parameters.values()
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in given if p.kind in by_name], any(p.kind is inspect.Parameter.VAR_KEYWORD for p in given)


def meant(function, given, *more):
    """Return a sentence that offers an argument of a function for the first name in `given` that it does not know.

    Parameters
    ----------
    function : callable
        What was called.
    given : iterable of str
        The names of arguments of the call.
    *more : str
        Names that are understood but not in the function's signature.

    Returns
    -------
    str
        As `suggestion` returns it.

    Examples
    --------
    >>> def area(width, height): ...
    >>> meant(area, {"width": 1, "hieght": 1})
    " Did you mean 'height'?"
    """
    known = [*_arguments(function)[0], *more]
    unknown = [name for name in given if name not in known]
    return suggestion(unknown[0], known) if unknown else ""


def check_spelling(function, given):
    """Raise TypeError, with a suggestion, if a function cannot be called with arguments of these names.

    Parameters
    ----------
    function : callable
        What was called.
    given : iterable of str
        The names of arguments of the call.

    Raises
    ------
    TypeError
        If there is an argument of another name.

    Examples
    --------
    >>> def area(width, height): ...
    >>> check_spelling(area, {"hieght": 1})
    Traceback (most recent call last):
        ...
    TypeError: area() got an unexpected keyword argument 'hieght'; expected ... width, height. Did you mean 'height'?
    """
    known, takes_any = _arguments(function)
    for name in given:
        if not takes_any and name not in known:
            raise TypeError(
                f"{_title(function)}() got an unexpected keyword argument {name!r}; expected some of "
                f"{', '.join(n for n in known if n != 'self')}.{suggestion(name, known)}"
            ) from None


def _title(function):
    """Return what a function is called in messages."""
    return getattr(function, "owner", None) or function.__qualname__


def spelled(thing, since=(3, 13)):
    """Return a function, or a class with its public methods, that suggests the right names of misspelt arguments.

    Python 3.13 does that itself, so there nothing is changed. Before, a call goes through one function more, which
    looks at the names only after the call has failed. A function that takes any argument says itself which it knows.

    Parameters
    ----------
    thing : function or type
        What to call.
    since : tuple of int
        The version of Python from which on nothing is changed.

    Returns
    -------
    function or type
        A function that does the same, or the class itself.

    Examples
    --------
    >>> @spelled
    ... def area(width, height):
    ...     return width * height
    >>> area(2, height=3)
    6
    """
    if sys.version_info >= since or (isinstance(thing, FunctionType) and thing.__code__.co_flags & _TAKES_ANY):
        return thing
    if isinstance(thing, type):
        for name, member in list(vars(thing).items()):
            if isinstance(member, FunctionType) and not name.startswith("_"):
                setattr(thing, name, spelled(member, since))
        return thing

    def call(*args, **kwargs):
        try:
            return thing(*args, **kwargs)
        except TypeError:
            check(thing, kwargs)
            raise

    # it counts as a function of the module that it comes from, for those who look for examples in docstrings
    check = check_spelling
    return wraps(thing)(FunctionType(call.__code__, thing.__globals__, thing.__name__, None, call.__closure__))


def spell_all(module, names):
    """Make the functions of a module `spelled`; one with two names stays one.

    Parameters
    ----------
    module : dict
        The module's ``globals()``.
    names : iterable of str
        The functions' names.

    Examples
    --------
    >>> def area(width, height): ...
    >>> spell_all(globals(), ["area"])
    >>> area(2, hieght=3)
    Traceback (most recent call last):
        ...
    TypeError: area() got an unexpected keyword argument 'hieght'... Did you mean 'height'?
    """
    made = {}
    for name in names:
        module[name] = made.setdefault(module[name], spelled(module[name]))


def by_name(classes):
    """Return a table of classes under their own names and under the same in snake case.

    Parameters
    ----------
    classes : iterable of type
        The classes.

    Returns
    -------
    dict
        The table.

    Examples
    --------
    >>> sorted(by_name([ValueError]))
    ['ValueError', 'value_error']
    """
    table = {}
    for cls in classes:
        table[snake_case(cls.__name__)] = table[cls.__name__] = cls
    return table


def may_be_own(config):
    """Tell whether a config may mean a class of the library, not one of the user that has the same name.

    Parameters
    ----------
    config : dict
        Keras's description of an object.

    Returns
    -------
    bool
        Whether its module, if any, and its registered name, if any, are those of a built-in class.

    Examples
    --------
    >>> may_be_own({"module": "keras.layers", "class_name": "Dense", "registered_name": None})
    True
    >>> may_be_own({"module": "mine", "class_name": "Dense", "registered_name": "Dense"})
    False
    """
    module, registered = config.get("module"), config.get("registered_name")
    if module is None:
        return registered is None
    own = isinstance(module, str) and module.split(".")[0] in _OWN_MODULES
    return own and registered in (None, config.get("class_name"))


def imported(module, name):
    """Return the class of this name in a module that the program itself has imported, if the config is trusted.

    Nothing is imported, and the standard library is not looked into.

    Parameters
    ----------
    module : str or None
        The module's name; ``None`` is the program itself.
    name : str
        The name of the class.

    Returns
    -------
    type or None
        The class; always ``None`` unless ``safe_mode=False`` was said.

    Examples
    --------
    >>> imported("fastconv.names", "Family") is None
    True
    """
    module = "__main__" if module is None else module
    if not TRUSTED.get() or not isinstance(module, str) or module.split(".")[0] in sys.stdlib_module_names:
        return None
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) else None


class Family:
    """The named members of one kind of thing, and what is looked up among them.

    Parameters
    ----------
    kind : str
        What one of them is called in messages: ``"loss"``.
    module : str
        The module written into saved configs: ``"keras.losses"``.
    base : type
        The base class of the family.
    table : dict
        The members: names and aliases to classes and functions.
    functions : bool
        Whether a plain function may stand in for an object of the family.
    ignore_case : bool
        Whether names are also found in lower case.

    Examples
    --------
    >>> family = Family("error", "builtins", Exception, by_name([ValueError, KeyError]))
    >>> family.get("value_error")
    ValueError()
    >>> family.get("valueerror")
    Traceback (most recent call last):
    ...
    ValueError: Could not interpret error identifier: 'valueerror'. Did you mean 'value_error'?
    """

    def __init__(self, kind, module, base, table, functions=True, ignore_case=False):
        self.kind = kind
        self.module = module
        self.base = base
        self.table = table
        self.functions = functions
        self.ignore_case = ignore_case

    def find(self, name, custom_objects=None, registered_name=None, own=True, module=None):
        """Return the class or function called `name`.

        Parameters
        ----------
        name : str
            A name or alias.
        custom_objects : dict, optional
            More names, which come first.
        registered_name : str, optional
            The name under which a class of the user was registered.
        own : bool
            Whether members of the family count, or those of the user only.
        module : str, optional
            Where a class of the user lies.

        Returns
        -------
        type or function
            The member.

        Raises
        ------
        ValueError
            If there is none of this name.

        Examples
        --------
        >>> Family("error", "builtins", Exception, by_name([KeyError])).find("key_error")
        <class 'KeyError'>
        """
        if not isinstance(name, str):
            name = repr(name)  # a hostile or broken config: not found, below
        keys = [key for key in (registered_name, name) if isinstance(key, str)]
        theirs = [custom_objects or {}, SCOPE.get() or {}, CUSTOM_OBJECTS]
        for table in theirs:
            for key in keys:
                if key in table:
                    return table[key]
        if not own:
            found = imported(module, name)
            if found is not None:
                return found
            raise ValueError(
                f"Could not interpret {self.kind} identifier: {registered_name or name!r} is no {self.kind} of the "
                "library and is not registered. If it is yours, register it with register_keras_serializable, or pass "
                f"custom_objects={{{name!r}: ...}}."
            )
        if name in self.table:
            return self.table[name]
        if self.ignore_case and name.lower() in self.table:
            return self.table[name.lower()]
        from fastconv import absent  # it needs this module itself

        reason = absent.reasons(self.module.replace("keras", "fastconv", 1)).get(name)
        if reason is not None:
            raise ValueError(f"Could not interpret {self.kind} identifier: {name!r} is not supported: {reason}.")
        raise ValueError(
            f"Could not interpret {self.kind} identifier: {name!r}."
            f"{suggestion(name, [*self.table, *(key for table in theirs for key in table)])}"
        )

    def get(self, identifier):
        """Return the object that `identifier` stands for.

        Parameters
        ----------
        identifier : None, str, dict, type, callable or object of the family
            ``None`` and objects are returned as they are, classes are called, configs deserialized.

        Returns
        -------
        object
            An object of the family, a function, or ``None``.

        Raises
        ------
        ValueError
            If the identifier stands for nothing in this family.

        Examples
        --------
        >>> Family("error", "builtins", Exception, by_name([KeyError])).get(KeyError)
        KeyError()
        """
        if identifier is None or isinstance(identifier, self.base):
            return identifier
        if isinstance(identifier, str):
            found = self.find(identifier)
            return found() if isinstance(found, type) else found
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, type) and issubclass(identifier, self.base):
            return identifier()
        if self.functions and callable(identifier) and not isinstance(identifier, type):
            return identifier
        raise ValueError(
            f"Could not interpret {self.kind} identifier: {identifier!r}. Expected a name, a config dict, "
            f"{'a function, ' if self.functions else ''}or an object or subclass of {self.base.__name__}."
        )

    def serialize(self, obj):
        """Return a config from which `deserialize` makes an equal object.

        Parameters
        ----------
        obj : None, function or object of the family
            What to describe.

        Returns
        -------
        dict or None
            Keras's description of an object: ``module``, ``class_name``, ``config``, ``registered_name``.

        Raises
        ------
        ValueError
            If it cannot be described: a lambda, a class, or an object without ``get_config``.

        Examples
        --------
        >>> Family("function", "builtins", int, {"max": max}).serialize(max)["config"]
        'max'
        """
        if obj is None:
            return None
        cls = type(obj)
        registered = {id(value): key for key, value in CUSTOM_OBJECTS.items()}
        if hasattr(obj, "get_config") and not isinstance(obj, type):
            built_in = any(member is cls for member in self.table.values())
            mine = None if cls.__module__ == "__main__" else cls.__module__
            return {
                "module": self.module if built_in else mine,
                "class_name": cls.__name__,
                "config": obj.get_config(),
                "registered_name": None if built_in else registered.get(id(cls), cls.__name__),
            }
        name = getattr(obj, "__name__", "<lambda>")
        if name == "<lambda>" or isinstance(obj, type):
            raise ValueError(
                f"Cannot serialize the {self.kind} {obj!r}: expected a named function or an object with get_config()."
            )
        return {
            "module": "builtins",
            "class_name": "function",
            "config": name,
            "registered_name": registered.get(id(obj), "function"),
        }

    def deserialize(self, config, custom_objects=None):
        """Make an object from the config that `serialize` returned.

        Parameters
        ----------
        config : dict or str
            The config, or a name.
        custom_objects : dict, optional
            Classes and functions of the user under the names that the config uses.

        Returns
        -------
        object
            An object of the family or a function.

        Raises
        ------
        ValueError
            If the config is not understood or names something unknown.
        TypeError
            If the class does not accept its settings.

        Examples
        --------
        >>> family = Family("function", "builtins", int, {"max": max})
        >>> family.deserialize({"class_name": "function", "config": "max"})
        <built-in function max>
        """
        if isinstance(config, str):
            found = self.find(config, custom_objects)
            return found() if isinstance(found, type) else found
        name = config.get("class_name") if isinstance(config, dict) else None
        if name is None:
            raise ValueError(
                f"Could not interpret {self.kind} config: {config!r}. "
                "Expected a dict with the keys 'class_name' and 'config'."
            )
        settings = config.get("config")
        if name == "function":
            return self._function(settings, custom_objects, config.get("registered_name"))
        cls = self.find(name, custom_objects, config.get("registered_name"), may_be_own(config), config.get("module"))
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise ValueError(f"The {self.kind} config names {name!r}, which is not a {self.kind} class.")
        try:
            return cls.from_config(dict(settings or {}))
        except TypeError as error:
            raise TypeError(f"{cls.__name__} cannot be made from the config {settings!r}: {error}") from error

    def _function(self, name, custom_objects, registered_name):
        function = self.find(name, custom_objects, registered_name)
        if not self.functions or isinstance(function, type):
            raise ValueError(f"The {self.kind} config names {name!r}, which is not a {self.kind} function.")
        return function
