"""Inverted dropout, forward in training and in use, and backward."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import quarters, read_only_view, several, whole

CLOSE = Tolerance(1e-5, 1e-6)

# ---------------------------------------------------------------------------------------------------------------------
# dropout_forward


def dropped(student, x, p, u, **settings):
    """Output and cache by name."""
    out, cache = several(student(x, p, u, **settings))
    return {"out": out, "cache": np.asarray(cache) * 1.0}


def chances(rng, *shape):
    """Random numbers in sixteenths, each as likely, none of them 1."""
    return rng.integers(0, 16, shape) / 16


def drop_tiny(student, rng):
    """four numbers, p = 0.5: the first and the last are dropped"""
    return dropped(student, np.array([[3.0, 5.0, 7.0, 9.0]]), 0.5, np.array([[0.125, 0.75, 0.625, 0.375]]))


def drop_much(student, rng):
    """the same numbers, p = 0.75: only one is kept"""
    return dropped(student, np.array([[3.0, 5.0, 7.0, 9.0]]), 0.75, np.array([[0.125, 0.875, 0.625, 0.375]]))


def drop_little(student, rng):
    """the same numbers, p = 0.2: one is dropped"""
    return dropped(student, np.array([[3.0, 5.0, 7.0, 9.0]]), 0.2, np.array([[0.125, 0.75, 0.625, 0.375]]))


def drop_at_the_border(student, rng):
    """a random number that is exactly p: not less than p, so it is kept"""
    return dropped(student, np.array([[3.0, 5.0]]), 0.25, np.array([[0.25, 0.125]]))


def drop_nothing(student, rng):
    """p = 0: all numbers are kept, and as they are"""
    return dropped(student, np.array([[3.0, 5.0, -7.0]]), 0.0, np.array([[0.0, 0.5, 0.875]]))


def drop_in_use(student, rng):
    """mode "eval": nothing is dropped, and nothing is scaled"""
    return dropped(
        student, np.array([[3.0, 5.0, 7.0, 9.0]]), 0.75, np.array([[0.125, 0.75, 0.625, 0.375]]), mode="eval"
    )


def drop_rows(student, rng):
    """three rows of four numbers"""
    return dropped(student, whole(rng, 3, 4) + 5, 0.5, chances(rng, 3, 4))


def drop_maps(student, rng):
    """two maps of 2×3 numbers (dtype int64), in arrays that are read-only and not contiguous"""
    x, u = read_only_view(rng.integers(1, 9, (2, 2, 3))), read_only_view(chances(rng, 2, 2, 3))
    return dropped(student, x, 0.375, u)


def drop_drawn(student, rng):
    """shapes and probabilities drawn at random, in training and in use"""
    seen = {}
    for draw in range(4):
        shape = tuple(int(n) for n in rng.integers(2, 6, draw % 3 + 1))
        p, mode = float(rng.integers(0, 8)) / 8, "train" if draw < 3 else "eval"
        found = dropped(student, quarters(rng, *shape).astype(np.float32), p, chances(rng, *shape), mode=mode)
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    return seen


NUMBER_BY_NUMBER = """
import numpy as np
def dropout_forward(x, p, u, mode="train"):
    factor = np.ones(x.shape)
    if mode == "train":
        for place in np.ndindex(x.shape):
            factor[place] = 0 if u[place] < p else 1 / (1 - p)
    return factor * x, factor
"""

DROPOUT_FORWARD = Exercise(
    "dropout_forward",
    points=2,
    cases=[
        Case(drop_tiny, tolerance=CLOSE),
        Case(drop_much, tolerance=CLOSE),
        Case(drop_little, tolerance=CLOSE),
        Case(drop_at_the_border, tolerance=CLOSE),
        Case(drop_nothing, tolerance=CLOSE),
        Case(drop_in_use, tolerance=CLOSE),
        Case(drop_rows, tolerance=CLOSE),
        Case(drop_maps, tolerance=CLOSE),
        Case(drop_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "kept numbers not scaled up",
            "You drop numbers and leave the others as they are, as the slide does. Then what comes next gets "
            "sums that are too small in training: divide what is kept by 1 − p.",
            ("(u >= p) / (1 - p)", "(u >= p) * 1.0"),
        ),
        Bug(
            "kept numbers scaled down",
            "You *multiply* what is kept by 1 − p, which makes the sums even smaller. Divide by it.",
            ("(u >= p) / (1 - p)", "(u >= p) * (1 - p)"),
        ),
        Bug(
            "divided by p",
            "You divide by p. A number is kept with the probability 1 − p, so divide by that.",
            ("(u >= p) / (1 - p)", "(u >= p) / max(p, 1e-9)"),
        ),
        Bug(
            "scaled up twice",
            "You multiply by 2, which is right for p = 0.5 alone. Divide by 1 − p.",
            ("(u >= p) / (1 - p)", "(u >= p) * 2.0"),
        ),
        Bug(
            "kept where it should be dropped",
            "You keep a number where u < p, and drop the others. It is the other way round: p is the "
            "probability to be *dropped*.",
            ("(u >= p)", "(u < p)"),
        ),
        Bug(
            "p as the probability to be kept",
            "You treat p as the probability to be *kept* (as the original paper and CS231n do). Here, as in "
            "PyTorch, it is the probability to be dropped.",
            ("(u >= p) / (1 - p)", "(u < p) / max(p, 1e-9)"),
        ),
        Bug(
            "dropped at the border",
            "Where u is exactly p you drop the number. It is dropped where u is *less* than p: with p = 0 "
            "nothing is dropped, even where u is 0.",
            ("(u >= p)", "(u > p)"),
        ),
        Bug(
            "dropped in use",
            'In mode "eval" you drop numbers too, so the network would answer the same question differently '
            "each time. In use everything is kept.",
            ('mode == "eval"', "False"),
        ),
        Bug(
            "scaled in use",
            'In mode "eval" you multiply by 1 − p. That belongs to the older kind of dropout, which doesn\'t '
            "scale in training. With inverted dropout nothing is left to do in use.",
            ("np.ones(x.shape)", "np.full(x.shape, 1 - p)"),
        ),
        Bug(
            "scaled in use, not in training",
            "You scale in use (by 1 − p) and not in training. That is the older kind of dropout. Here it is "
            "*inverted* dropout: scale in training (divide by 1 − p), and do nothing in use.",
            ("np.ones(x.shape)", "np.full(x.shape, 1 - p)"),
            ("(u >= p) / (1 - p)", "(u >= p) * 1.0"),
        ),
        Bug(
            "same units dropped in all rows",
            "You use the first row of `u` for all rows. Each image has its own random numbers.",
            ("(u >= p)", "np.broadcast_to(u[:1] >= p, x.shape)"),
        ),
        Bug(
            "whole rows dropped",
            "You drop whole rows: one random number decides for all numbers of an image. Each number has its own.",
            ("(u >= p)", "np.broadcast_to(u[..., :1] >= p, x.shape)"),
        ),
        Bug(
            "random numbers of your own",
            "You draw random numbers yourself. Use those in `u`: whoever calls decides on the chance, so that "
            "a result can be repeated.",
            ("(u >= p)", "(np.random.default_rng(0).random(x.shape) >= p)"),
        ),
        Bug(
            "written into x",
            "You set numbers in `x` itself to 0. It belongs to whoever called you: make a new array.",
            ("return x * factor, factor", "x[factor == 0] = 0\n    return x * factor, factor"),
        ),
        Bug(
            "mask kept without the scale",
            "Your output is right, but in the cache you keep only *which* numbers were kept. Backward has to "
            "scale as well: keep the factors, 0 or 1/(1 − p).",
            ("return x * factor, factor", "return x * factor, factor > 0"),
        ),
        Bug(
            "input kept instead of factors",
            "Your output is right, but you keep `x`. Backward needs the factors that x was multiplied by.",
            ("return x * factor, factor", "return x * factor, x"),
        ),
        Bug(
            "output alone returned",
            "You return the output alone. Forward has two results: the output, and the cache with what "
            "backward will need.",
            ("return x * factor, factor", "return x * factor"),
        ),
        Bug(
            "output of whole numbers",
            "You store the output in an array of the type of `x`: where that is whole numbers, numpy silently "
            "cuts off everything behind the point.",
            ("return x * factor, factor", "return (x * factor).astype(x.dtype), factor"),
        ),
    ],
    correct=[
        Correct("number by number", NUMBER_BY_NUMBER),
        Correct(
            "where",
            """
import numpy as np
def dropout_forward(x, p, u, mode="train"):
    if mode == "train":
        return np.where(u < p, 0, x / (1 - p)), np.where(u < p, 0, 1 / (1 - p))
    return x.copy(), np.ones_like(x, dtype=float)
""",
        ),
        Correct(
            "dividing in float32, a list",
            """
import numpy as np
def dropout_forward(x, p, u, mode="train"):
    keep = np.float32(1 - p) if mode == "train" else np.float32(1)
    mask = (u >= p) if mode == "train" else (u >= -1)
    factor = mask.astype(np.float32) / keep
    return [x * factor, factor]
""",
        ),
        Correct(
            "torch",
            """
import torch
def dropout_forward(x, p, u, mode="train"):
    x, u = torch.tensor(x), torch.tensor(u)
    factor = torch.heaviside(u - p, torch.ones((), dtype=u.dtype)) / (1 - p) if mode == "train" else torch.ones(x.shape)
    return x * factor, factor
""",
        ),
        Correct(
            "a copy with zeros, views",
            """
import numpy as np
def dropout_forward(x, p, u, mode="train"):
    both = np.ones((*x.shape, 2))
    if mode == "train":
        both[u < p] = 0
        both /= 1 - p
    both[..., 1] *= x
    return both[..., 1], both[..., 0]
""",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# dropout_backward


def factors(rng, *shape, p=0.5):
    """What forward keeps."""
    return (chances(rng, *shape) >= p) / (1 - p)


def drop_back_tiny(student, rng):
    """four numbers, p = 0.75: only the second was kept, and multiplied by 4"""
    return {"dx": student(np.array([[3.0, 5.0, -7.0, 9.0]]), np.array([[0.0, 4.0, 0.0, 0.0]]))}


def drop_back_rows(student, rng):
    """three rows of four numbers, p = 0.5"""
    return {"dx": student(whole(rng, 3, 4, low=-9, high=9), factors(rng, 3, 4))}


def drop_back_in_use(student, rng):
    """after mode "eval": all factors are 1"""
    return {"dx": student(whole(rng, 2, 3, low=-9, high=9), np.ones((2, 3)))}


def drop_back_view(student, rng):
    """maps in float32, in arrays that are read-only and not contiguous"""
    dout = read_only_view(quarters(rng, 2, 3, 2).astype(np.float32))
    return {"dx": student(dout, read_only_view(factors(rng, 2, 3, 2, p=0.75).astype(np.float32)))}


def drop_back_drawn(student, rng):
    """shapes drawn at random"""
    seen = {}
    for draw, p in enumerate((0.25, 0.5, 0.75)):
        shape = tuple(int(n) for n in rng.integers(3, 6, draw + 1))
        seen[f"dx {draw + 1}"] = student(quarters(rng, *shape), factors(rng, *shape, p=p))
    return seen


DROPOUT_BACKWARD = Exercise(
    "dropout_backward",
    points=1,
    cases=[
        Case(drop_back_tiny, tolerance=CLOSE),
        Case(drop_back_rows, tolerance=CLOSE),
        Case(drop_back_in_use, tolerance=CLOSE),
        Case(drop_back_view, tolerance=CLOSE),
        Case(drop_back_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "scale forgotten",
            "You let the gradient of kept numbers pass as it is. Forward has *multiplied* them by the factor "
            "in the cache, so what comes back is multiplied by it, too.",
            ("dout * cache", "dout * (cache > 0)"),
        ),
        Bug(
            "gradient passes everywhere",
            "You hand on `dout` as it came. Where a number was dropped, the output doesn't depend on it.",
            ("dout * cache", "dout * 1.0"),
        ),
        Bug(
            "passes where it was dropped",
            "You let the gradient pass where numbers were *dropped*.",
            ("dout * cache", "dout * (cache == 0)"),
        ),
        Bug(
            "divided by the factor",
            "You *divide* by the factors, and by 0 where a number was dropped. The slope of `x * factor` is "
            "the factor.",
            ("dout * cache", "dout / cache"),
        ),
        Bug(
            "scaled twice",
            "You multiply by the factors twice.",
            ("dout * cache", "dout * cache * cache"),
        ),
        Bug(
            "scaled everywhere",
            "You multiply by the largest factor everywhere. Where a number was dropped its factor is 0.",
            ("dout * cache", "dout * cache.max()"),
        ),
        Bug(
            "upstream gradient ignored",
            "You return the factors themselves, the local slope. Multiply by what arrives, `dout`.",
            ("dout * cache", "cache * 1.0"),
        ),
        Bug(
            "written into dout",
            "You change `dout` in place (`*=`). It belongs to whoever called you: make a new array.",
            ("return dout * cache", "dout *= cache\n    return dout"),
        ),
        Bug(
            "written into the cache",
            "You change the cache in place (`*=`). A second walk through it would go wrong: make a new array.",
            ("return dout * cache", "cache *= dout\n    return cache"),
        ),
    ],
    correct=[
        Correct(
            "multiply", "import numpy as np\ndef dropout_backward(dout, cache):\n    return np.multiply(cache, dout)"
        ),
        Correct(
            "where",
            "import numpy as np\ndef dropout_backward(dout, cache):\n"
            "    return np.where(cache == 0, 0.0, dout * cache.max())",
        ),
        Correct(
            "number by number in float32",
            """
import numpy as np
def dropout_backward(dout, cache):
    dx = np.empty(dout.shape, dtype=np.float32)
    for place, gradient in np.ndenumerate(dout):
        dx[place] = gradient * cache[place]
    return dx
""",
        ),
        Correct(
            "torch, a view",
            "import torch\ndef dropout_backward(dout, cache):\n"
            "    return (torch.tensor(dout) * torch.tensor(cache)).flip(0).flip(0)[...]",
        ),
    ],
)
