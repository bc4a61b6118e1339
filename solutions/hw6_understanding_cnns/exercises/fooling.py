"""Fooling classifiers: the smallest change, FGSM and PGD, what counts as success, and which cue a network goes by."""

from itertools import pairwise

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import whole
from visionlab.checks.handle import beside
from visionlab.checks.networks import gradients, perceptron, traces

CLOSE = Tolerance(1e-4, 1e-5)


def floats(array):
    """The numbers of an array as a float32 tensor."""
    return torch.tensor(np.asarray(array), dtype=torch.float32)


def layers(student, *weights):
    """Linear layers of these weights, ReLUs between them, in mode "eval"."""
    return beside(student, perceptron, *map(floats, weights))


def sixteenths(rng, *shape):
    """Pixels: multiples of 1/16 from 1/4 to 3/4."""
    return rng.integers(4, 13, shape) / 16


def unsure(student, rng, *sizes):
    """Layers of these sizes with weights so small that no answer is certain: no gradient gets lost in rounding."""
    return layers(student, *(rng.normal(size=(out, into)) / into**0.5 for into, out in pairwise(sizes)))


def learned_patterns(rng):
    """Learn to tell four faint patterns in noise, 12×10 pixels: the weights of two layers, 40 new images, labels."""
    patterns = rng.choice([-1.0, 1.0], (4, 120))

    def draw(count):
        labels = rng.integers(0, 4, count)
        return np.clip(0.5 + 0.1 * patterns[labels] + 0.2 * rng.normal(size=(count, 120)), 0, 1), labels

    images, labels = draw(300)
    first = rng.normal(size=(80, 120)) / 120**0.5
    first -= first.mean(axis=1, keepdims=True)
    hidden = np.maximum(images @ first.T, 0)
    # Least squares with λ = 1 for the second layer: it learns in a millisecond.
    second = 10 * np.linalg.solve(hidden.T @ hidden + np.eye(80), hidden.T @ np.eye(4)[labels]).T
    images, labels = draw(40)
    return first, second, images.reshape(-1, 1, 12, 10), labels


def right(first, second, images, labels):
    """Which images that network gets right."""
    flat = np.asarray(images, dtype=float).reshape(len(labels), -1)
    return (np.maximum(flat @ first.T, 0) @ second.T).argmax(axis=1) == labels


def bar(attack, rng, epsilon):
    """Attack a small network that has learned something; tell whether the attack does what it must."""
    first, second, images, labels = learned_patterns(rng)
    attacked = attack(first, second, floats(images), torch.tensor(labels), epsilon)
    attacked = np.asarray(attacked, dtype=float).reshape(images.shape)
    before = right(first, second, images, labels)
    fooled = (before & ~right(first, second, attacked, labels)).sum() / before.sum()
    noisy = np.clip(images + epsilon * rng.choice([-1.0, 1.0], images.shape), 0, 1)
    by_noise = (before & ~right(first, second, noisy, labels)).sum() / before.sum()
    return {
        "no pixel has moved by more than ε": bool(np.abs(attacked - images).max() < epsilon + 1e-5),
        "no pixel is below 0 or above 1": bool(attacked.min() >= 0 and attacked.max() <= 1),
        # Over 200 draws: FGSM fools 97 % of them or more, PGD all; noise of the same size 19 % at most.
        "of the images that were right, at least 85 % are wrong now": bool(fooled >= 0.85),
        "random signs of the same size do that to less than 40 %": bool(by_noise < 0.4),
    }


# ---------------------------------------------------------------------------------------------------------------------
# fool_linear


def changed(student, weights, biases, x, target, norms=("l2", "linf")):
    """The change for each norm, and what it leads to."""
    found = {}
    weights, biases, x = floats(weights), floats(biases), floats(x)
    first = int((weights @ x + biases).argmax())
    for norm in norms:
        d = student(weights, biases, x, target, norm)
        scores = weights @ (x + floats(d)) + biases
        found[f'change, "{norm}"'] = d
        found[f'"{norm}": by how much the old class is still ahead'] = float(scores[first] - scores[target])
    return found


def linear_two_pixels(student, rng):
    """two classes, two pixels, as worked out by hand above"""
    return changed(student, [[1, 2], [-2, -2]], [0, 0], [2, 1], 1)


def linear_with_biases(student, rng):
    """two classes with biases"""
    return changed(student, [[1, 0, -1], [-1, 2, 1]], [3, -1], [1, 0, 1], 1)


def linear_three_classes(student, rng):
    """three classes: from the one that is ahead to the target, whichever comes between"""
    weights = [[1, 1, 1, -1], [2, 1, 0, 1], [0, -2, 1, 0]]
    return {
        f"towards class {target}: {name}": value
        for target in (2, 0)
        for name, value in changed(student, weights, [0.5, 0.5, -1], [2, 1, 1, 1], target).items()
    }


def linear_without_weight(student, rng):
    """a pixel whose weights are equal in both classes: it stays as it is"""
    return changed(student, [[1, 3, -2], [-1, 3, 1]], [0, 0], [4, 1, 0], 1)


def linear_target_reached(student, rng):
    """the target is ahead already: nothing has to change"""
    return changed(student, [[1, 2], [0, -1]], [0, 1], [1, 1], 0)


def linear_drawn(student, rng):
    """classifiers and images drawn at random"""
    seen = {}
    for draw in range(4):
        classes, pixels = int(rng.integers(2, 6)), int(rng.integers(3, 9))
        weights, biases, x = rng.normal(size=(classes, pixels)), rng.normal(size=classes), rng.normal(size=pixels)
        target = int(rng.integers(classes))
        found = changed(student, weights, biases, x, target)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


L2 = "return gap * w / w.square().sum()"
LINF = "return gap * w.sign() / w.abs().sum()"

FOOL_LINEAR = Exercise(
    "fool_linear",
    points=3,
    cases=[
        Case(linear_two_pixels, tolerance=CLOSE),
        Case(linear_with_biases, tolerance=CLOSE),
        Case(linear_without_weight, tolerance=CLOSE),
        Case(linear_three_classes, tolerance=CLOSE),
        Case(linear_target_reached, tolerance=CLOSE),
        Case(linear_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "along the target's template alone",
            "You add a multiple of the target's own weights. The other class's score moves too: what counts is the "
            "*difference* of the two templates.",
            ("w = weights[target] - weights[first]", "w = weights[target]"),
        ),
        Bug(
            "away from the old template alone",
            "You only take away the old class's weights. What counts is the *difference* of the two templates.",
            ("w = weights[target] - weights[first]", "w = -weights[first]"),
        ),
        Bug(
            "the wrong way",
            "You go the wrong way: the old class gets further ahead. The target's weights minus the old ones, not the "
            "reverse.",
            ("w = weights[target] - weights[first]", "w = weights[first] - weights[target]"),
        ),
        Bug(
            "biases forgotten",
            "You leave the biases out of the scores. They decide how far the target is behind.",
            ("weights @ x + biases", "weights @ x"),
        ),
        Bug(
            "divided by the length",
            "In the L2 case you divide by the length of w. Along w the scores' difference grows by ‖w‖² for each w: "
            "divide by the square.",
            (L2, "return gap * w / w.norm()"),
        ),
        Bug(
            "halfway",
            "You go half of the way. The scores have to become *equal*.",
            (L2, L2.replace("gap", "gap / 2")),
            (LINF, LINF.replace("gap", "gap / 2")),
        ),
        Bug(
            "L2 for both",
            'You ignore `norm`, and return the change with the smallest length always. For "linf" every pixel moves '
            "by the same amount.",
            (LINF, L2),
        ),
        Bug(
            "L∞ for both",
            'You ignore `norm`, and change each pixel by the same amount always. For "l2" pixels with large weights '
            "move more.",
            (L2, LINF),
        ),
        Bug(
            "signs with the length",
            'For "linf" you divide by the length of w. With the signs of w, the scores\' difference grows by the sum '
            "of the |w|.",
            (LINF, "return gap * w.sign() / w.norm()"),
        ),
        Bug(
            "signs with the squared length",
            'For "linf" you divide by the sum of the squares. With the signs of w, the scores\' difference grows by '
            "the sum of the |w|.",
            (LINF, "return gap * w.sign() / w.square().sum()"),
        ),
        Bug(
            "mean of the weights' sizes",
            'For "linf" you divide by the mean of the |w|. All pixels push together: divide by their sum.',
            (LINF, "return gap * w.sign() / w.abs().mean()"),
        ),
        Bug(
            "sum of the weights",
            'For "linf" you divide by the sum of the weights, in which plus and minus cancel. With the right sign '
            "each pixel gains |w|: add up the sizes.",
            (LINF, "return gap * w.sign() / w.sum()"),
        ),
        Bug(
            "one pixel only",
            'For "linf" you change the one pixel with the largest weight. Small for each pixel is the change if '
            "*all* of them move.",
            (LINF, "return gap * (w.abs() == w.abs().max()) / w"),
        ),
        Bug(
            "pixels without weight moved",
            'For "linf" you move pixels whose weight is 0, too. They change nothing: leave them.',
            (LINF, "return gap * torch.where(w >= 0, 1.0, -1.0) / w.abs().sum()"),
        ),
        Bug(
            "from the second class",
            "You start from the class that comes second. It is the one that is ahead that has to be caught up with.",
            ("first = scores.argmax()", "first = scores.argsort(descending=True)[1]"),
        ),
        Bug(
            "from class 0",
            "You start from class 0. Start from the class with the largest score.",
            ("first = scores.argmax()", "first = 0"),
        ),
        Bug(
            "gap of probabilities",
            "You close the gap between the probabilities as if they were scores. Work with scores: they are linear.",
            ("gap = scores[first] - scores[target]", "gap = scores.softmax(0)[first] - scores.softmax(0)[target]"),
        ),
        Bug(
            "image in place of the change",
            "You return the changed image. Asked for is the change d alone.",
            (L2, "return x + gap * w / w.square().sum()"),
            (LINF, "return x + gap * w.sign() / w.abs().sum()"),
        ),
        Bug(
            "nothing divided by nothing",
            "Where the target is ahead already you divide 0 by 0, and get NaN. Return zeros.",
            ("if first == target:", "if False:"),
        ),
    ],
    correct=[
        Correct(
            "numpy",
            """
import numpy as np
def fool_linear(weights, biases, x, target, norm):
    W, b, pixels = (np.asarray(part, dtype=float) for part in (weights, biases, x))
    s = W @ pixels + b
    difference = W[target] - W[s.argmax()]
    behind = s.max() - s[target]
    direction = difference if norm == "l2" else np.sign(difference)
    gain = difference @ direction
    return behind / gain * direction if gain > 0 else np.zeros_like(pixels)
""",
        ),
        Correct(
            "loops",
            """
def fool_linear(weights, biases, x, target, norm):
    scores = [sum(w * p for w, p in zip(row.tolist(), x.tolist())) + b for row, b in zip(weights, biases.tolist())]
    old = scores.index(max(scores))
    d = x * 0
    if old != target:
        w = [a - c for a, c in zip(weights[target].tolist(), weights[old].tolist())]
        for i, one in enumerate(w):
            if norm == "l2":
                d[i] = (scores[old] - scores[target]) * one / sum(v * v for v in w)
            elif one != 0:
                step = (scores[old] - scores[target]) / sum(abs(v) for v in w)
                d[i] = step if one > 0 else -step
    return d
""",
        ),
        Correct(
            "pseudo-inverse for L2",
            """
import torch
def fool_linear(weights, biases, x, target, norm):
    s = torch.addmv(biases, weights, x)
    best = int(s.max(0).indices)
    if best == target:
        return torch.zeros_like(x)
    row = (weights[target] - weights[best])[None]
    need = (s[best] - s[target])[None]
    if norm == "linf":
        return torch.sign(row[0]) * need / torch.linalg.vector_norm(row, 1)
    return torch.linalg.pinv(row) @ need
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# fgsm


def attacked(student, network, images, labels, epsilon, **settings):
    """The changed images."""
    return {"changed images": student(network, floats(images), torch.tensor(labels), epsilon, **settings)}


def fgsm_linear(student, rng):
    """a linear classifier with two classes, one image of 2×3"""
    network = layers(student, [[2, -1, 1, -3, 1, 2], [-1, 1, 2, 1, -2, 3]])
    return attacked(student, network, [[[[0.5, 0.25, 0.75], [0.5, 0.5, 0.25]]]], [0], 0.125)


def fgsm_at_the_border(student, rng):
    """pixels close to 0 and to 1: none leaves that range"""
    network = layers(student, [[2, -1, 1, -3], [-1, 1, 2, 1]])
    return attacked(student, network, [[[[0.0, 1.0], [0.0625, 0.9375]]]], [0], 0.25)


def fgsm_weight_zero(student, rng):
    """pixels that don't count: they stay as they are"""
    network = layers(student, [[2, 0, 1, 0, 0, -1], [-1, 0, 3, 0, 0, 2]])
    return attacked(student, network, [[[[0.5, 0.25, 0.5], [0.75, 0.5, 0.5]]]], [1], 0.125)


def fgsm_targeted(student, rng):
    """targeted: three classes, towards one of them"""
    network = layers(student, [[2, -1, 1, -3], [-1, 1, 2, 1], [0, 3, -2, -1]])
    return attacked(student, network, sixteenths(rng, 1, 1, 2, 2), [1], 0.125, targeted=True)


def fgsm_of_a_wrong_label(student, rng):
    """an image that is wrong already: the label that is given counts, not the network's answer"""
    network = layers(student, [[4, 3, 2, 4], [1, -1, 1, 0], [2, 1, -1, 5]])
    return attacked(student, network, [[[[0.75, 0.5], [0.5, 0.75]]]], [1], 0.125)


def fgsm_batch(student, rng):
    """three images with two channels and three labels"""
    network = unsure(student, rng, 12, 5, 3)
    return attacked(student, network, sixteenths(rng, 3, 2, 2, 3), [2, 0, 1], 0.0625)


def fgsm_leaves_no_trace(student, rng):
    """what is left in the network afterwards: gradients that were there before"""
    network = layers(student, whole(rng, 2, 4))
    beside(student, gradients, network, torch.ones(1, 1, 2, 2), floats([[1, -2]]))
    student(network, floats(sixteenths(rng, 1, 1, 2, 2)), torch.tensor([1]), 0.125)
    return beside(student, traces, network)


def fgsm_bar(student, rng):
    """a network that has learned to tell four patterns: most of 40 images are to become wrong"""
    return bar(lambda first, second, *rest: student(layers(student, first, second), *rest), rng, 0.125)


def fgsm_drawn(student, rng):
    """networks and images drawn at random"""
    seen = {}
    for draw in range(3):
        count, channels, height, width = (int(n) for n in rng.integers([1, 1, 2, 2], [4, 4, 5, 5]))
        network = unsure(student, rng, channels * height * width, 8, 4)
        images, labels = sixteenths(rng, count, channels, height, width), rng.integers(0, 4, count).tolist()
        settings = {"targeted": True} if draw == 1 else {}
        found = attacked(student, network, images, labels, int(rng.integers(1, 9)) / 16, **settings)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


FGSM = Exercise(
    "fgsm",
    points=4,
    cases=[
        Case(fgsm_linear, tolerance=CLOSE),
        Case(fgsm_at_the_border, tolerance=CLOSE),
        Case(fgsm_weight_zero, tolerance=CLOSE),
        Case(fgsm_targeted, tolerance=CLOSE),
        Case(fgsm_of_a_wrong_label, tolerance=CLOSE),
        Case(fgsm_batch, tolerance=CLOSE),
        Case(fgsm_leaves_no_trace, tolerance=CLOSE),
        Case(fgsm_bar),
        Case(fgsm_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "gradient in place of its signs",
            "You add ε times the gradient. Each pixel is to move by ε: take the signs.",
            ("gradient.sign()", "gradient"),
        ),
        Bug(
            "direction in place of signs",
            "You normalise the gradient to length 1. Each pixel is to move by ε: take the signs.",
            ("gradient.sign()", "gradient / gradient.norm()"),
        ),
        Bug(
            "downhill",
            "You go downhill on the loss, so that the network gets *surer*. Without a target the loss is to rise.",
            ("images - step if targeted else images + step", "images - step"),
        ),
        Bug(
            "target ignored",
            "You ignore `targeted`. Towards a target the loss of *its* label is to fall: subtract the step.",
            ("images - step if targeted else images + step", "images + step"),
        ),
        Bug(
            "target and no target exchanged",
            "You have exchanged the two: towards a target the loss falls, away from the right label it rises.",
            ("if targeted", "if not targeted"),
        ),
        Bug(
            "up the score",
            "You go up the *score* of the label, so that the network gets surer. It is the loss that is to rise.",
            (
                "torch.nn.functional.cross_entropy(network(x), labels)",
                "network(x).gather(1, labels[:, None]).sum()",
            ),
        ),
        Bug(
            "softmax before the loss",
            "You put the softmax of the scores into `cross_entropy`, which does the softmax itself: another loss, and "
            "some signs are others.",
            ("cross_entropy(network(x), labels)", "cross_entropy(network(x).softmax(1), labels)"),
        ),
        Bug(
            "score only",
            "You take only the label's own score into account, and not that others rise. Use the cross-entropy.",
            (
                "torch.nn.functional.cross_entropy(network(x), labels)",
                "-network(x).gather(1, labels[:, None]).sum()",
            ),
        ),
        Bug(
            "not cut to 0 … 1",
            "Some of your pixels are below 0 or above 1. No image can hold that: cut.",
            (".clamp(0, 1)", ""),
        ),
        Bug(
            "cut at 0 only",
            "You cut at 0 and not at 1.",
            (".clamp(0, 1)", ".clamp(min=0)"),
        ),
        Bug(
            "change cut in place of the image",
            "You cut the *change* to 0 … 1, and lose all steps downwards. Cut the changed image.",
            (
                "changed = images - step if targeted else images + step\n    return changed.clamp(0, 1)",
                "return images + (-step if targeted else step).clamp(0, 1)",
            ),
        ),
        Bug(
            "scaled to 0 … 1",
            "You scale each changed image to 0 … 1. That changes all pixels: cut, don't scale.",
            (
                "return changed.clamp(0, 1)",
                "low, high = (f(changed, dim=(1, 2, 3), keepdim=True) for f in (torch.amin, torch.amax))\n"
                "    return (changed - low) / (high - low)",
            ),
        ),
        Bug(
            "sign of 0 taken for plus",
            "You move pixels whose gradient is 0. The sign of 0 is 0: `sign()`.",
            ("gradient.sign()", "torch.where(gradient >= 0, 1.0, -1.0)"),
        ),
        Bug(
            "the network's own answer",
            "You take the network's answer for the label. Take `labels`: they may differ.",
            ("cross_entropy(network(x), labels)", "cross_entropy(network(x), network(x).argmax(1))"),
        ),
        Bug(
            "first label for all",
            "You take the first label for all images. Each image has its own.",
            ("cross_entropy(network(x), labels)", "cross_entropy(network(x), labels[:1].repeat(len(labels)))"),
        ),
        Bug(
            "ε in grey levels",
            "You divide ε by 255. Pixels and ε are both on the scale from 0 to 1 here.",
            ("epsilon * gradient", "epsilon / 255 * gradient"),
        ),
        Bug(
            "twice as far",
            "You move each pixel by 2ε. It is ε.",
            ("epsilon * gradient", "2 * epsilon * gradient"),
        ),
        Bug(
            "random signs",
            "You take random signs. They are the control: the attack takes the signs of the gradient.",
            ("gradient.sign()", "torch.randn(gradient.shape, generator=torch.Generator().manual_seed(0)).sign()"),
        ),
        Bug(
            "one sign a pixel",
            "You add up the channels and take one sign for each pixel. Each channel has its own.",
            ("gradient.sign()", "gradient.sum(dim=1, keepdim=True).sign()"),
        ),
        Bug(
            "the change alone",
            "You return the change. Asked for are the changed images.",
            ("return changed.clamp(0, 1)", "return changed.clamp(0, 1) - images"),
        ),
        Bug(
            "images changed in place",
            "You write into the images you were given. Whoever called you still needs them, to compare.",
            (
                "    changed = images - step if targeted else images + step\n",
                "    changed = images.sub_(step) if targeted else images.add_(step)\n",
            ),
        ),
        Bug(
            "gradients left in the parameters",
            "`backward()` adds to the gradients of all parameters, and whoever trains this network finds them there. "
            "`torch.autograd.grad(…, x)` gives that of the images alone.",
            ("(gradient,) = torch.autograd.grad(loss, x)", "loss.backward()\n    gradient = x.grad"),
        ),
        Bug(
            "gradients of the parameters deleted",
            "You set the gradients of the parameters back. They were not yours: somebody may be in the middle of a "
            "training step.",
            (
                "(gradient,) = torch.autograd.grad(loss, x)",
                "network.zero_grad()\n    (gradient,) = torch.autograd.grad(loss, x)",
            ),
        ),
    ],
    correct=[
        Correct(
            "each image by itself",
            """
import torch
def fgsm(network, images, labels, epsilon, targeted=False):
    found = []
    for image, label in zip(images, labels):
        x = image[None].clone().requires_grad_(True)
        log_p = network(x).log_softmax(dim=1)[0, label]
        (g,) = torch.autograd.grad(log_p, x)
        direction = 1 if targeted else -1
        found.append(torch.clamp(image + direction * epsilon * torch.sign(g[0]), 0.0, 1.0))
    return torch.stack(found)
""",
        ),
        Correct(
            "backward for the images alone",
            """
import torch
from torch import nn
def fgsm(network, images, labels, epsilon, targeted=False):
    x = nn.Parameter(images.clone())
    loss = nn.CrossEntropyLoss(reduction="sum")(network(x), labels)
    if targeted:
        loss = -loss
    torch.autograd.backward(loss, inputs=[x])
    with torch.no_grad():
        up, down = (x.grad > 0).float(), (x.grad < 0).float()
        return (x + epsilon * (up - down)).clip(0, 1).detach()
""",
        ),
        Correct(
            "functional, numpy at the end",
            """
import numpy as np
import torch
def fgsm(network, images, labels, epsilon, targeted=False):
    def loss(x):
        scores = network(x)
        return (scores.logsumexp(1) - scores[range(len(labels)), labels]).mean()
    g = torch.func.grad(loss)(images).detach().numpy()
    step = np.sign(g) * np.float32(-epsilon if targeted else epsilon)
    return np.minimum(np.maximum(images.numpy() + step, 0), 1)
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# attack_success


def success(student, before, after, labels):
    """The share, by how many images there are."""
    return {f"share, {len(labels)} image(s)": student(floats(before), floats(after), torch.tensor(labels))}


RIGHT, WRONG, ALSO_WRONG = [0.0, 3.0, 1.0], [2.0, 1.0, 1.5], [-1.0, -0.5, 0.25]
"""Scores for an image of class 1: right, and wrong in two ways."""


def success_of_one(student, rng):
    """one image that was right and is wrong now"""
    return success(student, [RIGHT], [WRONG], [1])


def success_of_four(student, rng):
    """four images that were right, one of them is wrong now"""
    return success(student, 4 * [RIGHT], [RIGHT, WRONG, RIGHT, RIGHT], [1] * 4)


def success_wrong_before(student, rng):
    """five images, of which two were wrong before: they don't count, whatever they are now"""
    return success(student, [WRONG, RIGHT, RIGHT, WRONG, RIGHT], [ALSO_WRONG, WRONG, RIGHT, RIGHT, ALSO_WRONG], [1] * 5)


def success_never_right(student, rng):
    """no image was right before: 0"""
    return success(student, [WRONG, ALSO_WRONG], [ALSO_WRONG, RIGHT], [1, 1])


def success_plain(student, rng):
    """what is returned: a plain number"""
    share = student(floats([RIGHT, RIGHT]), floats([RIGHT, WRONG]), torch.tensor([1, 1]))
    return {"it is a float": type(share) is float, "share": share}


def success_drawn(student, rng):
    """scores and labels drawn at random"""
    seen = {}
    for draw in range(4):
        count = int(rng.integers(5, 30))
        before = rng.normal(size=(count, 3))
        labels = np.where(rng.random(count) < 0.7, before.argmax(1), rng.integers(0, 3, count)).tolist()
        found = success(student, before, before + rng.normal(size=(count, 3)), labels)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


ATTACK_SUCCESS = Exercise(
    "attack_success",
    points=2,
    cases=[
        Case(success_of_one, tolerance=CLOSE),
        Case(success_plain, tolerance=CLOSE),
        Case(success_of_four, tolerance=CLOSE),
        Case(success_wrong_before, tolerance=CLOSE),
        Case(success_never_right, tolerance=CLOSE),
        Case(success_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "share of all images",
            "You divide by the number of all images. An image that was wrong before can't be fooled: divide by those "
            "that were right.",
            ("fooled.sum().item() / right.sum().item()", "fooled.sum().item() / len(labels)"),
        ),
        Bug(
            "error afterwards",
            "You return the share of wrong answers after the attack. Some of them were wrong before: they don't count.",
            ("right = before.argmax(1) == labels", "right = labels == labels"),
        ),
        Bug(
            "images that were wrong before counted",
            "You count all that are wrong afterwards, and divide by those that were right before: the share may be "
            "above 1.",
            ("fooled = right & (after.argmax(1) != labels)", "fooled = after.argmax(1) != labels"),
        ),
        Bug(
            "changed answers",
            "You count every changed answer, also from one wrong answer to another, or from wrong to right.",
            ("fooled = right & (after.argmax(1) != labels)", "fooled = after.argmax(1) != before.argmax(1)"),
        ),
        Bug(
            "changed answers, of all",
            "You return the share of all images whose answer has changed. Success is: right before, wrong after; of "
            "those that were right before.",
            (
                "fooled = right & (after.argmax(1) != labels)",
                "fooled = after.argmax(1) != before.argmax(1)\n    right = labels == labels",
            ),
        ),
        Bug(
            "loss of accuracy",
            "You subtract the two accuracies. Images that have become *right* by the attack then make it look weaker, "
            "and it is a share of all images.",
            (
                "fooled.sum().item() / right.sum().item()",
                "right.float().mean().item() - (after.argmax(1) == labels).float().mean().item()",
            ),
        ),
        Bug(
            "what withstood",
            "You return the share that withstood the attack. Asked for is the share that was fooled.",
            ("after.argmax(1) != labels", "after.argmax(1) == labels"),
        ),
        Bug(
            "number in place of the share",
            "You return how many images were fooled. Divide by those that were right before.",
            (" / right.sum().item()", " / 1"),
        ),
        Bug(
            "percent",
            "You return percent. Asked for is a share, 0 … 1.",
            ("return fooled.sum().item()", "return 100 * fooled.sum().item()"),
        ),
        Bug(
            "divided by zero",
            "If no image was right before, you divide by 0. Return 0.0 then.",
            ("if not right.any():", "if False:"),
        ),
        Bug(
            "before and after exchanged",
            "You have exchanged before and after: you count images that the attack has made right.",
            ("    right = before", "    before, after = after, before\n    right = before"),
        ),
        Bug(
            "divided by those that are right afterwards",
            "You divide by the images that are right *after* the attack. Divide by those that were right before.",
            ("/ right.sum().item()", "/ max(1, (after.argmax(1) == labels).sum().item())"),
        ),
        Bug(
            "a tensor",
            "Your share is a tensor. Take the number: `.item()`.",
            ("fooled.sum().item() / right.sum().item()", "fooled.sum() / right.sum()"),
        ),
        Bug(
            "smallest score taken",
            "You take the class with the smallest score.",
            ("right = before.argmax(1)", "right = before.argmin(1)"),
            ("(after.argmax(1)", "(after.argmin(1)"),
        ),
    ],
    correct=[
        Correct(
            "chosen by a mask",
            """
def attack_success(before, after, labels):
    right = before.max(dim=1).indices == labels
    if int(right.sum()) == 0:
        return 0.0
    return float((after[right].argmax(dim=1) != labels[right]).float().mean())
""",
        ),
        Correct(
            "counted one by one",
            """
def attack_success(before, after, labels):
    candidates = fooled = 0
    for b, a, y in zip(before.tolist(), after.tolist(), labels.tolist()):
        if b.index(max(b)) == y:
            candidates += 1
            fooled += a.index(max(a)) != y
    return fooled / candidates if candidates else 0.0
""",
        ),
        Correct(
            "one minus what withstood, in numpy",
            """
import numpy as np
def attack_success(before, after, labels):
    b, a, y = (np.asarray(part) for part in (before.argmax(-1), after.argmax(-1), labels))
    good = b == y
    return float(1 - (a == y)[good].sum() / good.sum()) if good.any() else 0.0
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# pgd


def walked(student, network, images, labels, epsilon, step, steps):
    """The changed images, by the settings of the call."""
    found = student(network, floats(images), torch.tensor(labels), epsilon, step, steps)
    return {f"images after {steps} step(s) of {step:g}, ε = {epsilon:g}": found}


def pgd_one_step(student, rng):
    """one step, shorter than ε"""
    network = layers(student, [[2, -1, 1, -3], [-1, 1, 2, 1]])
    return walked(student, network, [[[[0.5, 0.25], [0.75, 0.5]]]], [0], 0.25, 0.125, 1)


def pgd_held_back(student, rng):
    """three steps of 1/8 in one direction: held back at ε = 3/16"""
    network = layers(student, [[2, -1, 1, -3], [-1, 1, 2, 1]])
    return walked(student, network, [[[[0.5, 0.25], [0.75, 0.5]]]], [0], 0.1875, 0.125, 3)


def pgd_no_step(student, rng):
    """no step at all: the images as they are"""
    return walked(student, layers(student, whole(rng, 2, 4)), sixteenths(rng, 2, 1, 2, 2), [0, 1], 0.25, 0.125, 0)


def pgd_at_the_border(student, rng):
    """pixels close to 0 and to 1: none leaves that range"""
    network = layers(student, [[2, -1, 1, -3, 0], [-1, 1, 2, 1, 0]])
    return walked(student, network, [[[[0.0, 1.0, 0.0625, 0.9375, 0.5]]]], [0], 0.25, 0.125, 2)


def pgd_along_a_bend(student, rng):
    """a network whose slope turns on the way: a fresh gradient for each step"""
    network = layers(student, [[2, -2], [1, 3]], [[0, -2], [-2, -3]])
    return walked(student, network, [[[[0.5625, 0.5]]]], [0], 0.125, 0.125, 4)


def pgd_there_and_back(student, rng):
    """a way out of the ε-ball and back: each step is held back, not only the last"""
    network = layers(student, [[3, -3], [1, 1]], [[2, 0], [-3, 1]])
    return walked(student, network, [[[[0.4375, 0.375]]]], [0], 0.125, 0.125, 4)


def pgd_batch(student, rng):
    """three images with two channels"""
    network = unsure(student, rng, 12, 5, 3)
    return walked(student, network, sixteenths(rng, 3, 2, 2, 3), [2, 0, 1], 0.125, 0.0625, 4)


def pgd_leaves_no_trace(student, rng):
    """what is left in the network afterwards: gradients that were there before"""
    network = layers(student, whole(rng, 2, 4))
    beside(student, gradients, network, torch.ones(1, 1, 2, 2), floats([[1, -2]]))
    student(network, floats(sixteenths(rng, 1, 1, 2, 2)), torch.tensor([1]), 0.125, 0.0625, 3)
    return beside(student, traces, network)


def pgd_bar(student, rng):
    """a network that has learned to tell four patterns: most of 40 images are to become wrong"""

    def attack(first, second, images, labels, epsilon):
        return student(layers(student, first, second), images, labels, epsilon, epsilon / 4, 8)

    return bar(attack, rng, 0.125)


def pgd_drawn(student, rng):
    """networks, images and settings drawn at random"""
    seen = {}
    for draw in range(3):
        count, channels, height, width = (int(n) for n in rng.integers([1, 1, 2, 2], [4, 4, 5, 5]))
        network = unsure(student, rng, channels * height * width, 8, 4)
        images, labels = sixteenths(rng, count, channels, height, width), rng.integers(0, 4, count).tolist()
        epsilon, step, steps = int(rng.integers(1, 9)) / 16, int(rng.integers(1, 5)) / 16, int(rng.integers(1, 6))
        found = walked(student, network, images, labels, epsilon, step, steps)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


HELD = "torch.clamp(moved, images - epsilon, images + epsilon).clamp(0, 1)"

PGD = Exercise(
    "pgd",
    points=4,
    cases=[
        Case(pgd_one_step, tolerance=CLOSE),
        Case(pgd_no_step, tolerance=CLOSE),
        Case(pgd_held_back, tolerance=CLOSE),
        Case(pgd_at_the_border, tolerance=CLOSE),
        Case(pgd_along_a_bend, tolerance=CLOSE),
        Case(pgd_there_and_back, tolerance=CLOSE),
        Case(pgd_batch, tolerance=CLOSE),
        Case(pgd_leaves_no_trace, tolerance=CLOSE),
        Case(pgd_bar),
        Case(pgd_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "never held back",
            "You don't hold the change back: after some steps pixels are further than ε from where they began.",
            (HELD, "moved.clamp(0, 1)"),
        ),
        Bug(
            "held back at the end only",
            "You hold back only after the last step. A way that leaves the ε-ball takes its gradients at images that "
            "aren't allowed: hold back after each step.",
            (HELD, "moved"),
            ("return x\n", "return torch.clamp(x, images - epsilon, images + epsilon).clamp(0, 1)\n"),
        ),
        Bug(
            "held back from the step before",
            "You hold each step to ±ε of the image of the step *before*. It is ±ε of the image at the beginning.",
            (HELD, "torch.clamp(moved, x - epsilon, x + epsilon).clamp(0, 1)"),
        ),
        Bug(
            "held back by length",
            "You hold back the *length* of the change. Here no single pixel may move by more than ε: cut each one.",
            (
                HELD,
                "(images + (moved - images) * (epsilon / (moved - images).flatten(1).norm(dim=1)[:, None, None, None]"
                ".clamp(min=epsilon))).clamp(0, 1)",
            ),
        ),
        Bug(
            "always at the rim",
            "You put every pixel at exactly ±ε. It may move by *at most* ε: cut, don't stretch.",
            (HELD, "(images + epsilon * (moved - images).sign()).clamp(0, 1)"),
        ),
        Bug(
            "not cut to 0 … 1",
            "Some of your pixels are below 0 or above 1. No image can hold that.",
            (".clamp(0, 1)", ""),
        ),
        Bug(
            "one gradient for all steps",
            "You take the gradient once, at the first image, and go on along it. Take a fresh one where you are.",
            (
                "        (gradient,) = torch.autograd.grad(loss, x)\n",
                "        if _ == 0:\n            (gradient,) = torch.autograd.grad(loss, x)\n",
            ),
        ),
        Bug(
            "gradients pile up",
            "You let the gradients add up from step to step: `backward()` adds to `x.grad`. Set it back, or use "
            "`torch.autograd.grad`.",
            ("    x = images.clone()\n", "    x = images.clone()\n    before = 0\n"),
            (
                "        (gradient,) = torch.autograd.grad(loss, x)\n",
                "        gradient = before = before + torch.autograd.grad(loss, x)[0]\n",
            ),
        ),
        Bug(
            "steps of ε",
            "Each of your steps is ε long. It is `step`.",
            ("step * gradient", "epsilon * gradient"),
        ),
        Bug(
            "steps of ε divided by their number",
            "Each of your steps is ε/steps long. It is `step`.",
            ("step * gradient", "epsilon / steps * gradient"),
        ),
        Bug(
            "downhill",
            "You go downhill on the loss: the network gets surer. The loss is to rise.",
            ("x.detach() + step", "x.detach() - step"),
        ),
        Bug(
            "gradient in place of its signs",
            "Your steps follow the gradient itself. Each pixel moves by `step`: take the signs.",
            ("gradient.sign()", "gradient"),
        ),
        Bug(
            "a step too many",
            "You take one step more than `steps`.",
            ("range(steps)", "range(steps + 1)"),
        ),
        Bug(
            "one step only",
            "You take a single step. There are `steps`.",
            ("range(steps)", "range(min(1, steps))"),
        ),
        Bug(
            "random beginning",
            "You begin at a random place within ±ε. Many do; here you begin at the images themselves.",
            (
                "x = images.clone()\n",
                "generator = torch.Generator().manual_seed(0)\n"
                "    x = images + epsilon * (2 * torch.rand(images.shape, generator=generator) - 1)\n",
            ),
        ),
        Bug(
            "the network's own answer",
            "You take the network's answer for the label, at each step anew. Once it is wrong you walk away from "
            "*that* answer: take `labels`.",
            ("cross_entropy(network(x), labels)", "cross_entropy(network(x), network(x).argmax(1))"),
        ),
        Bug(
            "the change alone",
            "You return the change. Asked for are the changed images.",
            ("return x\n", "return x - images\n"),
        ),
        Bug(
            "gradients left in the parameters",
            "`backward()` adds to the gradients of all parameters, and whoever trains this network finds them there. "
            "`torch.autograd.grad(…, x)` gives that of the images alone.",
            ("(gradient,) = torch.autograd.grad(loss, x)", "loss.backward()\n        gradient = x.grad"),
        ),
        Bug(
            "images changed in place",
            "You write into the images you were given. So ±ε of them moves along, and whoever called you still needs "
            "them.",
            (f"x = {HELD}", f"x = images.copy_({HELD}).clone()"),
        ),
    ],
    correct=[
        Correct(
            "the change is kept, not the image",
            """
import torch
def pgd(network, images, labels, epsilon, step, steps):
    low, high = (-images).clamp(min=-epsilon), (1 - images).clamp(max=epsilon)
    d = torch.zeros_like(images)
    for _ in range(steps):
        d.requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(network(images + d), labels, reduction="sum")
        (g,) = torch.autograd.grad(loss, [d])
        d = torch.minimum(torch.maximum(d.detach() + step * g.sign(), low), high)
    return images + d
""",
        ),
        Correct(
            "image by image, backward for the image alone",
            """
import torch
def pgd(network, images, labels, epsilon, step, steps):
    out = []
    for image, label in zip(images.split(1), labels.split(1)):
        x = torch.nn.Parameter(image.clone())
        for _ in range(steps):
            x.grad = None
            torch.nn.functional.nll_loss(network(x).log_softmax(1), label).backward(inputs=[x])
            with torch.no_grad():
                x += step * torch.sign(x.grad)
                x.copy_(x.clamp(0, 1))
                x.copy_(image + (x - image).clip(-epsilon, epsilon))
        out.append(x.detach())
    return torch.cat(out)
""",
        ),
        Correct(
            "functional, recursive",
            """
import torch
from torch.func import grad
def pgd(network, images, labels, epsilon, step, steps):
    slope = grad(lambda x: torch.nn.functional.cross_entropy(network(x), labels))
    def walk(x, left):
        if not left:
            return x
        y = x + step * slope(x).sign()
        y = torch.where(y > images + epsilon, images + epsilon, torch.where(y < images - epsilon, images - epsilon, y))
        return walk(y.clamp(0, 1).detach(), left - 1)
    return walk(images.clone(), steps)
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# shape_bias


def biased(student, answers, shapes, textures):
    """The bias, by how many images there are."""
    return {f"shape bias of {len(answers)} image(s)": student(*map(torch.tensor, (answers, shapes, textures)))}


def bias_of_one(student, rng):
    """one image, called by its shape; one image, called by its texture"""
    return biased(student, [2], [2], [0]) | {
        "called by its texture: " + k: v for k, v in biased(student, [0], [2], [0]).items()
    }


def bias_of_four(student, rng):
    """four images, one of them called by its shape"""
    return biased(student, [1, 0, 0, 2], [1, 1, 2, 0], [0, 0, 0, 2])


def bias_with_other_answers(student, rng):
    """answers that are neither shape nor texture: they don't count"""
    return biased(student, [0, 3, 1, 3, 2], [0, 0, 2, 1, 2], [1, 1, 1, 2, 0])


def bias_without_conflict(student, rng):
    """images whose shape and texture say the same: they don't count, whatever the answer"""
    return biased(student, [1, 1, 2, 0, 0], [1, 1, 2, 1, 1], [0, 1, 2, 0, 0])


def bias_of_nothing(student, rng):
    """no image decides anything: None"""
    return biased(student, [3, 1], [1, 1], [0, 1])


def bias_drawn(student, rng):
    """answers drawn at random"""
    seen = {}
    for draw in range(4):
        count = int(rng.integers(8, 30))
        shapes, textures = rng.integers(0, 4, (2, count))
        guess = np.where(rng.random(count) < 0.3, shapes, textures)
        answers = np.where(rng.random(count) < 0.2, rng.integers(0, 4, count), guess)
        found = biased(student, answers.tolist(), shapes.tolist(), textures.tolist())
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


SHAPE_BIAS = Exercise(
    "shape_bias",
    points=2,
    cases=[
        Case(bias_of_one, tolerance=CLOSE),
        Case(bias_of_four, tolerance=CLOSE),
        Case(bias_with_other_answers, tolerance=CLOSE),
        Case(bias_without_conflict, tolerance=CLOSE),
        Case(bias_of_nothing),
        Case(bias_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "share of all images",
            "You divide by the number of all images. Only those count that were called by their shape or by their "
            "texture.",
            ("by_shape / (by_shape + by_texture)", "by_shape / len(answers)"),
        ),
        Bug(
            "share of all conflicts",
            "You divide by all images with a conflict. Answers that are neither don't count: divide by shape plus "
            "texture decisions.",
            ("by_shape / (by_shape + by_texture)", "by_shape / conflict.sum().item()"),
        ),
        Bug(
            "images without conflict counted",
            "You count images whose shape and texture say the same. They tell nothing about what the network went by.",
            ("conflict = shapes != textures", "conflict = shapes == shapes"),
        ),
        Bug(
            "images without conflict counted as shape",
            "You count images whose shape and texture say the same as decisions by shape. They tell nothing about what "
            "the network went by.",
            ("by_shape = (conflict & (answers == shapes))", "by_shape = (answers == shapes)"),
        ),
        Bug(
            "images without conflict counted as texture",
            "You count images whose shape and texture say the same as decisions by texture. They tell nothing about "
            "what the network went by.",
            ("by_texture = (conflict & (answers == textures))", "by_texture = (answers == textures)"),
        ),
        Bug(
            "everything else is texture",
            "You take each answer that isn't the shape for the texture. Some are neither: they don't count.",
            ("(answers == textures)", "(answers != shapes)"),
        ),
        Bug(
            "texture bias",
            "You return the share of decisions by texture. Asked for is that by shape.",
            ("by_shape / (by_shape", "by_texture / (by_shape"),
        ),
        Bug(
            "shape against texture",
            "You divide shape decisions by texture decisions. Asked for is the share: shape / (shape + texture).",
            ("by_shape / (by_shape + by_texture)", "by_shape / max(1, by_texture)"),
        ),
        Bug(
            "percent",
            "You return percent. Asked for is a share, 0 … 1.",
            ("return by_shape", "return 100 * by_shape"),
        ),
        Bug(
            "number of decisions",
            "You return how many were decided by shape. Divide by shape plus texture decisions.",
            ("by_shape / (by_shape + by_texture)", "by_shape"),
        ),
        Bug(
            "difference of the two",
            "You subtract the texture decisions. Asked for is the share of shape decisions.",
            ("by_shape / (by_shape + by_texture)", "(by_shape - by_texture) / (by_shape + by_texture)"),
        ),
        Bug(
            "0 for nothing",
            "If nothing was decided you return 0. That would say *always texture*: return None.",
            ("return None", "return 0.0"),
        ),
        Bug(
            "a half for nothing",
            "If nothing was decided you return a half. That would say *as often as not*: return None.",
            ("return None", "return 0.5"),
        ),
        Bug(
            "divided by zero",
            "If nothing was decided you divide by 0. Return None then.",
            ("if by_shape + by_texture == 0:", "if False:"),
        ),
    ],
    correct=[
        Correct(
            "one by one",
            """
def shape_bias(answers, shapes, textures):
    decisions = []
    for answer, shape, texture in zip(answers.tolist(), shapes.tolist(), textures.tolist()):
        if shape != texture and answer in (shape, texture):
            decisions.append(answer == shape)
    return sum(decisions) / len(decisions) if decisions else None
""",
        ),
        Correct(
            "masked mean",
            """
import torch
def shape_bias(answers, shapes, textures):
    shape, texture = answers.eq(shapes), answers.eq(textures)
    decided = torch.logical_xor(shape, texture)
    return shape[decided].double().mean().item() if decided.any() else None
""",
        ),
        Correct(
            "numpy",
            """
import numpy as np
def shape_bias(answers, shapes, textures):
    a, s, t = (np.asarray(part) for part in (answers, shapes, textures))
    a, s, t = a[s != t], s[s != t], t[s != t]
    count = np.isin(a - s, 0).sum(), np.isin(a - t, 0).sum()
    return None if not sum(count) else float(count[0] / sum(count))
""",
        ),
    ],
)
