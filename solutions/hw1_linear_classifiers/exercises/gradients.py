"""Gradients by trying, and how far two gradients are apart."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import quarters, read_only_view, whole

# ---------------------------------------------------------------------------------------------------------------------
# numerical_gradient

NUMERIC = Tolerance(relative=1e-6, absolute=1e-6)


def weighted_squares(weights):
    """The function Σ w·x²; it also takes x flat, since whether f gets the right shape has a case of its own."""
    return lambda x: float(np.sum(np.ravel(weights) * np.ravel(x) ** 2))


def gradient_of_cube(student, rng):
    """the cube of one number, f(x) = x³ at x = 2, with a large step h = 0.5: (2.5³ − 1.5³) / 1 = 12.25"""
    return {"gradient": student(lambda x: float(np.sum(np.ravel(x) ** 3)), np.array([2.0]), h=0.5)}


def gradient_of_two_numbers(student, rng):
    """f(x) = x₀² + 10 x₁ at (3, 5)"""
    return {"gradient": student(lambda x: float(np.ravel(x)[0] ** 2 + 10 * np.ravel(x)[-1]), np.array([3.0, 5.0]))}


def gradient_of_product(student, rng):
    """f(x) = x₀ · x₁ · x₂ with a large step h = 0.5: each slope depends on the other numbers"""
    return {"gradient": student(lambda x: float(np.prod(np.ravel(x))), np.array([2.0, 3.0, 4.0]), h=0.5)}


def gradient_of_table(student, rng):
    """a function of 2×3 numbers"""
    return {"gradient": student(weighted_squares([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), whole(rng, 2, 3) + 5)}


def gradient_given_shape(student, rng):
    """f always gets an array of the shape of x, here (3, 1, 2)"""
    shapes, half_of_squares = [], weighted_squares(0.5)

    def f(x):
        shapes.append(np.shape(x) == (3, 1, 2))
        return half_of_squares(x)

    gradient = student(f, whole(rng, 3, 1, 2))
    return {"gradient": gradient, "f always got an array of the shape (3, 1, 2)": all(shapes)}


def gradient_of_view(student, rng):
    """2×4 numbers in an array that is not contiguous"""
    x = np.ascontiguousarray(quarters(rng, 4, 2)).T
    return {"gradient": student(weighted_squares(whole(rng, 2, 4) + 4), x)}


def gradient_leaves_argument(student, rng):
    """afterwards x is what it was, to the last digit"""
    x = np.array([0.1, 0.2, 0.3, 0.7, 1.1, 3.3])
    return {"gradient": student(weighted_squares(0.5), x)}


def gradient_of_whole_numbers(student, rng):
    """x holds whole numbers (dtype int64), which cannot take up a small step themselves"""
    return {"gradient": student(weighted_squares(0.5), np.array([3, -2, 5]))}


def gradient_of_single_precision(student, rng):
    """x is float32, which has too few digits for a small step"""
    x = np.array([0.1, 0.7, -1.3], dtype=np.float32)
    return {"gradient": student(weighted_squares(0.5), x)}


def gradient_drawn(student, rng):
    """shapes, functions and steps drawn at random"""
    seen = {}
    for draw in range(4):
        shape = tuple(int(n) for n in rng.permutation(4)[: rng.integers(1, 4)] + 1)
        weights, x, h = whole(rng, *shape) + 4, quarters(rng, *shape), float(rng.choice([0.5, 0.25, 1e-5]))

        def f(x, weights=weights):
            x = np.ravel(x)
            return float(np.sum(np.ravel(weights) * (x**3 + x**2)) + np.sum(x) ** 2)

        seen[f"gradient {draw + 1}"] = student(f, x, h)
    return seen


def gradient_of_smooth_function(student, rng):
    """a function with exponentials"""
    weights = rng.standard_normal((3, 4))
    x = rng.standard_normal((3, 4))
    return {"gradient": student(lambda x: float(np.log(np.sum(np.exp(np.ravel(weights) * np.ravel(x))))), x)}


NUMERICAL_GRADIENT = Exercise(
    "numerical_gradient",
    points=3,
    cases=[
        Case(gradient_of_cube, tolerance=NUMERIC),
        Case(gradient_of_two_numbers, tolerance=NUMERIC),
        Case(gradient_of_product, tolerance=NUMERIC),
        Case(gradient_of_whole_numbers, tolerance=NUMERIC),
        Case(gradient_of_single_precision, tolerance=NUMERIC),
        Case(gradient_of_table, tolerance=NUMERIC),
        Case(gradient_given_shape, tolerance=NUMERIC),
        Case(gradient_leaves_argument, tolerance=NUMERIC),
        Case(gradient_of_view, tolerance=NUMERIC),
        Case(gradient_drawn, hidden=True, weight=2, tolerance=NUMERIC),
        Case(gradient_of_smooth_function, hidden=True, tolerance=NUMERIC),
    ],
    bugs=[
        Bug(
            "forward difference",
            "You compare f a step ahead with f at the place itself: a forward difference. The central one looks a "
            "step to *both* sides, and its error is far smaller.",
            (
                "        moved[place] = kept - h\n        below = f(moved)\n        moved[place] = kept\n",
                "        moved[place] = kept\n        below = f(moved)\n",
            ),
            ("(2 * h)", "h"),
        ),
        Bug(
            "backward difference",
            "You compare f at the place itself with f a step behind. The central difference looks a step to *both* "
            "sides.",
            ("kept + h", "kept"),
            ("(2 * h)", "h"),
        ),
        Bug(
            "divided by h",
            "You divide by h, but the two places are 2h apart: your gradient is twice too large.",
            ("(2 * h)", "h"),
        ),
        Bug(
            "difference not divided",
            "You return the difference of the two values of f. A slope is the difference divided by the distance of "
            "the two places.",
            (" / (2 * h)", ""),
        ),
        Bug(
            "multiplied by h in place of divided",
            "`a / 2 * h` divides by 2 and then multiplies by h. Put brackets around the distance.",
            ("/ (2 * h)", "/ 2 * h"),
        ),
        Bug(
            "sign turned round",
            "Your gradient has the wrong sign: take f a step *ahead* minus f a step *behind*.",
            ("above - below", "below - above"),
        ),
        Bug(
            "number not put back",
            "You don't put a number back before you go on to the next, so all later slopes are measured at another "
            "place. Keep the old value in a variable, and restore it.",
            ("        moved[place] = kept\n", ""),
        ),
        Bug(
            "number not put back, and the argument changed",
            "You change x itself and don't put the number back before you go on to the next. Keep the old value in a "
            "variable, and restore it.",
            ("np.array(x, dtype=float)", "np.asarray(x, dtype=float)"),
            ("        moved[place] = kept\n", ""),
        ),
        Bug(
            "restored by arithmetic",
            "You put the number back by adding h, subtracting 2h and adding h again. Each of these steps rounds, and "
            "a little is left over. Keep the old value in a variable, and put *that* back.",
            source='''
import numpy as np
def numerical_gradient(f, x, h=1e-5):
    """Step back by arithmetic."""
    x = np.asarray(x, dtype=float)
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        x[place] += h
        above = f(x)
        x[place] -= 2 * h
        gradient[place] = (above - f(x)) / (2 * h)
        x[place] += h
    return gradient
''',
        ),
        Bug(
            "all numbers moved at once",
            "You move all numbers of x together (`x + h`). That measures the slope in one direction, the diagonal. "
            "Each entry of the gradient belongs to *one* number that moves while the others stay.",
            source='''
import numpy as np
def numerical_gradient(f, x, h=1e-5):
    """Move everything."""
    x = np.array(x, dtype=float)
    return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))
''',
        ),
        Bug(
            "whole rows moved",
            "Your loop runs over the rows (`for i in range(len(x))`) and moves a whole row at each step. Every "
            "*single* number has its slope: visit all places of the array, whatever its shape (`np.ndindex`).",
            ("np.ndindex(moved.shape)", "range(len(moved))"),
            ("kept = moved[place]", "kept = np.array(moved[place])"),
        ),
        Bug(
            "only two dimensions",
            "Your loops count on rows and columns. x may have one dimension, or three: visit all places of the array, "
            "whatever its shape (`np.ndindex`).",
            (
                "np.ndindex(moved.shape)",
                "((i, j) for i in range(moved.shape[0]) for j in range(moved.shape[1]))",
            ),
        ),
        Bug(
            "f given a flat array",
            "You flatten x and call f with the flat array. f expects the shape that x has: reshape before you call it.",
            source='''
import numpy as np
def numerical_gradient(f, x, h=1e-5):
    """Flatten, go along, shape the result."""
    flat = np.array(x, dtype=float).ravel()
    gradient = np.zeros(flat.size)
    for i in range(flat.size):
        kept = flat[i]
        flat[i] = kept + h
        above = f(flat)
        flat[i] = kept - h
        gradient[i] = (above - f(flat)) / (2 * h)
        flat[i] = kept
    return gradient.reshape(np.shape(x))
''',
        ),
        Bug(
            "flat gradient returned",
            "The numbers are right, but your gradient is flat. It must have the shape of x: one slope for each "
            "number, at the same place.",
            ("return gradient", "return gradient.ravel()"),
        ),
        Bug(
            "a copy moved, the original given to f",
            "`x.ravel()` is sometimes a *copy*: for an array that isn't contiguous, what you write into it never "
            "arrives in x. So f sees the same numbers twice, and the slope is 0. Index x itself (`np.ndindex`).",
            source='''
import numpy as np
def numerical_gradient(f, x, h=1e-5):
    """Write through a flat view, if it is one."""
    x = np.asarray(x, dtype=float)
    flat, gradient = x.ravel(), np.zeros(x.size)
    for i in range(x.size):
        kept = flat[i]
        flat[i] = kept + h
        above = f(x)
        flat[i] = kept - h
        gradient[i] = (above - f(x)) / (2 * h)
        flat[i] = kept
    return gradient.reshape(x.shape)
''',
        ),
        Bug(
            "steps in whole numbers",
            "x holds whole numbers, and of what you write into it numpy cuts off everything behind the point: 3.00001 "
            "becomes 3, and 2.99999 becomes 2. Work on a copy of x in float64.",
            ("np.array(x, dtype=float)", "np.array(x)"),
            ("np.zeros(moved.shape)", "np.zeros(moved.shape, dtype=float)"),
        ),
        Bug(
            "steps and gradient in the type of x",
            "You compute in the type that x has. Where x holds whole numbers, numpy cuts off everything behind the "
            "point: a step of 0.00001 is lost, and so are the fractions of the gradient; and float32 has too few "
            "digits. Work on a copy of x in float64, and make the gradient an array of floats.",
            ("np.array(x, dtype=float)", "np.array(x)"),
            ("np.zeros(moved.shape)", "np.zeros_like(x)"),
        ),
        Bug(
            "gradient of whole numbers",
            "Your gradient has the type of x (`zeros_like`), and where x holds whole numbers, numpy cuts off what "
            "stands behind the point. Make it an array of floats.",
            ("np.zeros(moved.shape)", "np.zeros_like(x)"),
        ),
        Bug(
            "steps in single precision",
            "float32 has about seven digits: after a step of 0.00001 most of them are used up, and the slope is "
            "noise. Work on a copy of x in float64, whatever type x has.",
            ("np.array(x, dtype=float)", "np.array(x, dtype=np.result_type(x, np.float32))"),
        ),
        Bug(
            "h ignored",
            "You use a step of your own and ignore `h`.",
            ("kept + h", "kept + 1e-5"),
            ("kept - h", "kept - 1e-5"),
            ("(2 * h)", "2e-5"),
        ),
        Bug(
            "last number forgotten",
            "The last entry of your gradient stays 0: the loop ends one place too early.",
            ("np.ndindex(moved.shape)", "list(np.ndindex(moved.shape))[: max(1, moved.size - 1)]"),
        ),
    ],
    correct=[
        Correct(
            "in place, put back",
            '''
import numpy as np
def numerical_gradient(f, x, h=1e-5):
    """As CS231n does it: x itself is moved, and restored."""
    x = x if x.dtype == np.float64 else x.astype(np.float64)
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        ix = it.multi_index
        oldval = x[ix]
        x[ix] = oldval + h
        fxph = f(x)
        x[ix] = oldval - h
        fxmh = f(x)
        x[ix] = oldval
        grad[ix] = (fxph - fxmh) / (2 * h)
        it.iternext()
    return grad
''',
        ),
        Correct(
            "a fresh array for each call",
            '''
import numpy as np
def numerical_gradient(f, x, h=1e-5):
    """Unit steps."""
    x = np.array(x, dtype=np.float64)
    slopes = []
    for i in range(x.size):
        step = np.zeros(x.size)
        step[i] = h
        step = step.reshape(x.shape)
        slopes.append((f(x + step) - f(x - step)) / (2 * h))
    return np.array(slopes).reshape(x.shape)
''',
        ),
        Correct(
            "two halves, a view as result",
            '''
import numpy as np
def numerical_gradient(f, x, h=1e-5):
    """The mean of the forward and the backward difference."""
    x = np.asarray(x).astype(float)
    out, here = np.zeros((x.size, 2)), f(x)
    for i in range(x.size):
        for side in (0, 1):
            y = x.copy()
            y.flat[i] += (-1) ** side * h
            out[i, side] = (-1) ** side * (f(y) - here) / h
    return out.mean(axis=1).reshape(x.shape)
''',
        ),
        Correct(
            "moved lists, in torch",
            '''
import numpy as np
import torch
def numerical_gradient(f, x, h=1e-5):
    """A tensor as result; f gets arrays."""
    x = torch.tensor(np.array(x, dtype=float, order="C"))
    grad = torch.zeros_like(x)
    for i in range(x.numel()):
        up, down = x.clone(), x.clone()
        up.view(-1)[i] += h
        down.view(-1)[i] -= h
        grad.view(-1)[i] = (f(up.numpy()) - f(down.numpy())) / (2 * h)
    return grad
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# relative_error

# Some add the 1e-8 to the divisor in place of taking at least that.
ROUGH = Tolerance(relative=1e-4)


def error_of_numbers(student, rng):
    """two numbers, 2 and 3"""
    return {"relative_error(2, 3)": student(2.0, 3.0)}


def error_of_swapped_numbers(student, rng):
    """the same numbers the other way round"""
    return {"relative_error(3, 2)": student(3.0, 2.0)}


def error_of_negative_numbers(student, rng):
    """negative numbers, and numbers of opposite sign"""
    return {"relative_error(-4, -5)": student(-4.0, -5.0), "relative_error(-1, 1)": student(-1.0, 1.0)}


def error_of_arrays(student, rng):
    """two arrays: the worst element counts"""
    return {"error": student(np.array([100.0, 1.0, 50.0]), np.array([101.0, 2.0, 50.0]))}


def error_of_small_and_large(student, rng):
    """a small number that is all wrong, beside a large one that is nearly right"""
    return {"error": student(np.array([1000.0, 0.001]), np.array([1001.0, 0.004]))}


def error_of_equal_arrays(student, rng):
    """equal arrays, with zeros in them"""
    return {"error": student(np.array([[0.0, 1.0], [-2.0, 0.0]]), np.array([[0.0, 1.0], [-2.0, 0.0]]))}


def error_of_next_to_nothing(student, rng):
    """a zero beside 2·10⁻¹², which is next to nothing: measured against 10⁻⁸, the error is 0.0002"""
    return {"error": student(np.array([0.0, 4.0]), np.array([2e-12, 4.0]))}


def error_of_not_a_number(student, rng):
    """a gradient that is nan somewhere must not pass for a good one"""
    return {"error": student(np.array([1.0, float("nan"), 3.0]), np.array([1.0, 2.0, 3.0]))}


def error_of_whole_numbers(student, rng):
    """whole numbers (dtype int64) in 2×3 arrays that are read-only and not contiguous"""
    a, b = np.array([[3, -8, 2], [1, 5, -4]]), np.array([[3, -6, 2], [1, 5, -5]])
    return {"error": student(read_only_view(a), read_only_view(b))}


def error_of_bytes(student, rng):
    """bytes (dtype uint8): 3 and 5"""
    return {"error": student(np.array([3], dtype=np.uint8), np.array([5], dtype=np.uint8))}


def error_drawn(student, rng):
    """arrays drawn at random"""
    seen = {}
    for draw in range(6):
        shape = tuple(int(n) for n in rng.integers(1, 5, rng.integers(1, 4)))
        a = (rng.integers(0, 2, shape) * 2 - 1) * rng.uniform(1, 2, shape) * 10.0 ** rng.integers(0, 5, shape)
        seen[f"error {draw + 1}"] = student(a, a * rng.uniform(0.9, 1.3, shape))
    return seen


RELATIVE_ERROR = Exercise(
    "relative_error",
    points=2,
    cases=[
        Case(error_of_numbers, tolerance=ROUGH),
        Case(error_of_swapped_numbers, tolerance=ROUGH),
        Case(error_of_negative_numbers, tolerance=ROUGH),
        Case(error_of_bytes, tolerance=ROUGH),
        Case(error_of_arrays, tolerance=ROUGH),
        Case(error_of_small_and_large, tolerance=ROUGH),
        Case(error_of_next_to_nothing, tolerance=Tolerance(relative=1e-3)),
        Case(error_of_not_a_number, tolerance=ROUGH),
        Case(error_of_equal_arrays, tolerance=ROUGH),
        Case(error_of_whole_numbers, tolerance=ROUGH),
        Case(error_drawn, hidden=True, weight=2, tolerance=ROUGH),
    ],
    bugs=[
        Bug(
            "absolute error",
            "You return the difference itself. Is 0.001 much? Next to 1000 it isn't, next to 0.001 it is: divide by "
            "the larger of the two numbers.",
            (" / np.maximum(size, 1e-8)", ""),
        ),
        Bug(
            "divided by the first",
            "You divide by the first number, so the result depends on which one comes first. Divide by the larger of "
            "the two.",
            ("np.maximum(np.abs(a), np.abs(b))", "np.abs(a)"),
        ),
        Bug(
            "divided by the second",
            "You divide by the second number, so the result depends on which one comes first. Divide by the larger of "
            "the two.",
            ("np.maximum(np.abs(a), np.abs(b))", "np.abs(b)"),
        ),
        Bug(
            "divided by the smaller",
            "You divide by the smaller of the two numbers. Divide by the larger one.",
            ("np.maximum(np.abs(a), np.abs(b))", "np.minimum(np.abs(a), np.abs(b))"),
        ),
        Bug(
            "divided by the sum",
            "You divide by |a| + |b|. Some programs do; here it is the *larger* of |a| and |b|, as in the lecture, so "
            "that the error says what share is wrong.",
            ("np.maximum(np.abs(a), np.abs(b))", "np.abs(a) + np.abs(b)"),
        ),
        Bug(
            "sign of the difference kept",
            "You don't take the absolute value of the difference: where b is larger than a, your error is negative, "
            "and the largest of negative numbers tells nothing.",
            ("np.abs(a - b)", "(a - b)"),
        ),
        Bug(
            "larger without absolute values",
            "You take the larger of a and b with their signs: of −4 and −5 that is −4, and of −1 and 1 it is 1. "
            "Compare the absolute values.",
            ("np.maximum(np.abs(a), np.abs(b))", "np.maximum(a, b)"),
        ),
        Bug(
            "mean instead of the worst",
            "You return the mean error. One wrong entry among a thousand right ones would hardly show: the *worst* "
            "one counts.",
            ("np.max(np.abs(a - b)", "np.mean(np.abs(a - b)"),
        ),
        Bug(
            "all errors returned",
            "You return the error of each element. One number is wanted: the largest.",
            ("np.max(np.abs(a - b) / np.maximum(size, 1e-8))", "np.abs(a - b) / np.maximum(size, 1e-8)"),
        ),
        Bug(
            "largest difference over largest number",
            "You divide the largest difference by the largest number of all. A small entry that is all wrong would "
            "hide behind a large one: divide element by element first, then take the largest.",
            ("np.maximum(size, 1e-8)", "np.maximum(size.max(), 1e-8)"),
        ),
        Bug(
            "lengths instead of elements",
            "You compare the lengths of whole arrays (`norm`). A small entry that is all wrong would hide behind a "
            "large one: divide element by element, then take the largest.",
            (
                "np.max(np.abs(a - b) / np.maximum(size, 1e-8))",
                "np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b), 1e-8)",
            ),
        ),
        Bug(
            "zero divided by zero",
            "Where both numbers are 0 you divide 0 by 0, and that isn't a number (nan). Make the divisor at least "
            "1e-8.",
            ("np.maximum(size, 1e-8)", "size"),
        ),
        Bug(
            "nan overlooked",
            "A gradient with a nan in it gets a good mark from you. Comparisons with nan are always false, and "
            "`nanmax` leaves it out; if a number is missing, the error has to be nan as well.",
            ("np.max(np.abs(a - b)", "np.nanmax(np.abs(a - b)"),
        ),
        Bug(
            "bytes subtracted",
            "You subtract bytes (dtype uint8). They have no negative numbers: 3 − 5 becomes 254. Turn both into "
            "floats first.",
            ("np.asarray(a, dtype=float), np.asarray(b, dtype=float)", "np.asarray(a), np.asarray(b)"),
        ),
    ],
    correct=[
        Correct(
            "a loop",
            '''
import numpy as np
def relative_error(a, b):
    """Element by element."""
    worst = 0.0
    for p, q in zip(np.ravel(a).astype(float), np.ravel(b).astype(float)):
        error = abs(p - q) / max(abs(p), abs(q), 1e-8)
        if np.isnan(error):
            return float("nan")
        worst = max(worst, error)
    return worst
''',
        ),
        Correct(
            "zeros first",
            '''
import numpy as np
def relative_error(a, b):
    """Divide only where there is something to divide by."""
    a = np.atleast_1d(np.array(a)).astype(float)
    b = np.atleast_1d(np.array(b)).astype(float)
    larger = np.where(abs(a) > abs(b), abs(a), abs(b))
    larger[larger < 1e-8] = 1e-8
    return (abs(b - a) / larger).max()
''',
        ),
        Correct(
            "torch, a tensor as result",
            '''
import numpy as np
import torch
def relative_error(a, b):
    """Let torch do it."""
    a, b = (torch.tensor(np.array(values, dtype=np.float64)) for values in (a, b))
    return ((a - b).abs() / torch.maximum(a.abs(), b.abs()).clamp(min=1e-8)).max()
''',
        ),
        Correct(
            "floor added",
            '''
import numpy as np
def relative_error(a, b):
    """A tiny number in the divisor."""
    a, b = np.float64(a), np.float64(b)
    return float(np.amax(np.abs(a - b) / (np.maximum(np.abs(a), np.abs(b)) + 1e-8)))
''',
        ),
    ],
)
