"""What three slides got wrong, put right: the hinge loss of weights, and the logistic loss."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import quarters, read_only_view, whole

# ---------------------------------------------------------------------------------------------------------------------
# linear_hinge


def hinge_of_weights(student, W, X, y):
    """Ask for the hinge loss of a linear classifier and its gradient."""
    loss, dW = student(W, X, y)
    return {"loss": loss, "dW": dW}


def weights_tiny(student, rng):
    """one image of two pixels, two classes"""
    return hinge_of_weights(student, np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([[1.0, 3.0]]), np.array([0]))


def weights_sure(student, rng):
    """one image whose right class is far ahead: the loss is 0"""
    return hinge_of_weights(student, np.array([[1.0, 0.0], [4.0, 1.0]]), np.array([[1.0, 3.0]]), np.array([1]))


def weights_three_classes(student, rng):
    """one image of two pixels, three classes"""
    W = np.array([[1.0, -1.0], [0.0, 0.5], [2.0, 1.0]])
    return hinge_of_weights(student, W, np.array([[2.0, 1.0]]), np.array([1]))


def weights_four_pixels(student, rng):
    """the cat of four pixels from the lecture"""
    W = np.array([[0.2, -0.5, 0.1, 2.0], [1.5, 1.3, 2.1, 0.0], [0.0, 0.25, 0.2, -0.3]])
    return hinge_of_weights(student, W, np.array([[56, 231, 24, 2]]), np.array([0]))


def weights_batch(student, rng):
    """three images of two pixels, four classes"""
    return hinge_of_weights(student, quarters(rng, 4, 2), whole(rng, 3, 2), np.array([3, 0, 3]))


def weights_square(student, rng):
    """as many images as pixels as classes: three"""
    return hinge_of_weights(student, quarters(rng, 3, 3), whole(rng, 3, 3), np.array([2, 0, 0]))


def weights_single_precision(student, rng):
    """two images of five pixels, three classes, in float32"""
    W, X = quarters(rng, 3, 5).astype(np.float32), whole(rng, 2, 5).astype(np.float32)
    return hinge_of_weights(student, W, X, np.array([1, 2], dtype=np.uint8))


def weights_view(student, rng):
    """arrays that are read-only and not contiguous"""
    W, X = read_only_view(quarters(rng, 3, 4)), read_only_view(whole(rng, 5, 4))
    return hinge_of_weights(student, W, X, np.array([1, 0, 2, 2, 1]))


def weights_drawn(student, rng):
    """shapes drawn at random"""
    seen = {}
    for draw in range(4):
        images, pixels, classes = (int(n) for n in rng.permutation(5)[:3] + 2)
        loss, dW = student(quarters(rng, classes, pixels), whole(rng, images, pixels), rng.integers(0, classes, images))
        seen |= {f"loss {draw + 1}": loss, f"dW {draw + 1}": dW}
    return seen


LINEAR_HINGE = Exercise(
    "linear_hinge",
    points=3,
    cases=[
        Case(weights_tiny),
        Case(weights_sure),
        Case(weights_three_classes),
        Case(weights_four_pixels),
        Case(weights_batch),
        Case(weights_square),
        Case(weights_single_precision),
        Case(weights_view),
        Case(weights_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "plus in the loss only",
            "Your gradient is that of the right loss, but the loss itself still has the slide's plus sign.",
            (
                "    loss = np.maximum(violations, 0).sum() / N\n",
                "    loss = (np.maximum(scores + right[:, None] + 1, 0) * (np.arange(len(W)) != y[:, None])).sum() / "
                "N\n",
            ),
        ),
        Bug(
            "plus in the gradient only",
            "Your loss is right, but its gradient still has the slide's plus sign: in the row of the right class it "
            "must be negative.",
            ("dscores[rows, y] = -dscores.sum(axis=1)", "dscores[rows, y] = dscores.sum(axis=1)"),
        ),
        Bug(
            "plus as on the slide",
            "You have copied the slide's plus sign. With it, a high score of the right class makes the loss *larger*. "
            "A wrong class costs what it is ahead of the right one, plus the margin: the right score is subtracted.",
            ("scores - right[:, None]", "scores + right[:, None]"),
            ("dscores[rows, y] = -dscores.sum(axis=1)", "dscores[rows, y] = dscores.sum(axis=1)"),
        ),
        Bug(
            "right class counted",
            "You compare the right class with itself, which gives 1 for every image: the sum runs over the *wrong* "
            "classes, j ≠ y.",
            ("    violations[rows, y] = 0\n", ""),
        ),
        Bug(
            "margin forgotten",
            "You leave out the margin: a wrong class costs something as soon as it comes closer to the right one than "
            "1.",
            ("[:, None] + 1", "[:, None]"),
        ),
        Bug(
            "loss not divided by N",
            "Your gradient is right, but the loss is the sum over the images. Divide it by N as well.",
            (".sum() / N", ".sum()"),
        ),
        Bug(
            "gradient not divided by N",
            "Your loss is right, but not its gradient: the loss is a mean over N images, so the gradient is divided "
            "by N, too.",
            ("dscores.T @ X / N", "dscores.T @ X"),
        ),
        Bug(
            "sum instead of mean",
            "You add up the losses of the images, and never divide: loss and gradient are *means* over the N images.",
            (".sum() / N", ".sum()"),
            ("dscores.T @ X / N", "dscores.T @ X"),
        ),
        Bug(
            "right class missing in the gradient",
            "Your gradient has nothing in the row of the right class. Its score stands in the loss, with a minus "
            "sign, once for every class that comes too close: in its row the image is *subtracted* as often.",
            ("    dscores[rows, y] = -dscores.sum(axis=1)\n", ""),
        ),
        Bug(
            "right class counted once in the gradient",
            "In the row of the right class you subtract the image once. It is to be subtracted once for *every* class "
            "that comes too close.",
            ("-dscores.sum(axis=1)", "-dscores.max(axis=1)"),
        ),
        Bug(
            "gradient of the scores returned",
            "You return the gradient with respect to the *scores*. One step of the chain rule is missing: the slope "
            "of a score in its weights is the image.",
            ("dscores.T @ X / N", "dscores / N"),
        ),
        Bug(
            "gradient turned round",
            "Your gradient lies on its side. It must have the shape of W: a row for each class, a column for each "
            "pixel.",
            ("dscores.T @ X / N", "X.T @ dscores / N"),
        ),
        Bug(
            "gradient with W in place of X",
            "You multiply with the weights. That gives the slope in the *pixels*; the slope of a score in its weights "
            "is the image.",
            ("dscores.T @ X / N", "dscores @ W / N"),
        ),
        Bug(
            "violations as gradient",
            "You use the violations themselves as slopes. The slope of a ramp is the same everywhere: 1, however "
            "large the violation is.",
            ("(violations > 0).astype(float)", "np.maximum(violations, 0)"),
        ),
        Bug(
            "weights and images the wrong way round",
            "You compute the scores with the axes of W mixed up. Rows of X are images, rows of W are classes: image i "
            "has with class k the score of row i and row k.",
            ("scores = X @ W.T", "scores = X @ W"),
        ),
    ],
    correct=[
        Correct(
            "loops",
            '''
import numpy as np
def linear_hinge(W, X, y):
    """Image by image, class by class."""
    loss, dW = 0.0, np.zeros(W.shape)
    for x, label in zip(X, y):
        for k in range(len(W)):
            if k != label and W[k] @ x - W[label] @ x + 1 > 0:
                loss += W[k] @ x - W[label] @ x + 1
                dW[k] += x
                dW[label] -= x
    return loss / len(X), dW / len(X)
''',
        ),
        Correct(
            "torch, tensors as results",
            '''
import numpy as np
import torch
def linear_hinge(W, X, y):
    """Let torch derive it."""
    W = torch.tensor(np.array(W), dtype=torch.float64, requires_grad=True)
    X = torch.tensor(np.array(X), dtype=torch.float64)
    loss = len(W) * torch.nn.functional.multi_margin_loss(X @ W.T, torch.tensor(y.astype(np.int64)))
    loss.backward()
    return loss, W.grad
''',
        ),
        Correct(
            "einsum, in float32",
            '''
import numpy as np
def linear_hinge(W, X, y):
    """Differences of rows."""
    W, X = np.float32(W), np.float32(X)
    gaps = np.einsum("nkd,nd->nk", W[None] - W[y][:, None], X)
    off = 1 - np.eye(len(W), dtype=np.float32)[y]
    hit = off * (gaps > -1)
    return (hit * (gaps + 1)).sum() / len(X), (hit - (1 - off) * hit.sum(1)[:, None]).T.dot(X) / np.float32(len(X))
''',
        ),
        Correct(
            "one image a column, a view as result",
            '''
import numpy as np
def linear_hinge(W, X, y):
    """Turned round and back."""
    S = np.dot(W, X.T).astype(float)
    cols = np.arange(S.shape[1])
    M = np.clip(S - S[y, cols] + 1, 0, np.inf)
    M[y, cols] = 0
    D = np.sign(M)
    D[y, cols] -= D.sum(0)
    return M.sum(0).mean(), (X.T @ D.T / len(cols)).T
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# logistic_loss

LOGS = Tolerance(relative=1e-5, absolute=1e-6)
"""Logarithms in float32 are right to six digits."""


def logistic_of(student, h, y):
    """Ask for the logistic loss of some probabilities and its gradient."""
    loss, dh = student(h, y)
    return {"loss": loss, "dh": dh}


def logistic_of_a_one(student, rng):
    """one image with the label 1, which gets the probability ¼"""
    return logistic_of(student, np.array([0.25]), np.array([1]))


def logistic_of_a_zero(student, rng):
    """one image with the label 0, which gets the probability ¼"""
    return logistic_of(student, np.array([0.25]), np.array([0]))


def logistic_undecided(student, rng):
    """one image that gets the probability ½: the loss is ln 2"""
    return logistic_of(student, np.array([0.5]), np.array([0]))


def logistic_batch(student, rng):
    """three images"""
    return logistic_of(student, np.array([0.25, 0.5, 0.75]), np.array([0, 1, 1]))


def logistic_bytes(student, rng):
    """labels as bytes (dtype uint8)"""
    return logistic_of(student, np.array([0.75, 0.25]), np.array([1, 0], dtype=np.uint8))


def logistic_floats(student, rng):
    """labels as floats"""
    return logistic_of(student, np.array([0.125, 0.875, 0.5, 0.375]), np.array([0.0, 0.0, 1.0, 1.0]))


def logistic_single_precision(student, rng):
    """probabilities in float32"""
    return logistic_of(student, np.array([0.0625, 0.875], dtype=np.float32), np.array([1, 1]))


def logistic_view(student, rng):
    """arrays that are read-only and not contiguous"""
    h = read_only_view(rng.integers(1, 16, (4, 2)) / 16)[:, 1]
    return logistic_of(student, h, np.array([1, 0, 0, 1]))


def logistic_drawn(student, rng):
    """batches drawn at random"""
    seen = {}
    for draw in range(5):
        images = int(rng.integers(1, 8))
        loss, dh = student(rng.integers(1, 32, images) / 32, rng.integers(0, 2, images))
        seen |= {f"loss {draw + 1}": loss, f"dh {draw + 1}": dh}
    return seen


LOGISTIC_LOSS = Exercise(
    "logistic_loss",
    points=2,
    cases=[
        Case(logistic_of_a_one, tolerance=LOGS),
        Case(logistic_of_a_zero, tolerance=LOGS),
        Case(logistic_undecided, tolerance=LOGS),
        Case(logistic_bytes, tolerance=LOGS),
        Case(logistic_batch, tolerance=LOGS),
        Case(logistic_single_precision, tolerance=LOGS),
        Case(logistic_floats, tolerance=LOGS),
        Case(logistic_view, tolerance=LOGS),
        Case(logistic_drawn, hidden=True, weight=2, tolerance=LOGS),
    ],
    bugs=[
        Bug(
            "bracket missing in the loss",
            "Your gradient is right, but the loss still lacks the bracket: the minus belongs before both terms.",
            ("-(y * np.log(h) + (1 - y) * np.log(1 - h))", "-y * np.log(h) + (1 - y) * np.log(1 - h)"),
        ),
        Bug(
            "bracket missing in the gradient",
            "Your loss is right. In the gradient the slope for the label 0 has the wrong sign: where h grows, 1 − h "
            "falls, and −log(1 − h) *grows*.",
            ("-(y / h - (1 - y) / (1 - h))", "-y / h - (1 - y) / (1 - h)"),
        ),
        Bug(
            "bracket missing as on the slide",
            "You have copied the slide: the minus sign stands before the first term only. For the label 0 your loss "
            "is then +log(1 − h), which is smallest where h is *wrong*. The minus belongs before both terms.",
            ("-(y * np.log(h) + (1 - y) * np.log(1 - h))", "-y * np.log(h) + (1 - y) * np.log(1 - h)"),
            ("-(y / h - (1 - y) / (1 - h))", "-y / h - (1 - y) / (1 - h)"),
        ),
        Bug(
            "minus forgotten",
            "Your loss is negative, and its gradient points the other way: it is *minus* the logarithm.",
            ("-(y * np.log(h)", "(y * np.log(h)"),
            ("-(y / h", "(y / h"),
        ),
        Bug(
            "minus forgotten in the loss",
            "Your gradient is right, but your loss is negative. A probability is at most 1, so its logarithm is at "
            "most 0: the loss is *minus* the logarithm.",
            ("-(y * np.log(h)", "(y * np.log(h)"),
        ),
        Bug(
            "gradient with the wrong sign",
            "Your gradient has the wrong sign. For the label 1 the loss *falls* when h grows: the slope is negative.",
            ("-(y / h", "(y / h"),
        ),
        Bug(
            "labels swapped",
            "You take h for the probability of class 0. It is that of class 1: for the label 1 the loss is −log h.",
            ("y * np.log(h) + (1 - y) * np.log(1 - h)", "(1 - y) * np.log(h) + y * np.log(1 - h)"),
            ("y / h - (1 - y) / (1 - h)", "(1 - y) / h - y / (1 - h)"),
        ),
        Bug(
            "label 0 left out",
            "You count only the images with the label 1. For the label 0 the loss is −log(1 − h).",
            (" + (1 - y) * np.log(1 - h)", ""),
            (" - (1 - y) / (1 - h)", ""),
        ),
        Bug(
            "logarithm with base 10",
            "You use the logarithm with base 10. In machine learning log is the *natural* logarithm (`np.log`).",
            ("np.log(", "np.log10("),
        ),
        Bug(
            "loss not divided by N",
            "Your gradient is right, but the loss is the sum over the images. Divide it by N as well.",
            ("losses.mean()", "losses.sum()"),
        ),
        Bug(
            "gradient not divided by N",
            "Your loss is right, but not its gradient: the loss is a mean over N images, so each slope is divided by "
            "N, too.",
            ("slopes / len(h)", "slopes"),
        ),
        Bug(
            "sum instead of mean",
            "You add up the losses of the images, and never divide: loss and gradient are *means* over the N images.",
            ("losses.mean(), slopes / len(h)", "losses.sum(), slopes"),
        ),
        Bug(
            "gradient with respect to the score",
            "You return h − y. That is the slope in the *score*, if h = σ(s). Here h itself is the variable: the "
            "slope of −log h is −1/h.",
            ("-(y / h - (1 - y) / (1 - h))", "h - y"),
        ),
        Bug(
            "bytes turned negative in the gradient",
            "Your loss is right. In the gradient you write −y, and labels may be bytes (dtype uint8), which have no "
            "negative numbers: −1 becomes 255. Turn the labels into floats first.",
            ("    y = y.astype(float)\n", ""),
            ("-(y / h - (1 - y) / (1 - h))", "-y / h + (1 - y) / (1 - h)"),
        ),
        Bug(
            "bytes turned negative",
            "Your labels are bytes (dtype uint8), and bytes have no negative numbers: −1 becomes 255. Turn the labels "
            "into floats first.",
            ("    y = y.astype(float)\n", ""),
            ("-(y * np.log(h) + (1 - y) * np.log(1 - h))", "-y * np.log(h) - (1 - y) * np.log(1 - h)"),
            ("-(y / h - (1 - y) / (1 - h))", "-y / h + (1 - y) / (1 - h)"),
        ),
    ],
    correct=[
        Correct(
            "the probability of what is true",
            '''
import numpy as np
def logistic_loss(h, y):
    """One logarithm for each image."""
    ones = np.asarray(y) == 1
    true = np.where(ones, h, 1 - h)
    return np.mean(-np.log(true)), np.where(ones, -1, 1) / true / len(h)
''',
        ),
        Correct(
            "a loop, with the standard library",
            '''
import math
import numpy as np
def logistic_loss(h, y):
    """One image after the other."""
    loss, dh = 0.0, []
    for p, label in zip(h.tolist(), y.tolist()):
        loss -= math.log(p) if label == 1 else math.log1p(-p)
        dh.append((p - label) / (p * (1 - p)) / len(h))
    return loss / len(h), np.array(dh)
''',
        ),
        Correct(
            "in float32",
            '''
import numpy as np
def logistic_loss(h, y):
    """Seven digits are enough."""
    h, y = h.astype(np.float32), y.astype(np.float32)
    n = np.float32(h.size)
    loss = -np.dot(y, np.log(h)) / n - np.dot(1 - y, np.log(1 - h)) / n
    return loss, ((1 - y) / (1 - h) - y / h) / n
''',
        ),
        Correct(
            "torch, tensors as results",
            '''
import numpy as np
import torch
def logistic_loss(h, y):
    """Let torch do it."""
    h = torch.tensor(np.array(h), dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.binary_cross_entropy(h, torch.tensor(np.array(y)).double())
    loss.backward()
    return loss, h.grad
''',
        ),
        Correct(
            "masks, a view as result",
            '''
import numpy as np
def logistic_loss(h, y):
    """Ones and zeros apart."""
    out = np.empty((len(h), 2))
    out[y == 1] = np.stack([-np.log(h[y == 1]), -1 / h[y == 1]], 1)
    out[y == 0] = np.stack([-np.log(1 - h[y == 0]), 1 / (1 - h[y == 0])], 1)
    out /= len(h)
    return out[:, 0].sum(), out[:, 1]
''',
        ),
    ],
)
