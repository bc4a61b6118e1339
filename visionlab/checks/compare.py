"""Comparing an observation with the right one, and saying in words where they part."""

from dataclasses import dataclass

import numpy as np

from visionlab.checks.cases import Raised
from visionlab.checks.plain import describe


@dataclass(frozen=True)
class Tolerance:
    """Numbers agree if ``|got − expected| ≤ absolute + relative · |expected|``."""

    relative: float = 1e-6
    absolute: float = 1e-8

    def close(self, expected, got):
        """Compare elementwise; NaN agrees with NaN. Returns a boolean array of the common shape."""
        return np.isclose(got, expected, rtol=self.relative, atol=self.absolute, equal_nan=True)


@dataclass(frozen=True)
class Difference:
    """Where an observation parts from the right one.

    Attributes
    ----------
    kind : str
        'raised', 'no error', 'wrong error', 'type', 'shape' or 'value'.
    message : str
        One sentence to the student.
    index : tuple of int
        Index of the first wrong element, for arrays of the right shape.
    wrong : numpy.ndarray or None
        Which elements are wrong, for arrays of the right shape.
    """

    kind: str
    message: str
    index: tuple = ()
    wrong: np.ndarray | None = None


def difference(expected, got, tolerance=Tolerance(), name="the result"):
    """Find the first difference between the right observation and the student's.

    Parameters
    ----------
    expected, got : plain data or Raised
    tolerance : Tolerance
    name : str
        What to call the observation in the message.

    Returns
    -------
    Difference or None
        None if they agree.

    Examples
    --------
    >>> difference(np.zeros(3), np.array([0.0, 1.0, 0.0]), name="out").message
    'out[1] should be 0, and yours is 1; it is the only wrong element of 3.'
    >>> difference(3, 3.0, name="the size").message
    'the size should be the whole number 3, and yours is the float 3.0.'
    >>> difference(0.5, 0.5 + 1e-12) is None
    True
    """
    if isinstance(expected, Raised) or isinstance(got, Raised):
        return _compare_errors(expected, got, name)
    if isinstance(expected, np.ndarray):
        return _compare_arrays(expected, got, tolerance, name)
    if isinstance(expected, list | tuple):
        if not isinstance(got, list | tuple):
            return Difference("type", f"{name} should be {describe(expected)}, and yours is {describe(got)}.")
        if len(got) != len(expected):
            elements = "1 element" if len(expected) == 1 else f"{len(expected)} elements"
            return Difference("shape", f"{name} should have {elements}, and yours has {len(got)}.")
        pairs = [(f"{name}[{i}]", e, g) for i, (e, g) in enumerate(zip(expected, got, strict=True))]
    elif isinstance(expected, dict):
        if not isinstance(got, dict):
            return Difference("type", f"{name} should be {describe(expected)}, and yours is {describe(got)}.")
        for key in expected:
            if key not in got:
                return Difference("shape", f"{name} should have an entry {key!r}, and yours has none.")
        for key in got:
            if key not in expected:
                return Difference("shape", f"{name} has an entry {key!r} that should not be there.")
        pairs = [(f"{name}[{key!r}]", expected[key], got[key]) for key in expected]
    else:
        return _compare_scalars(expected, got, tolerance, name)
    return next((d for part, e, g in pairs if (d := difference(e, g, tolerance, part))), None)


def _compare_errors(expected, got, name):
    if not isinstance(expected, Raised):
        what = f"{got.kind}: {got.message}" if got.message else got.kind
        return Difference("raised", f"{name} should be {describe(expected)}, and yours raised {what}")
    if not isinstance(got, Raised):
        return Difference("no error", f"{name} should raise a {expected.kind}, and yours returned {describe(got)}.")
    if expected.kind not in (got.kind, *got.bases):
        what = f"{got.kind}: {got.message}" if got.message else got.kind
        return Difference("wrong error", f"{name} should raise a {expected.kind}, and yours raised {what}")
    return None


def _compare_scalars(expected, got, tolerance, name):
    if isinstance(got, np.ndarray) and got.ndim == 0 and isinstance(expected, int | float):
        got = got.item()
    if isinstance(expected, bool | str) or expected is None:
        same = type(got) is type(expected) and got == expected
        kind = "value" if type(got) is type(expected) else "type"
    elif type(got) not in (int, float, complex):
        same, kind = False, "type"
    elif isinstance(expected, int):
        if type(got) is float and got == expected:
            message = f"{name} should be the whole number {expected}, and yours is the float {got!r}."
            return Difference("type", message)
        same, kind = type(got) is int and got == expected, "value"
    else:
        same, kind = bool(tolerance.close(expected, got)), "value"
        if not same:
            right, wrong = told_apart(expected, got)
            return Difference(kind, f"{name} should be {right}, and yours is {wrong}.")
    return (
        None if same else Difference(kind, f"{name} should be {describe(expected)}, and yours is {describe_got(got)}.")
    )


def describe_got(value):
    """Like `describe`, but a float is shown as briefly as it can be read."""
    return number(value) if type(value) is float else describe(value)


def _compare_arrays(expected, got, tolerance, name):
    if not isinstance(got, np.ndarray):
        return Difference("type", f"{name} should be {describe(expected)}, and yours is {describe(got)}.")
    if got.shape != expected.shape:
        return Difference("shape", f"{name} should have shape {expected.shape}, and yours has shape {got.shape}.")
    wrong = ~np.atleast_1d(tolerance.close(expected, got)).reshape(expected.shape)
    count = int(wrong.sum())
    if not count:
        return None
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), expected.shape))
    where = f"{name}[{', '.join(map(str, index))}]" if index else name
    values = "{} should be {}, and yours is {}".format(where, *told_apart(expected[index], got[index]))
    if expected.size == 1:
        share = ""
    elif count == 1:
        share = f"; it is the only wrong element of {expected.size}"
    else:
        share = f"; {'all' if count == expected.size else f'{count} of'} {expected.size} elements are wrong"
    return Difference("value", f"{values}{share}.", index, wrong)


def told_apart(one, other):
    """Write two numbers briefly, but with as many digits as it takes to tell them apart.

    >>> told_apart(0.6931471805599453, 1.0), told_apart(8.0, 8.00004)
    (('0.6931', '1'), ('8', '8.00004'))
    """
    written = ((number(one, digits), number(other, digits)) for digits in (4, 7, 10, 17))
    return next((pair for pair in written if pair[0] != pair[1]), (repr(one), repr(other)))


def number(value, digits=4):
    """Write a number briefly: whole numbers without a point, others with a few significant digits.

    >>> number(3.0), number(-0.12345678), number(float("nan")), number(1e9)
    ('3', '-0.1235', 'nan', '1e+09')
    """
    if isinstance(value, complex | np.complexfloating):
        return f"{value:.{digits}g}"
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    value = float(value) if isinstance(value, float | np.floating) else int(value)
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value == round(value, 0) and abs(value) < 1e6 else f"{value:.{digits}g}"
