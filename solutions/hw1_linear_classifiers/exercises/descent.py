"""Going downhill: a step, the batches, the training loop; and random search, which only stumbles."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise
from visionlab.checks.draws import quarters, read_only_view, whole

# ---------------------------------------------------------------------------------------------------------------------
# sgd_step


def step_of_one(student, rng):
    """one weight, 2, with the gradient −3 and the rate 0.5"""
    return {"W": student(np.array([[2.0]]), np.array([[-3.0]]), 0.5)}


def step_of_two(student, rng):
    """two weights with the rate 0.25"""
    return {"W": student(np.array([[1.0, -2.0]]), np.array([[4.0, 2.0]]), 0.25)}


def step_of_rate_zero(student, rng):
    """the rate 0: nothing changes"""
    return {"W": student(np.array([[1.0, -2.0]]), np.array([[4.0, 2.0]]), 0.0)}


def step_of_table(student, rng):
    """2×3 weights with the rate 2"""
    return {"W": student(quarters(rng, 2, 3), whole(rng, 2, 3) + 4, 2.0)}


def step_of_whole_numbers(student, rng):
    """whole weights (dtype int64)"""
    return {"W": student(np.array([[3, -1], [0, 2]]), np.array([[1.0, 2.0], [-1.0, 0.5]]), 0.5)}


def step_of_single_precision(student, rng):
    """weights in float32"""
    return {"W": student(quarters(rng, 3, 2).astype(np.float32), whole(rng, 3, 2).astype(np.float32), 0.25)}


def step_of_view(student, rng):
    """arrays that are read-only and not contiguous"""
    return {"W": student(read_only_view(quarters(rng, 2, 4)), read_only_view(whole(rng, 2, 4)), 0.5)}


def step_twice(student, rng):
    """two steps from the same weights: the first must leave them as they are"""
    W, gradient = quarters(rng, 2, 2), whole(rng, 2, 2) + 4
    return {"first step": student(W, gradient, 0.5), "second step, with half the rate": student(W, gradient, 0.25)}


def step_drawn(student, rng):
    """shapes and rates drawn at random"""
    seen = {}
    for draw in range(4):
        shape = tuple(int(n) for n in rng.integers(1, 5, 2))
        seen[f"W {draw + 1}"] = student(quarters(rng, *shape), whole(rng, *shape), float(rng.integers(1, 9)) / 4)
    return seen


SGD_STEP = Exercise(
    "sgd_step",
    points=1,
    cases=[
        Case(step_of_one),
        Case(step_of_two),
        Case(step_of_rate_zero),
        Case(step_of_table),
        Case(step_of_whole_numbers),
        Case(step_twice),
        Case(step_of_view),
        Case(step_of_single_precision),
        Case(step_drawn, hidden=True),
    ],
    bugs=[
        Bug(
            "uphill",
            "You add the gradient, and so walk *uphill*. The gradient points where the loss grows: go the other way.",
            ("W - rate", "W + rate"),
        ),
        Bug(
            "rate ignored",
            "You subtract the whole gradient. The rate says how much of it: multiply first.",
            ("rate * gradient", "gradient"),
        ),
        Bug(
            "divided by the rate",
            "You divide by the rate. A larger rate is to make a *longer* step: multiply.",
            ("rate * gradient", "gradient / (rate or np.inf)"),
        ),
        Bug(
            "only the step returned",
            "You return the step, −η times the gradient. Where do you stand after it? Add it to W.",
            ("W - rate", "-rate"),
        ),
        Bug(
            "weights shrunk",
            "You multiply the rate with the whole bracket, so the weights are scaled as well. Only the gradient is "
            "multiplied with the rate.",
            ("W - rate * gradient", "rate * (W - gradient)"),
        ),
        Bug(
            "step of length 1",
            "You divide the gradient by its length. Then the step is as long on flat ground as on a steep slope; "
            "plain gradient descent doesn't do that.",
            ("rate * gradient", "rate * gradient / np.linalg.norm(gradient)"),
        ),
        Bug(
            "sign of the gradient only",
            "You use only the sign of the gradient. Where the slope is steep, the step is longer.",
            ("rate * gradient", "rate * np.sign(gradient)"),
        ),
        Bug(
            "weights changed in place",
            "You change W itself (`W -= …`). Whoever called your function may still need the old weights: return "
            "*new* ones.",
            ("    return W - rate * gradient", "    W -= rate * gradient\n    return W"),
        ),
        Bug(
            "nothing returned",
            "You change W in place and return nothing. Leave W as it is, and return the new weights.",
            ("    return W - rate * gradient", "    W -= rate * gradient"),
        ),
        Bug(
            "mean of the gradient",
            "You take one mean slope for all weights. Each weight moves by its *own* slope.",
            ("rate * gradient", "rate * np.mean(gradient)"),
        ),
        Bug(
            "cut to whole numbers",
            "You give the result the type of W. Where W holds whole numbers, everything behind the point is cut off.",
            ("W - rate * gradient", "(W - rate * gradient).astype(W.dtype)"),
        ),
    ],
    correct=[
        Correct(
            "a copy, changed in place",
            '''
import numpy as np
def sgd_step(W, gradient, rate):
    """Copy, then walk."""
    W = np.array(W, dtype=float)
    W -= rate * gradient
    return W
''',
        ),
        Correct(
            "weight by weight",
            '''
import numpy as np
def sgd_step(W, gradient, rate):
    """In Python."""
    rows = [[w - rate * g for w, g in zip(*pair)] for pair in zip(W.tolist(), gradient.tolist())]
    return np.array(rows)
''',
        ),
        Correct(
            "in float32, a view as result",
            '''
import numpy as np
def sgd_step(W, gradient, rate):
    """Add the step."""
    both = np.stack([W, -rate * gradient]).astype(np.float32)
    return np.add.accumulate(both)[1]
''',
        ),
        Correct(
            "torch's optimiser, a tensor as result",
            '''
import numpy as np
import torch
def sgd_step(W, gradient, rate):
    """Let torch walk."""
    W = torch.tensor(np.array(W, dtype=float), requires_grad=True)
    W.grad = torch.tensor(np.array(gradient, dtype=float))
    torch.optim.SGD([W], lr=rate).step()
    return W.detach()
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# minibatches


class Shuffler:
    """Gives these orders, one after the other, and remembers for how many images it was asked."""

    def __init__(self, *orders):
        self.orders = orders
        self.asked = []

    def shuffle(self, count):
        """The next order; the last one again if there are no more."""
        self.asked.append(count)
        return np.array(self.orders[min(len(self.asked), len(self.orders)) - 1])


def batches_of(student, order, size):
    """One epoch of batches, each as a list of numbers."""
    shuffler = Shuffler(order)
    batches = student(len(order), size, shuffler.shuffle)
    return {
        "batches": [np.asarray(batch).tolist() for batch in batches],
        "calls of shuffle": shuffler.asked,
    }


def batches_even(student, rng):
    """four images in the order 2, 0, 3, 1, in batches of two"""
    return batches_of(student, [2, 0, 3, 1], 2)


def batches_with_rest(student, rng):
    """five images in the order 3, 0, 4, 1, 2, in batches of two: the last batch has one image"""
    return batches_of(student, [3, 0, 4, 1, 2], 2)


def batches_of_one(student, rng):
    """three images in the order 1, 2, 0, in batches of one"""
    return batches_of(student, [1, 2, 0], 1)


def batches_whole(student, rng):
    """three images in the order 2, 0, 1, in batches of three: one batch"""
    return batches_of(student, [2, 0, 1], 3)


def batches_larger_than_all(student, rng):
    """three images in the order 1, 0, 2, in batches of eight: one batch of three"""
    return batches_of(student, [1, 0, 2], 8)


def batches_of_many(student, rng):
    """eleven images in batches of four"""
    return batches_of(student, rng.permutation(11).tolist(), 4)


def batches_two_epochs(student, rng):
    """two epochs of three images, the first in the order 1, 2, 0, the second in the order 2, 0, 1"""
    shuffler = Shuffler([1, 2, 0], [2, 0, 1])
    epochs = [student(3, 2, shuffler.shuffle) for _ in range(2)]
    return {f"epoch {i + 1}": [np.asarray(batch).tolist() for batch in epoch] for i, epoch in enumerate(epochs)}


def batches_drawn(student, rng):
    """numbers of images and sizes drawn at random"""
    seen = {}
    for draw in range(5):
        order, size = rng.permutation(int(rng.integers(1, 30))).tolist(), int(rng.integers(1, 12))
        seen |= {f"{name}, draw {draw + 1}": value for name, value in batches_of(student, order, size).items()}
    return seen


MINIBATCHES = Exercise(
    "minibatches",
    points=2,
    cases=[
        Case(batches_even),
        Case(batches_with_rest),
        Case(batches_of_one),
        Case(batches_whole),
        Case(batches_larger_than_all),
        Case(batches_two_epochs),
        Case(batches_of_many),
        Case(batches_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "not shuffled",
            "Your batches come in the order in which the images are stored. Neighbours there are often alike (all "
            "cats, say), so the batches must be drawn from a *shuffled* order.",
            ("shuffle(count)", "np.arange(count)"),
        ),
        Bug(
            "shuffled and not used",
            "You call `shuffle` but don't use what it returns: it doesn't change anything in place, it gives you the "
            "order.",
            ("    order = shuffle(count)\n", "    order = np.arange(count)\n    shuffle(count)\n"),
        ),
        Bug(
            "last images dropped",
            "Where the size doesn't divide the number of images, you leave the last ones out. They make a smaller "
            "batch of their own.",
            ("range(0, count, size)", "range(0, count - size + 1, size)"),
        ),
        Bug(
            "last batch always dropped",
            "The last batch is missing: your loop ends one batch too early. `range(0, n, step)` already stops before "
            "n.",
            ("range(0, count, size)", "range(0, count - size, size)"),
        ),
        Bug(
            "batches overlap",
            "Your batches overlap: each begins one image after the one before. The next batch begins where the last "
            "one ended.",
            ("range(0, count, size)", "range(count - size + 1)"),
        ),
        Bug(
            "shuffled for each batch",
            "You shuffle anew for every batch. Then some images come twice in an epoch, and others not at all: "
            "shuffle *once*, and cut the order into pieces.",
            ("order[start", "shuffle(count)[start"),
            ("    order = shuffle(count)\n", ""),
        ),
        Bug(
            "number of batches taken for their size",
            "You cut the order into `size` pieces. `size` says how many images are in *one* batch.",
            (
                "[order[start : start + size] for start in range(0, count, size)]",
                "[part for part in np.array_split(order, size) if len(part)]",
            ),
        ),
        Bug(
            "last batch filled up",
            "You fill up the last batch with images from the beginning. In an epoch every image comes exactly once: "
            "the last batch may be smaller.",
            ("order[start : start + size]", "np.resize(np.roll(order, -start), size)"),
        ),
        Bug(
            "one image too many in each batch",
            "Each batch has one image too many, the first of the next batch. A slice `[a:b]` stops before b.",
            ("start + size]", "start + size + 1]"),
        ),
        Bug(
            "every size-th image",
            "You take every `size`-th image of the order, so all batches together miss most of them. A batch is a "
            "*piece* of the order.",
            ("order[start : start + size]", "order[start::size]"),
        ),
        Bug(
            "only one batch",
            "You return the first batch only. One epoch is *all* batches, in a list.",
            ("range(0, count, size)", "range(1)"),
        ),
        Bug(
            "all images in one batch",
            "You return the whole order as one batch. Cut it into pieces of `size` images.",
            ("[order[start : start + size] for start in range(0, count, size)]", "[order]"),
        ),
        Bug(
            "a generator in place of a list",
            "You `yield` the batches one by one. That is elegant, but a *list* is asked for: collect them, and return "
            "it.",
            source='''
def minibatches(count, size, shuffle):
    """One batch after the other."""
    order = shuffle(count)
    for start in range(0, count, size):
        yield order[start : start + size]
''',
        ),
        Bug(
            "empty batch at the end",
            "Where the size divides the number of images, your list ends with an empty batch.",
            ("range(0, count, size)", "range(0, count + 1, size)"),
        ),
    ],
    correct=[
        Correct(
            "np.split",
            '''
import numpy as np
def minibatches(count, size, shuffle):
    """Cut at the multiples of the size."""
    return np.split(shuffle(count), range(size, count, size))
''',
        ),
        Correct(
            "lists, taken from the front",
            '''
def minibatches(count, size, shuffle):
    """Take from the front while there is something."""
    left, batches = list(shuffle(count)), []
    while left:
        batches.append(left[:size])
        left = left[size:]
    return batches
''',
        ),
        Correct(
            "a tuple of arrays, by the number of batches",
            '''
import math
import numpy as np
def minibatches(count, size, shuffle):
    """Count the batches first."""
    order = np.asarray(shuffle(count))
    return tuple(order[i * size : (i + 1) * size] for i in range(math.ceil(count / size)))
''',
        ),
        Correct(
            "torch's split, tensors as result",
            '''
import numpy as np
import torch
def minibatches(count, size, shuffle):
    """Let torch cut."""
    return list(torch.tensor(np.array(shuffle(count))).split(size))
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# train_linear


class Witness:
    """An objective that is exact in any arithmetic, and remembers what it was shown.

    Class k is drawn towards the images with the label k: the loss is the mean of ½Σ(W[y] − x)².
    """

    def __init__(self):
        self.batches, self.labels = [], []

    def look(self, W, X, y):
        """Loss and gradient of a batch."""
        W, X, y = np.array(W, dtype=float), np.array(X, dtype=float), np.array(y)
        self.batches.append(X)
        self.labels.append(y)
        gradient = np.zeros(W.shape)
        for x, label in zip(X, y, strict=False):
            gradient[label] += (W[label] - x) / len(X)
        return float(sum(((W[k] - x) ** 2).sum() / 2 for x, k in zip(X, y, strict=False)) / max(len(X), 1)), gradient


def orders_of(rng, images, epochs):
    """Orders for some epochs, none of them the order in which the images are stored."""
    return [[*(rng.permutation(images - 1) + 1).tolist(), 0] for _ in range(epochs)]


def training_of(student, rng, orders, size, rate=0.5, numbers=2):
    """Train on drawn images; note the weights, the losses, and what the objective was shown."""
    images = len(orders[0])
    X, y = rng.permutation(images * numbers).reshape(images, numbers).astype(float), np.arange(images) % 3
    witness, shuffler = Witness(), Shuffler(*orders)
    W, history = student(whole(rng, 3, numbers), X, y, witness.look, rate, size, len(orders), shuffler.shuffle)
    seen = {"number of steps": len(witness.batches), "calls of shuffle": shuffler.asked}
    for step, (batch, labels) in enumerate(zip(witness.batches, witness.labels, strict=True), 1):
        seen |= {f"step {step}: images": batch, f"step {step}: labels": labels}
    return seen | {"history": [float(loss) for loss in history], "W": W}


def training_one_step(student, rng):
    """two images in the order 1, 0, one batch, one epoch"""
    return training_of(student, rng, [[1, 0]], size=2)


def training_one_epoch(student, rng):
    """four images in the order 2, 0, 3, 1, in batches of two, one epoch"""
    return training_of(student, rng, [[2, 0, 3, 1]], size=2)


def training_two_epochs(student, rng):
    """three images in one batch, two epochs, in the orders 1, 2, 0 and 2, 0, 1"""
    return training_of(student, rng, [[1, 2, 0], [2, 0, 1]], size=3)


def training_with_rest(student, rng):
    """five images in batches of two, two epochs: the last batch of each has one image"""
    return training_of(student, rng, orders_of(rng, 5, 2), size=2)


def training_large_batch(student, rng):
    """three images in batches of eight, three epochs"""
    return training_of(student, rng, orders_of(rng, 3, 3), size=8, rate=0.25)


def training_small_rate(student, rng):
    """six images of three numbers in batches of four, two epochs, rate ⅛"""
    return training_of(student, rng, orders_of(rng, 6, 2), size=4, rate=0.125, numbers=3)


def training_twice(student, rng):
    """trained twice from the same weights: the first time must leave them as they are"""
    X, y, W = np.array([[4.0, 0.0], [0.0, 8.0]]), np.array([0, 1]), np.zeros((3, 2))
    results = [student(W, X, y, Witness().look, 0.5, 2, 1, Shuffler([1, 0]).shuffle) for _ in range(2)]
    return {"W, first time": results[0][0], "W, second time": results[1][0]}


def training_view(student, rng):
    """arrays that are read-only and not contiguous"""
    X = read_only_view(rng.permutation(12).reshape(4, 3).astype(float))
    W, y = read_only_view(whole(rng, 2, 3)), np.array([0, 1, 1, 0])
    W, history = student(W, X, y, Witness().look, 0.5, 3, 2, Shuffler(*orders_of(rng, 4, 2)).shuffle)
    return {"history": [float(loss) for loss in history], "W": W}


def training_drawn(student, rng):
    """numbers of images, sizes, epochs and rates drawn at random"""
    seen = {}
    for draw in range(3):
        images, size, epochs = int(rng.integers(3, 12)), int(rng.integers(1, 6)), int(rng.integers(1, 4))
        result = training_of(student, rng, orders_of(rng, images, epochs), size, rate=float(rng.integers(1, 4)) / 4)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in result.items()}
    return seen


TRAIN_LINEAR = Exercise(
    "train_linear",
    points=4,
    cases=[
        Case(training_one_step),
        Case(training_twice),
        Case(training_one_epoch),
        Case(training_two_epochs),
        Case(training_with_rest),
        Case(training_large_batch),
        Case(training_view),
        Case(training_small_rate),
        Case(training_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "uphill",
            "You add the gradient, and so walk *uphill*: the loss grows from step to step. Go the other way.",
            ("W = W - rate", "W = W + rate"),
        ),
        Bug(
            "rate ignored",
            "You subtract the whole gradient. The rate says how much of it.",
            ("rate * gradient", "gradient"),
        ),
        Bug(
            "first weights changed",
            "You change the weights that you were given (`W -= …`). Whoever trains twice from the same start would "
            "then start from trained weights: make new ones, or begin with a copy.",
            ("            W = W - rate * gradient\n", "            W -= rate * gradient\n"),
        ),
        Bug(
            "last images dropped",
            "Where the size doesn't divide the number of images, you leave the last ones of each epoch out. They make "
            "a smaller batch of their own.",
            ("range(0, len(X), size)", "range(0, len(X) - size + 1, size)"),
        ),
        Bug(
            "shuffled once for all epochs",
            "You shuffle once, before the first epoch, so the same batches come again and again. Shuffle at the "
            "beginning of *each* epoch.",
            (
                "    for _ in range(epochs):\n        order = shuffle(len(X))\n",
                "    order = shuffle(len(X))\n    for _ in range(epochs):\n",
            ),
        ),
        Bug(
            "not shuffled",
            "Your batches come in the order in which the images are stored. Shuffle at the beginning of each epoch.",
            ("shuffle(len(X))", "np.arange(len(X))"),
        ),
        Bug(
            "labels not shuffled",
            "You shuffle the images but not their labels, so each image gets the label of another one. Use the *same* "
            "numbers for both.",
            ("y[chosen]", "y[start : start + size]"),
        ),
        Bug(
            "images not shuffled",
            "You shuffle the labels but not their images, so each image gets the label of another one. Use the *same* "
            "numbers for both.",
            ("X[chosen]", "X[start : start + size]"),
        ),
        Bug(
            "shuffled on top of the last shuffle",
            "In the second epoch you shuffle images that the first has already shuffled (`X = X[order]`). That is "
            "random as well, but not the order that `shuffle` gives: leave X and y as they are, and pick from them.",
            (
                "        order = shuffle(len(X))\n",
                "        order = shuffle(len(X))\n        X, y = X[order], y[order]\n        order = "
                "np.arange(len(X))\n",
            ),
        ),
        Bug(
            "all images at each step",
            "You hand all images to the objective at each step, whatever the batch is. A step looks at its own batch "
            "only.",
            ("X[chosen], y[chosen]", "X, y"),
        ),
        Bug(
            "one step an epoch",
            "You take one step in each epoch, with its first batch. An epoch goes through *all* batches.",
            ("range(0, len(X), size)", "range(1)"),
        ),
        Bug(
            "only one epoch",
            "You go through the images once, whatever `epochs` says. (Is a `return` indented too far?)",
            ("range(epochs)", "range(1)"),
        ),
        Bug(
            "epochs counted as steps",
            "You stop after `epochs` steps. An epoch is a pass through all images, with as many steps as there are "
            "batches.",
            (
                "            history.append(loss)\n",
                "            history.append(loss)\n            if len(history) == epochs:\n                return W, "
                "history\n",
            ),
        ),
        Bug(
            "history of epochs",
            "Your history has one loss for each epoch. One for each *step* is wanted.",
            ("            history.append(loss)\n", "        history.append(loss)\n"),
        ),
        Bug(
            "loss after the step",
            "Your history holds the losses *after* the steps: you call the objective again for them. The loss that "
            "comes with the gradient is the one to note, and it costs nothing.",
            (
                "            history.append(loss)\n",
                "            history.append(objective(W, X[chosen], y[chosen])[0])\n",
            ),
        ),
        Bug(
            "weights before the last step",
            "You return the weights from before the last step.",
            ("            W = W - rate * gradient\n", "            before, W = W, W - rate * gradient\n"),
            ("return W, history", "return before, history"),
        ),
        Bug(
            "started from zero",
            "You start from zeros, and not from the weights that you were given.",
            ("    history = []\n", "    history, W = [], np.zeros(W.shape)\n"),
        ),
        Bug(
            "gradient divided by the size",
            "You divide the gradient by the size of the batch. The objective has already taken the mean.",
            ("rate * gradient", "rate * gradient / len(chosen)"),
        ),
        Bug(
            "gradient of the first weights",
            "You compute every gradient at the weights you *started* with. After each step the slope is another one: "
            "hand the current weights to the objective.",
            ("    history = []\n", "    history, first = [], W\n"),
            ("objective(W, X[chosen]", "objective(first, X[chosen]"),
        ),
        Bug(
            "only the weights returned",
            "You return the weights alone. The function has two results, the weights and the history.",
            ("return W, history", "return W"),
        ),
    ],
    correct=[
        Correct(
            "a copy, changed in place",
            '''
import numpy as np
def train_linear(W, X, y, objective, rate, size, epochs, shuffle):
    """Shuffle the arrays themselves."""
    W = np.array(W, dtype=float)
    losses = []
    for epoch in range(epochs):
        order = shuffle(X.shape[0])
        X_new, y_new = X[order], y[order]
        first = 0
        while first < X.shape[0]:
            loss, dW = objective(W, X_new[first : first + size], y_new[first : first + size])
            W -= rate * dW
            losses.append(loss)
            first += size
    return W, losses
''',
        ),
        Correct(
            "a list of all batches first",
            '''
import numpy as np
def train_linear(W, X, y, objective, rate, size, epochs, shuffle):
    """All batches, then all steps; the history as a tuple."""
    plan = []
    for _ in range(epochs):
        order = np.asarray(shuffle(len(y)))
        plan += np.split(order, range(size, len(y), size))
    history = ()
    for batch in plan:
        loss, gradient = objective(W, X.take(batch, axis=0), y.take(batch))
        W = np.subtract(W, np.multiply(rate, gradient))
        history += (loss,)
    return W, history
''',
        ),
        Correct(
            "an array as history",
            '''
import numpy as np
def train_linear(W, X, y, objective, rate, size, epochs, shuffle):
    """Count the steps first."""
    steps = -(-len(X) // size)
    history = np.zeros(epochs * steps)
    for t in range(epochs * steps):
        if t % steps == 0:
            order = shuffle(len(X))
        some = order[t % steps * size : (t % steps + 1) * size]
        history[t], gradient = objective(W, X[some], y[some])
        W = W + (-rate) * gradient
    return W, history
''',
        ),
        Correct(
            "torch's optimiser, a tensor as result",
            '''
import numpy as np
import torch
def train_linear(W, X, y, objective, rate, size, epochs, shuffle):
    """Let torch walk."""
    W = torch.tensor(np.array(W, dtype=float), requires_grad=True)
    optimiser, history = torch.optim.SGD([W], lr=rate), []
    for _ in range(epochs):
        for some in torch.tensor(np.array(shuffle(len(X)))).split(size):
            loss, gradient = objective(W.detach().numpy().copy(), X[some.numpy()], y[some.numpy()])
            W.grad = torch.tensor(gradient)
            optimiser.step()
            history.append(loss)
    return W.detach(), history
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# random_search


class Lottery:
    """Draws weights from a list, and gives each the loss that stands beside it."""

    def __init__(self, losses):
        self.losses = losses
        self.drawn = 0

    def draw(self):
        """The next weights: the number of the draw, and some company."""
        self.drawn += 1
        return np.array([[float(self.drawn), 0.5], [-2.0, 3.0 * self.drawn]])

    def loss(self, W):
        """The loss that belongs to these weights."""
        return self.losses[round(float(np.asarray(W)[0, 0])) - 1]


def search_of(student, losses, tries=None):
    """Search among weights with these losses."""
    lottery = Lottery(losses)
    W, best = student(lottery.loss, lottery.draw, tries or len(losses))
    return {"weights drawn": lottery.drawn, "best so far": [float(value) for value in best], "W": W}


def search_one(student, rng):
    """a single try with the loss 3.5"""
    return search_of(student, [3.5])


def search_falling(student, rng):
    """three tries with the losses 5, 4 and 2.5: each is better than the one before"""
    return search_of(student, [5.0, 4.0, 2.5])


def search_best_first(student, rng):
    """three tries with the losses 1, 4 and 2: the first is the best"""
    return search_of(student, [1.0, 4.0, 2.0])


def search_best_between(student, rng):
    """five tries with the losses 6, 7, 3, 5 and 4: the best is in the middle"""
    return search_of(student, [6.0, 7.0, 3.0, 5.0, 4.0])


def search_of_the_slide(student, rng):
    """the seven losses of the slide"""
    return search_of(student, [9.401632, 8.959668, 9.044034, 9.278948, 8.857370, 8.943151, 8.605604])


def search_tie(student, rng):
    """four tries with the losses 4, 2, 2 and 3: of the two best, the first is kept"""
    return search_of(student, [4.0, 2.0, 2.0, 3.0])


def search_huge(student, rng):
    """three tries with losses of 10³⁰⁰ and more, larger than any number one might start with"""
    return search_of(student, [3e300, 2e300, 5e300])


def search_negative(student, rng):
    """three tries with the losses −1, −3 and −2"""
    return search_of(student, [-1.0, -3.0, -2.0])


def search_not_a_number(student, rng):
    """four tries with the losses 5, nan, 4 and nan: what is not a number is never the best"""
    return search_of(student, [5.0, float("nan"), 4.0, float("nan")])


def search_drawn(student, rng):
    """losses drawn at random"""
    seen = {}
    for draw in range(4):
        losses = [float(value) for value in rng.permutation(40)[: rng.integers(2, 12)] / 4]
        seen |= {f"{name}, draw {draw + 1}": value for name, value in search_of(student, losses).items()}
    return seen


RANDOM_SEARCH = Exercise(
    "random_search",
    points=2,
    cases=[
        Case(search_one),
        Case(search_falling),
        Case(search_best_first),
        Case(search_tie),
        Case(search_negative),
        Case(search_huge),
        Case(search_not_a_number),
        Case(search_best_between),
        Case(search_of_the_slide),
        Case(search_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "largest loss kept",
            "You keep the weights with the *largest* loss.",
            ("value < lowest", "value > lowest"),
            ('float("inf")', '-float("inf")'),
        ),
        Bug(
            "last weights returned",
            "You return the weights of the last try. The best ones may have come long before: keep them when you find "
            "them.",
            ("return best_W, log", "return W, log"),
        ),
        Bug(
            "last improvement not noted",
            "You keep the weights, but never note how good they are, so every try counts as an improvement on the "
            "start. Lower the mark whenever you find a better one.",
            ("lowest, best_W = value, W", "best_W = W"),
            ("log.append(lowest)", "log.append(value)"),
        ),
        Bug(
            "every loss noted",
            "Your list holds the loss of each try. What is asked is the *lowest so far*, which never goes up.",
            ("log.append(lowest)", "log.append(value)"),
        ),
        Bug(
            "only improvements noted",
            "You write into the list only when you find something better. One entry for each *try* is wanted.",
            ("        log.append(lowest)\n", "            log.append(lowest)\n"),
        ),
        Bug(
            "start at 0",
            "Your search starts with 0 as the lowest loss so far, and hardly any loss is lower. Start with infinity.",
            ('float("inf")', "0.0"),
        ),
        Bug(
            "start not high enough",
            "Your search starts with some large number as the lowest loss so far. Losses can be larger still; nothing "
            "is larger than infinity, `float('inf')`.",
            ('float("inf")', "1e10"),
        ),
        Bug(
            "other weights kept",
            "You draw once for the loss and again for what you keep: these are *other* weights. Draw once a try, and "
            "give them a name.",
            ("lowest, best_W = value, W", "lowest, best_W = value, draw()"),
        ),
        Bug(
            "drawn only once",
            "You draw before the loop, so every try is the same. Draw anew in each.",
            ("    for _ in range(tries):\n        W = draw()\n", "    W = draw()\n    for _ in range(tries):\n"),
        ),
        Bug(
            "one try too few",
            "You make one try too few.",
            ("range(tries)", "range(max(1, tries - 1))"),
        ),
        Bug(
            "later of equals kept",
            "Of two equally good tries you keep the later one. Keep the first: only a *lower* loss is an improvement.",
            ("value < lowest", "value <= lowest"),
        ),
        Bug(
            "nan taken for the best",
            "A loss that isn't a number (nan) is taken for the best: `np.argmin` and some comparisons let it win. It "
            "must never be kept.",
            ("value < lowest", "not value >= lowest"),
        ),
        Bug(
            "loss returned in place of the weights",
            "You return the lowest loss. The first result is to be the *weights* that it belongs to.",
            ("return best_W, log", "return lowest, log"),
        ),
        Bug(
            "compared with the last try",
            "You compare with the try before, not with the best so far. After a bad try a mediocre one looks good.",
            ("value < lowest", "value < last"),
            (
                'lowest, best_W, log = float("inf"), None, []',
                'lowest, last, best_W, log = float("inf"), float("inf"), None, []',
            ),
            ("        log.append(lowest)\n", "        last = value\n        log.append(lowest)\n"),
        ),
    ],
    correct=[
        Correct(
            "all tries first",
            '''
import numpy as np
def random_search(loss, draw, tries):
    """Draw all, look then."""
    drawn = [draw() for _ in range(tries)]
    losses = np.array([loss(W) for W in drawn])
    losses[np.isnan(losses)] = np.inf
    return drawn[int(np.argmin(losses))], np.minimum.accumulate(losses)
''',
        ),
        Correct(
            "a while loop, None as start",
            '''
def random_search(loss, draw, tries):
    """None stands for: nothing yet."""
    kept, lowest, history = None, None, []
    while len(history) < tries:
        candidate = draw()
        now = loss(candidate)
        if now == now and (lowest is None or now < lowest):
            kept, lowest = candidate, now
        history.append(float("inf") if lowest is None else lowest)
    return kept, history
''',
        ),
        Correct(
            "infinity of numpy, a tuple as list",
            '''
import numpy as np
def random_search(loss, draw, tries):
    """Numpy's infinity."""
    best, where, so_far = np.inf, None, ()
    for number in range(1, tries + 1):
        W = draw()
        value = float(loss(W))
        where = W if value < best else where
        best = np.fmin(best, value)
        so_far += (best,)
    return where, so_far
''',
        ),
        Correct(
            "a sorted pair",
            '''
import math
def random_search(loss, draw, tries):
    """Pairs of loss and number."""
    seen, log = {}, []
    best = (math.inf, -1)
    for i in range(tries):
        seen[i] = draw()
        value = loss(seen[i])
        best = best if math.isnan(value) else min(best, (value, i))
        log.append(best[0])
    return seen[best[1]], log
''',
        ),
    ],
)
