"""Regularisation, and all of it together: what training makes small."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import quarters, read_only_view, whole


def penalty_and_gradient(student, W, strength):
    """Ask for a penalty and its gradient."""
    penalty, dW = student(W, strength)
    return {"penalty": penalty, "dW": dW}


# ---------------------------------------------------------------------------------------------------------------------
# l2_penalty and l1_penalty: checked by the same cases


def penalty_of_one_weight(student, rng):
    """a single weight, 3, with λ = 0.5"""
    return penalty_and_gradient(student, np.array([[3.0]]), 0.5)


def penalty_of_negative_weight(student, rng):
    """a positive, a negative weight and a 0, with λ = 0.5"""
    return penalty_and_gradient(student, np.array([[2.0, -4.0, 0.0]]), 0.5)


def penalty_of_two_rows(student, rng):
    """two classes, three weights each, with λ = 0.25"""
    return penalty_and_gradient(student, np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]), 0.25)


def penalty_switched_off(student, rng):
    """λ = 0"""
    return penalty_and_gradient(student, np.array([[1.0, -2.0]]), 0.0)


def penalty_strong(student, rng):
    """λ = 2"""
    return penalty_and_gradient(student, quarters(rng, 2, 2), 2.0)


def penalty_of_column(student, rng):
    """three classes, a single weight each"""
    return penalty_and_gradient(student, np.array([[1.0], [-3.0], [2.0]]), 1.0)


def penalty_of_whole_numbers(student, rng):
    """whole weights (dtype int64), with λ = 0.25"""
    return penalty_and_gradient(student, np.array([[1, -3], [2, 0]]), 0.25)


def penalty_single_precision(student, rng):
    """weights in float32, with λ = 0.125"""
    return penalty_and_gradient(student, quarters(rng, 3, 4).astype(np.float32), 0.125)


def penalty_view(student, rng):
    """weights in an array that is read-only and not contiguous"""
    return penalty_and_gradient(student, read_only_view(quarters(rng, 2, 5)), 0.5)


def penalty_drawn(student, rng):
    """weights and strengths drawn at random"""
    seen = {}
    for draw in range(4):
        W, strength = (
            whole(rng, *(int(n) for n in rng.integers(1, 5, 2)), low=-5, high=5),
            float(rng.integers(1, 13)) / 8,
        )
        penalty, dW = student(W, strength)
        seen |= {f"penalty {draw + 1}": penalty, f"dW {draw + 1}": dW}
    return seen


PENALTY_CASES = [
    Case(penalty_of_one_weight),
    Case(penalty_of_negative_weight),
    Case(penalty_switched_off),
    Case(penalty_of_column),
    Case(penalty_strong),
    Case(penalty_of_whole_numbers),
    Case(penalty_of_two_rows),
    Case(penalty_view),
    Case(penalty_single_precision),
    Case(penalty_drawn, hidden=True, weight=2),
]

STRENGTH_MISSING = (
    "You leave out `strength` altogether, as two of the slides do. Then nobody can choose how much it counts."
)
STRENGTH_MISSING_IN_GRADIENT = (
    "Your penalty is right, but its gradient lacks `strength`: a factor of the function is a factor of its slope."
)
STRENGTH_MISSING_IN_PENALTY = "Your gradient is right, but the penalty lacks the factor `strength`."
MEAN_OF_WEIGHTS = "You take the mean over the weights. The penalty is λ times the *sum*."
GRADIENT_OF_ALL = "You return a single slope. Every weight has its own: the gradient has the shape of W."
STEP_RETURNED = (
    "Your gradient has the wrong sign. It points where the penalty *grows*, away from 0; training subtracts it later."
)
LAST_COLUMN_LEFT_OUT = (
    "You leave out the last column, perhaps because it is the bias. That is often done, but here *all* weights are "
    "penalised."
)
ROWS_APART = "You return one penalty for each class. One number is wanted: the sum over *all* weights."

L2_PENALTY = Exercise(
    "l2_penalty",
    points=2,
    cases=PENALTY_CASES,
    bugs=[
        Bug(
            "gradient without the 2",
            "Your penalty is right, but its gradient is half of what it should be: the slope of w² is 2w. (λw would "
            "belong to ½λΣw².)",
            ("2 * strength * W", "strength * W"),
        ),
        Bug(
            "half the penalty",
            "Your gradient is right, but you return ½λΣW². In this course the penalty has no ½: then its slope is 2λW.",
            ("strength * np.sum(W**2),", "strength * np.sum(W**2) / 2,"),
        ),
        Bug(
            "with a half in both",
            "You use ½λΣW² with the gradient λW. The two fit together, and many programs do it so; but this course "
            "has no ½: λΣW², and 2λW.",
            ("strength * np.sum(W**2),", "strength * np.sum(W**2) / 2,"),
            ("2 * strength * W", "strength * W"),
        ),
        Bug("strength left out", STRENGTH_MISSING, ("strength * ", "")),
        Bug("strength left out of the gradient", STRENGTH_MISSING_IN_GRADIENT, ("2 * strength * W", "2 * W")),
        Bug(
            "strength left out of the penalty", STRENGTH_MISSING_IN_PENALTY, ("strength * np.sum(W**2)", "np.sum(W**2)")
        ),
        Bug(
            "strength squared",
            "You square `strength` as well. It stands before the sum: λ times the sum of the squared weights.",
            ("strength * np.sum(W**2)", "np.sum((strength * W) ** 2)"),
            ("2 * strength * W", "2 * strength**2 * W"),
        ),
        Bug(
            "length instead of its square",
            "You take the length of W, the root of the sum of squares. The L2 penalty is the sum of squares, without "
            "a root.",
            ("np.sum(W**2)", "np.sqrt(np.sum(W**2))"),
        ),
        Bug(
            "absolute values",
            "You add up the absolute values: that is the L1 penalty, which comes next. L2 adds up the *squares*.",
            ("np.sum(W**2)", "np.sum(np.abs(W))"),
            ("2 * strength * W", "strength * np.sign(W)"),
        ),
        Bug(
            "sum squared",
            "You square the *sum* of the weights. Square each weight first, so that positive and negative ones don't "
            "cancel, and add up then.",
            ("np.sum(W**2)", "np.sum(W) ** 2"),
        ),
        Bug(
            "mean of the weights",
            MEAN_OF_WEIGHTS,
            ("np.sum(W**2), 2 * strength * W", "np.mean(W**2), 2 * strength * W / W.size"),
        ),
        Bug("mean in the penalty only", MEAN_OF_WEIGHTS, ("np.sum(W**2)", "np.mean(W**2)")),
        Bug("one slope for all", GRADIENT_OF_ALL, ("2 * strength * W", "2 * strength * np.sum(W)")),
        Bug("gradient with the wrong sign", STEP_RETURNED, ("2 * strength * W", "-2 * strength * W")),
        Bug(
            "last column left out",
            LAST_COLUMN_LEFT_OUT,
            ("    return", "    W = np.hstack([W[:, :-1], np.zeros((len(W), 1))])\n    return"),
        ),
        Bug("one penalty for each class", ROWS_APART, ("np.sum(W**2)", "np.sum(W**2, axis=1)")),
        Bug(
            "matrix product with itself",
            "`W @ W` is a product of matrices. The square of each *weight* is wanted: `W * W`, or `W**2`.",
            ("np.sum(W**2)", "np.sum(W @ W)"),
        ),
    ],
    correct=[
        Correct(
            "loops",
            '''
import numpy as np
def l2_penalty(W, strength):
    """Weight by weight."""
    total, dW = 0.0, np.zeros(W.shape)
    for place in np.ndindex(W.shape):
        total += float(W[place]) ** 2
        dW[place] = 2.0 * strength * W[place]
    return strength * total, dW
''',
        ),
        Correct(
            "a dot product, in float32",
            '''
import numpy as np
def l2_penalty(W, strength):
    """The flat array with itself."""
    w = W.astype(np.float32).ravel()
    return np.float32(strength) * w.dot(w), (w + w).reshape(W.shape) * np.float32(strength)
''',
        ),
        Correct(
            "torch, tensors as results",
            '''
import numpy as np
import torch
def l2_penalty(W, strength):
    """Let torch derive it."""
    W = torch.tensor(np.array(W, dtype=float), requires_grad=True)
    penalty = strength * W.square().sum()
    penalty.backward()
    return penalty, W.grad
''',
        ),
        Correct(
            "the norm, a view as result",
            '''
import numpy as np
def l2_penalty(W, strength):
    """The length, squared."""
    both = np.stack([W, W]) * (2 * strength)
    return strength * np.linalg.norm(W) ** 2, both[0]
''',
        ),
    ],
)

L1_PENALTY = Exercise(
    "l1_penalty",
    points=2,
    cases=PENALTY_CASES,
    bugs=[
        Bug(
            "absolute value forgotten",
            "You add up the weights with their signs. Positive and negative ones cancel, and very negative weights "
            "would be *rewarded*: take the absolute values.",
            ("np.sum(np.abs(W))", "np.sum(W)"),
        ),
        Bug(
            "slope 1 everywhere",
            "Your penalty is right, but its slope isn't 1 everywhere: where a weight is negative, |w| *falls* when w "
            "grows.",
            ("np.sign(W)", "np.ones(W.shape)"),
        ),
        Bug(
            "absolute value forgotten in both",
            "You add up the weights with their signs, and your slope is 1 everywhere. Positive and negative weights "
            "cancel: take the absolute values, of which the slope is the *sign* of the weight.",
            ("np.sum(np.abs(W))", "np.sum(W)"),
            ("np.sign(W)", "np.ones(W.shape)"),
        ),
        Bug(
            "slope 1 at zero",
            "At a weight of exactly 0 the slope could be anything from −1 to 1; here it is to be 0, so that a weight "
            "that has become 0 stays there.",
            ("np.sign(W)", "np.where(W >= 0, 1.0, -1.0)"),
        ),
        Bug(
            "slope −1 at zero",
            "At a weight of exactly 0 the slope could be anything from −1 to 1; here it is to be 0, so that a weight "
            "that has become 0 stays there.",
            ("np.sign(W)", "np.where(W > 0, 1.0, -1.0)"),
        ),
        Bug(
            "weights as gradient",
            "Your gradient is proportional to the weights, as for L2. The slope of |w| is 1 or −1, however large w is.",
            ("strength * np.sign(W)", "strength * W"),
        ),
        Bug(
            "absolute weights as gradient",
            "You return λ|W| as gradient: those are the terms of the sum themselves. The slope of |w| is 1 or −1, "
            "however large w is.",
            ("np.sign(W)", "np.abs(W)"),
        ),
        Bug(
            "weight divided by its absolute value",
            "w/|w| is the sign, except at 0, where it is 0 divided by 0: not a number (nan).",
            ("np.sign(W)", "(W / np.abs(W))"),
        ),
        Bug(
            "slope 2",
            "You have taken over the factor 2 from L2. The slope of |w| is 1 or −1.",
            ("strength * np.sign(W)", "2 * strength * np.sign(W)"),
        ),
        Bug("strength left out", STRENGTH_MISSING, ("strength * ", "")),
        Bug("strength left out of the gradient", STRENGTH_MISSING_IN_GRADIENT, ("strength * np.sign(W)", "np.sign(W)")),
        Bug(
            "strength left out of the penalty",
            STRENGTH_MISSING_IN_PENALTY,
            ("strength * np.sum(np.abs(W))", "np.sum(np.abs(W))"),
        ),
        Bug(
            "numpy's matrix norm",
            "`np.linalg.norm(W, 1)` of a *matrix* is the largest of the column sums. The sum over all weights is "
            "wanted.",
            ("np.sum(np.abs(W))", "np.linalg.norm(W, 1)"),
        ),
        Bug(
            "squares",
            "You add up the squares: that is the L2 penalty. L1 adds up the *absolute values*.",
            ("np.sum(np.abs(W))", "np.sum(W**2)"),
            ("strength * np.sign(W)", "2 * strength * W"),
        ),
        Bug(
            "absolute value of the sum",
            "You take the absolute value of the *sum*. Take it of each weight first, and add up then.",
            ("np.sum(np.abs(W))", "np.abs(np.sum(W))"),
        ),
        Bug(
            "mean of the weights",
            MEAN_OF_WEIGHTS,
            ("np.sum(np.abs(W)), strength * np.sign(W)", "np.mean(np.abs(W)), strength * np.sign(W) / W.size"),
        ),
        Bug("mean in the penalty only", MEAN_OF_WEIGHTS, ("np.sum(np.abs(W))", "np.mean(np.abs(W))")),
        Bug("gradient with the wrong sign", STEP_RETURNED, ("strength * np.sign(W)", "-strength * np.sign(W)")),
        Bug(
            "last column left out",
            LAST_COLUMN_LEFT_OUT,
            ("    return", "    W = np.hstack([W[:, :-1], np.zeros((len(W), 1))])\n    return"),
        ),
        Bug("one penalty for each class", ROWS_APART, ("np.sum(np.abs(W))", "np.sum(np.abs(W), axis=1)")),
    ],
    correct=[
        Correct(
            "loops",
            '''
import numpy as np
def l1_penalty(W, strength):
    """Weight by weight."""
    total, dW = 0.0, np.zeros(W.shape)
    for place in np.ndindex(W.shape):
        w = float(W[place])
        total += abs(w)
        dW[place] = strength if w > 0 else -strength if w < 0 else 0
    return strength * total, dW
''',
        ),
        Correct(
            "masks, in float32",
            '''
import numpy as np
def l1_penalty(W, strength):
    """Positive and negative weights apart."""
    direction = (W > 0).astype(np.float32) - (W < 0).astype(np.float32)
    return np.float32(strength) * (direction * W).sum(), np.float32(strength) * direction
''',
        ),
        Correct(
            "torch, tensors as results",
            '''
import numpy as np
import torch
def l1_penalty(W, strength):
    """Let torch derive it."""
    W = torch.tensor(np.array(W, dtype=float), requires_grad=True)
    penalty = strength * W.abs().sum()
    penalty.backward()
    return penalty, W.grad
''',
        ),
        Correct(
            "the norm of the flat array, a view as result",
            '''
import numpy as np
def l1_penalty(W, strength):
    """Of a flat array norm(…, 1) is the right one."""
    slopes = np.sign(np.stack([W, W], axis=-1)) * float(strength)
    return strength * np.linalg.norm(np.ravel(W).astype(float), 1), slopes[..., 0]
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# softmax_objective

SOFT = Tolerance(relative=1e-5, absolute=1e-6)
"""Exponentials and logarithms in float32 are right to six digits."""


def objective_of(student, W, X, y, strength):
    """Ask for the objective and its gradient."""
    loss, dW = student(W, X, y, strength)
    return {"loss": loss, "dW": dW}


def objective_tiny(student, rng):
    """one image of two numbers, two classes, λ = 0"""
    return objective_of(student, np.array([[1.0, 0.0], [0.0, 0.5]]), np.array([[1.0, 2.0]]), np.array([0]), 0.0)


def objective_with_penalty(student, rng):
    """the same image with λ = 0.5"""
    return objective_of(student, np.array([[1.0, 0.0], [0.0, 0.5]]), np.array([[1.0, 2.0]]), np.array([0]), 0.5)


def objective_zero_weights(student, rng):
    """all weights are 0: the loss is the logarithm of the number of classes, ln 3"""
    return objective_of(student, np.zeros((3, 2)), whole(rng, 2, 2), np.array([2, 0]), 0.25)


def objective_batch(student, rng):
    """three images of two numbers, four classes, λ = 0"""
    return objective_of(student, quarters(rng, 4, 2), whole(rng, 3, 2), np.array([3, 0, 3]), 0.0)


def objective_batch_with_penalty(student, rng):
    """two images of three numbers, four classes, λ = 0.25"""
    return objective_of(student, quarters(rng, 4, 3), whole(rng, 2, 3), np.array([1, 2]), 0.25)


def objective_square(student, rng):
    """as many images as numbers as classes: three"""
    return objective_of(student, quarters(rng, 3, 3), whole(rng, 3, 3), np.array([2, 0, 0]), 0.125)


def objective_large(student, rng):
    """bright images, of which the exponentials overflow"""
    W = np.array([[2.0, 1.0], [-1.0, 3.0], [0.5, -2.0]])
    return objective_of(student, W, np.array([[400.0, 100.0], [10.0, 900.0]]), np.array([0, 2]), 0.125)


def objective_bytes(student, rng):
    """images and labels as bytes (dtype uint8)"""
    W = quarters(rng, 3, 2) / 64
    X = np.array([[200, 17], [3, 250]], dtype=np.uint8)
    return objective_of(student, W, X, np.array([1, 2], dtype=np.uint8), 0.5)


def objective_single_precision(student, rng):
    """weights and images in float32"""
    W, X = quarters(rng, 3, 5).astype(np.float32), (whole(rng, 4, 5) / 4).astype(np.float32)
    return objective_of(student, W, X, np.array([1, 2, 0, 1]), 0.125)


def objective_view(student, rng):
    """arrays that are read-only and not contiguous"""
    W, X = read_only_view(quarters(rng, 3, 4)), read_only_view(whole(rng, 5, 4))
    return objective_of(student, W, X, np.array([1, 0, 2, 2, 1]), 0.25)


def objective_drawn(student, rng):
    """shapes and strengths drawn at random"""
    seen = {}
    for draw in range(4):
        images, numbers, classes = (int(n) for n in rng.permutation(5)[:3] + 2)
        W, X, y = quarters(rng, classes, numbers), whole(rng, images, numbers), rng.integers(0, classes, images)
        loss, dW = student(W, X, y, float(rng.integers(0, 5)) / 8)
        seen |= {f"loss {draw + 1}": loss, f"dW {draw + 1}": dW}
    return seen


SOFTMAX_OBJECTIVE = Exercise(
    "softmax_objective",
    points=3,
    cases=[
        Case(objective_tiny, tolerance=SOFT),
        Case(objective_with_penalty, tolerance=SOFT),
        Case(objective_zero_weights, tolerance=SOFT),
        Case(objective_batch, tolerance=SOFT),
        Case(objective_large, tolerance=SOFT),
        Case(objective_bytes, tolerance=Tolerance(relative=1e-5, absolute=1e-4)),
        Case(objective_batch_with_penalty, tolerance=SOFT),
        Case(objective_square, tolerance=SOFT),
        Case(objective_view, tolerance=SOFT),
        Case(objective_single_precision, tolerance=SOFT),
        Case(objective_drawn, hidden=True, weight=3, tolerance=SOFT),
    ],
    bugs=[
        Bug(
            "regularisation forgotten",
            "You return the data loss only. λΣW² belongs to the objective, and its slope to the gradient.",
            (" + strength * np.sum(W * W)", ""),
            (" + 2 * strength * W", ""),
        ),
        Bug(
            "regularisation missing in the gradient",
            "Your loss is right, but the gradient is that of the data loss alone: λΣW² has a slope, too.",
            (" + 2 * strength * W", ""),
        ),
        Bug(
            "regularisation missing in the loss",
            "Your gradient is right, but λΣW² is missing in the loss.",
            (" + strength * np.sum(W * W)", ""),
        ),
        Bug(
            "regularisation without λ",
            "You add ΣW² without `strength`, as two of the slides do. Then nobody can choose how much it counts.",
            ("strength * np.sum(W * W)", "np.sum(W * W)"),
            ("2 * strength * W", "2 * W"),
        ),
        Bug(
            "gradient of the regularisation without the 2",
            "The slope of λw² is 2λw: the 2 is missing in your gradient.",
            ("2 * strength * W", "strength * W"),
        ),
        Bug(
            "regularisation divided by N",
            "You divide the regularisation by the number of images as well. Only the data loss is a mean over images; "
            "λΣW² stands beside it.",
            ("strength * np.sum(W * W)", "strength * np.sum(W * W) / len(y)"),
            ("2 * strength * W", "2 * strength * W / len(y)"),
        ),
        Bug(
            "absolute values as regularisation",
            "You use the L1 penalty. Here it is to be L2: λΣW².",
            ("np.sum(W * W)", "np.sum(np.abs(W))"),
            ("2 * strength * W", "strength * np.sign(W)"),
        ),
        Bug(
            "gradient not divided by N",
            "Your loss is right, but not its gradient: the data loss is a mean over N images, so its gradient is "
            "divided by N, too.",
            ("slopes.T @ X / len(y)", "slopes.T @ X"),
        ),
        Bug(
            "sum instead of mean",
            "You add up the losses of the images. The data loss is their *mean*, and so is its gradient.",
            ("np.mean(tops", "np.sum(tops"),
            ("slopes.T @ X / len(y)", "slopes.T @ X"),
        ),
        Bug(
            "gradient divided by N twice",
            "You divide the gradient of the data loss by N twice. Perhaps your slopes in the scores are already "
            "divided?",
            ("slopes.T @ X / len(y)", "slopes.T @ X / len(y) ** 2"),
        ),
        Bug(
            "gradient turned round",
            "The gradient of your data loss lies on its side. It must have the shape of W: a row for each class, a "
            "column for each number of an image.",
            ("slopes.T @ X / len(y)", "X.T @ slopes / len(y)"),
        ),
        Bug(
            "gradient of the scores returned",
            "You stop at the gradient with respect to the *scores*. One step of the chain rule is missing: the slope "
            "of a score in its weights is the image.",
            ("slopes.T @ X / len(y) + 2 * strength * W", "slopes / len(y)"),
        ),
        Bug(
            "gradient without the minus 1",
            "At the right class the slope in the score is its probability *minus 1*; you have the probability alone.",
            ("    slopes[np.arange(len(y)), y] -= 1\n", ""),
        ),
        Bug(
            "minus 1 in whole columns",
            "`[:, y] -= 1` subtracts 1 in these columns of *every* row. One entry in each row is meant: index with "
            "the row numbers and the labels together.",
            ("slopes[np.arange(len(y)), y] -= 1", "slopes[:, y] -= 1"),
        ),
        Bug(
            "gradient with the wrong sign",
            "The gradient of the data loss has the wrong sign: it points where the loss *grows*.",
            ("slopes.T @ X / len(y)", "-slopes.T @ X / len(y)"),
        ),
        Bug(
            "overflow",
            "The exponential of a large score is infinite. Subtract the largest score of each image from its scores "
            "before you take exponentials.",
            ("tops = scores.max(axis=1, keepdims=True)", "tops = np.zeros((len(y), 1))"),
        ),
        Bug(
            "logarithm of a probability that is 0",
            "Where the right class is far behind, its probability is rounded to 0, and the logarithm of 0 is −∞. Take "
            "the logarithm of the *sum*, and subtract the score.",
            (
                "np.mean(tops[:, 0] + np.log(sums[:, 0]) - scores[np.arange(len(y)), y])",
                "np.mean(-np.log((np.exp(scores - tops) / sums)[np.arange(len(y)), y]))",
            ),
        ),
        Bug(
            "one maximum for the whole batch",
            "You subtract the largest score of *all* images. For an image whose scores are far below it, every "
            "exponential is rounded to 0. Each image needs its own largest score.",
            ("tops = scores.max(axis=1, keepdims=True)", "tops = np.full((len(y), 1), scores.max())"),
        ),
        Bug(
            "logarithm with base 10",
            "You use the logarithm with base 10. In machine learning log is the *natural* logarithm (`np.log`).",
            (
                "np.mean(tops[:, 0] + np.log(sums[:, 0]) - scores[np.arange(len(y)), y])",
                "np.mean(tops[:, 0] + np.log(sums[:, 0]) - scores[np.arange(len(y)), y]) / np.log(10)",
            ),
        ),
        Bug(
            "weights and images the wrong way round",
            "You compute the scores with the axes of W mixed up. Rows of X are images, rows of W are classes: the "
            "score of image i and class k comes from row i and row k.",
            ("scores = X @ W.T", "scores = X @ W"),
        ),
    ],
    correct=[
        Correct(
            "a loop over the images",
            '''
import numpy as np
def softmax_objective(W, X, y, strength):
    """One image after the other."""
    loss, dW = 0.0, np.zeros(W.shape)
    for x, label in zip(X.astype(float), y):
        s = W @ x
        s = s - s.max()
        p = np.exp(s) / np.exp(s).sum()
        loss += np.log(np.exp(s).sum()) - s[label]
        p[label] -= 1
        dW += np.outer(p, x)
    return loss / len(X) + strength * (W**2).sum(), dW / len(X) + 2 * strength * W
''',
        ),
        Correct(
            "torch, tensors as results",
            '''
import numpy as np
import torch
def softmax_objective(W, X, y, strength):
    """Let torch derive it."""
    W = torch.tensor(np.array(W), dtype=torch.float64, requires_grad=True)
    X, y = torch.tensor(X.astype(np.float64)), torch.tensor(y.astype(np.int64))
    loss = torch.nn.functional.cross_entropy(X @ W.T, y) + strength * (W**2).sum()
    loss.backward()
    return loss, W.grad
''',
        ),
        Correct(
            "one-hot labels",
            '''
import numpy as np
def softmax_objective(W, X, y, strength):
    """log p, and p from it."""
    S = X.dot(W.T).astype(float)
    log_p = S - np.logaddexp.reduce(S, axis=1)[:, None]
    T = np.eye(W.shape[0])[y]
    n = X.shape[0]
    return -(T * log_p).sum() / n + strength * np.vdot(W, W), (np.exp(log_p) - T).T.dot(X) / n + strength * (W + W)
''',
        ),
        Correct(
            "one image a column, in float32, a view as result",
            '''
import numpy as np
def softmax_objective(W, X, y, strength):
    """Turned round and back."""
    W32, X32, n = W.astype(np.float32), X.astype(np.float32), np.float32(len(X))
    S = W32 @ X32.T
    S = S - S.max(0)
    E = np.exp(S)
    columns = np.arange(len(X))
    loss = (np.log(E.sum(0)) - S[y, columns]).mean() + strength * (W32 * W32).sum()
    D = E / E.sum(0)
    D[y, columns] -= 1
    return loss, (X32.T @ D.T / n).T + np.float32(2 * strength) * W32
''',
        ),
    ],
)
