"""Plain data: the only kind of value that checks compare, store and send between processes.

Plain data is None, bool, int, float, complex, str, numpy arrays of numbers or booleans, and lists, tuples and
dicts (with string keys) of plain data. A torch tensor becomes the array of its values.
"""

import contextlib
import sys

import numpy as np

NUMERIC_KINDS = "biufc"


class NotPlain(TypeError):
    """A value has no plain form; the message names its type in words."""


def to_plain(value, depth=0):
    """Return ``value`` as plain data, copied, so that nobody can change it afterwards.

    Parameters
    ----------
    value : object
        Anything a student's function returned.

    Raises
    ------
    NotPlain
        If ``value`` or a part of it is neither plain data nor a torch tensor.

    Examples
    --------
    >>> to_plain((np.float32(0.5), [np.int64(3)]))
    (0.5, [3])
    >>> to_plain(np.array([None]))
    Traceback (most recent call last):
    ...
    visionlab.checks.plain.NotPlain: an array of objects
    """
    if depth > 20:
        raise NotPlain("data nested more than 20 deep")
    if value is None or type(value) in (bool, int, float, complex, str):
        return value
    if isinstance(value, np.generic):
        if value.dtype.kind in NUMERIC_KINDS:
            return value.item()
        raise NotPlain(describe(value))
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in NUMERIC_KINDS:
            raise NotPlain(describe(value))
        return np.array(value, order="C", subok=False)
    torch = sys.modules.get("torch")  # a value can only be a tensor if torch has been imported
    if torch is not None and isinstance(value, torch.Tensor):
        return np.array(value.detach().cpu().numpy(), order="C")
    if type(value) is list:
        return [to_plain(item, depth + 1) for item in value]
    if type(value) is tuple:
        return tuple(to_plain(item, depth + 1) for item in value)
    if type(value) is dict:
        for key in value:
            if type(key) is not str:
                raise NotPlain(f"a dict with a key that is not a string ({key!r:.40})")
        return {key: to_plain(item, depth + 1) for key, item in value.items()}
    raise NotPlain(describe(value))


def same(one, other):
    """Whether two values of plain data are equal in all their parts; NaN equals NaN.

    >>> same({"mean": np.zeros(2)}, {"mean": np.zeros(2)}), same((1, 2), (1, 3))
    (True, False)
    """
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other or (one != one and other != other)


def snapshot(values):
    """Copy those of several values that are plain data, to find out later which were changed in place.

    Parameters
    ----------
    values : dict

    Returns
    -------
    dict
    """
    kept = {}
    for key, value in values.items():
        with contextlib.suppress(NotPlain):
            kept[key] = to_plain(value)
    return kept


def changes(before, values):
    """Find the values that are no longer what a `snapshot` of them holds.

    Returns
    -------
    dict
        key -> (before, now), both plain; of what is no longer plain data, its description.

    Examples
    --------
    >>> values = {"x": np.zeros(2), "cache": ([1, 2], 3)}
    >>> before = snapshot(values)
    >>> values["cache"][0].append(7)
    >>> changes(before, values)
    {'cache': (([1, 2], 3), ([1, 2, 7], 3))}
    """
    found = {}
    for key, old in before.items():
        try:
            now = to_plain(values[key])
        except NotPlain:
            now = describe(values[key])
        if not same(old, now):
            found[key] = (old, now)
    return found


def describe(value):
    """Say in a few words what ``value`` is, as one would to a student.

    >>> describe(np.zeros((2, 3)))
    'an array of shape (2, 3)'
    >>> describe(None), describe(2.5), describe([1, 2])
    ('None', '2.5', 'a list of 2 elements')
    """
    if value is None or type(value) in (bool, int, float, complex):
        return repr(value)
    if type(value) is str:
        return f"the text {value!r}" if len(value) <= 80 else f"a text of {len(value)} characters"
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "O":
            return "an array of objects"
        return f"an array of shape {value.shape}" if value.dtype.kind in NUMERIC_KINDS else f"an array of {value.dtype}"
    if type(value) in (list, tuple):
        return f"a {type(value).__name__} of {len(value)} element{'' if len(value) == 1 else 's'}"
    if type(value) is dict:
        return f"a dict of {len(value)} element{'' if len(value) == 1 else 's'}"
    # A grader's proxy names the type of the object that it stands for.
    return f"an object of type {getattr(value, '_stands_for', type(value).__name__)}"


def arrays_in(name, value):
    """Find the arrays in plain data, with what one would type to reach them.

    >>> [where for where, _ in arrays_in("cache", (np.zeros(2), {"mean": np.zeros(3)}, 0.5))]
    ['cache[0]', "cache[1]['mean']"]
    """
    if isinstance(value, np.ndarray):
        yield name, value
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, part in parts:
        yield from arrays_in(f"{name}[{key!r}]", part)


def to_json(value):
    """Write plain data as JSON data; `from_json` gives back the same values, types and dtypes.

    >>> to_json((1, 2.0))
    {'tuple': [1, 2.0]}
    >>> to_json(np.array([[1.5, 2.0]], dtype=np.float32))
    {'array': [[1.5, 2.0]], 'dtype': 'float32', 'shape': [1, 2]}
    """
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "c":
            raise NotPlain("an array of complex numbers")
        return {"array": value.tolist(), "dtype": value.dtype.name, "shape": list(value.shape)}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, tuple):
        return {"tuple": [to_json(item) for item in value]}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {"dict": {key: to_json(item) for key, item in value.items()}}
    return value


def from_json(data):
    """Read what `to_json` wrote.

    >>> from_json(to_json({"out": (np.arange(2), "a")}))
    {'out': (array([0, 1]), 'a')}
    """
    if isinstance(data, list):
        return [from_json(item) for item in data]
    if not isinstance(data, dict):
        return data
    if "array" in data:
        return np.array(data["array"], dtype=data["dtype"]).reshape(data["shape"])
    if "complex" in data:
        return complex(*data["complex"])
    if "tuple" in data:
        return tuple(from_json(item) for item in data["tuple"])
    return {key: from_json(item) for key, item in data["dict"].items()}
