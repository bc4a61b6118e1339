"""Arrays for the cases of exercises: they print short, and answers in any style and precision agree on them.

Sums of products of small whole numbers and quarters are exact even in float32.
"""

import numpy as np


def whole(rng, *shape, low=-3, high=3):
    """Draw small whole numbers, as floats.

    Parameters
    ----------
    rng : numpy.random.Generator
        So for the other functions here.
    *shape, low, high : int
        Both limits can be drawn.

    Examples
    --------
    >>> whole(np.random.default_rng(0), 2, 3)
    array([[ 2.,  1.,  0.],
           [-2., -1., -3.]])
    """
    return rng.integers(low, high + 1, shape).astype(float)


def quarters(rng, *shape):
    """Draw multiples of 1/4 from −2 to 2."""
    return rng.integers(-8, 9, shape) / 4


def distinct(rng, *shape):
    """Draw whole numbers around 0, each once: a filter that looks different whichever way it is turned."""
    count = int(np.prod(shape))
    return (rng.permutation(count) - count // 2).reshape(shape).astype(float)


def read_only_view(array):
    """Return the same numbers in an array that is not contiguous and cannot be written to."""
    view = np.ascontiguousarray(np.swapaxes(array, -1, -2)).swapaxes(-1, -2)
    view.flags.writeable = False
    return view


def ask(student, name, *args, **settings):
    """Call the student's function; return its answer under the call as one would type it.

    Examples
    --------
    >>> ask(round, "round", 2.345, ndigits=1)
    {'round(2.345, ndigits=1)': 2.3}
    """
    written = ", ".join([*map(str, args), *(f"{key}={value}" for key, value in settings.items())])
    return {f"{name}({written})": student(*args, **settings)}
