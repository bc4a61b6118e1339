"""The affine layer, forward and backward."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, replaced
from visionlab.checks.draws import distinct, quarters, read_only_view, several, whole

FLOAT32 = Tolerance(1e-5, 1e-5)

# ---------------------------------------------------------------------------------------------------------------------
# affine_forward


def out_of(returned):
    """The first of two results."""
    out, _ = several(returned)
    return out


def affine_tiny(student, rng):
    """one row of two numbers, three outputs, no bias"""
    return {"out": out_of(student(whole(rng, 1, 2) + 4, distinct(rng, 2, 3), np.zeros(3)))}


def affine_bias(student, rng):
    """one row of two numbers, three outputs, each with its bias"""
    return {"out": out_of(student(whole(rng, 1, 2) + 4, distinct(rng, 2, 3), np.array([100.0, -200.0, 300.0])))}


def affine_rows(student, rng):
    """three rows of two numbers, four outputs"""
    return {"out": out_of(student(whole(rng, 3, 2), distinct(rng, 2, 4), 10 * whole(rng, 4)))}


def affine_square(student, rng):
    """two rows of two numbers, two outputs: here nothing fails for its shape"""
    return {"out": out_of(student(distinct(rng, 2, 2) + 3, distinct(rng, 2, 2), np.array([100.0, -200.0])))}


def affine_images(student, rng):
    """two images of 2×3 pixels, two outputs"""
    return {"out": out_of(student(distinct(rng, 2, 2, 3), distinct(rng, 6, 2), whole(rng, 2)))}


def affine_kept(student, rng):
    """what is kept for the way back: `x`, `w` and `b` as they came"""
    x, w, b = whole(rng, 2, 2, 2), quarters(rng, 4, 3), quarters(rng, 3)
    out, cache = several(student(x, w, b))
    return {"out": out, "cache": tuple(cache)}


def affine_whole_numbers(student, rng):
    """whole numbers (dtype int64) with weights in quarters"""
    x, w = rng.integers(0, 10, (2, 3)), np.array([[0.25, -0.5], [0.75, 0.5], [-0.25, 1.25]])
    return {"out": out_of(student(x, w, np.array([0.25, 0.5])))}


def affine_view(student, rng):
    """three images of 2×2 pixels (float32), in arrays that are read-only and not contiguous"""
    x, w = (read_only_view(quarters(rng, *shape).astype(np.float32)) for shape in ((3, 2, 2), (4, 5)))
    return {"out": out_of(student(x, w, quarters(rng, 5).astype(np.float32)))}


def affine_drawn(student, rng):
    """shapes drawn at random"""
    seen = {}
    for draw in range(4):
        count, inner, outputs = (int(n) for n in rng.integers(1, [6, 5, 6]))
        shape = tuple(int(n) for n in rng.integers(1, 4, draw % 3 + 1))
        inner = int(np.prod(shape))
        x, w, b = quarters(rng, count, *shape), whole(rng, inner, outputs), quarters(rng, outputs)
        out, cache = several(student(x, w, b))
        seen |= {f"out {draw + 1}": out, f"cache {draw + 1}": tuple(cache)}
    return seen


def affine_larger(student, rng):
    """a batch of 40 images of 12×9 pixels in float32"""
    x, w = quarters(rng, 40, 12, 9).astype(np.float32), quarters(rng, 108, 10).astype(np.float32)
    return {"out": out_of(student(x, read_only_view(w), quarters(rng, 10).astype(np.float32)))}


AFFINE_BY_LOOPS = '''
import numpy as np
def affine_forward(x, w, b):
    """Number by number."""
    flat = x.reshape(x.shape[0], -1)
    out = np.zeros((flat.shape[0], w.shape[1]))
    for n in range(flat.shape[0]):
        for m in range(w.shape[1]):
            for d in range(w.shape[0]):
                out[n, m] += flat[n, d] * w[d, m]
            out[n, m] += b[m]
    return out, (x, w, b)
'''

AFFINE_FORWARD = Exercise(
    "affine_forward",
    points=2,
    cases=[
        Case(affine_tiny),
        Case(affine_bias),
        Case(affine_rows),
        Case(affine_square),
        Case(affine_images),
        Case(affine_kept),
        Case(affine_whole_numbers),
        Case(affine_view, tolerance=FLOAT32),
        Case(affine_drawn, hidden=True, weight=3),
        Case(affine_larger, hidden=True, tolerance=Tolerance(1e-5, 1e-4)),
    ],
    bugs=[
        Bug(
            "bias missing",
            "You never add the bias. Each output has one, and every row of the batch gets it.",
            (" @ w + b", " @ w"),
        ),
        Bug(
            "bias along the rows",
            "You add a bias to each *row* of the output. There is one for each of the M outputs, that is for each "
            "*column*: plain `+ b` does that.",
            ("+ b\n", "+ b[:, None]\n"),
        ),
        Bug(
            "bias added to every product",
            "Your bias is added once for each product, before the sum. Sum first, then add it once.",
            ("+ b\n", "+ b * w.shape[0]\n"),
        ),
        Bug(
            "first bias for all outputs",
            "You add the first bias to every output. Each output has its own.",
            ("+ b\n", "+ b[0]\n"),
        ),
        Bug(
            "weights transposed",
            "You multiply with the weights turned over. `w` has shape (D, M): a row for each input, a column "
            "for each output, so (N, D) times (D, M) fits as it is.",
            ("@ w + b", "@ w.T + b"),
        ),
        Bug(
            "product number by number",
            "You multiply with `*`, number by number. A layer needs the matrix product, `@`: each output is a "
            "sum over all inputs.",
            ("@ w + b", "* w + b"),
        ),
        Bug(
            "images not laid out in a row",
            "You multiply `x` as it is. An image of several rows has to be laid out as one row of D numbers "
            "first; the batch stays the first axis.",
            ("x.reshape(len(x), -1) @ w", "x @ w"),
        ),
        Bug(
            "batch laid out too",
            "You lay all images of the batch out in one row. Each image is a row of its own: keep the first "
            "axis, and join the others.",
            ("x.reshape(len(x), -1) @ w", "x.reshape(1, -1) @ w"),
        ),
        Bug(
            "images laid out by columns",
            "You lay the images out column by column (or transposed before). Here, as everywhere in numpy, "
            "rows come first: plain `reshape` does that.",
            ("x.reshape(len(x), -1)", 'x.reshape(len(x), -1, order="F")'),
        ),
        Bug(
            "images mixed with one another",
            "You reshape to (D, N) and turn that over. The shape is right, but `reshape` reads the numbers in "
            "order, so every row gets numbers of all images. Reshape to (N, D) at once.",
            ("x.reshape(len(x), -1)", "x.reshape(-1, len(x)).T"),
        ),
        Bug(
            "shape of x changed in place",
            "`x.shape = …` changes the array that you were given, for the caller too. `x.reshape(…)` gives a "
            "new view and leaves `x` as it is.",
            ("    out =", "    x.shape = (len(x), -1)\n    out ="),
        ),
        Bug(
            "laid-out images kept",
            "Your output is right, but in the cache you keep `x` laid out in rows. Backward has to give its "
            "gradient in the shape that `x` *came* in: keep `x` itself.",
            ("out, (x, w, b)", "out, (x.reshape(len(x), -1), w, b)"),
        ),
        Bug(
            "cache in another order",
            "Your output is right, but the cache isn't in the order (x, w, b) that the docstring names. "
            "Backward relies on it.",
            ("out, (x, w, b)", "out, (w, x, b)"),
        ),
        Bug(
            "bias not kept",
            "Your output is right, but the cache lacks `b`. (Backward could do without it, but the cache is "
            "what the docstring says: (x, w, b).)",
            ("out, (x, w, b)", "out, (x, w)"),
        ),
        Bug(
            "output alone returned",
            "You return the output alone. Forward has two results: the output, and the cache with what "
            "backward will need.",
            ("return out, (x, w, b)", "return out"),
        ),
        Bug(
            "cache before output",
            "You return the right two things in the wrong order: the output comes first, then the cache.",
            ("return out, (x, w, b)", "return (x, w, b), out"),
        ),
        Bug(
            "output of whole numbers",
            "You store the results in an array of the type of `x`: where that is whole numbers, numpy silently "
            "cuts off everything behind the point. Make the output an array of floats.",
            source=replaced(AFFINE_BY_LOOPS, ("w.shape[1]))", "w.shape[1]), dtype=x.dtype)")),
        ),
        Bug(
            "only the first row",
            "All rows of the output are that of the first row of `x`. Each row of the batch is multiplied for itself.",
            ("    return out,", "    out = np.repeat(out[:1], len(x), axis=0)\n    return out,"),
        ),
    ],
    correct=[
        Correct("three loops", AFFINE_BY_LOOPS),
        Correct(
            "einsum, a list",
            '''
import numpy as np
def affine_forward(x, w, b):
    """Name the axes."""
    flat = np.reshape(x, (x.shape[0], w.shape[0]))
    return [np.einsum("nd,dm->nm", flat, w) + b, [x, w, b]]
''',
        ),
        Correct(
            "torch in float32",
            '''
import torch
def affine_forward(x, w, b):
    """Let torch do it."""
    flat, weight, bias = (torch.tensor(a, dtype=torch.float32) for a in (x, w, b))
    return torch.nn.functional.linear(flat.flatten(1), weight.T, bias), (x, w, b)
''',
        ),
        Correct(
            "a column of ones for the bias, a view as result",
            '''
import numpy as np
def affine_forward(x, w, b):
    """The bias is one more row of weights."""
    flat = np.concatenate([x.reshape(len(x), -1), np.ones((len(x), 1))], axis=1)
    weights = np.vstack([w, b])
    return (weights.T @ flat.T).T, (x, w, b)
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# affine_backward


def gradients(student, dout, x, w, b):
    """The three gradients by name."""
    dx, dw, db = several(student(dout, (x, w, b)))
    return {"dx": dx, "dw": dw, "db": db}


def affine_back_tiny(student, rng):
    """one row of two numbers, three outputs"""
    return gradients(student, whole(rng, 1, 3), whole(rng, 1, 2) + 4, distinct(rng, 2, 3), np.zeros(3))


def affine_back_rows(student, rng):
    """three rows of two numbers, four outputs"""
    return gradients(student, whole(rng, 3, 4), whole(rng, 3, 2) + 4, distinct(rng, 2, 4), whole(rng, 4))


def affine_back_square(student, rng):
    """two rows of two numbers, two outputs: here nothing fails for its shape"""
    return gradients(
        student, distinct(rng, 2, 2) + 3, distinct(rng, 2, 2) - 3, distinct(rng, 2, 2), np.array([7.0, -9.0])
    )


def affine_back_images(student, rng):
    """two images of 2×3 pixels, two outputs"""
    return gradients(student, whole(rng, 2, 2) + 4, distinct(rng, 2, 2, 3), distinct(rng, 6, 2), whole(rng, 2))


def affine_back_one_output(student, rng):
    """three rows of two whole numbers (dtype int64), a single output"""
    return gradients(
        student, quarters(rng, 3, 1) + 2.25, rng.integers(1, 10, (3, 2)), quarters(rng, 2, 1), quarters(rng, 1)
    )


def affine_back_view(student, rng):
    """three images of 2×2 pixels (float32), in arrays that are read-only and not contiguous"""
    dout, x, w, b = (quarters(rng, *shape).astype(np.float32) for shape in ((3, 5), (3, 2, 2), (4, 5), (5,)))
    return gradients(student, read_only_view(dout), read_only_view(x), read_only_view(w), b)


def affine_back_drawn(student, rng):
    """shapes drawn at random"""
    seen = {}
    for draw in range(4):
        count, outputs = (int(n) for n in rng.integers(1, 6, 2))
        shape = tuple(int(n) for n in rng.integers(1, 4, draw % 3 + 1))
        x, w, b = quarters(rng, count, *shape), whole(rng, int(np.prod(shape)), outputs), quarters(rng, outputs)
        found = gradients(student, whole(rng, count, outputs), x, w, b)
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    return seen


def affine_back_larger(student, rng):
    """a batch of 40 images of 12×9 pixels in float32"""
    dout, x, w, b = (quarters(rng, *shape).astype(np.float32) for shape in ((40, 10), (40, 12, 9), (108, 10), (10,)))
    return gradients(student, dout, read_only_view(x), w, b)


AFFINE_BACKWARD = Exercise(
    "affine_backward",
    points=3,
    cases=[
        Case(affine_back_tiny),
        Case(affine_back_rows),
        Case(affine_back_square),
        Case(affine_back_images),
        Case(affine_back_one_output),
        Case(affine_back_view, tolerance=FLOAT32),
        Case(affine_back_drawn, hidden=True, weight=3),
        Case(affine_back_larger, hidden=True, tolerance=Tolerance(1e-5, 1e-4)),
    ],
    bugs=[
        Bug(
            "bias gradient as a mean",
            "For the bias you take the mean over the batch. All rows use the same bias, so what comes back "
            "from them is *added*. (If the loss is a mean, `dout` already holds the 1/N.)",
            ("dout.sum(axis=0)", "dout.mean(axis=0)"),
        ),
        Bug(
            "bias gradient not summed",
            "For the bias you return `dout` as it is. A gradient has the shape of its thing: `b` has M "
            "numbers, and what comes back from the N rows is added.",
            ("dout.sum(axis=0)", "dout"),
        ),
        Bug(
            "bias gradient over the wrong axis",
            "For the bias you sum over the outputs. Sum over the *batch*, axis 0: M numbers remain, one for "
            "each output.",
            ("dout.sum(axis=0)", "dout.sum(axis=1)"),
        ),
        Bug(
            "bias gradient summed to one number",
            "For the bias you sum over everything (`sum()` without an axis). Each of the M biases has its own "
            "gradient: sum over the batch only.",
            ("dout.sum(axis=0)", "dout.sum()"),
        ),
        Bug(
            "bias gradient with an axis too many",
            "Your bias gradient has shape (1, M). `b` has shape (M,), and so has its gradient: no `keepdims` here.",
            ("dout.sum(axis=0)", "dout.sum(axis=0, keepdims=True)"),
        ),
        Bug(
            "bias gradient as 1",
            "For the bias you return ones, its *local* gradient. It has to be multiplied by what arrives, "
            "`dout`, and added over the batch.",
            ("dout.sum(axis=0)", "np.ones(w.shape[1])"),
        ),
        Bug(
            "weight gradient as a mean",
            "You divide the gradient of the weights by N. All rows use the same weights, so what comes back "
            "from them is *added*. (If the loss is a mean, `dout` already holds the 1/N.)",
            (".T @ dout", ".T @ dout / len(x)"),
        ),
        Bug(
            "weight gradient transposed",
            "Your gradient of the weights is turned over. `w` has shape (D, M), and so has its gradient: (D, "
            "N) times (N, M).",
            ("dw = x.reshape(len(x), -1).T @ dout", "dw = dout.T @ x.reshape(len(x), -1)"),
        ),
        Bug(
            "weight gradient from x as it stands",
            "For the weights you multiply `x @ dout`, without turning `x` over. That fits only if N = D = M; "
            "look at the shapes: (D, N) times (N, M).",
            ("x.reshape(len(x), -1).T @ dout", "x.reshape(len(x), -1) @ dout"),
        ),
        Bug(
            "weight gradient from the first row alone",
            "Your gradient of the weights comes from the first row of the batch. Every row used the weights: "
            "what comes back from all of them is added, which is what the matrix product over N does.",
            ("x.reshape(len(x), -1).T @ dout", "np.outer(x.reshape(len(x), -1)[0], dout[0])"),
        ),
        Bug(
            "input gradient with the weights as they stand",
            "For `dx` you multiply `dout @ w`. On the way back the weights are used turned over: (N, M) times (M, D).",
            ("dout @ w.T", "dout @ w"),
        ),
        Bug(
            "input gradient left in rows",
            "Your `dx` has shape (N, D). `x` came in as images, and its gradient has the shape of `x`: reshape "
            "it at the end.",
            ("(dout @ w.T).reshape(x.shape)", "dout @ w.T"),
        ),
        Bug(
            "input gradient without the upstream",
            "Your `dx` doesn't depend on `dout`: you pass on the local gradient, the weights, alone. Multiply "
            "it by what arrives.",
            ("dout @ w.T", "np.ones_like(dout) @ w.T"),
        ),
        Bug(
            "images laid out by columns",
            "For the weights you lay the images out column by column. Forward reads them row by row, as "
            "`reshape` does.",
            ("x.reshape(len(x), -1).T", 'x.reshape(len(x), -1, order="F").T'),
        ),
        Bug(
            "images not laid out in a row",
            "For the weights you use `x` as it came. Images have to be laid out as rows of D numbers first, as "
            "in forward.",
            ("x.reshape(len(x), -1).T", "x.T"),
        ),
        Bug(
            "gradients in another order",
            "You return the right gradients in the wrong order. They come as the arguments of forward do: dx, dw, db.",
            ("return dx, dw, db", "return dw, dx, db"),
        ),
        Bug(
            "bias gradient forgotten",
            "You return two gradients. The layer has three arguments, and each gets one: dx, dw, db.",
            ("return dx, dw, db", "return dx, dw"),
        ),
        Bug(
            "upstream gradient changed in place",
            "You change `dout` itself (`/=`, `*=`). It belongs to whoever called you; make a new array.",
            ("    dx =", "    dout /= len(x)\n    dx ="),
        ),
        Bug(
            "weights in the cache changed",
            "You change an array of the cache in place, here the weights. They belong to the network, which "
            "would go on with the changed ones.",
            ("    return", "    w -= 0.01 * dw\n    return"),
        ),
    ],
    correct=[
        Correct(
            "loops",
            '''
import numpy as np
def affine_backward(dout, cache):
    """Every weight for itself."""
    x, w, _ = cache
    flat = x.reshape(x.shape[0], -1)
    dflat, dw, db = np.zeros(flat.shape), np.zeros(w.shape), np.zeros(w.shape[1])
    for n in range(flat.shape[0]):
        for m in range(w.shape[1]):
            db[m] += dout[n, m]
            for d in range(w.shape[0]):
                dflat[n, d] += dout[n, m] * w[d, m]
                dw[d, m] += dout[n, m] * flat[n, d]
    return dflat.reshape(x.shape), dw, db
''',
        ),
        Correct(
            "einsum",
            '''
import numpy as np
def affine_backward(dout, cache):
    """Name the axes."""
    x, w, b = cache
    rows = x.reshape(dout.shape[0], w.shape[0])
    dx = np.einsum("nm,dm->nd", dout, w).reshape(x.shape)
    return dx, np.einsum("nd,nm->dm", rows, dout), np.einsum("nm->m", dout)
''',
        ),
        Correct(
            "torch's autograd in float32",
            '''
import torch
def affine_backward(dout, cache):
    """Let torch walk back."""
    x, w, b = (torch.tensor(a, dtype=torch.float32, requires_grad=True) for a in cache)
    (x.flatten(1) @ w + b).backward(torch.tensor(dout, dtype=torch.float32))
    return [x.grad, w.grad, b.grad]
''',
        ),
        Correct(
            "turned over, views as results",
            '''
import numpy as np
def affine_backward(dout, cache):
    """(AB)ᵀ = BᵀAᵀ."""
    x, w = cache[0], cache[1]
    turned = dout.T
    dw = (turned @ x.reshape(x.shape[0], -1)).T
    dx = (w @ turned).T.reshape(x.shape)
    return dx, dw, turned @ np.ones(x.shape[0])
''',
        ),
    ],
)
