"""The numerical gradient of a module, and the recurrence over a sequence of modules."""

import itertools

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, replaced
from visionlab.checks.draws import distinct, quarters, read_only_view, several, whole

CLOSE = Tolerance(1e-5, 1e-6)

# ---------------------------------------------------------------------------------------------------------------------
# numerical_backward


def numeric_square(student, rng):
    """`f` squares each number of one row"""
    return {"dx": student(lambda x: x**2, np.array([[1.0, -2.0, 3.0]]), np.array([[1.0, 10.0, 100.0]]))}


def numeric_two_ways(student, rng):
    """`f` makes a sum and a product of two numbers"""

    def sum_and_product(x):
        return np.array([x[0] + x[1], x[0] * x[1]])

    return {"dx": student(sum_and_product, np.array([3.0, -2.0]), np.array([1.0, 10.0]))}


def numeric_coarse(student, rng):
    """`f` is a product of powers, and h = 0.5 is so coarse that every way to calculate gives other numbers"""

    def powers(x):
        return np.array([x[0] ** 3 * x[1]])

    return {"dx": student(powers, np.array([2.0, 4.0]), np.array([2.0]), h=0.5)}


def numeric_fine(student, rng):
    """`f` is the exponential of each number, at x = 5, with the usual h"""
    return {"dx": student(np.exp, np.array([5.0, 0.0]), np.array([1.0, 1.0]))}


def numeric_matrix(student, rng):
    """`f` multiplies two rows of three numbers by a 3×4 matrix"""
    w = distinct(rng, 3, 4)
    return {"dx": student(lambda x: x @ w, whole(rng, 2, 3), whole(rng, 2, 4) + 5)}


def numeric_loss(student, rng):
    """`f` gives a single number, such as a loss"""
    return {"dx": student(lambda x: float((x**2).sum()), np.array([[1.0, -2.0], [3.0, 0.5]]), 2.0)}


def numeric_whole_numbers(student, rng):
    """`x` holds whole numbers (dtype int64)"""
    return {"dx": student(lambda x: x**2, np.array([[3, -1], [2, 5]]), np.ones((2, 2)))}


def numeric_float32(student, rng):
    """`x` is in float32, which is too coarse for steps of 0.00001"""
    return {"dx": student(lambda x: x**2, np.array([300.0, 7.0], dtype=np.float32), np.ones(2))}


def numeric_view(student, rng):
    """`x` has three axes, is read-only and not contiguous"""
    w = whole(rng, 3, 2)
    x = read_only_view(quarters(rng, 2, 2, 3))
    return {"dx": student(lambda x: x**2 @ w, x, quarters(rng, 2, 2, 2))}


def numeric_drawn(student, rng):
    """modules drawn at random"""
    seen = {}
    for draw in range(3):
        count, inner, outputs = (int(n) for n in rng.integers(1, 5, 3))
        w, power = quarters(rng, inner, outputs), int(rng.integers(1, 4))
        x, dout = quarters(rng, count, inner), whole(rng, count, outputs)
        seen[f"dx {draw + 1}"] = student(lambda x, w=w, power=power: np.tanh(x) ** power @ w, x, dout)
    return seen


def numeric_coarse_drawn(student, rng):
    """coarse steps drawn at random"""
    h = float(rng.choice([0.25, 0.5, 1.0]))
    return {
        "dx": student(lambda x: np.array([x[0] ** 3 * x[1] ** 2, x[1] ** 3]), whole(rng, 2) + 4, whole(rng, 2), h=h)
    }


# One loop, with every step written out: what most bugs are made from.
STEP_BY_STEP = """
import numpy as np
def numerical_backward(f, x, dout, h=1e-5):
    x = np.array(x, dtype=float)
    dx = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + h
        above = f(x) * 1.0
        x[i] = old - h
        below = f(x) * 1.0
        x[i] = old
        dx[i] = np.sum(dout * (above - below)) / (2 * h)
    return dx
"""

NUMERICAL_BACKWARD = Exercise(
    "numerical_backward",
    points=3,
    cases=[
        Case(numeric_square, tolerance=CLOSE),
        Case(numeric_two_ways, tolerance=CLOSE),
        Case(numeric_coarse, tolerance=CLOSE),
        Case(numeric_fine, tolerance=CLOSE),
        Case(numeric_loss, tolerance=CLOSE),
        Case(numeric_whole_numbers, tolerance=CLOSE),
        Case(numeric_float32, tolerance=CLOSE),
        Case(numeric_matrix, tolerance=CLOSE),
        Case(numeric_view, tolerance=CLOSE),
        Case(numeric_drawn, hidden=True, weight=2, tolerance=Tolerance(1e-5, 1e-5)),
        Case(numeric_coarse_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "step to one side only",
            "You compare f(x + h) with f(x). That is the *forward* difference, whose error shrinks like h; the "
            "central one, from x − h to x + h, is off by h² only.",
            source=replaced(STEP_BY_STEP, ("x[i] = old - h", "x[i] = old"), ("/ (2 * h)", "/ h")),
        ),
        Bug(
            "divided by h instead of 2h",
            "Your numbers are twice too large: from x − h to x + h it is a way of 2h.",
            ("/ (2 * h)", "/ h"),
        ),
        Bug(
            "product with h",
            "You divide by 2 and *multiply* by h: `/ 2 * h`. Mind the brackets.",
            ("/ (2 * h)", "/ 2 * h"),
        ),
        Bug(
            "step not taken back",
            "After a number has been moved it is not set back, so all that follow are measured at another "
            "place. Keep the old value and put it back.",
            source=replaced(STEP_BY_STEP, ("        x[i] = old\n", "")),
        ),
        Bug(
            "upstream gradient ignored",
            "You add up the differences themselves. Each output's difference has to be multiplied by what "
            "arrives there, its entry of `dout`, before adding.",
            source=replaced(STEP_BY_STEP, ("dout * (above - below)", "above - below")),
        ),
        Bug(
            "upstream gradient at the same place only",
            "For x[i] you look at output [i] only. A number may change *all* outputs: multiply all differences "
            "by `dout` and add.",
            source=replaced(STEP_BY_STEP, ("np.sum(dout * (above - below))", "(dout * (above - below))[i]")),
        ),
        Bug(
            "mean instead of sum",
            "You take the mean over the outputs. What comes back from several outputs is *added*.",
            source=replaced(STEP_BY_STEP, ("np.sum(", "np.mean(")),
        ),
        Bug(
            "all numbers moved at once",
            "You move all of `x` at once, and so measure the slopes together. Move one number, and leave the others.",
            source="""
import numpy as np
def numerical_backward(f, x, dout, h=1e-5):
    return dout * (f(x + h) - f(x - h)) / (2 * h)
""",
        ),
        Bug(
            "steps of whole numbers",
            "You add h into an array of whole numbers, which rounds it away: `f` never sees a change. Work on "
            "a copy of `x` in float64.",
            source=replaced(STEP_BY_STEP, ("np.array(x, dtype=float)", "np.array(x)")),
        ),
        Bug(
            "steps in float32",
            "You take the steps in float32, which has seven digits: of a step of 0.00001 little or nothing is "
            "left. Work on a copy of `x` in float64.",
            source=replaced(
                STEP_BY_STEP,
                ("np.array(x, dtype=float)", "np.array(x, dtype=np.float32 if x.dtype == np.float32 else float)"),
            ),
        ),
        Bug(
            "steps in the array that was given",
            "You move the numbers of `x` itself. Even if you put them back: while you work, and if `f` fails, "
            "the caller's array is changed (and some arrays can't be written to at all). Work on a copy.",
            source=replaced(STEP_BY_STEP, ("np.array(x, dtype=float)", "x")),
        ),
        Bug(
            "h fixed",
            "You ignore the argument `h` and always use the same step. It is the caller's choice.",
            source=replaced(STEP_BY_STEP, ("    x = ", "    h = 1e-5\n    x = ")),
        ),
        Bug(
            "sign turned",
            "You subtract the other way round. If `f` grows when x grows, the slope is positive: above minus below.",
            source=replaced(STEP_BY_STEP, ("above - below", "below - above")),
        ),
        Bug(
            "gradient as one row",
            "You return the gradient as one flat row. A gradient has the shape of its thing: that of `x`.",
            ("return dx", "return dx.ravel()"),
        ),
        Bug(
            "step too small",
            "You take much too small a step. The two values of `f` then agree in nearly all digits, and what "
            "is left of their difference is noise. Use `h` as it is given.",
            source=replaced(STEP_BY_STEP, ("    x = ", "    h = h * 1e-9\n    x = ")),
        ),
    ],
    correct=[
        Correct("step by step", STEP_BY_STEP),
        Correct(
            "unit vectors, new arrays",
            """
import numpy as np
def numerical_backward(f, x, dout, h=1e-5):
    flat = np.asarray(x).ravel().astype(np.float64)
    steps = h * np.eye(flat.size)
    slopes = [(f((flat + s).reshape(x.shape)) - f((flat - s).reshape(x.shape))) / (2 * h) for s in steps]
    return np.array([np.sum(slope * dout) for slope in slopes]).reshape(x.shape)
""",
        ),
        Correct(
            "first both sums, then their difference",
            """
import numpy as np
def numerical_backward(f, x, dout, h=1e-5):
    def weighted(shift):
        moved = x.astype(float) + shift
        return float(np.sum(np.multiply(dout, f(moved))))
    dx = np.empty(x.shape)
    it = np.nditer(np.zeros(x.shape), flags=["multi_index"])
    for _ in it:
        shift = np.zeros(x.shape)
        shift[it.multi_index] = h
        dx[it.multi_index] = (weighted(shift) - weighted(-shift)) / h / 2
    return dx
""",
        ),
        Correct(
            "a column for each number, a view as result",
            """
import numpy as np
def numerical_backward(f, x, dout, h=1e-5):
    columns = []
    for k in range(x.size):
        above, below = np.array(x, float), np.array(x, float)
        above.flat[k] += h
        below.flat[k] -= h
        columns.append(np.ravel(f(above)) - np.ravel(f(below)))
    jacobian = np.array(columns).T
    return (np.ravel(dout) @ jacobian / (2 * h)).reshape(x.shape)[...]
""",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# backward_through

SCALE = (lambda z, w: (w * z, (z, w)), lambda g, cache: (g * cache[1], np.sum(g * cache[0])))
SQUARE = (lambda z, w: (z**2, z), lambda g, cache: (2 * g * cache, None))
SHIFT = (lambda z, w: (z + w, None), lambda g, cache: (g * 1.0, g * 1.0))
MATRIX = (lambda z, w: (z @ w, (z, w)), lambda g, cache: (g @ cache[1].T, cache[0].T @ g))
"""Modules as (forward, backward): a number times z, a square, a sum, a matrix product."""


def walked(student, layers, x, dout):
    """The three results by name."""
    z, dx, gradients = several(student(layers, x, dout))
    found = {"z": z, "dx": dx, "number of gradients": len(gradients)}
    return found | {f"gradient of layer {i}": gradient for i, gradient in enumerate(gradients)}


def through_one(student, rng):
    """one layer, which multiplies by 3"""
    return walked(student, [(*SCALE, 3.0)], np.array([2.0, -1.0]), np.array([1.0, 10.0]))


def through_two(student, rng):
    """two layers: multiply by 3, then square"""
    return walked(student, [(*SCALE, 3.0), (*SQUARE, None)], np.array([2.0, -1.0]), np.array([1.0, 10.0]))


def through_two_turned(student, rng):
    """the same two layers the other way round"""
    return walked(student, [(*SQUARE, None), (*SCALE, 3.0)], np.array([2.0, -1.0]), np.array([1.0, 10.0]))


def through_same_layer(student, rng):
    """the same kind of layer three times, with other weights"""
    layers = [(*SCALE, 2.0), (*SCALE, 3.0), (*SCALE, 5.0)]
    return walked(student, layers, np.array([1.0, -1.0]), np.array([1.0, 10.0]))


def through_shapes(student, rng):
    """layers of different widths, so that the order can't be mistaken"""
    layers = [(*MATRIX, distinct(rng, 2, 4)), (*SHIFT, np.ones((3, 4))), (*MATRIX, distinct(rng, 4, 1))]
    return walked(student, layers, whole(rng, 3, 2), whole(rng, 3, 1) + 4)


def through_none(student, rng):
    """no layers at all: the input comes out, and `dout` comes back"""
    return walked(student, [], np.array([2.0, -1.0]), np.array([1.0, 10.0]))


def through_drawn(student, rng):
    """sequences drawn at random"""
    seen = {}
    for draw in range(3):
        layers = []
        for _ in range(int(rng.integers(2, 6))):
            kind = int(rng.integers(3))
            weight = [float(rng.integers(1, 4)), None, whole(rng, 2, 2)][kind]
            layers.append((*(SCALE, SQUARE, SHIFT)[kind], weight))
        found = walked(student, layers, whole(rng, 2, 2, low=-1, high=1), whole(rng, 2, 2))
        seen |= {f"{name} ({draw + 1})": value for name, value in found.items()}
    return seen


def through_shapes_drawn(student, rng):
    """widths drawn at random"""
    widths = [int(n) for n in rng.integers(1, 5, 5)]
    layers = [(*MATRIX, whole(rng, one, other)) for one, other in itertools.pairwise(widths)]
    return walked(student, layers, whole(rng, 3, widths[0]), whole(rng, 3, widths[-1]))


BACKWARD_THROUGH = Exercise(
    "backward_through",
    points=3,
    cases=[
        Case(through_one),
        Case(through_two),
        Case(through_two_turned),
        Case(through_same_layer),
        Case(through_shapes),
        Case(through_none),
        Case(through_drawn, hidden=True, weight=2),
        Case(through_shapes_drawn, hidden=True),
    ],
    bugs=[
        Bug(
            "backward in the order of forward",
            "You walk back in the same order in which you went forward. The way back begins at the last layer: "
            "turn the order round.",
            ("zip(reversed(layers), reversed(caches), strict=True)", "zip(layers, caches, strict=True)"),
            ("return z, g, gradients[::-1]", "return z, g, gradients"),
        ),
        Bug(
            "caches in the wrong order",
            "You take the layers from the last to the first, but their caches from the first to the last. Each "
            "layer needs its own.",
            ("reversed(caches)", "caches"),
        ),
        Bug(
            "gradient not handed on",
            "You give every layer the same `dout`. What a layer returns as its first result is what arrives at "
            "the layer before it.",
            ("g, g_w = backward(g, cache)", "g, g_w = backward(dout, cache)"),
        ),
        Bug(
            "output not handed on",
            "You give every layer the same `x`. What comes out of one layer goes into the next.",
            ("z, cache = forward(z, w)", "z, cache = forward(x, w)"),
        ),
        Bug(
            "walk started with ones",
            "You begin the way back with ones. Begin with `dout`, which is what arrives at the end of this "
            "sequence: it may be only a part of something larger.",
            ("g, gradients = dout, []", "g, gradients = np.ones_like(dout), []"),
        ),
        Bug(
            "gradients listed from the end",
            "Your gradients are right, but the list begins with the *last* layer's. It should be in the order "
            "of `layers`.",
            ("gradients[::-1]", "gradients"),
        ),
        Bug(
            "gradients of layers without parameters left out",
            "You leave out the gradients of layers that have no parameters. Keep a `None` in their place, so "
            "that the list is as long as `layers` and number i belongs to layer i.",
            (
                "        gradients.append(g_w)",
                "        if g_w is not None:\n            gradients.append(g_w)",
            ),
        ),
        Bug(
            "last cache for all",
            "You keep only one cache, so all layers get the last one's. Keep a list.",
            ("reversed(caches)", "[caches[-1]] * len(layers)"),
        ),
        Bug(
            "only the last gradient kept",
            "You return the gradient of one layer's parameters. Collect those of all layers in a list.",
            ("return z, g, gradients[::-1]", "return z, g, gradients[-1:]"),
        ),
        Bug(
            "output of the sequence forgotten",
            "You return two things. Three are asked for: the output z, the gradient of the input, the list of "
            "the parameters' gradients.",
            ("return z, g, gradients[::-1]", "return g, gradients[::-1]"),
        ),
    ],
    correct=[
        Correct(
            "a list filled from the end",
            """
def backward_through(layers, x, dout):
    caches = [None] * len(layers)
    grads = [None] * len(layers)
    for i, (forward, _, w) in enumerate(layers):
        x, caches[i] = forward(x, w)
    i = len(layers)
    while i > 0:
        i -= 1
        dout, grads[i] = layers[i][1](dout, caches[i])
    return x, dout, grads
""",
        ),
        Correct(
            "recursion",
            """
def backward_through(layers, x, dout):
    if not layers:
        return x, dout, []
    (forward, backward, w), *rest = layers
    z, cache = forward(x, w)
    z, g, behind = backward_through(rest, z, dout)
    g, g_w = backward(g, cache)
    return z, g, [g_w, *behind]
""",
        ),
        Correct(
            "a stack of what is to be done",
            """
from collections import deque
def backward_through(layers, x, dout):
    stack, grads = [], deque()
    for forward, backward, w in layers:
        x, cache = forward(x, w)
        stack.append((backward, cache))
    while stack:
        backward, cache = stack.pop()
        dout, grad = backward(dout, cache)
        grads.appendleft(grad)
    return [x, dout, list(grads)]
""",
        ),
        Correct(
            "in float32",
            """
import numpy as np
def backward_through(layers, x, dout):
    memory = []
    z = x.astype(np.float32)
    for forward, backward, w in layers:
        z, cache = forward(z, w)
        memory.insert(0, (backward, cache))
    g, found = dout.astype(np.float32), []
    for backward, cache in memory:
        g, one = backward(g, cache)
        found.insert(0, one)
    return z, g, tuple(found)
""",
        ),
    ],
)
