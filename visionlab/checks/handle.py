"""What a case holds of the student's objects: calls, attributes and arithmetic go through, nothing else does.

In the student's notebook a `Handle` stands in front of the object itself; in the grader a subclass of it stands for an
object in another process. So a case sees the same, wherever it runs.
"""

import linecache
import sys
from pathlib import Path
from sysconfig import get_path

import numpy as np

LIBRARY_FOLDERS = tuple({get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")})
THIS_FOLDER = str(Path(__file__).parent)


class StudentError(Exception):
    """The student's code raised an exception.

    Attributes
    ----------
    kind : str
        Name of the exception's class.
    bases : tuple of str
        Names of the class and its base classes.
    message : str
        The exception's own message.
    line : str
        The line of the student's code it came from, '' if unknown.
    line_number : int
        Its number in the student's cell, 0 if unknown.
    """

    def __init__(self, kind, bases=(), message="", line="", line_number=0):
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.bases = tuple(bases) or (kind,)
        self.message = message
        self.line = line
        self.line_number = line_number

    @classmethod
    def from_exception(cls, error):
        """Describe an exception caught around student code."""
        line, line_number = "", 0
        trace = error.__traceback__
        while trace is not None:
            filename = trace.tb_frame.f_code.co_filename
            if not filename.startswith((*LIBRARY_FOLDERS, THIS_FOLDER)):
                line = linecache.getline(filename, trace.tb_lineno).strip() or line
                line_number = trace.tb_lineno
            trace = trace.tb_next
        names = tuple(base.__name__ for base in type(error).__mro__)
        return cls(type(error).__name__, names, str(error), line, line_number)


class Handle:
    """Stands for an object of the student's that is not plain data.

    Comparison and truth value raise, so that no test passes because of what a student's object claims to equal.

    Parameters
    ----------
    target : object

    Examples
    --------
    >>> from fractions import Fraction
    >>> half = Handle(Fraction)(1, 2)
    >>> half
    <the student's Fraction>
    >>> (2 * half + half).numerator
    3
    >>> half / 0
    Traceback (most recent call last):
    ...
    visionlab.checks.handle.StudentError: ZeroDivisionError: Fraction(1, 0)
    """

    __array_ufunc__ = None  # numpy's numbers leave arithmetic with a handle to the handle

    def __init__(self, target):
        self._target = target
        self._stands_for = type(target).__name__

    def __call__(self, *args, **kwargs):
        """Call the student's object with plain data, handles, or functions of the case."""
        return _reach(lambda: self._target(*_inward(args), **_inward(kwargs)))

    def _attribute(self, name):
        return _reach(lambda: getattr(self._target, name))

    def _imported(self, function):
        return Handle(function)

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._attribute(name)

    def __repr__(self):
        return f"<the student's {self._stands_for}>"

    def __bool__(self):
        raise TypeError(f"the student's {self._stands_for} has no truth value here: compare plain data")

    def __eq__(self, other):
        raise TypeError(f"the student's {self._stands_for} cannot be compared here: compare plain data")

    __hash__ = None


def _forward(name):
    def method(self, *args):
        return self._attribute(name)(*args)

    method.__name__ = name
    return method


ARITHMETIC = [
    "add",
    "radd",
    "sub",
    "rsub",
    "mul",
    "rmul",
    "truediv",
    "rtruediv",
    "pow",
    "rpow",
    "neg",
    "matmul",
    "rmatmul",
]
for _name in [*ARITHMETIC, "getitem", "len"]:
    setattr(Handle, f"__{_name}__", _forward(f"__{_name}__"))


def beside(student, function, *args, **kwargs):
    """Call a library's function or class where the student's objects live.

    So a case makes what can't be sent to another process, such as a network that gradients are to flow through: it is
    a handle then, like the student's own objects, and can be handed to the student's code.

    Parameters
    ----------
    student : Handle or Recorder
        Any of the student's objects.
    function : function or class
        Of a module that students have; it is found there by its name.

    Examples
    --------
    >>> from fractions import Fraction
    >>> beside(Handle(None), Fraction, 1, 2) * 4
    <the student's Fraction>
    """
    return student._imported(function)(*args, **kwargs)


def _reach(act):
    """Let the student's code act; what it gives is turned `_outward`, what it raises becomes a `StudentError`."""
    try:
        return _outward(act())
    except StudentError:
        raise
    except Exception as error:
        raise StudentError.from_exception(error) from None


def _outward(item):
    """Put a handle before what is not plain data."""
    if isinstance(item, list | tuple):
        return type(item)(map(_outward, item)) if type(item) in (list, tuple) else Handle(item)
    if type(item) is dict:
        return {key: _outward(value) for key, value in item.items()}
    torch = sys.modules.get("torch")
    plain = (type(None), bool, int, float, complex, str, np.generic, np.ndarray, Handle, type(NotImplemented))
    if isinstance(item, plain) or (torch is not None and isinstance(item, torch.Tensor)):
        return item
    return Handle(item)


def _inward(item):
    """Take handles off what goes to the student's code; functions of the case hand on what they are given likewise."""
    if type(item) is Handle:
        return item._target
    if type(item) in (list, tuple):
        parts = type(item)(map(_inward, item))
        changed = any(part is not old for part, old in zip(parts, item, strict=True))
        return parts if changed else item  # plain data goes as it is, so that changes in place are seen
    if type(item) is dict:
        parts = {key: _inward(value) for key, value in item.items()}
        return parts if any(parts[key] is not item[key] for key in item) else item
    return _lent(item) if callable(item) and not isinstance(item, type) else item


def _lent(function):
    """A function of the case as the student's code calls it: an error there must not look like one of the case."""

    def lent(*args, **kwargs):
        try:
            return _inward(function(*_outward(args), **_outward(kwargs)))
        except StudentError:
            raise
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            raise RuntimeError(f"the function that your code was given raised {problem}") from None

    return lent
