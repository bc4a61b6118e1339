"""A two-layer network's loss, early stopping, and a training loop."""

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, replaced
from visionlab import datasets
from visionlab.checks.draws import ask, quarters, read_only_view, several, whole

CLOSE = Tolerance(1e-5, 1e-6)

# ---------------------------------------------------------------------------------------------------------------------
# two_layer_loss


def network(rng, inputs, hidden, classes, dtype=float):
    """Parameters in quarters."""
    shapes = {"W1": (inputs, hidden), "b1": (hidden,), "W2": (hidden, classes), "b2": (classes,)}
    return {name: (quarters(rng, *shape) / 2).astype(dtype) for name, shape in shapes.items()}


def loss_and_gradients(student, params, x, y, **settings):
    """The loss and the four gradients by name."""
    loss, gradients = several(student(params, x, y, **settings))
    return {"loss": loss} | {f'grads["{name}"]': gradients[name] for name in ("W2", "b2", "W1", "b1")}


def net_tiny(student, rng):
    """one image of two numbers, two hidden units (one is shut), two classes"""
    params = {
        "W1": np.array([[1.0, -1.0], [0.5, 0.25]]),
        "b1": np.array([0.0, 0.5]),
        "W2": np.array([[1.0, 0.0], [-2.0, 3.0]]),
        "b2": np.array([0.0, 0.5]),
    }
    return loss_and_gradients(student, params, np.array([[2.0, 1.0]]), np.array([1]))


def net_open(student, rng):
    """one image, three hidden units that are all open, two classes"""
    params = network(rng, 2, 3, 2)
    params["b1"] = np.array([5.0, 6.0, 7.0])
    return loss_and_gradients(student, params, np.array([[1.0, -0.5]]), np.array([0]))


def net_regularised(student, rng):
    """the same with regularisation, λ = 2"""
    params = network(rng, 2, 3, 2)
    params["b1"] = np.array([5.0, 6.0, 7.0])
    return loss_and_gradients(student, params, np.array([[1.0, -0.5]]), np.array([0]), reg=2.0)


def net_batch(student, rng):
    """four images of three numbers, five hidden units, three classes"""
    return loss_and_gradients(student, network(rng, 3, 5, 3), whole(rng, 4, 3), np.array([2, 0, 1, 1]))


def net_batch_regularised(student, rng):
    """three images, with regularisation, λ = 0.5"""
    return loss_and_gradients(student, network(rng, 3, 4, 3), whole(rng, 3, 3), np.array([2, 2, 0]), reg=0.5)


def net_negative_scores(student, rng):
    """scores that are all negative: nothing is cut off there"""
    params = network(rng, 2, 3, 3)
    params["b2"] = np.array([-20.0, -21.0, -22.0])
    return loss_and_gradients(student, params, np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([1, 2]))


def net_large_scores(student, rng):
    """scores in the thousands"""
    params = network(rng, 2, 3, 3)
    params["b2"] = np.array([3000.0, 1000.0, 3001.0])
    return loss_and_gradients(student, params, np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([1, 2]))


def net_view(student, rng):
    """float32, in arrays that are read-only and not contiguous"""
    params = {name: read_only_view(p) if p.ndim == 2 else p for name, p in network(rng, 4, 3, 5, np.float32).items()}
    return loss_and_gradients(student, params, read_only_view(whole(rng, 6, 4).astype(np.float32)), np.arange(6) % 5)


def net_drawn(student, rng):
    """networks drawn at random"""
    seen = {}
    for draw in range(4):
        inputs, hidden, classes, count = (int(n) for n in rng.integers([1, 2, 2, 1], [5, 7, 6, 7]))
        x, y = whole(rng, count, inputs), rng.integers(0, classes, count)
        reg = float(rng.integers(0, 3)) / 4
        found = loss_and_gradients(student, network(rng, inputs, hidden, classes), x, y, reg=reg)
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    return seen


PIECE_BY_PIECE = """
import numpy as np
def two_layer_loss(params, x, y, reg=0.0):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    N = x.shape[0]
    a = x @ W1 + b1
    z = np.maximum(a, 0)
    s = z @ W2 + b2
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    top = s.max(axis=1)
    losses = top + np.log(e.sum(axis=1)) - s[np.arange(N), y]
    loss = losses.sum() / N + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    ds = p.copy()
    ds[np.arange(N), y] -= 1
    ds /= N
    dW2 = z.T @ ds
    db2 = np.sum(ds, axis=0)
    dz = ds @ W2.T
    da = dz * (a > 0)
    dW1 = x.T @ da
    db1 = np.sum(da, axis=0)
    dW1 += reg * W1
    dW2 += reg * W2
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
"""

TWO_LAYER_LOSS = Exercise(
    "two_layer_loss",
    points=4,
    cases=[
        Case(net_tiny, tolerance=CLOSE),
        Case(net_open, tolerance=CLOSE),
        Case(net_regularised, tolerance=CLOSE),
        Case(net_batch, tolerance=CLOSE),
        Case(net_batch_regularised, tolerance=CLOSE),
        Case(net_negative_scores, tolerance=CLOSE),
        Case(net_large_scores, tolerance=CLOSE),
        Case(net_view, tolerance=Tolerance(1e-4, 1e-5)),
        Case(net_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "ReLU forgotten on the way back",
            "The gradient passes through shut units. Where a hidden unit's sum was 0 or less, its output "
            "doesn't depend on the first layer: nothing goes back there.",
            source=replaced(PIECE_BY_PIECE, ("dz * (a > 0)", "dz * 1.0")),
        ),
        Bug(
            "ReLU forgotten on the way forward",
            "You send the hidden sums on as they are. Between the two layers there is a ReLU; without it the "
            "two are one linear layer.",
            source=replaced(PIECE_BY_PIECE, ("np.maximum(a, 0)", "a"), ("dz * (a > 0)", "dz")),
        ),
        Bug(
            "ReLU on the scores",
            "You apply ReLU to the scores too. The last layer has none: scores may be negative.",
            source=replaced(PIECE_BY_PIECE, ("s = z @ W2 + b2", "s = np.maximum(z @ W2 + b2, 0)")),
        ),
        Bug(
            "gradient cut off instead of the unit",
            "You set negative *gradients* of the hidden layer to 0. ReLU decides by the hidden *sums*: where "
            "they were positive, every gradient passes.",
            source=replaced(PIECE_BY_PIECE, ("dz * (a > 0)", "np.maximum(dz, 0)")),
        ),
        Bug(
            "second layer's gradient from the sums",
            "For `W2` you multiply by the hidden sums *before* the ReLU. What goes into the second layer is "
            "what came out of the ReLU.",
            source=replaced(PIECE_BY_PIECE, ("z.T @ ds", "a.T @ ds")),
        ),
        Bug(
            "gradient of the sum, loss as a mean",
            "Your loss is the mean over the batch, but your gradients are those of the sum. Divide by N where "
            "the way back begins.",
            source=replaced(PIECE_BY_PIECE, ("    ds /= N\n", "")),
        ),
        Bug(
            "sum instead of mean",
            "You add up the losses of the batch. Here the loss is their *mean*.",
            source=replaced(PIECE_BY_PIECE, ("losses.sum() / N", "losses.sum()"), ("    ds /= N\n", "")),
        ),
        Bug(
            "regularisation missing in the gradient",
            "Your loss has the regularisation, but the gradients of the weights lack it: the slope of ½λW² is λW.",
            source=replaced(PIECE_BY_PIECE, ("    dW1 += reg * W1\n    dW2 += reg * W2\n", "")),
        ),
        Bug(
            "regularisation missing in the loss",
            "Your gradients have the regularisation, but the loss lacks it: add ½λ times the sum of all "
            "squared weights.",
            source=replaced(PIECE_BY_PIECE, (" + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))", "")),
        ),
        Bug(
            "regularisation ignored",
            "You don't use `reg`. The loss gets ½λ times the sum of all squared weights, and the gradient of "
            "each W gets λW.",
            source=replaced(
                PIECE_BY_PIECE,
                ("    dW1 += reg * W1\n    dW2 += reg * W2\n", ""),
                (" + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))", ""),
            ),
        ),
        Bug(
            "gradient of λW² for ½λW²",
            "Your regularisation gradient is 2λW, which belongs to λW². With the ½ in the loss it is λW.",
            source=replaced(PIECE_BY_PIECE, ("reg * W1\n", "2 * reg * W1\n"), ("reg * W2\n", "2 * reg * W2\n")),
        ),
        Bug(
            "regularisation without the ½",
            "You regularise with λW² (and its gradient 2λW). Here, as in lecture 5, it is ½λW² with the gradient λW.",
            source=replaced(
                PIECE_BY_PIECE, ("0.5 * reg", "reg"), ("reg * W1\n", "2 * reg * W1\n"), ("reg * W2\n", "2 * reg * W2\n")
            ),
        ),
        Bug(
            "½ missing in the loss",
            "Your gradient λW belongs to ½λW²; in the loss you have λW² without the ½.",
            source=replaced(PIECE_BY_PIECE, ("0.5 * reg", "reg")),
        ),
        Bug(
            "biases regularised",
            "You regularise the biases too. Only the weights are: a bias says where a unit opens, and needn't "
            "be small.",
            source=replaced(
                PIECE_BY_PIECE,
                ("np.sum(W2 * W2))", "np.sum(W2 * W2) + np.sum(b1 * b1) + np.sum(b2 * b2))"),
                ("    dW1 += reg * W1\n", "    dW1 += reg * W1\n    db1 += reg * b1\n    db2 += reg * b2\n"),
            ),
        ),
        Bug(
            "regularisation divided by N",
            "You divide the regularisation by N as well. It doesn't depend on the batch: only the data loss is a mean.",
            source=replaced(
                PIECE_BY_PIECE,
                ("0.5 * reg", "0.5 * reg / N"),
                ("reg * W1\n", "reg / N * W1\n"),
                ("reg * W2\n", "reg / N * W2\n"),
            ),
        ),
        Bug(
            "only the first layer regularised",
            "You regularise `W1` and forget `W2`. All weights are regularised.",
            source=replaced(PIECE_BY_PIECE, (" + np.sum(W2 * W2)", ""), ("    dW2 += reg * W2\n", "")),
        ),
        Bug(
            "bias gradients as means",
            "For the biases you take the mean over the batch. The 1/N is in the gradient already: what comes "
            "back from the rows is *added*.",
            source=replaced(
                PIECE_BY_PIECE, ("np.sum(ds, axis=0)", "ds.mean(axis=0)"), ("np.sum(da, axis=0)", "da.mean(axis=0)")
            ),
        ),
        Bug(
            "first bias ignored",
            "You never add `b1`. Each hidden unit has its bias.",
            source=replaced(PIECE_BY_PIECE, ("x @ W1 + b1", "x @ W1")),
        ),
        Bug(
            "overflow for large scores",
            "Scores in the thousands give nan or infinity. Subtract the largest score of each row before you "
            "take the exponential.",
            source=replaced(
                PIECE_BY_PIECE,
                ("e = np.exp(s - s.max(axis=1, keepdims=True))", "e = np.exp(s)"),
                ("top = s.max(axis=1)", "top = 0"),
            ),
        ),
        Bug(
            "logarithm of a probability that has become 0",
            "Where the right class is far behind, its probability is rounded to 0 and the loss becomes "
            "infinite. Take log p as score − log of the sum, as in notebook 2b.",
            source=replaced(
                PIECE_BY_PIECE,
                ("losses = top + np.log(e.sum(axis=1)) - s[np.arange(N), y]", "losses = -np.log(p[np.arange(N), y])"),
            ),
        ),
        Bug(
            "weights moved",
            "You change the parameters in place: `params` belongs to the caller, and the update rule comes "
            "later. Return gradients only.",
            source=replaced(PIECE_BY_PIECE, ("    return", "    W1 -= 0.1 * dW1\n    return")),
        ),
        Bug(
            "loss alone returned",
            "You return the loss alone. The dict of gradients is the second result.",
            source=replaced(
                PIECE_BY_PIECE, ('return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}', "return loss")
            ),
        ),
    ],
    correct=[
        Correct("piece by piece", PIECE_BY_PIECE),
        Correct(
            "torch's autograd",
            """
import torch
def two_layer_loss(params, x, y, reg=0.0):
    p = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in params.items()}
    hidden = torch.relu(torch.tensor(x, dtype=torch.float64) @ p["W1"] + p["b1"])
    loss = torch.nn.functional.cross_entropy(hidden @ p["W2"] + p["b2"], torch.tensor(y))
    loss = loss + reg / 2 * (p["W1"].square().sum() + p["W2"].square().sum())
    loss.backward()
    return loss.item(), {k: v.grad for k, v in p.items()}
""",
        ),
        Correct(
            "image by image",
            """
import numpy as np
def two_layer_loss(params, x, y, reg=0.0):
    grads = {name: np.zeros(p.shape) for name, p in params.items()}
    total = 0.0
    for row, label in zip(np.asarray(x, float), y):
        z = np.maximum(row @ params["W1"] + params["b1"], 0)
        s = z @ params["W2"] + params["b2"]
        log_z = np.logaddexp.reduce(s)
        total += (log_z - s[label]) / len(y)
        g = np.exp(s - log_z)
        g[label] -= 1
        g /= len(y)
        grads["W2"] += np.outer(z, g)
        grads["b2"] += g
        back = np.where(z > 0, params["W2"] @ g, 0)
        grads["W1"] += np.outer(row, back)
        grads["b1"] += back
    for name in ("W1", "W2"):
        total += reg * np.vdot(params[name], params[name]) / 2
        grads[name] = grads[name] + reg * params[name]
    return total, grads
""",
        ),
        Correct(
            "a column of ones for the biases, float32",
            """
import numpy as np
def two_layer_loss(params, x, y, reg=0.0):
    def stacked(name):
        return np.vstack([params["W" + name], params["b" + name]]).astype(np.float32)
    def with_one(a):
        return np.hstack([a, np.ones((len(a), 1))]).astype(np.float32)
    first, second = stacked("1"), stacked("2")
    inputs = with_one(x)
    hidden = inputs @ first
    middle = with_one(np.clip(hidden, 0, None))
    scores = middle @ second
    scores = scores - scores.max(axis=1)[:, None]
    log_p = scores - np.log(np.exp(scores).sum(axis=1))[:, None]
    target = np.eye(scores.shape[1])[y]
    loss = -(log_p * target).sum() / len(y)
    g2 = (np.exp(log_p) - target) / len(y)
    g1 = (g2 @ second[:-1].T) * (hidden > 0)
    d2, d1 = middle.T @ g2, inputs.T @ g1
    penalty = sum(float((params[w].astype(float) ** 2).sum()) for w in ("W1", "W2")) * reg / 2
    grads = {"W1": d1[:-1] + reg * params["W1"], "b1": d1[-1], "W2": d2[:-1] + reg * params["W2"], "b2": d2[-1]}
    return [float(loss) + penalty, grads]
""",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# early_stopping


def stop_tiny(student, rng):
    """down twice, then up: patience 1"""
    return ask(student, "early_stopping", [5.0, 4.0, 6.0, 3.0], patience=1)


def stop_patient(student, rng):
    """the same with patience 2: the better epoch at the end is reached"""
    return ask(student, "early_stopping", [5.0, 4.0, 6.0, 3.0], patience=2)


def stop_rising(student, rng):
    """patience 2, and from the third epoch on it only gets worse"""
    return ask(student, "early_stopping", [5.0, 4.0, 3.0, 3.5, 4.0, 4.5, 5.0], patience=2)


def stop_never(student, rng):
    """always better: all epochs are trained"""
    return ask(student, "early_stopping", [5.0, 4.0, 3.0, 2.0], patience=1)


def stop_better_than_the_last(student, rng):
    """better than the epoch before, but not better than the best"""
    return ask(student, "early_stopping", [3.0, 6.0, 5.0, 4.0, 1.0], patience=3)


def stop_equal(student, rng):
    """as good as the best is not better"""
    return ask(student, "early_stopping", [3.0, 2.0, 2.0, 2.0, 1.0], patience=2)


def stop_in_pieces(student, rng):
    """bad epochs now and then, never two in a row"""
    return ask(student, "early_stopping", [5.0, 6.0, 4.0, 5.0, 3.0, 4.0, 2.0, 3.0], patience=2)


def stop_too_late(student, rng):
    """the very best epoch comes after the end"""
    return ask(student, "early_stopping", [5.0, 4.0, 4.5, 4.5, 4.5, 0.5], patience=3)


def stop_blown_up(student, rng):
    """the loss becomes nan, which is no improvement"""
    return ask(student, "early_stopping", [5.0, 4.0, float("nan"), float("nan"), 3.0], patience=2)


def stop_one(student, rng):
    """a single epoch"""
    return ask(student, "early_stopping", [7.0], patience=3)


def stop_drawn(student, rng):
    """losses drawn at random"""
    seen = {}
    for _ in range(12):
        losses = [float(n) for n in rng.integers(0, 12, int(rng.integers(2, 15)))]
        seen |= ask(student, "early_stopping", losses, patience=int(rng.integers(1, 5)))
    return seen


EARLY_STOPPING = Exercise(
    "early_stopping",
    points=2,
    cases=[
        Case(stop_tiny),
        Case(stop_patient),
        Case(stop_rising),
        Case(stop_never),
        Case(stop_better_than_the_last),
        Case(stop_equal),
        Case(stop_in_pieces),
        Case(stop_too_late),
        Case(stop_blown_up),
        Case(stop_one),
        Case(stop_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "one epoch too late",
            "You stop one epoch too late: with `patience` 2 the second epoch in a row without an improvement "
            "is the last.",
            ("epoch - best >= patience", "epoch - best > patience"),
        ),
        Bug(
            "one epoch too early",
            "You stop one epoch too early: with `patience` 2 there must be *two* epochs in a row without an "
            "improvement.",
            ("epoch - best >= patience", "epoch - best >= patience - 1"),
        ),
        Bug(
            "bad epochs counted for ever",
            "You count all epochs without an improvement since the beginning. After an improvement counting "
            "starts anew.",
            source="""
def early_stopping(losses, patience):
    best, waited = 0, 0
    for epoch, loss in enumerate(losses):
        if epoch == 0 or loss < losses[best]:
            best = epoch
        else:
            waited += 1
        if waited >= patience:
            return best, epoch + 1
    return best, len(losses)
""",
        ),
        Bug(
            "compared with the epoch before",
            "You compare each loss with the one *before*. An improvement is a loss below all earlier ones, "
            "that is below the best so far.",
            source="""
def early_stopping(losses, patience):
    best, waited = 0, 0
    for epoch, loss in enumerate(losses):
        if epoch == 0 or loss < losses[epoch - 1]:
            waited = 0
            best = epoch
        else:
            waited += 1
        if waited >= patience:
            return best, epoch + 1
    return best, len(losses)
""",
        ),
        Bug(
            "counter reset by any fall",
            "Whenever the loss falls you start counting anew, even if it is still above the best. Only a new "
            "best counts as an improvement.",
            source="""
def early_stopping(losses, patience):
    best, waited = 0, 0
    for epoch, loss in enumerate(losses):
        if epoch and loss < losses[epoch - 1] or epoch == 0:
            waited = 0
        else:
            waited += 1
        if loss < losses[best]:
            best = epoch
        if waited >= patience:
            return best, epoch + 1
    return best, len(losses)
""",
        ),
        Bug(
            "as good as the best taken for better",
            "You take a loss that *equals* the best for an improvement. It has to be below.",
            ("loss < losses[best]", "loss <= losses[best]"),
        ),
        Bug(
            "nan taken for better",
            "You take nan for an improvement. Every comparison with nan is False: ask whether the new loss "
            "*is* less, not whether it isn't larger.",
            ("loss < losses[best]", "not loss >= losses[best]"),
        ),
        Bug(
            "best of all losses",
            "You return the best epoch of the whole list. After the end of training there are no more epochs: "
            "the best among those that were trained.",
            ("            return best, epoch + 1", "            return losses.index(min(losses)), epoch + 1"),
        ),
        Bug(
            "last epoch instead of the best",
            "You return the last epoch in place of the best. The point of early stopping is to go *back* to the best.",
            ("return best, epoch + 1", "return epoch, epoch + 1"),
            ("return best, len(losses)", "return len(losses) - 1, len(losses)"),
        ),
        Bug(
            "number of the last epoch instead of their count",
            "Your second result is the *number* of the last epoch, counted from 0. Asked for is *how many* "
            "epochs were trained: one more.",
            ("epoch + 1", "epoch"),
            ("len(losses)", "len(losses) - 1"),
        ),
        Bug(
            "loss instead of the epoch",
            "Your first result is the best *loss*. Asked for is the number of the epoch.",
            ("return best, epoch + 1", "return losses[best], epoch + 1"),
            ("return best, len(losses)", "return losses[best], len(losses)"),
        ),
        Bug(
            "epochs counted from 1",
            "Your first result counts the epochs from 1. The first epoch has number 0.",
            ("return best, epoch + 1", "return best + 1, epoch + 1"),
            ("return best, len(losses)", "return best + 1, len(losses)"),
        ),
        Bug(
            "stopped at the first bad epoch",
            "You stop as soon as the loss rises, whatever `patience` says. Validation losses jump up and down: "
            "wait for `patience` epochs in a row.",
            ("epoch - best >= patience", "epoch - best >= 1"),
        ),
        Bug(
            "nothing returned if it never stops",
            "If the end of the list is reached without a stop, your function returns nothing. Then all epochs "
            "were trained.",
            ("    return best, len(losses)\n", ""),
        ),
    ],
    correct=[
        Correct(
            "a counter",
            """
def early_stopping(losses, patience):
    lowest, best, bad, trained = float("inf"), 0, 0, 0
    while trained < len(losses) and bad < patience:
        if losses[trained] < lowest:
            lowest, best, bad = losses[trained], trained, 0
        else:
            bad += 1
        trained += 1
    return best, trained
""",
        ),
        Correct(
            "numpy",
            """
import numpy as np
def early_stopping(losses, patience):
    losses = np.where(np.isnan(losses), np.inf, losses)
    for count in range(1, len(losses) + 1):
        best = int(np.argmin(losses[:count]))
        if count - 1 - best >= patience:
            break
    return [best, count]
""",
        ),
        Correct(
            "recursion",
            """
def early_stopping(losses, patience, epoch=0, best=0):
    if epoch == len(losses):
        return best, epoch
    if losses[epoch] < losses[best]:
        best = epoch
    if epoch - best == patience:
        return best, epoch + 1
    return early_stopping(losses, patience, epoch + 1, best)
""",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# train_network


class Watched:
    """A loss that notes what it was asked: rows of x begin with their number; those from 1000 on are for validation.

    The gradient is made up, and so are the losses on the validation set, which come from a list.
    """

    def __init__(self, validation=()):
        self.validation = list(validation)
        self.batches = [[]]  # of each epoch: the numbers of the rows of each batch
        self.labels_fit = True
        self.at_validation = []  # the parameters at each validation
        self.moved_by_validation = False

    def __call__(self, params, x, y):
        """Note the call, and return a loss with its gradients."""
        numbers = [int(number) for number in np.asarray(x)[:, 0]]
        w = np.array(params["w"], dtype=float)
        self.labels_fit &= [number % 7 for number in numbers] == [int(label) for label in np.asarray(y)]
        gradients = {"w": np.array([1.0, float(np.sin(sum(numbers)))])}
        if numbers and numbers[0] >= 1000:
            self.at_validation.append(w)
            self.batches.append([])
            place = len(self.at_validation) - 1
            return (self.validation[place] if place < len(self.validation) else 1.0 / (place + 1)), gradients
        if not self.batches[-1] and self.at_validation:
            self.moved_by_validation |= not np.array_equal(w, self.at_validation[-1])
        self.batches[-1].append(numbers)
        return 1.0, gradients


def numbered(count, first=0):
    """A set of images that are only numbers, with labels that can be told from them."""
    numbers = np.arange(first, first + count)
    return np.stack([numbers, numbers**2], axis=1).astype(float), numbers % 7


def trained(student, loss, count=12, **settings):
    """Train on numbered images; the start parameters are (5, 7)."""
    params = {"w": np.array([5.0, 7.0])}
    return several(student(params, loss, numbered(count), numbered(3, 1000), **settings))


def train_one_epoch(student, rng):
    """one epoch of 7 images in batches of 3: which images come in which batches?"""
    loss = Watched()
    trained(student, loss, 7, epochs=1, batch_size=3, patience=3, seed=0)
    seen = sorted(number for batch in loss.batches[0] for number in batch)
    return {
        "sizes of the batches": [len(batch) for batch in loss.batches[0]],
        "numbers of the images that were seen": seen,
        "labels belong to their images": loss.labels_fit,
    }


def train_shuffled(student, rng):
    """three epochs of 12 images: is each epoch's order a new one?"""
    loss = Watched()
    trained(student, loss, epochs=3, batch_size=5, patience=3, seed=1)
    orders = [[number for batch in epoch for number in batch] for epoch in loss.batches[:3]]
    return {
        "each epoch sees each image once": all(sorted(order) == list(range(12)) for order in orders),
        "the first epoch is shuffled": orders[0] != list(range(12)),
        "the second epoch has another order than the first": orders[1] != orders[0],
    }


def train_seed(student, rng):
    """the same seed twice, and another one"""
    runs = []
    for seed in (4, 4, 5):
        loss = Watched()
        trained(student, loss, epochs=2, batch_size=5, patience=3, seed=seed)
        runs.append(loss.batches)
    return {"same seed, same batches": runs[0] == runs[1], "other seed, other batches": runs[2] != runs[0]}


def train_validated(student, rng):
    """three epochs, each better than the one before: the validation losses, and the parameters at the end"""
    loss = Watched([3.0, 2.5, 2.0])
    params, losses = trained(student, loss, epochs=3, batch_size=5, patience=3, seed=2)
    return {
        "losses": [float(value) for value in losses],
        "parameters are those of the last epoch": bool(np.array_equal(params["w"], loss.at_validation[-1])),
        "the validation set moved the parameters": loss.moved_by_validation,
    }


def train_best(student, rng):
    """four epochs of which the second is the best: its parameters are returned"""
    loss = Watched([3.0, 1.0, 2.0, 1.5])
    params, losses = trained(student, loss, epochs=4, batch_size=5, patience=9, seed=3)
    return {
        "losses": [float(value) for value in losses],
        "parameters are those of the second epoch": bool(np.array_equal(params["w"], loss.at_validation[1])),
    }


def train_stopped(student, rng):
    """patience 2: after the third epoch nothing gets better"""
    loss = Watched([5.0, 6.0, 3.0, 3.5, 3.25, 1.0, 0.5])
    params, losses = trained(student, loss, epochs=7, batch_size=6, patience=2, seed=6)
    return {
        "losses": [float(value) for value in losses],
        "parameters are those of the third epoch": bool(np.array_equal(params["w"], loss.at_validation[2])),
    }


def train_moves(student, rng):
    """five batches: after each of them the parameters have moved against the gradient"""
    loss, places = Watched(), []

    def noted(params, x, y):
        places.append(float(np.asarray(params["w"])[0]))
        return loss(params, x, y)

    trained(student, noted, 10, epochs=1, batch_size=2, patience=3, seed=7)
    steps = np.diff(places[:6])
    return {"parameters moved after every batch": bool((steps != 0).all()), "downhill": bool((steps < 0).all())}


def small_digits(rng, counts):
    """Digits of 14×14 pixels, drawn at random: sets of the given sizes, apart from one another."""
    data = datasets.load("mnist", split="test")
    chosen = rng.permutation(len(data.labels))[: sum(counts)]
    images = data.images[chosen].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) / 255
    ends = np.cumsum(counts)
    return [(images[end - n : end], data.labels[chosen][end - n : end]) for n, end in zip(counts, ends, strict=True)]


def by_torch(params, x, y):
    """Loss and gradients of a two-layer network."""
    tensors = {name: torch.tensor(p, dtype=torch.float64, requires_grad=True) for name, p in params.items()}
    hidden = torch.relu(torch.tensor(x) @ tensors["W1"] + tensors["b1"])
    loss = torch.nn.functional.cross_entropy(hidden @ tensors["W2"] + tensors["b2"], torch.tensor(y))
    loss.backward()
    return loss.item(), {name: tensor.grad.numpy() for name, tensor in tensors.items()}


def train_digits(student, rng):
    """500 digits of 14×14 pixels, 24 hidden units: at least 70 % of 400 others must be right"""
    train_set, val_set, (x, y) = small_digits(rng, (500, 100, 400))
    params = {
        "W1": rng.normal(size=(196, 24)) * 0.1,
        "b1": np.zeros(24),
        "W2": rng.normal(size=(24, 10)) * 0.2,
        "b2": np.zeros(10),
    }
    params, _ = several(student(params, by_torch, train_set, val_set, epochs=15, batch_size=50, patience=4, seed=0))
    scores = np.maximum(x @ params["W1"] + params["b1"], 0) @ params["W2"] + params["b2"]
    right = float((scores.argmax(axis=1) == y).mean())
    return {"at least 70 % of the others right": right >= 0.7}


def train_all_drawn(student, rng):
    """sizes, patience and losses drawn at random"""
    count, batch_size, patience = (int(n) for n in rng.integers([8, 2, 1], [20, 7, 4]))
    losses = [float(n) for n in rng.permutation(9)]
    loss = Watched(losses)
    params, seen = trained(
        student, loss, count, epochs=9, batch_size=batch_size, patience=patience, seed=int(rng.integers(1000))
    )
    best = int(np.argmin(loss.validation[: len(loss.at_validation)]))
    return {
        "sizes of the batches": [len(batch) for batch in loss.batches[0]],
        "each epoch sees each image once": all(
            sorted(number for batch in epoch for number in batch) == list(range(count)) for epoch in loss.batches[:-1]
        ),
        "labels belong to their images": loss.labels_fit,
        "losses": [float(value) for value in seen],
        "parameters are those of the best epoch": bool(np.array_equal(params["w"], loss.at_validation[best])),
    }


TRAIN_NETWORK = Exercise(
    "train_network",
    points=5,
    cases=[
        Case(train_one_epoch),
        Case(train_shuffled),
        Case(train_seed),
        Case(train_moves),
        Case(train_validated),
        Case(train_best),
        Case(train_stopped),
        Case(train_digits, weight=2),
        Case(train_all_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "last batch left out",
            "The images that don't fill a whole batch are never seen. The last batch of an epoch may be "
            "smaller; Python's slices stop at the end by themselves.",
            ("range(0, len(y), batch_size)", "range(0, len(y) - batch_size + 1, batch_size)"),
        ),
        Bug(
            "never shuffled",
            "You go through the images in the order in which they came. If they are sorted by class, each "
            "batch teaches one class only: shuffle them.",
            ("order = chance.permutation(len(y))", "order = np.arange(len(y))"),
        ),
        Bug(
            "shuffled once",
            "You shuffle once, before the first epoch, so all epochs have the same batches. Draw a new order "
            "in each epoch.",
            (
                "    for epoch in range(epochs):\n        order = chance.permutation(len(y))",
                "    order = chance.permutation(len(y))\n    for epoch in range(epochs):",
            ),
        ),
        Bug(
            "same order in each epoch",
            "You make the generator anew in each epoch, with the same seed, so all epochs have the same "
            "batches. Make it once, before the loop.",
            ("order = chance.permutation(len(y))", "order = np.random.default_rng(seed).permutation(len(y))"),
        ),
        Bug(
            "labels not shuffled along",
            "You shuffle the images and leave the labels where they were: nearly every image gets a wrong "
            "label. Use the same rows for both.",
            ("x[rows], y[rows]", "x[rows], y[start : start + batch_size]"),
        ),
        Bug(
            "drawn with replacement",
            "You draw the images of each batch at random from all of them, so that some come twice in an epoch "
            "and others not at all. Shuffle once an epoch and cut the order into batches.",
            ("order = chance.permutation(len(y))", "order = chance.integers(0, len(y), len(y))"),
        ),
        Bug(
            "seed ignored",
            "With the same seed you get other batches each time. Draw from `np.random.default_rng(seed)` and "
            "from nothing else.",
            ("np.random.default_rng(seed)", "np.random.default_rng()"),
        ),
        Bug(
            "seed fixed",
            "You always use the same seed. It is an argument.",
            ("np.random.default_rng(seed)", "np.random.default_rng(0)"),
        ),
        Bug(
            "last parameters returned",
            "You return the parameters of the *last* epoch. Return those of the epoch with the lowest validation loss.",
            ("return best_params, losses", "return params, losses"),
        ),
        Bug(
            "best parameters not copied",
            "You keep the best parameters, but not a *copy* of them: the arrays that you put aside are the "
            "same that later steps change in place, so in the end you return the last ones. Copy them, or make "
            "new arrays in each step.",
            ("params = dict(params)", "params = {name: np.array(p, dtype=float) for name, p in params.items()}"),
            (
                "            params = {name: params[name] - 0.05 * memory[name] for name in params}",
                "            for name in params:\n                params[name] -= 0.05 * memory[name]",
            ),
        ),
        Bug(
            "dict of the best parameters not copied",
            "You put the new arrays into the same dict that you have kept as the best (`best = params` is only "
            "a second name for it), so in the end you return the last ones. Keep a copy: `dict(params)`.",
            (
                "            params = {name: params[name] - 0.05 * memory[name] for name in params}",
                "            for name in params:\n                params[name] = params[name] - 0.05 * memory[name]",
            ),
        ),
        Bug(
            "never stopped",
            "You train all epochs, whatever the validation loss does. Stop when `patience` epochs in a row "
            "have brought no improvement.",
            ("epoch - best >= patience", "False"),
        ),
        Bug(
            "stopped one epoch too late",
            "You stop one epoch too late: with `patience` 2 the second epoch in a row without an improvement "
            "is the last.",
            ("epoch - best >= patience", "epoch - best > patience"),
        ),
        Bug(
            "stopped at the first bad epoch",
            "You stop as soon as the validation loss rises, whatever `patience` says.",
            ("epoch - best >= patience", "epoch - best >= 1"),
        ),
        Bug(
            "compared with the epoch before",
            "You take an epoch for the best if it is better than the one *before*. It has to be better than "
            "the best so far.",
            ("value < losses[best]", "value < losses[epoch - 1]"),
        ),
        Bug(
            "trained on the validation set",
            "You take a step with the gradient of the validation set. It is there to tell you how you do on "
            "images that training has *not* seen: use its loss alone.",
            (
                "        value, _ = loss(params, *val_set)\n",
                "        value, grads = loss(params, *val_set)\n"
                "        kept = params\n"
                "        params = {name: params[name] - 0.1 * grads[name] for name in params}\n",
            ),
            ("best, best_params = epoch, params", "best, best_params = epoch, kept"),
        ),
        Bug(
            "training loss noted",
            "You note the loss of the last training batch. Asked for is the loss on the *validation* set after "
            "each epoch.",
            ("losses.append(value)", "losses.append(train_loss)"),
            ("            _, grads =", "            train_loss, grads ="),
        ),
        Bug(
            "one step an epoch",
            "You take one step after all batches, with the gradient of the last one. Take a step after *each* batch.",
            (
                "            memory = {name: 0.9 * memory[name] + grads[name] for name in params}\n"
                "            params = {name: params[name] - 0.05 * memory[name] for name in params}\n",
                "        memory = {name: 0.9 * memory[name] + grads[name] for name in params}\n"
                "        params = {name: params[name] - 0.05 * memory[name] for name in params}\n",
            ),
        ),
        Bug(
            "steps uphill",
            "You step *along* the gradient, and the loss grows. Subtract.",
            ("params[name] - 0.05", "params[name] + 0.05"),
        ),
        Bug(
            "learning rate much too small",
            "Everything is in order, but your steps are so small that after fifteen epochs the network knows "
            "hardly anything. Try a learning rate ten times as large, and look at the losses.",
            ("0.05 * memory", "0.00005 * memory"),
        ),
        Bug(
            "start parameters changed",
            "You change the parameters that you were given in place. Somebody may want to start from them "
            "again: work on copies.",
            ("params = dict(params)", "params = params"),
            (
                "            params = {name: params[name] - 0.05 * memory[name] for name in params}",
                "            for name in params:\n                params[name] -= 0.05 * memory[name]",
            ),
            (
                "best, best_params = epoch, params",
                "best, best_params = epoch, {k: p.copy() for k, p in params.items()}",
            ),
        ),
        Bug(
            "parameters alone returned",
            "You return the parameters alone. The list of validation losses is the second result.",
            ("return best_params, losses", "return best_params"),
        ),
    ],
    correct=[
        Correct(
            "Adam, index lists",
            """
import random
import numpy as np
def train_network(params, loss, train_set, val_set, epochs, batch_size, patience, seed):
    shuffle = random.Random(seed)
    now = {k: np.array(p, dtype=float) for k, p in params.items()}
    m = {k: np.zeros(p.shape) for k, p in now.items()}
    v = {k: np.zeros(p.shape) for k, p in now.items()}
    t, history, lowest, keep, bad = 0, [], np.inf, None, 0
    for _ in range(epochs):
        rows = list(range(len(train_set[1])))
        shuffle.shuffle(rows)
        while rows:
            batch, rows = rows[:batch_size], rows[batch_size:]
            t += 1
            _, grads = loss(now, train_set[0][batch], train_set[1][batch])
            for k, g in grads.items():
                m[k] = 0.9 * m[k] + 0.1 * g
                v[k] = 0.999 * v[k] + 0.001 * g * g
                now[k] -= 0.01 * (m[k] / (1 - 0.9**t)) / (np.sqrt(v[k] / (1 - 0.999**t)) + 1e-8)
        history.append(loss(now, val_set[0], val_set[1])[0])
        if history[-1] < lowest:
            lowest, bad = history[-1], 0
            keep = {k: p.copy() for k, p in now.items()}
        else:
            bad += 1
        if bad == patience:
            break
    return keep, history
""",
        ),
        Correct(
            "plain SGD, sets permuted as a whole",
            """
import numpy as np
def train_network(params, loss, train_set, val_set, epochs, batch_size, patience, seed):
    generator = np.random.default_rng([seed, 1])
    weights, found, curve = params, None, []
    while len(curve) < epochs:
        turn = generator.permutation(len(train_set[0]))
        x, y = train_set[0][turn], train_set[1][turn]
        while len(x):
            grads = loss(weights, x[:batch_size], y[:batch_size])[1]
            weights = {k: weights[k] - 0.3 * grads[k] for k in weights}
            x, y = x[batch_size:], y[batch_size:]
        curve.append(loss(weights, *val_set)[0])
        if curve.index(min(curve)) == len(curve) - 1:
            found = weights
        if len(curve) - 1 - curve.index(min(curve)) >= patience:
            break
    return found, curve
""",
        ),
        Correct(
            "torch's Adam",
            """
import torch
def train_network(params, loss, train_set, val_set, epochs, batch_size, patience, seed):
    chance = torch.Generator().manual_seed(seed)
    tensors = {k: torch.tensor(p, dtype=torch.float64) for k, p in params.items()}
    optimiser = torch.optim.Adam(tensors.values(), lr=0.02)
    x, y = train_set
    losses, kept = [], {}
    for epoch in range(epochs):
        for rows in torch.randperm(len(y), generator=chance).split(batch_size):
            rows = rows.numpy()
            _, grads = loss({k: t.numpy() for k, t in tensors.items()}, x[rows], y[rows])
            for k, t in tensors.items():
                t.grad = torch.tensor(grads[k])
            optimiser.step()
        losses.append(loss({k: t.numpy() for k, t in tensors.items()}, val_set[0], val_set[1])[0])
        kept[epoch] = {k: t.clone().numpy() for k, t in tensors.items()}
        best = min(kept, key=losses.__getitem__)
        if epoch - best >= patience:
            break
    return kept[best], losses
""",
        ),
        Correct(
            "RMSProp in float32, a list of results",
            """
import numpy as np
def train_network(params, loss, train_set, val_set, epochs, batch_size, patience, seed):
    rng = np.random.RandomState(seed)
    w = {k: p.astype(np.float32) for k, p in params.items()}
    memory = dict.fromkeys(w, 0.0)
    snapshots, values = [], []
    for epoch in range(epochs):
        for rows in np.array_split(*_cuts(rng.permutation(len(train_set[1])), batch_size)):
            _, g = loss(w, train_set[0][rows], train_set[1][rows])
            memory = {k: 0.9 * memory[k] + 0.1 * g[k] ** 2 for k in w}
            w = {k: w[k] - 0.005 * g[k] / (np.sqrt(memory[k]) + 1e-8) for k in w}
        value, _ = loss(w, *val_set)
        snapshots.append(w)
        values.append(value)
        if epoch - int(np.argmin(values)) >= patience:
            break
    return [snapshots[int(np.argmin(values))], values]

def _cuts(order, size):
    return order, list(range(size, len(order), size))
""",
        ),
    ],
)
