"""Softmax cross-entropy with its gradient."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, replaced
from visionlab.checks.draws import quarters, read_only_view, several, whole

CLOSE = Tolerance(1e-5, 1e-6)


def both(student, scores, y):
    """Loss and gradient by name."""
    loss, dscores = several(student(scores, y))
    return {"loss": loss, "dscores": dscores}


def loss_equal_scores(student, rng):
    """one image, four classes, all scores equal: the loss is log 4"""
    return both(student, np.array([[3.0, 3.0, 3.0, 3.0]]), np.array([2]))


def loss_one_image(student, rng):
    """one image, three classes, the right one is the last"""
    return both(student, np.array([[1.0, 3.0, 2.0]]), np.array([2]))


def loss_slides(student, rng):
    """the cat, car and frog of the slides, with scores 3.2, 5.1, −1.7"""
    return both(student, np.array([[3.2, 5.1, -1.7]]), np.array([0]))


def loss_two_images(student, rng):
    """two images, three classes"""
    return both(student, np.array([[1.0, 3.0, 2.0], [0.5, -1.0, 0.0]]), np.array([2, 0]))


def loss_images(student, rng):
    """four images, three classes"""
    return both(student, quarters(rng, 4, 3), np.array([2, 0, 1, 1]))


def loss_large_scores(student, rng):
    """scores around 1000"""
    return both(student, np.array([[1001.0, 1003.0, 1002.0]]), np.array([2]))


def loss_far_apart(student, rng):
    """two images whose scores are 2000 apart"""
    return both(student, np.array([[1.0, 2.0], [2001.0, 2003.0], [-999.0, -998.0]]), np.array([0, 0, 1]))


def loss_sure_and_wrong(student, rng):
    """a right class whose score is 1000 below the other: the loss is 1000"""
    return both(student, np.array([[0.0, 1000.0], [2.0, 1.0]]), np.array([0, 0]))


def loss_view(student, rng):
    """whole numbers (dtype int64), in an array that is read-only and not contiguous"""
    return both(student, read_only_view(rng.integers(-3, 4, (3, 5))), np.array([4, 0, 2]))


def loss_drawn(student, rng):
    """batches drawn at random, in float32 too"""
    seen = {}
    for draw in range(4):
        count, classes = (int(n) for n in rng.integers([1, 2], [7, 8]))
        scores, y = 3 * quarters(rng, count, classes), rng.integers(0, classes, count)
        found = both(student, scores.astype(np.float32) if draw % 2 else scores, y)
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    return seen


def loss_large_drawn(student, rng):
    """large scores drawn at random"""
    return both(student, whole(rng, 5, 4, low=-3, high=3) + 700 * whole(rng, 5, 1), rng.integers(0, 4, 5))


BY_PROBABILITIES = """
import numpy as np
def softmax_loss(scores, y):
    N = len(y)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(N), y]).mean()
    p[np.arange(N), y] -= 1
    return loss, p / N
"""

SOFTMAX_LOSS = Exercise(
    "softmax_loss",
    points=4,
    cases=[
        Case(loss_equal_scores, tolerance=CLOSE),
        Case(loss_one_image, tolerance=CLOSE),
        Case(loss_slides, tolerance=CLOSE),
        Case(loss_two_images, tolerance=CLOSE),
        Case(loss_images, tolerance=CLOSE),
        Case(loss_large_scores, tolerance=CLOSE),
        Case(loss_far_apart, tolerance=CLOSE),
        Case(loss_sure_and_wrong, tolerance=CLOSE),
        Case(loss_view, tolerance=CLOSE),
        Case(loss_drawn, hidden=True, weight=3, tolerance=Tolerance(1e-5, 1e-5)),
        Case(loss_large_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "overflow for large scores",
            "Scores around 1000 give nan or infinity: e to the power of 710 is too large for a float. Subtract "
            "the largest score of each row first; the probabilities don't change by that.",
            ("scores - scores.max(axis=1, keepdims=True)", "scores * 1.0"),
        ),
        Bug(
            "one largest score for the whole batch",
            "You subtract the largest score of the whole *batch*. An image whose scores are all far below that "
            "gets only zeros, and log 0. Subtract the largest score of each row.",
            ("scores.max(axis=1, keepdims=True)", "scores.max()"),
        ),
        Bug(
            "largest score of each class",
            "You subtract the largest score of each *class* (column). That changes the probabilities; subtract "
            "the same number from all scores of an image: the largest of its row.",
            ("scores.max(axis=1, keepdims=True)", "scores.max(axis=0, keepdims=True)"),
        ),
        Bug(
            "logarithm of a probability that has become 0",
            "Where the right class is far behind, its probability is rounded to 0 and its logarithm is "
            "−infinity. Don't take the logarithm of the quotient: log p = score − log of the sum (of what you "
            "have after subtracting the largest score).",
            source=BY_PROBABILITIES,
        ),
        Bug(
            "a small number in the logarithm",
            "You add a small number inside the logarithm, so the loss of a sure and wrong answer stops growing "
            "(and all others are a little off). Don't take the logarithm of the quotient: log p = score − log "
            "of the sum.",
            source=replaced(BY_PROBABILITIES, ("np.log(p[np.arange(N), y])", "np.log(p[np.arange(N), y] + 1e-8)")),
        ),
        Bug(
            "logarithm to base 10",
            "You take the logarithm to base 10, as one of the slides does (it says −log 0.13 = 0.89; it is "
            "2.04). The loss is in nats: `np.log`. Your gradient doesn't belong to your loss, either.",
            ("loss = -log_p[rows, y].mean()", "loss = -log_p[rows, y].mean() / np.log(10)"),
        ),
        Bug(
            "logarithm to base 2",
            "You take the logarithm to base 2. The loss is in nats: `np.log`.",
            ("loss = -log_p[rows, y].mean()", "loss = -log_p[rows, y].mean() / np.log(2)"),
        ),
        Bug(
            "sum instead of mean",
            "You add up the losses of the batch, and the gradient with them. Here the loss is their *mean*, so "
            "that the batch size doesn't change how large a step is.",
            (".mean()", ".sum()"),
            ("(len(y))", "1"),
        ),
        Bug(
            "gradient not divided by N",
            "Your loss is the mean over the batch, but your gradient is that of the sum. Divide it by N as well.",
            ("(len(y))", "1"),
        ),
        Bug(
            "gradient divided by the number of classes",
            "You divide the gradient by all numbers of the array, N·C. The mean runs over the N images only.",
            ("(len(y))", "scores.size"),
        ),
        Bug(
            "mean over images and classes",
            "You divide loss and gradient by N·C. The mean runs over the N images; each of them has *one* loss.",
            (".mean()", ".sum() / scores.size"),
            ("(len(y))", "scores.size"),
        ),
        Bug(
            "1 not subtracted at the right class",
            "Your gradient is the probabilities. At the right class 1 has to be subtracted: its score should *rise*.",
            ("dscores[rows, y] -= 1", "dscores[rows, y] -= 0"),
        ),
        Bug(
            "1 subtracted in the whole column",
            "You subtract 1 from `p[:, y]`, which is whole columns, for all images. The pair `p[rows, y]` with "
            "rows 0 … N − 1 picks one number from each row.",
            ("dscores[rows, y] -= 1", "dscores[:, y] -= 1"),
        ),
        Bug(
            "gradient with the sign turned",
            "Your gradient has the wrong sign: it should be negative at the right class, so that a step "
            "*against* it raises that score.",
            ("return loss, dscores", "return loss, -dscores"),
        ),
        Bug(
            "loss with the sign turned",
            "Your loss is negative. The logarithm of a probability is negative; the loss is minus that.",
            ("-log_p[rows, y]", "log_p[rows, y]"),
        ),
        Bug(
            "probabilities over the batch",
            "Your probabilities add up to 1 over the *images*. They add up to 1 for each image: sum along axis 1.",
            ("sum(axis=1", "sum(axis=0"),
        ),
        Bug(
            "probabilities of the whole batch",
            "You divide by the sum over the whole batch. The probabilities of each image add up to 1: sum "
            "along axis 1, keeping the axis.",
            ("sum(axis=1, keepdims=True)", "sum()"),
        ),
        Bug(
            "loss over all classes",
            "Your loss adds −log p over *all* classes. Only the probability of the right class counts.",
            ("-log_p[rows, y].mean()", "-log_p.sum(axis=1).mean()"),
        ),
        Bug(
            "largest class instead of the right one",
            "You take −log p of the most probable class. The loss looks at the *right* class, `y`.",
            ("-log_p[rows, y].mean()", "-log_p.max(axis=1).mean()"),
        ),
        Bug(
            "loss after the 1 was subtracted",
            "You subtract 1 from the probabilities before you take the logarithm for the loss, and log of a "
            "negative number is nan. Calculate the loss first, or work on a copy.",
            source=replaced(
                BY_PROBABILITIES,
                ("    loss = -np.log(p[np.arange(N), y]).mean()\n", ""),
                ("    return", "    loss = -np.log(p[np.arange(N), y]).mean()\n    return"),
            ),
        ),
        Bug(
            "scores changed in place",
            "You subtract the largest score in `scores` itself (`-=`). They belong to whoever called you: make "
            "a new array.",
            (
                "shifted = scores - scores.max(axis=1, keepdims=True)",
                "scores -= scores.max(axis=1, keepdims=True)\n    shifted = scores",
            ),
        ),
        Bug(
            "loss alone returned",
            "You return the loss alone. Its gradient with respect to the scores is the second result.",
            ("return loss, dscores", "return loss"),
        ),
        Bug(
            "losses not averaged",
            "You return one loss for each image. The loss is one number: their mean.",
            ("-log_p[rows, y].mean()", "-log_p[rows, y]"),
        ),
    ],
    correct=[
        Correct(
            "image by image",
            """
import math
import numpy as np
def softmax_loss(scores, y):
    N, C = scores.shape
    total, dscores = 0.0, np.zeros((N, C))
    for n in range(N):
        top = float(max(scores[n]))
        e = [math.exp(float(s) - top) for s in scores[n]]
        total += math.log(sum(e)) + top - float(scores[n, y[n]])
        for c in range(C):
            dscores[n, c] = (e[c] / sum(e) - (c == y[n])) / N
    return total / N, dscores
""",
        ),
        Correct(
            "logaddexp and one-hot",
            """
import numpy as np
def softmax_loss(scores, y):
    one_hot = np.eye(scores.shape[1])[y]
    log_z = np.logaddexp.reduce(scores.astype(float), axis=1)
    losses = log_z - (scores * one_hot).sum(axis=1)
    return losses.mean(), (np.exp(scores - log_z[:, None]) - one_hot) / len(scores)
""",
        ),
        Correct(
            "torch",
            """
import torch
def softmax_loss(scores, y):
    s = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(s, torch.tensor(y))
    loss.backward()
    return loss.item(), s.grad
""",
        ),
        Correct(
            "float32, gaps to the right class",
            """
import numpy as np
def softmax_loss(scores, y):
    s = scores.astype(np.float32)
    gaps = s - np.take_along_axis(s, y[:, None], axis=1)
    top = np.maximum(gaps.max(axis=1), 0)
    e = np.exp(gaps - top[:, None])
    z = e.sum(axis=1)
    d = e / z[:, None]
    d[range(len(y)), y] -= 1
    return [float(np.mean(top + np.log(z))), d / np.float32(len(y))]
""",
        ),
    ],
)
