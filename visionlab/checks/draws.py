"""What the cases of exercises draw: arrays that print short, and networks on paper.

Sums of products of small whole numbers and quarters are exact even in float32, so that answers in any style and
precision agree on them.
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


def several(returned):
    """Return the results of a function that has several; one array, which could be unpacked as well, is not several.

    Examples
    --------
    >>> several(np.zeros(2))
    Traceback (most recent call last):
    ...
    TypeError: one result, where there should be several
    """
    if not isinstance(returned, list | tuple):
        raise TypeError("one result, where there should be several")
    return returned


def paper_network(rng):
    """Draw a small convolutional network for questions about its sizes: convolution, max pooling, convolution.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    dict
        ``input``: (channels, rows, columns). ``conv1`` and ``conv2``: dicts of ``filters``, ``kernel``, ``stride`` and
        ``padding``; ``pool``: ``kernel`` and ``stride``. Kernels are square, maps are not. Something is left over
        somewhere, so that it matters how one rounds, and so does the padding.

    Examples
    --------
    >>> network = paper_network(np.random.default_rng(0))
    >>> network["input"], network["pool"]
    ((4, 43, 39), {'kernel': 2, 'stride': 2})
    """

    def draw(low, high):
        return int(rng.integers(low, high + 1))

    while True:
        network = {
            "input": (draw(1, 4), draw(26, 52), draw(26, 52)),
            "conv1": {"filters": draw(4, 12), "kernel": draw(3, 7), "stride": draw(1, 3), "padding": draw(1, 2)},
            "pool": {"kernel": draw(2, 3), "stride": 2},
            "conv2": {"filters": draw(8, 20), "kernel": draw(2, 4), "stride": draw(1, 2), "padding": draw(0, 1)},
        }
        sizes, left = network["input"][1:], []
        for layer in (network["conv1"], network["pool"], network["conv2"]):
            rooms = [size + 2 * layer.get("padding", 0) - layer["kernel"] for size in sizes]
            left.append([room % layer["stride"] for room in rooms])
            sizes = [room // layer["stride"] + 1 for room in rooms]
        padding_matters = any(rest < network["conv1"]["padding"] for rest in left[0])
        if min(sizes) > 1 and sizes[0] != sizes[1] and any(map(any, left)) and padding_matters:
            return network
