"""The training loop in pieces, the learning-rate range test, overfitting few examples, and broken runs."""

import json
from pathlib import Path

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab import datasets
from visionlab.checks.draws import several, whole
from visionlab.checks.handle import beside
from visionlab.checks.networks import Halving, Script, Watched, gradients, state

CLOSE = Tolerance(1e-4, 1e-5)


def floats(array):
    """The numbers of an array as a float32 tensor."""
    return torch.tensor(np.asarray(array), dtype=torch.float32)


# ---------------------------------------------------------------------------------------------------------------------
# shuffled_batches


def batched(student, count, batch_size, seed):
    """Ask for batches of numbered images, whose labels are three times their numbers."""
    images = torch.arange(count, dtype=torch.float32).reshape(count, 1, 1, 1)
    labels = 3 * torch.arange(count)
    generator = beside(student, torch.Generator).manual_seed(int(seed))
    return [several(batch) for batch in student(images, labels, batch_size, generator)]


def described(batches, count):
    """What one can say of batches."""
    numbers = [[int(number) for number in images.flatten()] for images, _ in batches]
    flat = [number for batch in numbers for number in batch]
    fit = all([3 * int(number) for number in images.flatten()] == labels.tolist() for images, labels in batches)
    return {
        "sizes of the batches": [len(batch) for batch in numbers],
        "every image once": sorted(flat) == list(range(count)),
        "each image has its own label": fit,
        "order of the images": flat,
    }


def batches_one(student, rng):
    """seven images in batches of 3"""
    return described(batched(student, 7, 3, 0), 7)


def batches_even(student, rng):
    """six images in batches of 3: nothing is left over"""
    return described(batched(student, 6, 3, 1), 6)


def batches_single(student, rng):
    """five images in batches of 8: one batch"""
    return described(batched(student, 5, 8, 2), 5)


def batches_twice(student, rng):
    """two epochs from one generator: two orders"""
    images, labels = torch.arange(12.0).reshape(12, 1, 1, 1), 3 * torch.arange(12)
    generator = beside(student, torch.Generator).manual_seed(3)
    orders = []
    for _ in range(2):
        batches = [several(batch) for batch in student(images, labels, 5, generator)]
        orders.append([int(number) for part, _ in batches for number in part.flatten()])
    return {"first epoch": orders[0], "second epoch": orders[1]}


def batches_of_photographs(student, rng):
    """bytes (dtype uint8), 2 channels of 2×3"""
    images = torch.arange(60, dtype=torch.uint8).reshape(5, 2, 2, 3)
    batches = student(images, torch.arange(5), 2, beside(student, torch.Generator).manual_seed(4))
    first = several(batches[0])[0]
    return {"images of the first batch": first, "type": str(first.dtype)}


def batches_drawn(student, rng):
    """numbers of images and batch sizes drawn at random"""
    seen = {}
    for draw in range(4):
        count, size = int(rng.integers(3, 30)), int(rng.integers(2, 9))
        found = described(batched(student, count, size, rng.integers(9999)), count)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


SHUFFLED_BATCHES = Exercise(
    "shuffled_batches",
    points=2,
    cases=[
        Case(batches_one),
        Case(batches_even),
        Case(batches_single),
        Case(batches_twice),
        Case(batches_of_photographs),
        Case(batches_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "labels not shuffled along",
            "You shuffle the images and leave the labels where they were: nearly every image gets a wrong label. Use "
            "the same rows for both.",
            ("labels[rows])", "labels[start : start + batch_size])"),
        ),
        Bug(
            "shuffled apart",
            "You draw one order for the images and another for the labels. It must be the same order.",
            ("labels[rows])", "labels[torch.randperm(len(labels), generator=generator)[: len(rows)]])"),
        ),
        Bug(
            "last batch left out",
            "What doesn't fill a whole batch is never used. The last batch may be smaller.",
            ("range(0, len(order), batch_size)", "range(0, len(order) - batch_size + 1, batch_size)"),
        ),
        Bug(
            "never shuffled",
            "You keep the order in which the images came. If they are sorted by class, each batch teaches one class "
            "only.",
            ("torch.randperm(len(images), generator=generator)", "torch.arange(len(images))"),
        ),
        Bug(
            "drawn with replacement",
            "You draw images at random, some twice and others not at all. Shuffle all of them once: `torch.randperm`.",
            (
                "torch.randperm(len(images), generator=generator)",
                "torch.randint(len(images), (len(images),), generator=generator)",
            ),
        ),
        Bug(
            "batches shuffled, not images",
            "You shuffle the order of the batches, and each batch holds neighbours. Shuffle the images.",
            (
                "order = torch.randperm(len(images), generator=generator)",
                "count = -(-len(images) // batch_size)\n"
                "    order = torch.cat([torch.arange(len(images)).split(batch_size)[i] "
                "for i in torch.randperm(count, generator=generator)])",
            ),
        ),
        Bug(
            "a seed of your own",
            "You draw from a generator that you have seeded yourself, so that every epoch has the same order. Draw "
            "from the one that is given.",
            ("generator=generator", "generator=torch.Generator().manual_seed(0)"),
        ),
        Bug(
            "batch size taken for the number of batches",
            "You make `batch_size` batches. It is the number of images in each.",
            ("range(0, len(order), batch_size)", "range(0, len(order), -(-len(order) // batch_size))"),
            ("order[start : start + batch_size]", "order[start : start - (-len(order) // batch_size)]"),
        ),
        Bug(
            "one image too few",
            "Each of your batches is one image short: a slice ends *before* its second number.",
            ("start + batch_size]", "start + batch_size - 1]"),
        ),
        Bug(
            "images alone",
            "Your batches hold images without their labels. A batch is a pair: images, labels.",
            ("(images[rows], labels[rows])", "images[rows]"),
        ),
        Bug(
            "first batch only",
            "You return the first batch alone. Asked for is a list of all of them.",
            ("    return batches", "    return batches[:1]"),
        ),
    ],
    correct=[
        Correct(
            "split",
            """
import torch
def shuffled_batches(images, labels, batch_size, generator):
    rows = torch.randperm(len(labels), generator=generator).split(batch_size)
    return [(images[r], labels[r]) for r in rows]
""",
        ),
        Correct(
            "views of shuffled sets",
            """
import torch
def shuffled_batches(images, labels, batch_size, generator):
    order = torch.randperm(images.shape[0], generator=generator)
    return list(zip(torch.split(images[order], batch_size), torch.split(labels[order], batch_size)))
""",
        ),
        Correct(
            "lists",
            """
import torch
def shuffled_batches(images, labels, batch_size, generator):
    left, batches = torch.randperm(len(images), generator=generator).tolist(), []
    while left:
        now, left = left[:batch_size], left[batch_size:]
        batches.append([torch.stack([images[i] for i in now]), torch.stack([labels[i] for i in now])])
    return batches
""",
        ),
        Correct(
            "index_select and chunks by numpy",
            """
import numpy as np
import torch
def shuffled_batches(images, labels, batch_size, generator):
    order = torch.randperm(len(images), generator=generator).numpy()
    cuts = np.arange(batch_size, len(order), batch_size)
    parts = [torch.from_numpy(part) for part in np.split(order, cuts)]
    return [(torch.index_select(images, 0, p), torch.index_select(labels, 0, p)) for p in parts]
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# train_epoch

WEIGHTS = [[0.5, -1.0], [1.0, 0.25], [-0.5, 0.75]]


def linear(student, weights=WEIGHTS):
    """A linear layer with two inputs and three scores, and what it starts with."""
    network = beside(student, torch.nn.Linear, 2, 3)
    network.load_state_dict({"weight": floats(weights), "bias": torch.zeros(3)})
    return network


def sgd(student, network, rate=0.5, **settings):
    """Plain gradient descent on all parameters of a network."""
    return beside(student, torch.optim.SGD, network.parameters(), lr=rate, **settings)


def some_batches(rng, *sizes):
    """Batches of points with labels."""
    return [(floats(whole(rng, n, 2)), torch.tensor(rng.integers(0, 3, n))) for n in sizes]


def trained(student, network, batches, optimiser, schedule=None):
    """Train for an epoch, and tell what came out, and the weights afterwards."""
    loss, accuracy = several(student(network, optimiser, batches, schedule))
    return {"loss": loss, "accuracy": accuracy} | dict(beside(student, state, network))


def epoch_one_batch(student, rng):
    """one batch of two points, one step"""
    network = linear(student)
    batches = [(floats([[1, 2], [-1, 1]]), torch.tensor([0, 2]))]
    return trained(student, network, batches, sgd(student, network))


def epoch_two_batches(student, rng):
    """two batches of two points, two steps"""
    network = linear(student)
    batches = [
        (floats([[1, 2], [-1, 1]]), torch.tensor([0, 2])),
        (floats([[0, 1], [2, -1]]), torch.tensor([1, 1])),
    ]
    return trained(student, network, batches, sgd(student, network))


def epoch_small_last(student, rng):
    """three batches, of 4, 4 and 1 points: every point counts the same"""
    network = linear(student)
    return trained(student, network, some_batches(rng, 4, 4, 1), sgd(student, network, 0.25))


def epoch_plain_numbers(student, rng):
    """what is returned: plain numbers, which hold on to nothing"""
    network = linear(student)
    loss, accuracy = several(student(network, sgd(student, network), some_batches(rng, 2), None))
    return {"loss is a float": type(loss) is float, "accuracy is a float": type(accuracy) is float}


def epoch_mode(student, rng):
    """a network that comes in mode "eval": training sets it to "train", and looks at each batch once"""
    network = beside(student, Watched, linear(student))
    network.eval()
    student(network, sgd(student, network), some_batches(rng, 3, 2), None)
    return {"images, mode, autograd": network.seen}


def epoch_with_normalisation(student, rng):
    """a network with batch normalisation: its running statistics move"""
    layers = linear(student), beside(student, torch.nn.BatchNorm1d, 3)
    network = beside(student, torch.nn.Sequential, *layers)
    network.eval()
    found = trained(student, network, some_batches(rng, 4, 3), sgd(student, network, 0.25))
    return {name: found[name] for name in ("loss", "1.running_mean", "1.weight")}


def epoch_schedule(student, rng):
    """four batches, and a schedule that halves the rate after each of them"""
    network = linear(student)
    optimiser = sgd(student, network)
    schedule = beside(student, Halving, optimiser)
    found = trained(student, network, some_batches(rng, 2, 2, 2, 2), optimiser, schedule)
    return found | {"rate afterwards": schedule.rate}


def epoch_momentum(student, rng):
    """momentum: the optimiser that is given is used, not another one"""
    network = linear(student)
    return trained(student, network, some_batches(rng, 2, 2, 2), sgd(student, network, 0.125, momentum=0.5))


def epoch_old_gradients(student, rng):
    """gradients that are still there from before: they don't count"""
    network = linear(student)
    beside(student, gradients, network, floats([[9, 9]]), floats([[5, 5, -5]]))
    return trained(student, network, some_batches(rng, 2), sgd(student, network))


def epoch_drawn(student, rng):
    """batches and rates drawn at random"""
    network = linear(student, whole(rng, 3, 2) / 2)
    optimiser = sgd(student, network, float(rng.integers(1, 9)) / 16, momentum=0.5)
    schedule = beside(student, Halving, optimiser)
    sizes = [int(n) for n in rng.integers(1, 6, 5)]
    found = trained(student, network, some_batches(rng, *sizes), optimiser, schedule)
    return found | {"rate afterwards": schedule.rate}


FORWARD = """        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
"""

TRAIN_EPOCH = Exercise(
    "train_epoch",
    points=4,
    cases=[
        Case(epoch_one_batch, tolerance=CLOSE),
        Case(epoch_two_batches, tolerance=CLOSE),
        Case(epoch_old_gradients, tolerance=CLOSE),
        Case(epoch_small_last, tolerance=CLOSE),
        Case(epoch_plain_numbers),
        Case(epoch_mode),
        Case(epoch_with_normalisation, tolerance=CLOSE),
        Case(epoch_schedule, tolerance=CLOSE),
        Case(epoch_momentum, tolerance=CLOSE),
        Case(epoch_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "gradients never set back",
            "You never call `optimiser.zero_grad()`. PyTorch *adds* each new gradient to the old one, so every step "
            "also goes where all the steps before it went.",
            ("        optimiser.zero_grad()\n", ""),
        ),
        Bug(
            "gradients set back before the step",
            "You set the gradients back *after* `backward` and before `step`: nothing is left to step along.",
            (FORWARD, "        loss.backward()\n        optimiser.zero_grad()\n        optimiser.step()\n"),
        ),
        Bug(
            "set back once an epoch",
            "You set the gradients back once, before the loop. It has to be done for every batch.",
            ("        optimiser.zero_grad()\n", ""),
            ("    network.train()\n", "    network.train()\n    optimiser.zero_grad()\n"),
        ),
        Bug(
            "no step",
            "You compute gradients and never take a step: the weights stay what they were.",
            ("        optimiser.step()\n", ""),
        ),
        Bug(
            "step before backward",
            "You take the step before `backward`: along the gradient of the batch *before*.",
            (FORWARD, "        optimiser.step()\n        optimiser.zero_grad()\n        loss.backward()\n"),
        ),
        Bug(
            "mode left as it was",
            'You don\'t set the mode. After a validation the network is in mode "eval", in which dropout and batch '
            "normalisation don't do what training needs: `network.train()`.",
            ("    network.train()\n", ""),
        ),
        Bug(
            "mode for use",
            'You train in mode "eval": dropout is off, and batch normalisation never learns its running statistics.',
            ("network.train()", "network.eval()"),
        ),
        Bug(
            "loss averaged over batches",
            "You average the losses of the *batches*. The last batch is smaller, and its images count more that way: "
            "weight each batch by its number of images.",
            ("loss.item() * len(labels)", "loss.item()"),
            ("total / count, right / count", "total / len(batches), right / count"),
        ),
        Bug(
            "accuracy averaged over batches",
            "You average the accuracies of the *batches*. The images of a small last batch count more that way: count "
            "the right ones, and divide by all.",
            ("(scores.argmax(1) == labels).sum().item()", "(scores.argmax(1) == labels).float().mean().item()"),
            ("total / count, right / count", "total / count, right / len(batches)"),
        ),
        Bug(
            "loss of the last batch",
            "You return the loss of the last batch alone. Asked for is the mean over all images.",
            ("total += loss.item() * len(labels)", "total = loss.item()"),
            ("total / count, right", "total, right"),
        ),
        Bug(
            "loss added up",
            "You return the sum of the losses. Asked for is the mean over all images.",
            ("total / count, right", "total, right"),
        ),
        Bug(
            "loss with its graph",
            "You return a tensor that still holds on to its graph. Added up over an epoch that fills the memory with "
            "the graphs of all batches: take the number, `loss.item()`.",
            ("loss.item() * len(labels)", "loss * len(labels)"),
        ),
        Bug(
            "softmax before the loss",
            "You put the softmax of the scores into `cross_entropy`, which does the softmax itself. Done twice, the "
            "loss can't get small, and learning crawls.",
            ("cross_entropy(scores, labels)", "cross_entropy(scores.softmax(1), labels)"),
        ),
        Bug(
            "schedule once an epoch",
            "You step the schedule once, after the loop. This one goes by batches: step it after each.",
            (
                "        if schedule is not None:\n            schedule.step()\n",
                "    if schedule is not None:\n        schedule.step()\n",
            ),
        ),
        Bug(
            "schedule forgotten",
            "You never step the schedule: the rate stays what it was.",
            ("            schedule.step()\n", "            pass\n"),
        ),
        Bug(
            "schedule before the step",
            "You step the schedule *before* the optimiser: the first step is already taken with the second rate.",
            (
                "        optimiser.step()\n",
                "        if schedule is not None:\n            schedule.step()\n        optimiser.step()\n",
            ),
            ("        if schedule is not None:\n            schedule.step()\n        total", "        total"),
        ),
        Bug(
            "schedule expected",
            "Your code breaks down where there is no schedule: then it is None.",
            ("        if schedule is not None:\n            schedule.step()\n", "        schedule.step()\n"),
        ),
        Bug(
            "an optimiser of your own",
            "You make an optimiser yourself. Use the one that is given: it has the rate, the momentum and the memory "
            "of the epochs before.",
            (
                "    network.train()\n",
                "    network.train()\n    optimiser = torch.optim.SGD(network.parameters(), lr=0.5)\n",
            ),
        ),
        Bug(
            "sum of the losses minimised",
            "You take the *sum* of the batch's losses. It is the mean: otherwise the steps grow with the batch.",
            ("cross_entropy(scores, labels)", 'cross_entropy(scores, labels, reduction="sum")'),
            ("loss.item() * len(labels)", "loss.item()"),
        ),
        Bug(
            "accuracy along the batch",
            "You look for the largest score along the wrong axis. The classes are axis 1.",
            ("(scores.argmax(1) == labels)", "(scores.argmax(0)[labels] == labels)"),
        ),
        Bug(
            "scores computed again after the step",
            "You send each batch through the network once more, after the step. That costs time, moves the running "
            "statistics twice, and measures another network.",
            (
                "        total += loss.item() * len(labels)\n",
                "        scores = network(images)\n"
                "        total += torch.nn.functional.cross_entropy(scores, labels).item() * len(labels)\n",
            ),
        ),
        Bug(
            "last batch skipped",
            "You leave the last batch out.",
            ("in batches:", "in batches[:-1] or batches:"),
        ),
    ],
    correct=[
        Correct(
            "tensors added up",
            """
import torch
def train_epoch(network, optimiser, batches, schedule=None):
    network.train(True)
    losses, hits = [], []
    for x, y in batches:
        network.zero_grad(set_to_none=True)
        out = network(x)
        each = torch.nn.functional.cross_entropy(out, y, reduction="none")
        each.mean().backward()
        optimiser.step()
        if schedule:
            schedule.step()
        losses.append(each.detach())
        hits.append(out.detach().max(dim=1).indices == y)
    return torch.cat(losses).mean().item(), torch.cat(hits).float().mean().item()
""",
        ),
        Correct(
            "log-softmax by hand",
            """
import torch
def train_epoch(network, optimiser, batches, schedule=None):
    network.train()
    total, right, n = 0.0, 0, 0
    for images, labels in batches:
        optimiser.zero_grad()
        log_p = torch.log_softmax(network(images), dim=-1)
        chosen = log_p.gather(1, labels.unsqueeze(1))
        objective = -chosen.sum() / labels.numel()
        objective.backward()
        with torch.no_grad():
            total -= float(chosen.sum())
            right += int((log_p.argmax(dim=-1) == labels).sum())
            n += labels.numel()
        optimiser.step()
        if schedule is not None:
            schedule.step()
    return [total / n, right / n]
""",
        ),
        Correct(
            "nn.CrossEntropyLoss, zeroed after the step",
            """
import numpy as np
import torch
def train_epoch(network, optimiser, batches, schedule=None):
    criterion = torch.nn.CrossEntropyLoss()
    network.train()
    optimiser.zero_grad()
    rows = []
    for batch in batches:
        inputs, targets = batch
        outputs = network(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        None if schedule is None else schedule.step()
        rows.append((loss.item(), np.mean(outputs.detach().numpy().argmax(axis=1) == targets.numpy()), len(targets)))
    loss, accuracy, weight = np.array(rows).T
    return float(loss @ weight / weight.sum()), float(accuracy @ weight / weight.sum())
""",
        ),
        Correct(
            "gradients put in by hand",
            """
import torch
def train_epoch(network, optimiser, batches, schedule=None):
    network.train()
    weights = list(network.parameters())
    sums = torch.zeros(3, dtype=torch.float64)
    for images, labels in batches:
        scores = network(images)
        loss = torch.nn.functional.nll_loss(scores.log_softmax(1), labels)
        for p, g in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            p.grad = g
        optimiser.step()
        if schedule is not None:
            schedule.step()
        n = len(images)
        sums += torch.tensor([n * loss.item(), (scores.argmax(1) == labels).sum(), n])
    return (sums[0] / sums[2]).item(), (sums[1] / sums[2]).item()
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# evaluate_network


def judged(student, network, batches):
    """Loss and accuracy, by name."""
    loss, accuracy = several(student(network, batches))
    return {"loss": loss, "accuracy": accuracy}


def judge_one(student, rng):
    """one batch of three points"""
    return judged(student, linear(student), [(floats([[1, 2], [-1, 1], [0, 1]]), torch.tensor([0, 2, 1]))])


def judge_small_last(student, rng):
    """two batches, of 4 points and of 1: every point counts the same"""
    return judged(student, linear(student), some_batches(rng, 4, 1))


def judge_mode(student, rng):
    """how the network is used, and in which mode it is afterwards, if it was in mode "train" before"""
    network = beside(student, Watched, linear(student))
    student(network, some_batches(rng, 3, 2))
    return {"images, mode, autograd": network.seen, "in training mode afterwards": network.training}


def judge_in_use(student, rng):
    """the same, if it was in mode "eval" before"""
    network = beside(student, Watched, linear(student))
    network.eval()
    student(network, some_batches(rng, 2))
    return {"images, mode, autograd": network.seen, "in training mode afterwards": network.training}


def judge_with_normalisation(student, rng):
    """a network with batch normalisation: the running statistics are used, and stay"""
    layers = linear(student), beside(student, torch.nn.BatchNorm1d, 3)
    network = beside(student, torch.nn.Sequential, *layers)
    before = beside(student, state, network)
    found = judged(student, network, some_batches(rng, 4, 3))
    after = beside(student, state, network)
    return found | {"nothing has changed": all(bool((before[name] == after[name]).all()) for name in before)}


def judge_with_dropout(student, rng):
    """a network with dropout, p = 1: in training mode nothing would get through"""
    layers = beside(student, torch.nn.Dropout, 1.0), linear(student)
    return judged(student, beside(student, torch.nn.Sequential, *layers), some_batches(rng, 5, 5))


def judge_plain(student, rng):
    """what is returned: plain numbers, the accuracy between 0 and 1"""
    loss, accuracy = several(student(linear(student), [(floats([[1, 2], [-1, 1]]), torch.tensor([1, 2]))]))
    return {"loss is a float": type(loss) is float, "accuracy": accuracy}


def judge_drawn(student, rng):
    """batches drawn at random"""
    network = beside(student, Watched, linear(student, whole(rng, 3, 2) / 2))
    found = judged(student, network, some_batches(rng, *(int(n) for n in rng.integers(1, 6, 4))))
    return found | {"images, mode, autograd": network.seen, "in training mode afterwards": network.training}


EVALUATE = Exercise(
    "evaluate_network",
    points=3,
    cases=[
        Case(judge_one, tolerance=CLOSE),
        Case(judge_plain, tolerance=CLOSE),
        Case(judge_small_last, tolerance=CLOSE),
        Case(judge_mode),
        Case(judge_in_use),
        Case(judge_with_normalisation, tolerance=CLOSE),
        Case(judge_with_dropout, tolerance=CLOSE),
        Case(judge_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "mode for use not set",
            'You leave the network in mode "train": dropout drops, and batch normalisation uses (and changes!) what '
            "it shouldn't. `network.eval()` first.",
            ("    network.eval()\n", ""),
        ),
        Bug(
            "mode not set back",
            'You leave the network in mode "eval". Whoever goes on training does it without dropout, and doesn\'t '
            "notice: set the mode back to what it was.",
            ("    network.train(came_in_training)\n", ""),
        ),
        Bug(
            "always set to training",
            'You set the network to mode "train" at the end. If it came in mode "eval", it should leave in it: '
            "keep `network.training` at the beginning.",
            ("network.train(came_in_training)", "network.train()"),
        ),
        Bug(
            "autograd watches",
            "You let autograd watch. Nobody wants these gradients, and keeping what they would need costs memory: "
            "`with torch.no_grad():`.",
            ("with torch.no_grad():", "if True:"),
        ),
        Bug(
            "loss averaged over batches",
            "You average the losses of the *batches*. A small last batch counts more that way: weight each batch by "
            "its number of images.",
            (".item() * len(labels)", ".item()"),
            ("total / count, right", "total / len(batches), right"),
        ),
        Bug(
            "accuracy averaged over batches",
            "You average the accuracies of the *batches*. Count the right answers, and divide by the number of all "
            "images.",
            ("(scores.argmax(1) == labels).sum().item()", "(scores.argmax(1) == labels).float().mean().item()"),
            ("right / count", "right / len(batches)"),
        ),
        Bug(
            "accuracy in percent",
            "You return percent. The accuracy is a share, between 0 and 1.",
            ("right / count", "100 * right / count"),
        ),
        Bug(
            "number of right answers",
            "You return how many answers are right. Divide by the number of images.",
            ("right / count", "right"),
        ),
        Bug(
            "softmax before the loss",
            "You put the softmax of the scores into `cross_entropy`, which does the softmax itself.",
            ("cross_entropy(scores, labels)", "cross_entropy(scores.softmax(1), labels)"),
        ),
        Bug(
            "last batch only",
            "You return the numbers of the last batch. Asked for are means over all images.",
            ("total += ", "total = "),
            ("right += ", "right = "),
            ("count += ", "count = "),
        ),
        Bug(
            "loss as a tensor",
            "Your loss is a tensor. Take the number: `.item()`.",
            (
                "torch.nn.functional.cross_entropy(scores, labels).item()",
                "torch.nn.functional.cross_entropy(scores, labels)",
            ),
        ),
        Bug(
            "exchanged",
            "You return accuracy and loss in the wrong order: loss first.",
            ("return total / count, right / count", "return right / count, total / count"),
        ),
        Bug(
            "smallest score taken",
            "You take the class with the *smallest* score.",
            ("argmax(1)", "argmin(1)"),
        ),
    ],
    correct=[
        Correct(
            "all scores at once",
            """
import torch
def evaluate_network(network, batches):
    was_training = network.training
    try:
        network.eval()
        with torch.inference_mode():
            scores = torch.cat([network(x) for x, _ in batches])
            labels = torch.cat([y for _, y in batches])
            loss = torch.nn.functional.cross_entropy(scores, labels)
            accuracy = (scores.argmax(1) == labels).float().mean()
    finally:
        network.train(was_training)
    return float(loss), float(accuracy)
""",
        ),
        Correct(
            "decorated",
            """
import torch
@torch.no_grad()
def evaluate_network(network, batches):
    before = network.training
    network.train(False)
    losses, hits = [], []
    for x, y in batches:
        out = network(x)
        losses += torch.nn.functional.cross_entropy(out, y, reduction="none").tolist()
        hits += (out.topk(1).indices[:, 0] == y).tolist()
    if before:
        network.train()
    return [sum(losses) / len(losses), sum(hits) / len(hits)]
""",
        ),
        Correct(
            "numpy in float64",
            """
import numpy as np
import torch
def evaluate_network(network, batches):
    mode = network.training
    network.eval()
    total = right = n = 0
    for images, labels in batches:
        with torch.no_grad():
            s = network(images).numpy().astype(np.float64)
        y = labels.numpy()
        s -= s.max(axis=1, keepdims=True)
        total += float((np.log(np.exp(s).sum(axis=1)) - s[np.arange(len(y)), y]).sum())
        right += int((s.argmax(axis=1) == y).sum())
        n += len(y)
    network.train(mode)
    return total / n, right / n
""",
        ),
        Correct(
            "weighted means",
            """
import torch
def evaluate_network(network, batches):
    modes = network.training
    network.eval()
    with torch.set_grad_enabled(False):
        rows = []
        for images, labels in batches:
            p = network(images).log_softmax(-1)
            hit = p.max(-1)[1].eq(labels).double().mean()
            rows.append(torch.stack([-p[range(len(labels)), labels].double().mean(), hit]) * len(labels))
        loss, accuracy = (sum(rows) / sum(len(y) for _, y in batches)).tolist()
    network.train(modes)
    return loss, accuracy
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# keep_best


def kept(student, accuracies, **settings):
    """Train by a script; tell what was returned, what was called, and what the weights are afterwards."""
    network = beside(student, torch.nn.BatchNorm1d, 2)
    script = beside(student, Script, network, accuracies)
    history = student(network, script.train, script.judge, len(accuracies))
    found = beside(student, state, network)
    return {
        "history": history,
        "weights are those after epoch": float(found["weight"][0]),
        "running statistics are those after epoch": float(found["running_mean"][0]),
        "calls": script.played,
    }


def keep_last(student, rng):
    """two epochs, the second is better"""
    return kept(student, [0.25, 0.5])


def keep_first(student, rng):
    """two epochs, the first is better"""
    return kept(student, [0.5, 0.25])


def keep_middle(student, rng):
    """four epochs, the second is the best"""
    return kept(student, [0.25, 0.75, 0.5, 0.625])


def keep_equal(student, rng):
    """two epochs are equally good: the first of them"""
    return kept(student, [0.25, 0.5, 0.5])


def keep_nothing_right(student, rng):
    """not one answer is right in any epoch: still the first"""
    return kept(student, [0.0, 0.0])


def keep_above_the_last(student, rng):
    """better than the epoch before is not yet the best"""
    return kept(student, [0.75, 0.25, 0.5])


def keep_drawn(student, rng):
    """accuracies drawn at random"""
    seen = {}
    for draw in range(3):
        found = kept(student, [float(n) / 16 for n in rng.integers(0, 17, 6)])
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


KEEP_BEST = Exercise(
    "keep_best",
    points=3,
    cases=[
        Case(keep_last),
        Case(keep_first),
        Case(keep_middle),
        Case(keep_equal),
        Case(keep_nothing_right),
        Case(keep_above_the_last),
        Case(keep_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "weights not copied",
            "`state_dict()` doesn't copy: the tensors in it are the network's own, and later steps change them. So in "
            "the end you put back the last weights. Copy each tensor: `clone`.",
            ("value.clone()", "value"),
        ),
        Bug(
            "dict copied, tensors not",
            "You copy the dict, and the tensors in it are still the network's own. Copy each tensor, or use "
            "`copy.deepcopy`.",
            (
                "{name: value.clone() for name, value in network.state_dict().items()}",
                "dict(network.state_dict())",
            ),
        ),
        Bug(
            "last weights kept",
            "You leave the network as it is after the last epoch. Put the best weights back.",
            ("    network.load_state_dict(best)\n", ""),
        ),
        Bug(
            "running statistics forgotten",
            "You keep the parameters, and forget the buffers: after that, batch normalisation works with running "
            "statistics that belong to other weights. `state_dict()` has both.",
            ("network.state_dict().items()", "network.named_parameters()"),
            ("network.load_state_dict(best)", "network.load_state_dict(best, strict=False)"),
        ),
        Bug(
            "as good as the best taken for better",
            "You take an epoch that *equals* the best for an improvement. The first of them is kept.",
            ("accuracy > max(history, default=-1)", "accuracy >= max(history, default=-1)"),
        ),
        Bug(
            "lowest kept",
            "You keep the epoch with the *lowest* accuracy.",
            ("accuracy > max(history, default=-1)", "accuracy < min(history, default=2)"),
        ),
        Bug(
            "compared with the epoch before",
            "You compare with the epoch before. It has to be better than the best so far.",
            ("max(history, default=-1)", "(history or [-1])[-1]"),
        ),
        Bug(
            "nothing kept at accuracy 0",
            "You start with a best accuracy of 0, so that an epoch in which nothing is right is never kept, and there "
            "are no best weights. Start below 0.",
            ("max(history, default=-1)", "max(history, default=0)"),
        ),
        Bug(
            "judged before training",
            "You judge before the epoch is trained. First `train()`, then `judge()`.",
            ("        train()\n        accuracy = judge()\n", "        accuracy = judge()\n        train()\n"),
        ),
        Bug(
            "judged twice",
            "You call `judge()` more than once an epoch. It goes through all validation images: keep its answer.",
            ("history.append(accuracy)", "history.append(judge())"),
        ),
        Bug(
            "stopped at the first bad epoch",
            "You stop as soon as an epoch is worse. All epochs are trained.",
            (
                "        history.append(accuracy)\n",
                "        history.append(accuracy)\n        if accuracy < max(history):\n            break\n",
            ),
        ),
        Bug(
            "best accuracy returned",
            "You return the best accuracy alone. Asked for is the list of all of them.",
            ("return history", "return max(history)"),
        ),
        Bug(
            "an epoch too few",
            "You train one epoch less than asked for.",
            ("range(epochs)", "range(epochs - 1 or 1)"),
        ),
    ],
    correct=[
        Correct(
            "deepcopy",
            """
import copy
def keep_best(network, train, judge, epochs):
    best, weights, accuracies = float("-inf"), None, []
    for _ in range(epochs):
        train()
        accuracies.append(judge())
        if accuracies[-1] > best:
            best = accuracies[-1]
            weights = copy.deepcopy(network.state_dict())
    network.load_state_dict(weights)
    return accuracies
""",
        ),
        Correct(
            "all states kept",
            """
def keep_best(network, train, judge, epochs):
    states, accuracies = [], []
    while len(states) < epochs:
        train()
        states.append({k: v.detach().cpu().clone() for k, v in network.state_dict().items()})
        accuracies.append(judge())
    network.load_state_dict(states[accuracies.index(max(accuracies))])
    return tuple(accuracies)
""",
        ),
        Correct(
            "in a file",
            """
import io
import torch
def keep_best(network, train, judge, epochs):
    memory, scores = io.BytesIO(), []
    for epoch in range(epochs):
        train()
        score = judge()
        if not scores or score > max(scores):
            memory = io.BytesIO()
            torch.save(network.state_dict(), memory)
        scores.append(score)
    memory.seek(0)
    network.load_state_dict(torch.load(memory))
    return scores
""",
        ),
        Correct(
            "flat vectors",
            """
import torch
def keep_best(network, train, judge, epochs):
    tensors = [*network.parameters(), *network.buffers()]
    history, kept = [], None
    for _ in range(epochs):
        train()
        history += [judge()]
        if max(history) == history[-1] and history.count(history[-1]) == 1:
            kept = [t.detach().numpy().copy() for t in tensors]
    for t, old in zip(tensors, kept):
        t.data.copy_(torch.from_numpy(old) if old.ndim else torch.tensor(old))
    return history
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# lr_range_test


def ranged(student, network, batches, lowest, highest):
    """Rates and losses, and whether the network is afterwards what it was."""
    before = beside(student, state, network)
    rates, losses = several(student(network, batches, lowest, highest))
    after = beside(student, state, network)
    same = all(bool((before[name] == after[name]).all()) for name in before)
    return {"rates": rates, "losses": losses, "the network is what it was": same}


def range_three(student, rng):
    """three batches, from 0.01 to 1: the rates are 0.01, 0.1 and 1"""
    return ranged(student, linear(student), some_batches(rng, 2, 2, 2), 0.01, 1.0)


def range_two(student, rng):
    """two batches: the lowest and the highest rate"""
    return ranged(student, linear(student), some_batches(rng, 3, 3), 0.5, 2.0)


def range_five(student, rng):
    """five batches, from 0.001 to 10"""
    return ranged(student, linear(student), some_batches(rng, 4, 4, 4, 4, 4), 0.001, 10.0)


def range_blown_up(student, rng):
    """rates up to 1,000: it ends with the first loss that is more than 4 times the lowest"""
    return ranged(student, linear(student), some_batches(rng, *[3] * 9), 0.1, 1000.0)


def range_not_a_number(student, rng):
    """a loss that is nan: it is the last"""
    batches = some_batches(rng, *[2] * 5)
    batches[3] = floats([[np.nan, 0], [1, 1]]), torch.tensor([0, 1])
    return ranged(student, linear(student), batches, 0.001, 0.1)


def range_with_normalisation(student, rng):
    """a network with batch normalisation, which comes in mode "eval": it is tested as in training"""
    layers = linear(student), beside(student, torch.nn.BatchNorm1d, 3)
    network = beside(student, torch.nn.Sequential, *layers)
    network.eval()
    return ranged(student, network, some_batches(rng, 4, 5, 4), 0.01, 1.0)


def range_drawn(student, rng):
    """batches and rates drawn at random"""
    lowest = 10.0 ** -int(rng.integers(1, 4))
    sizes = [int(n) for n in rng.integers(2, 6, 8)]
    network = linear(student, whole(rng, 3, 2) / 2)
    return ranged(student, network, some_batches(rng, *sizes), lowest, lowest * 10.0 ** int(rng.integers(2, 5)))


RATE = "lowest * (highest / lowest) ** (i / (len(batches) - 1))"

LR_RANGE_TEST = Exercise(
    "lr_range_test",
    points=4,
    cases=[
        Case(range_two, tolerance=CLOSE),
        Case(range_three, tolerance=CLOSE),
        Case(range_five, tolerance=CLOSE),
        Case(range_not_a_number, tolerance=CLOSE),
        Case(range_with_normalisation, tolerance=CLOSE),
        Case(range_blown_up, tolerance=Tolerance(1e-3, 1e-4)),
        Case(range_drawn, hidden=True, weight=3, tolerance=Tolerance(1e-3, 1e-4)),
    ],
    bugs=[
        Bug(
            "rates at equal distances",
            "Your rates grow by equal *amounts*, so that nearly all of them are near the highest. They are to grow by "
            "equal *factors*.",
            (RATE, "lowest + (highest - lowest) * i / (len(batches) - 1)"),
        ),
        Bug(
            "highest rate not reached",
            "You divide by the number of batches, so the highest rate is never reached: there is one factor less than "
            "there are batches.",
            ("(i / (len(batches) - 1))", "(i / len(batches))"),
        ),
        Bug(
            "lowest rate left out",
            "Your first rate is already larger than the lowest: the first exponent is 0.",
            ("(i / (len(batches) - 1))", "((i + 1) / len(batches))"),
        ),
        Bug(
            "rate never set",
            "You compute the rates, but the optimiser goes on with the lowest. Its rate stands in "
            '`optimiser.param_groups`, in each group as `group["lr"]`.',
            ('            group["lr"] = rate\n', "            pass\n"),
        ),
        Bug(
            "all rates multiplied by 10",
            "You multiply the rate by 10 at each batch. The factor depends on the range and on the number of batches.",
            (RATE, "lowest * 10**i"),
        ),
        Bug(
            "weights not put back",
            "You leave the network with the weights that the test has ruined. Keep a copy before, put it back after.",
            ("    network.load_state_dict(kept)\n", ""),
        ),
        Bug(
            "weights kept without a copy",
            "`state_dict()` doesn't copy: what you put back is what the test has made of the weights. Copy each "
            "tensor.",
            ("value.clone()", "value"),
        ),
        Bug(
            "running statistics not put back",
            "You put the parameters back, and not the buffers: batch normalisation keeps the running statistics of the "
            "test.",
            ("network.state_dict().items()", "network.named_parameters()"),
            ("network.load_state_dict(kept)", "network.load_state_dict(kept, strict=False)"),
        ),
        Bug(
            "gradients never set back",
            "You don't set the gradients back: each step also goes where the steps before went.",
            ("        optimiser.zero_grad()\n", ""),
        ),
        Bug(
            "never stopped",
            "You go on when the loss has blown up. The test ends when the loss is more than 4 times the lowest, or no "
            "number any more.",
            (
                "        if not losses[-1] <= 4 * min(losses):\n            break\n",
                "",
            ),
        ),
        Bug(
            "nan not noticed",
            "You go on when the loss is nan. Comparisons with nan are always False: `not loss <= 4 * lowest` is True "
            "for it, `loss > 4 * lowest` isn't.",
            ("if not losses[-1] <= 4 * min(losses):", "if losses[-1] > 4 * min(losses):"),
        ),
        Bug(
            "last loss left out",
            "You leave out the loss at which the test ends. It belongs to the list, and so does its rate.",
            (
                "        rates.append(rate)\n        losses.append(loss.item())\n"
                "        if not losses[-1] <= 4 * min(losses):\n            break\n",
                "        if not loss.item() <= 4 * min([*losses, loss.item()]):\n            break\n"
                "        rates.append(rate)\n        losses.append(loss.item())\n",
            ),
        ),
        Bug(
            "loss after the step",
            "You note the loss after the step. It is the loss *before*, which you have anyway.",
            (
                "        optimiser.step()\n",
                "        optimiser.step()\n"
                "        losses[-1] = torch.nn.functional.cross_entropy(network(images), labels).item()\n",
            ),
        ),
        Bug(
            "mode for use",
            'You test in mode "eval", or in whatever mode the network comes. The test is about training: '
            "`network.train()`.",
            ("    network.train()\n", ""),
        ),
        Bug(
            "weights put back after each step",
            "You put the weights back after every batch, so that each rate is tried on the first weights. The test "
            "trains on: only at the end are they put back.",
            ("        optimiser.step()\n", "        optimiser.step()\n        network.load_state_dict(kept)\n"),
        ),
        Bug(
            "Adam instead of plain SGD",
            "You use Adam. Asked for is plain `torch.optim.SGD`, without momentum.",
            ("torch.optim.SGD", "torch.optim.Adam"),
        ),
        Bug(
            "with momentum",
            "You use momentum. Asked for is plain `torch.optim.SGD`, without it.",
            ("lr=lowest)", "lr=lowest, momentum=0.9)"),
        ),
        Bug(
            "losses alone",
            "You return the losses alone. Their rates come first.",
            ("return rates, losses", "return losses"),
        ),
    ],
    correct=[
        Correct(
            "deepcopy, geometric factor",
            """
import copy
import math
import torch
def lr_range_test(network, batches, lowest, highest):
    before = copy.deepcopy(network.state_dict())
    factor = (highest / lowest) ** (1 / (len(batches) - 1))
    rate, rates, losses = lowest, [], []
    network.train()
    for x, y in batches:
        loss = torch.nn.functional.cross_entropy(network(x), y)
        rates.append(rate)
        losses.append(loss.item())
        if math.isnan(losses[-1]) or losses[-1] > 4 * min(losses):
            break
        network.zero_grad()
        loss.backward()
        torch.optim.SGD(network.parameters(), lr=rate).step()
        rate *= factor
    network.load_state_dict(before)
    return rates, losses
""",
        ),
        Correct(
            "logspace, steps by hand",
            """
import numpy as np
import torch
def lr_range_test(network, batches, lowest, highest):
    kept = [t.detach().clone() for t in network.state_dict().values()]
    network.train()
    losses = []
    wanted = np.geomspace(lowest, highest, len(batches)).tolist()
    for rate, (x, y) in zip(wanted, batches):
        loss = torch.nn.CrossEntropyLoss()(network(x), y)
        losses.append(loss.item())
        if not np.isfinite(losses[-1]) or losses[-1] / min(losses) > 4:
            break
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for p, g in zip(network.parameters(), gradients):
                p -= rate * g
    for t, old in zip(network.state_dict().values(), kept):
        t.copy_(old)
    return wanted[: len(losses)], losses
""",
        ),
        Correct(
            "on a copy of the network",
            """
import copy
import torch
def lr_range_test(network, batches, lowest, highest):
    trial = copy.deepcopy(network).train()
    optimiser = torch.optim.SGD(trial.parameters(), lr=1.0)
    found, best = [], float("inf")
    for i, (x, y) in enumerate(batches):
        optimiser.param_groups[0]["lr"] = lowest ** (1 - i / (len(batches) - 1)) * highest ** (i / (len(batches) - 1))
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(trial(x), y)
        found.append((optimiser.param_groups[0]["lr"], loss.item()))
        best = min(best, found[-1][1])
        if found[-1][1] > 4 * best or found[-1][1] != found[-1][1]:
            break
        loss.backward()
        optimiser.step()
    return [r for r, _ in found], [v for _, v in found]
""",
        ),
        Correct(
            "an exponential schedule",
            """
import torch
def lr_range_test(network, batches, lowest, highest):
    kept = {k: v.clone() for k, v in network.state_dict().items()}
    optimiser = torch.optim.SGD(network.parameters(), lr=lowest)
    growth = (highest / lowest) ** (1 / (len(batches) - 1))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, growth)
    rates, losses = (), ()
    network.train()
    for x, y in batches:
        loss = torch.nn.functional.cross_entropy(network(x), y)
        rates, losses = rates + (optimiser.param_groups[0]["lr"],), losses + (loss.item(),)
        if not losses[-1] <= 4 * min(losses):
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    network.load_state_dict(kept)
    return rates, losses
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# can_overfit


def two_layers(student, rng, bias=0.0):
    """A small network for images of 1×4×4: 32 hidden units, whose biases can be so low that they are all dead."""
    first, last = beside(student, torch.nn.Linear, 16, 32), beside(student, torch.nn.Linear, 32, 10)
    first.load_state_dict({"weight": floats(rng.normal(size=(32, 16)) * 0.35), "bias": torch.full((32,), bias)})
    last.load_state_dict({"weight": floats(rng.normal(size=(10, 32)) * 0.25), "bias": torch.zeros(10)})
    layers = beside(student, torch.nn.Flatten), first, beside(student, torch.nn.ReLU), last
    return beside(student, torch.nn.Sequential, *layers)


def twenty(rng):
    """Twenty images of 4×4 random pixels, and labels that have nothing to do with them."""
    return floats(2 * rng.normal(size=(20, 1, 4, 4))), torch.tensor(rng.permutation(np.arange(20) % 10))


def all_right(network, images, labels):
    """Whether the network now gets every image right."""
    return bool((network(images).argmax(1) == labels).all())


def few_by_heart(student, rng):
    """twenty images with random labels: a healthy network learns them by heart within 60 steps"""
    network, (images, labels) = two_layers(student, rng), twenty(rng)
    steps = student(network, images, labels, 60)
    return {
        "a number of steps from 1 to 60": type(steps) is int and 1 <= steps <= 60,
        "all twenty right afterwards": all_right(network, images, labels),
    }


def few_already_right(student, rng):
    """a network that gets everything right from the beginning: 0 steps"""
    network = beside(student, torch.nn.Linear, 3, 3)
    network.load_state_dict({"weight": 5 * torch.eye(3), "bias": torch.zeros(3)})
    return {"answer": student(network, torch.eye(3), torch.arange(3), 20)}


def few_dead(student, rng):
    """a network whose hidden units are all dead: None"""
    network, (images, labels) = two_layers(student, rng, bias=-1000.0), twenty(rng)
    return {"answer": student(network, images, labels, 20)}


def few_impossible(student, rng):
    """the same image twice, with two different labels: one will always be wrong, so None"""
    network, (images, labels) = two_layers(student, rng), twenty(rng)
    images[7], labels[7] = images[3], (labels[3] + 1) % 10
    return {"answer": student(network, images, labels, 25)}


def few_drawn(student, rng):
    """another healthy network, and other images"""
    network, (images, labels) = two_layers(student, rng), twenty(rng)
    steps = student(network, images, labels, 60)
    return {
        "a number of steps from 1 to 60": type(steps) is int and 1 <= steps <= 60,
        "all twenty right afterwards": all_right(network, images, labels),
    }


# In 60 draws the reference (Adam, rate 0.01) needed 10 to 22 steps, SGD with rate 0.1 needed 7 to 24, with 0.5 2 to 6,
# with rate 0.01 and momentum 0.9 15 to 32: half of the 60 that the cases allow. Adam with rate 0.001 needs 79 and more.

CAN_OVERFIT = Exercise(
    "can_overfit",
    points=3,
    cases=[
        Case(few_already_right),
        Case(few_by_heart),
        Case(few_dead),
        Case(few_impossible),
        Case(few_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "most steps returned if it fails",
            "You return the number of steps although not all images are right. If they aren't after the last step, the "
            "answer is None.",
            ("    return None\n", "    return most_steps\n"),
        ),
        Bug(
            "failure as an error",
            "You raise an error if the network doesn't learn. The answer is None then.",
            ("    return None\n", '    raise RuntimeError("not learned")\n'),
        ),
        Bug(
            "failure as −1",
            "You return −1 if the network doesn't learn. The answer is None then.",
            ("    return None\n", "    return -1\n"),
        ),
        Bug(
            "true instead of a number",
            "You return True. Asked for is after how many steps all images were right.",
            ("return step", "return True"),
        ),
        Bug(
            "nearly all right is enough",
            "You are content when most images are right. With twenty images *all* must be: a network that can't get "
            "the last one right has something wrong with it, or your data has.",
            ("(scores.argmax(1) == labels).all()", "(scores.argmax(1) == labels).float().mean() > 0.9"),
        ),
        Bug(
            "small loss taken for all right",
            "You look at the loss. It can be small while one image is still wrong: count.",
            (
                "(scores.argmax(1) == labels).all()",
                "torch.nn.functional.cross_entropy(scores, labels) < 0.4",
            ),
        ),
        Bug(
            "learning rate much too small",
            "Your steps are so small that a healthy network doesn't learn in time, and you would look for a fault "
            "where there is none. Take a larger rate.",
            ("lr=0.01", "lr=0.00001"),
        ),
        Bug(
            "no step",
            "You never take a step, so nothing is learned.",
            ("        optimiser.step()\n", ""),
        ),
        Bug(
            "uphill",
            "You climb the loss instead of descending.",
            ("lr=0.01)", "lr=0.01, maximize=True)"),
        ),
        Bug(
            "trained before it is looked at",
            "You take a step before you look. A network that gets everything right from the beginning needs 0 steps.",
            ("        if (scores", "        if step > 0 and (scores"),
        ),
        Bug(
            "first image only",
            "You train on the first image alone.",
            ("cross_entropy(scores, labels)", "cross_entropy(scores[:1], labels[:1])"),
        ),
        Bug(
            "last layer only",
            "You train some of the parameters only. Hand all of them to the optimiser.",
            ("network.parameters()", "list(network.parameters())[-1:]"),
        ),
        Bug(
            "a copy trained",
            "You train a copy of the network. The network itself is to know the twenty images afterwards.",
            (
                "    optimiser =",
                "    import copy\n    network = copy.deepcopy(network)\n    optimiser =",
            ),
        ),
        Bug(
            "classes along the wrong axis",
            "You look for the largest score along the batch. The classes are axis 1.",
            ("scores.argmax(1)", "scores.argmax(0)[labels]"),
        ),
    ],
    correct=[
        Correct(
            "SGD with a large rate",
            """
import torch
def can_overfit(network, images, labels, most_steps=200):
    steps = 0
    while True:
        scores = network(images)
        if bool((scores.argmax(dim=1) == labels).all()):
            return steps
        if steps == most_steps:
            return None
        loss = torch.nn.functional.cross_entropy(scores, labels)
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in network.parameters():
                p -= 0.5 * p.grad
        steps += 1
""",
        ),
        Correct(
            "momentum",
            """
import torch
def can_overfit(network, images, labels, most_steps=200):
    network.train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for step in range(most_steps):
        scores = network(images)
        if (scores.argmax(1) != labels).sum() == 0:
            return step
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(scores, labels).backward()
        optimiser.step()
    return most_steps if torch.equal(network(images).argmax(1), labels) else None
""",
        ),
        Correct(
            "RMSProp, judged apart",
            """
import torch
def can_overfit(network, images, labels, most_steps=200):
    def right():
        with torch.no_grad():
            return int((network(images).max(1).indices == labels).sum())
    optimiser = torch.optim.RMSprop(network.parameters(), lr=0.003)
    taken = 0
    while right() < len(labels) and taken < most_steps:
        optimiser.zero_grad()
        torch.nn.CrossEntropyLoss()(network(images), labels).backward()
        optimiser.step()
        taken += 1
    return taken if right() == len(labels) else None
""",
        ),
        Correct(
            "AdamW with a schedule",
            """
import torch
def can_overfit(network, images, labels, most_steps=200):
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, 50, 0.5)
    for step in range(most_steps + 1):
        out = network(images).log_softmax(1)
        if all(out.argmax(1).eq(labels).tolist()):
            return step
        (-out[torch.arange(len(labels)), labels].mean()).backward()
        if step < most_steps:
            optimiser.step()
        optimiser.zero_grad()
        schedule.step()
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# diagnose


def stored_run(kind):
    """The curves of the lecture's run of this kind."""
    return datasets.result("broken_runs")["runs"][kind]


def run_healthy(student, rng):
    """a run in which nothing is wrong"""
    return {"diagnosis": student(stored_run("healthy"))}


def run_rate_too_low(student, rng):
    """a run with a rate that is a hundred times too low"""
    return {"diagnosis": student(stored_run("rate too low"))}


def run_rate_too_high(student, rng):
    """a run with a rate that is ten times too high"""
    return {"diagnosis": student(stored_run("rate too high"))}


def run_dead(student, rng):
    """a run whose hidden units have died"""
    return {"diagnosis": student(stored_run("dead ReLUs"))}


def run_not_shuffled(student, rng):
    """a run whose images came sorted by class"""
    return {"diagnosis": student(stored_run("no shuffling"))}


def run_overfitting(student, rng):
    """a run on 100 images"""
    return {"diagnosis": student(stored_run("overfitting"))}


def run_badly_scaled(student, rng):
    """a run on images from 0 to 255"""
    return {"diagnosis": student(stored_run("bad scaling"))}


def run_softmax_twice(student, rng):
    """a run with the softmax of the scores in `cross_entropy`"""
    return {"diagnosis": student(stored_run("softmax twice"))}


MORE = {}


def runs_drawn(student, rng):
    """two more runs of each kind, with other first weights and another order"""
    if not MORE:
        MORE.update(json.loads(Path(__file__).with_name("more_runs.json").read_text(encoding="utf-8")))
    return {
        f"{kind}, run {number}": student(runs[number])
        for kind, runs in MORE.items()
        for number in (int(n) for n in rng.permutation(len(runs))[:2])
    }


# Measured over 13 runs of each kind: healthy / its nearest neighbour. First loss 2.44 / bad scaling 4.04. Accuracy of
# training at the end: rate too low or dead 0.19 / no shuffling 0.28, others 0.65. Of validation: no shuffling 0.10 /
# softmax twice 0.65. Gap: healthy 0.04 / overfitting 0.24. Loss at the end: healthy 0.20, bad scaling 0.26 / rate too
# high 0.50, which ends at 0.88 / softmax twice 1.57.

DIAGNOSE = Exercise(
    "diagnose",
    points=4,
    cases=[
        Case(run_healthy),
        Case(run_rate_too_low),
        Case(run_rate_too_high),
        Case(run_dead),
        Case(run_not_shuffled),
        Case(run_overfitting),
        Case(run_badly_scaled),
        Case(run_softmax_twice),
        Case(runs_drawn, hidden=True, weight=4),
    ],
    bugs=[
        Bug(
            "dead units taken for a low rate",
            "You call it a rate that is too low when nothing is learned. Dead units don't learn either, whatever the "
            "rate: look at `dead`, or at the loss, which has jumped up before.",
            ('"dead ReLUs" if run["dead"][-1] > 0.5 else "rate too low"', '"rate too low"'),
        ),
        Bug(
            "low rate taken for dead units",
            "You call it dead units when nothing is learned. With a rate that is too low the units are alive: look at "
            "`dead`.",
            ('"dead ReLUs" if run["dead"][-1] > 0.5 else "rate too low"', '"dead ReLUs"'),
        ),
        Bug(
            "sorted images taken for overfitting",
            "You call it overfitting when training is better than validation. On sorted images the network learns "
            "whatever class comes at the moment, and on the validation set it *guesses*, from beginning to end; a "
            "network that overfits has learned something that holds for new images too.",
            ("if new_right < 0.15:", "if False:"),
        ),
        Bug(
            "overfitting not noticed",
            "You look at the training curves only. They are splendid when a network learns by heart: compare with "
            "validation.",
            ("if new_right < right - 0.15:", "if False:"),
        ),
        Bug(
            "softmax twice taken for a high rate",
            "You call every loss that stays high a rate that is too high. With the softmax done twice it *can't* fall "
            "below 1.46, even with most answers right: look at loss and accuracy together.",
            ("if loss > 1.3:", "if False:"),
        ),
        Bug(
            "softmax twice taken for a low rate",
            "You call it a rate that is too low when the loss is still high at the end. If most answers are right, it "
            "isn't that: the loss can't get lower.",
            ('return "softmax twice"', 'return "rate too low"'),
        ),
        Bug(
            "high rate not noticed",
            "You are content when the loss falls. With a rate that is too high it falls quickly, and then jumps about "
            "well above what a healthy run reaches.",
            ("if loss > 0.35:", "if False:"),
        ),
        Bug(
            "first loss not looked at",
            "You don't look at the *first* loss. Before anything is learned a network of ten classes should guess: "
            "log 10 = 2.3. Badly scaled inputs give themselves away there, as they recover later.",
            ('if run["loss"][0] > 3:', "if False:"),
        ),
        Bug(
            "highest loss taken for the first",
            "You look for a high loss anywhere. Badly scaled inputs show in the *first* loss; a loss that jumps up "
            "later has another cause.",
            ('run["loss"][0] > 3', 'max(run["loss"]) > 3'),
        ),
        Bug(
            "dead units wherever some are dead",
            "You call it dead units whenever many are dead. On sorted images many die too, and the others go on "
            "learning: ask whether anything is still learned.",
            (
                "    if right < 0.22:",
                '    if run["dead"][-1] > 0.15:\n        return "dead ReLUs"\n    if right < 0.22:',
            ),
        ),
        Bug(
            "always healthy",
            "You find every run healthy.",
            ('    if run["loss"][0] > 3:', '    return "healthy"\n    if run["loss"][0] > 3:'),
        ),
    ],
    correct=[
        Correct(
            "by the last value and the updates",
            """
def diagnose(run):
    if run["validation_loss"][0] > 3.2:
        return "bad scaling"
    if run["validation_accuracy"][-1] < 0.25:
        if max(run["loss"][1:]) > 10:
            return "dead ReLUs"
        return "no shuffling" if max(run["accuracy"]) > 0.5 else "rate too low"
    if sum(run["validation_loss"][-10:]) > 13:
        return "overfitting" if run["loss"][-1] < 0.1 else "softmax twice"
    middle = sorted(max(ratios) for ratios in run["update_ratio"][-20:])[10]
    return "rate too high" if middle > 0.011 else "healthy"
""",
        ),
        Correct(
            "numpy, jumps",
            """
import numpy as np
def diagnose(run):
    loss, val = np.array(run["loss"]), np.array(run["validation_loss"])
    acc, val_acc = np.array(run["accuracy"]), np.array(run["validation_accuracy"])
    ends = {name: curve[-10:].mean() for name, curve in dict(l=loss, v=val, a=acc, w=val_acc).items()}
    if loss[0] > 1.4 * np.log(10):
        return "bad scaling"
    if np.median(np.array(run["update_ratio"])) < 1.5e-4 and ends["a"] < 0.3 and loss.max() < 3:
        return "rate too low"
    if ends["w"] < 0.14 and loss.max() > 20:
        return "dead ReLUs"
    if ends["w"] < 0.14:
        return "no shuffling"
    if ends["a"] - ends["w"] > 0.12:
        return "overfitting"
    if ends["a"] > 0.5 and ends["l"] > 1.2:
        return "softmax twice"
    return "rate too high" if np.abs(np.diff(val[25:])).mean() > 0.06 else "healthy"
""",
        ),
        Correct(
            "a table of questions",
            """
def diagnose(run):
    last = {name: sum(run[name][-10:]) / 10 for name in run if name not in ("step", "update_ratio")}
    table = [
        ("bad scaling", run["loss"][0] >= 3.5),
        ("dead ReLUs", last["dead"] > 0.7 and last["accuracy"] < 0.2),
        ("rate too low", last["loss"] > 2.2 and last["dead"] < 0.3 and last["accuracy"] < 0.25),
        ("no shuffling", last["validation_accuracy"] < 0.2),
        ("overfitting", last["validation_loss"] > 5 * last["loss"]),
        ("softmax twice", last["loss"] > 1.2),
        ("rate too high", last["loss"] > 0.4),
        ("healthy", True),
    ]
    return next(name for name, holds in table if holds)
""",
        ),
    ],
)
