"""What a decision rests on: occlusion, the gradient of a score, the image that climbs it, in networks of few pixels."""

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import whole
from visionlab.checks.handle import beside
from visionlab.checks.networks import Watched, gradients, perceptron, traces

CLOSE = Tolerance(1e-4, 2e-5)


def floats(array):
    """The numbers of an array as a float32 tensor."""
    return torch.tensor(np.asarray(array), dtype=torch.float32)


def layers(student, *weights):
    """Linear layers of these weights, ReLUs between them, in mode "eval"."""
    return beside(student, perceptron, *map(floats, weights))


def in_training(student, network):
    """The network behind a dropout that drops everything, in mode "train"."""
    dropping = beside(student, torch.nn.Sequential, beside(student, torch.nn.Dropout, 1.0), network)
    dropping.train()
    return dropping


# ---------------------------------------------------------------------------------------------------------------------
# occlusion_map


def drops(student, network, image, label, side, stride, fill):
    """The map, by the sizes of the call."""
    _, height, width = np.shape(image)
    found = student(network, floats(image), label, side, stride, floats(fill))
    return {f"drops for {height}×{width} pixels, side {side}, stride {stride}": found}


def covered_single_pixels(student, rng):
    """a window of one pixel, an image of 1×2×3, a linear classifier"""
    network = layers(student, [[1, 0, 2, 0, -1, 0], [0, 1, 0, 0, 0, 1]])
    return drops(student, network, [[[1, 2, 1], [0, 1, 2]]], 0, 1, 1, [0])


def covered_at_the_border(student, rng):
    """a window of 2×2, an image of 3×5: the last windows reach over the border"""
    network = layers(student, whole(rng, 2, 15) / 4)
    return drops(student, network, whole(rng, 1, 3, 5), 1, 2, 2, [0])


def covered_overlapping(student, rng):
    """windows of 3×3 that overlap, stride 1"""
    network = layers(student, whole(rng, 3, 20) / 4)
    return drops(student, network, whole(rng, 1, 5, 4), 0, 3, 1, [1])


def covered_with_gaps(student, rng):
    """a stride larger than the window: some pixels are never covered"""
    network = layers(student, whole(rng, 2, 35) / 4)
    return drops(student, network, whole(rng, 1, 5, 7), 0, 2, 3, [0])


def covered_in_colour(student, rng):
    """two channels, each filled with its own value"""
    network = layers(student, whole(rng, 3, 24) / 4)
    return drops(student, network, whole(rng, 2, 4, 3), 2, 2, 2, [1, -2])


def covered_for_a_wrong_label(student, rng):
    """a label that the network doesn't give: its own probability is followed, and may rise"""
    network = layers(student, [[2, 1, 0, 1], [0, -1, 1, 0], [1, 0, -1, 0]])
    return drops(student, network, [[[1, 2], [1, 0.5]]], 1, 1, 1, [0])


def covered_wholly(student, rng):
    """a window larger than the image"""
    network = layers(student, whole(rng, 2, 6) / 2)
    return drops(student, network, whole(rng, 1, 2, 3), 0, 5, 5, [0.5])


def covered_without_autograd(student, rng):
    """how the network is used"""
    network = beside(student, Watched, layers(student, whole(rng, 2, 6)))
    network.eval()
    student(network, floats(whole(rng, 1, 2, 3)), 0, 1, 1, floats([0]))
    return {"autograd was watching": any(watched for _, _, watched in network.seen)}


def covered_drawn(student, rng):
    """images, windows and networks drawn at random"""
    seen = {}
    for draw in range(3):
        channels, height, width, side, stride = (int(n) for n in rng.integers([1, 2, 2, 1, 1], [4, 6, 7, 4, 4]))
        weights = whole(rng, 5, channels * height * width) / 2, whole(rng, 3, 5) / 2
        image, label = whole(rng, channels, height, width), int(rng.integers(3))
        found = drops(student, layers(student, *weights), image, label, side, stride, whole(rng, channels) / 2)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


OCCLUSION_MAP = Exercise(
    "occlusion_map",
    points=4,
    cases=[
        Case(covered_single_pixels, tolerance=CLOSE),
        Case(covered_for_a_wrong_label, tolerance=CLOSE),
        Case(covered_at_the_border, tolerance=CLOSE),
        Case(covered_overlapping, tolerance=CLOSE),
        Case(covered_with_gaps, tolerance=CLOSE),
        Case(covered_in_colour, tolerance=CLOSE),
        Case(covered_wholly, tolerance=CLOSE),
        Case(covered_without_autograd),
        Case(covered_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "windows pile up",
            "You cover one place after the other in the same copy, so that in the end the whole image is covered. Take "
            "a fresh copy of the image for each place.",
            ("                covered = image.clone()\n", ""),
            ("    with torch.no_grad():\n", "    covered = image.clone()\n    with torch.no_grad():\n"),
        ),
        Bug(
            "image itself covered",
            "You write into the image you were given, and the windows pile up in it. Work on a copy: `clone()`.",
            ("covered = image.clone()", "covered = image"),
        ),
        Bug(
            "rise in place of drop",
            "Your sign is the other way round. Asked for is how much is *lost*: before minus after.",
            ("drops[i, j] = whole - network", "drops[i, j] = -whole + network"),
        ),
        Bug(
            "probability in place of drop",
            "You return the probability that is left. Asked for is the drop: before minus after.",
            ("whole - network(", "network("),
        ),
        Bug(
            "drop of the score",
            "You compare scores. Asked for is the drop of the *probability*: softmax first.",
            (".softmax(1)", ""),
        ),
        Bug(
            "drop of the log-probability",
            "You compare logarithms of probabilities. Asked for is the drop of the probability itself.",
            (".softmax(1)", ".log_softmax(1)"),
        ),
        Bug(
            "share of what was there",
            "You divide the drop by the probability of the whole image. Asked for is the difference alone.",
            ("return drops", "return drops / whole"),
        ),
        Bug(
            "the first answer followed",
            "You follow the class that is most probable, which may be another one each time. Follow `label`.",
            (
                "whole - network(covered[None]).softmax(1)[0, label]",
                "whole - network(covered[None]).softmax(1)[0].max()",
            ),
            ("whole = network(image[None]).softmax(1)[0, label]", "whole = network(image[None]).softmax(1)[0].max()"),
        ),
        Bug(
            "the network's own answer followed",
            "You follow the class that the network gives to the whole image. Follow `label`, which may be another one.",
            (
                "        whole = network(image[None]).softmax(1)[0, label]\n",
                "        label = network(image[None])[0].argmax()\n"
                "        whole = network(image[None]).softmax(1)[0, label]\n",
            ),
        ),
        Bug(
            "rises set to 0",
            "You set negative drops to 0. That covering something *helps* is worth knowing: keep the sign.",
            ("return drops", "return drops.clamp(min=0)"),
        ),
        Bug(
            "windows that fit only",
            "You leave out windows that reach over the border. A window begins at every `stride`-th row and column of "
            "the image; what doesn't fit is cut off.",
            (
                "range(0, height, stride), range(0, width, stride)",
                "range(0, max(1, height - side + 1), stride), range(0, max(1, width - side + 1), stride)",
            ),
        ),
        Bug(
            "last window moved inwards",
            "You move windows at the border inwards until they fit. They stay where they begin, and are cut off.",
            (
                "        for i, top in enumerate(tops):\n",
                "        tops = [max(0, min(top, height - side)) for top in tops]\n"
                "        lefts = [max(0, min(left, width - side)) for left in lefts]\n"
                "        for i, top in enumerate(tops):\n",
            ),
        ),
        Bug(
            "windows centred",
            "You put the middle of the window on the place. The window *begins* there.",
            (
                "covered[:, top : top + side, left : left + side]",
                "covered[:, max(0, top - side // 2) : top - side // 2 + side,"
                " max(0, left - side // 2) : left - side // 2 + side]",
            ),
        ),
        Bug(
            "window one too large",
            "Your window has side + 1 rows and columns: a slice ends *before* its second number.",
            ("top + side, left : left + side]", "top + side + 1, left : left + side + 1]"),
        ),
        Bug(
            "stride ignored",
            "You move the window by its own side. It moves by `stride`.",
            ("range(0, height, stride), range(0, width, stride)", "range(0, height, side), range(0, width, side)"),
        ),
        Bug(
            "taken for square",
            "You take as many columns as rows. Images need not be square.",
            ("range(0, width, stride)", "range(0, height, stride)"),
        ),
        Bug(
            "map transposed",
            "Rows and columns of your map are exchanged: a row of the map belongs to a row of the image.",
            ("return drops", "return drops.T"),
        ),
        Bug(
            "filled with zeros",
            "You fill the window with zeros. It is filled with `fill`, a value for each channel.",
            ("= fill[:, None, None]", "= 0"),
        ),
        Bug(
            "one value for all channels",
            "You fill all channels with the first value. Each channel has its own.",
            ("= fill[:, None, None]", "= fill[0]"),
        ),
        Bug(
            "all but the window covered",
            "You cover everything *but* the window. That answers another question: what is sufficient.",
            (
                "                covered = image.clone()\n"
                "                covered[:, top : top + side, left : left + side] = fill[:, None, None]\n",
                "                covered = fill[:, None, None].expand_as(image).clone()\n"
                "                part = (slice(None), slice(top, top + side), slice(left, left + side))\n"
                "                covered[part] = image[part]\n",
            ),
        ),
        Bug(
            "fill added",
            "You add the fill to what is there. It comes *in place of* the pixels.",
            ("= fill[:, None, None]", "+= fill[:, None, None]"),
        ),
        Bug(
            "softmax over the wrong axis",
            "You take the softmax over the images of the batch. Probabilities add up to 1 over the *classes*: axis 1.",
            (".softmax(1)", ".softmax(0)"),
        ),
        Bug(
            "autograd watches",
            "You let autograd watch. Nobody wants gradients here, and they cost memory: `with torch.no_grad():`.",
            ("with torch.no_grad():", "if True:"),
        ),
    ],
    correct=[
        Correct(
            "one batch",
            """
import torch
@torch.no_grad()
def occlusion_map(network, image, label, side, stride, fill):
    channels, height, width = image.shape
    places = [(top, left) for top in range(0, height, stride) for left in range(0, width, stride)]
    batch = image.repeat(len(places) + 1, 1, 1, 1)
    for one, (top, left) in zip(batch, places):
        one[:, top : top + side, left : left + side] = fill.view(channels, 1, 1)
    p = network(batch).softmax(dim=1)[:, label]
    return (p[-1] - p[:-1]).reshape(-(-height // stride), -1)
""",
        ),
        Correct(
            "masks",
            """
import torch
def occlusion_map(network, image, label, side, stride, fill):
    _, height, width = image.shape
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    lines = []
    with torch.no_grad():
        before = network(image[None]).softmax(-1)[0][label]
        for top in range(0, height, stride):
            line = []
            for left in range(0, width, stride):
                mask = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
                after = network(torch.where(mask, fill[:, None, None], image).unsqueeze(0)).softmax(-1)[0][label]
                line.append(before - after)
            lines.append(torch.stack(line))
    return torch.stack(lines)
""",
        ),
        Correct(
            "numpy, exponentials by hand",
            """
import numpy as np
import torch
def occlusion_map(network, image, label, side, stride, fill):
    def probability(pixels):
        with torch.inference_mode():
            s = network(torch.from_numpy(pixels[None])).numpy()[0].astype(float)
        e = np.exp(s - s.max())
        return e[label] / e.sum()
    pixels = image.numpy()
    height, width = pixels.shape[1:]
    found = np.empty((int(np.ceil(height / stride)), int(np.ceil(width / stride))))
    for i, j in np.ndindex(*found.shape):
        other = pixels.copy()
        for channel, value in enumerate(fill.numpy()):
            other[channel, i * stride : i * stride + side, j * stride : j * stride + side] = value
        found[i, j] = probability(pixels) - probability(other)
    return found
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# saliency


def mapped(student, network, images, labels):
    """The maps of some images."""
    return {"maps": student(network, floats(images), torch.tensor(labels))}


def saliency_of_a_linear_classifier(student, rng):
    """a linear classifier, one image of 2×3, for each of its two classes"""
    network = layers(student, [[1, -2, 0, 4, -3, 1], [2, 0, -5, 1, 1, -1]])
    image = [[[[1, 0, 2], [1, 1, 0]]]]
    return {f"map for class {k}": student(network, floats(image), torch.tensor([k])) for k in (0, 1)}


def saliency_of_colours(student, rng):
    """two channels: the larger gradient of the two, whatever its sign"""
    network = layers(student, [[1, -6, 2, 3, -4, 5, 1, -3], [0, 1, 0, 0, 1, 0, 2, 0]])
    return mapped(student, network, whole(rng, 1, 2, 2, 2), [0])


def saliency_where_it_is_certain(student, rng):
    """a network that is sure: probability and loss hardly change any more, the score does"""
    network = layers(student, [[9, -8, 7, 9], [0, 1, 0, 0], [0, 0, 2, 0]])
    return mapped(student, network, [[[[3, 0], [2, 3]]]], [0])


def saliency_behind_a_relu(student, rng):
    """two layers with a ReLU between them: the map depends on the image"""
    network = layers(student, [[1, 2, -1, 0, 1, 0], [-1, 0, 0, 2, 0, 1]], [[2, -1], [1, 3]])
    images = [[[[1, 1, 0], [0, 1, 1]]], [[[-1, 0, 1], [2, 0, 1]]]]
    return {f"map of image {i}": student(network, floats([one]), torch.tensor([0])) for i, one in enumerate(images)}


def saliency_of_a_batch(student, rng):
    """three images with three labels"""
    network = layers(student, whole(rng, 4, 6), whole(rng, 3, 4))
    return mapped(student, network, whole(rng, 3, 1, 3, 2), [2, 0, 1])


def saliency_in_training(student, rng):
    """a network in training, with a dropout that lets nothing through"""
    network = in_training(student, layers(student, whole(rng, 2, 4)))
    seen = mapped(student, network, whole(rng, 1, 1, 2, 2), [1])
    return seen | {"mode afterwards": beside(student, traces, network)["mode"]}


def saliency_leaves_no_trace(student, rng):
    """what is left in the network afterwards: gradients that were there before, mode, frozen weights"""
    network = layers(student, whole(rng, 2, 4))
    beside(student, gradients, network, torch.ones(1, 1, 2, 2), floats([[1, -2]]))
    student(network, floats(whole(rng, 1, 1, 2, 2)), torch.tensor([1]))
    return beside(student, traces, network)


def saliency_drawn(student, rng):
    """images and networks drawn at random"""
    seen = {}
    for draw in range(3):
        count, channels, height, width = (int(n) for n in rng.integers([1, 1, 2, 2], [4, 4, 5, 5]))
        network = layers(student, rng.normal(size=(6, channels * height * width)), rng.normal(size=(4, 6)))
        labels = rng.integers(0, 4, count).tolist()
        found = mapped(student, network, rng.normal(size=(count, channels, height, width)), labels)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


GRADIENT = "(gradient,) = torch.autograd.grad(chosen, x)"

SALIENCY = Exercise(
    "saliency",
    points=4,
    cases=[
        Case(saliency_of_a_linear_classifier, tolerance=CLOSE),
        Case(saliency_where_it_is_certain, tolerance=CLOSE),
        Case(saliency_of_colours, tolerance=CLOSE),
        Case(saliency_behind_a_relu, tolerance=CLOSE),
        Case(saliency_of_a_batch, tolerance=CLOSE),
        Case(saliency_in_training, tolerance=CLOSE),
        Case(saliency_leaves_no_trace, tolerance=CLOSE),
        Case(saliency_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "gradient of the loss",
            "You take the gradient of the cross-entropy. It vanishes where the network is sure, and mixes in all other "
            "classes: take the score itself.",
            (
                "scores.gather(1, labels[:, None]).sum()",
                'torch.nn.functional.cross_entropy(scores, labels, reduction="sum")',
            ),
        ),
        Bug(
            "gradient of the probability",
            "You take the gradient of the probability. It vanishes where the network is sure, and can rise because "
            "*other* scores fall: take the score, before the softmax.",
            ("scores.gather", "scores.softmax(1).gather"),
        ),
        Bug(
            "no absolute value",
            "You keep the sign. Asked for is the size of the gradient: `abs()`.",
            ("gradient.abs().amax(dim=1)", "gradient.amax(dim=1)"),
        ),
        Bug(
            "absolute value after the maximum",
            "You take the maximum first and the absolute value then. A large negative gradient gets lost: the other "
            "way round.",
            ("gradient.abs().amax(dim=1)", "gradient.amax(dim=1).abs()"),
        ),
        Bug(
            "sum of the channels",
            "You add up the sizes of the channels. Asked for is the largest.",
            ("gradient.abs().amax(dim=1)", "gradient.abs().sum(dim=1)"),
        ),
        Bug(
            "channels added up with their signs",
            "You add up the channels with their signs, so that they cancel each other. Asked for is the largest size.",
            ("gradient.abs().amax(dim=1)", "gradient.sum(dim=1).abs()"),
        ),
        Bug(
            "mean of the channels",
            "You average the sizes of the channels. Asked for is the largest.",
            ("gradient.abs().amax(dim=1)", "gradient.abs().mean(dim=1)"),
        ),
        Bug(
            "length over the channels",
            "You take the length of the gradient over the channels. Asked for is the largest size.",
            ("gradient.abs().amax(dim=1)", "gradient.norm(dim=1)"),
        ),
        Bug(
            "channels kept",
            "Your map has the shape of the images. Asked for is one number a pixel, (N, H, W).",
            ("gradient.abs().amax(dim=1)", "gradient.abs()"),
        ),
        Bug(
            "the first answer in place of the label",
            "You take the class with the largest score. Asked for is the class in `labels`.",
            ("labels[:, None]", "scores.argmax(1)[:, None]"),
        ),
        Bug(
            "all scores",
            "You take the gradient of the sum of all scores. Asked for is the score of one class for each image.",
            ("scores.gather(1, labels[:, None]).sum()", "scores.sum()"),
        ),
        Bug(
            "first label for all",
            "You take the first label for all images. Each image has its own.",
            ("labels[:, None]", "labels[:1].repeat(len(labels))[:, None]"),
        ),
        Bug(
            "mean over the batch",
            "You average the scores of the batch, and each gradient is divided by the number of images. Add them up: "
            "no image's score depends on another image.",
            ("scores.gather(1, labels[:, None]).sum()", "scores.gather(1, labels[:, None]).mean()"),
        ),
        Bug(
            "gradient times image",
            "You multiply the gradient by the image. That is another kind of map.",
            ("gradient.abs().amax(dim=1)", "(gradient * x).detach().abs().amax(dim=1)"),
        ),
        Bug(
            "scaled to 1",
            "You divide by the largest value. Return the gradient's size as it is: only so can maps be compared.",
            (
                "return gradient.abs().amax(dim=1)",
                "size = gradient.abs().amax(dim=1)\n    return size / size.amax(dim=(1, 2), keepdim=True)",
            ),
        ),
        Bug(
            "mode left as it was",
            "You leave the network in training mode, in which dropout drops at random: `network.eval()`.",
            ("    network.eval()\n", ""),
        ),
        Bug(
            "mode not set back",
            'You leave the network in mode "eval". Set it back to the mode in which it came.',
            ("    network.train(was_training)\n", ""),
        ),
        Bug(
            "always set to training",
            'You leave the network in mode "train", whatever it was in before. Keep `network.training` at the '
            "beginning.",
            ("network.train(was_training)", "network.train()"),
        ),
        Bug(
            "gradients left in the parameters",
            "`backward()` adds to the gradients of all parameters, and whoever trains this network finds them there. "
            "`torch.autograd.grad(…, x)` gives that of the image alone.",
            (GRADIENT, "chosen.backward()\n    gradient = x.grad"),
        ),
        Bug(
            "gradients of the parameters deleted",
            "You set the gradients of the parameters back. They were not yours: somebody may be in the middle of a "
            "training step.",
            (GRADIENT, "chosen.backward()\n    network.zero_grad()\n    gradient = x.grad"),
        ),
        Bug(
            "weights left frozen",
            "You leave the network's weights frozen (`requires_grad` is False): it can't be trained any more.",
            ("    network.eval()\n", "    network.eval()\n    network.requires_grad_(False)\n"),
        ),
        Bug(
            "maximum over the images",
            "You take the maximum over the images. The axis of the channels is the second: `dim=1`.",
            ("amax(dim=1)", "amax(dim=0)"),
        ),
    ],
    correct=[
        Correct(
            "one image after the other",
            """
import torch
def saliency(network, images, labels):
    mode, maps = network.training, []
    network.eval()
    for image, label in zip(images, labels.tolist()):
        x = image.clone()[None].requires_grad_()
        (g,) = torch.autograd.grad(network(x)[0, label], x)
        maps.append(g[0].abs().max(dim=0)[0])
    network.train(mode)
    return torch.stack(maps)
""",
        ),
        Correct(
            "the one-hot vector sent back",
            """
import torch
from torch import nn
def saliency(network, images, labels):
    was = network.training
    network.train(False)
    x = images.detach().clone().requires_grad_()
    scores = network(x)
    one_hot = nn.functional.one_hot(labels, scores.shape[1]).to(scores.dtype)
    scores.backward(gradient=one_hot, inputs=[x])
    if was:
        network.train()
    return x.grad.abs().max(1).values
""",
        ),
        Correct(
            "functional, in numpy at the end",
            """
import torch
from torch.func import grad
def saliency(network, images, labels):
    before = network.training
    network.eval()
    try:
        g = grad(lambda x: network(x)[torch.arange(len(x)), labels].sum())(images)
    finally:
        network.train(before)
    return abs(g.detach().numpy()).max(axis=1)
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# maximise_class


def climbed(student, network, start, label, steps, rate, strength):
    """Where a climb ends, by the settings of the call."""
    found = student(network, floats(start), label, steps, rate, strength)
    return {f"image after {steps} step(s) of length {rate:g}, λ = {strength:g}": found}


def climb_one_step(student, rng):
    """one step on a linear classifier"""
    network = layers(student, [[3, 0, -4, 0], [1, 2, 1, 0]])
    return climbed(student, network, [[[1, 0], [2, -1]]], 0, 1, 5, 0)


def climb_no_step(student, rng):
    """no step at all: the image that it starts with"""
    return climbed(student, layers(student, whole(rng, 2, 6)), whole(rng, 1, 2, 3), 1, 0, 1, 0.25)


def climb_with_a_pull(student, rng):
    """one step with λ: the image is pulled towards 0"""
    network = layers(student, [[3, 0, -4, 0], [1, 2, 1, 0]])
    return climbed(student, network, [[[1, -2], [2, 4]]], 0, 1, 2, 0.5)


def climb_several_steps(student, rng):
    """three steps with λ, two channels"""
    network = layers(student, rng.normal(size=(8, 12)), rng.normal(size=(3, 8)))
    return climbed(student, network, whole(rng, 2, 2, 3), 2, 3, 0.5, 0.25)


def climb_along_a_bend(student, rng):
    """a ReLU that comes on along the way: a fresh gradient for each step"""
    network = layers(student, [[1, 0], [1, 2]], [[1, 4], [0, 1]])
    start = [[[0.5, -1]]]
    return climbed(student, network, start, 0, 4, 1, 0) | climbed(student, network, start, 0, 4, 1, 0.25)


def climb_without_a_slope(student, rng):
    """a score with gradient 0: the image stays"""
    network = layers(student, [[1, 1, 1, 1]], [[2], [1]])
    return climbed(student, network, [[[-1, -2], [-3, -1]]], 0, 2, 1, 0)


def climb_where_it_is_certain(student, rng):
    """a network that is sure already: its score goes on rising, its probability can't"""
    network = layers(student, [[9, 8, 0, 1], [0, -9, 2, 0], [1, 0, 0, -9]])
    return climbed(student, network, [[[4, 5], [0, 1]]], 0, 2, 1, 0)


def climb_leaves_no_trace(student, rng):
    """what is left in the network afterwards: gradients that were there before"""
    network = layers(student, whole(rng, 2, 4))
    beside(student, gradients, network, torch.ones(1, 1, 2, 2), floats([[1, -2]]))
    student(network, floats(whole(rng, 1, 2, 2)), 0, 3, 1.0, 0.5)
    return beside(student, traces, network)


def climbs_drawn(student, rng):
    """networks, images and settings drawn at random"""
    seen = {}
    for draw in range(3):
        channels, height, width, label = (int(n) for n in rng.integers([1, 2, 2, 0], [4, 4, 5, 3]))
        network = layers(student, rng.normal(size=(9, channels * height * width)), rng.normal(size=(3, 9)))
        start, settings = rng.normal(size=(channels, height, width)), (int(rng.integers(1, 5)), 0.5, 0.25)
        found = climbed(student, network, start, label, *settings)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


OBJECTIVE = "network(x[None])[0, label] - strength * x.square().sum()"

MAXIMISE_CLASS = Exercise(
    "maximise_class",
    points=4,
    cases=[
        Case(climb_one_step, tolerance=CLOSE),
        Case(climb_no_step, tolerance=CLOSE),
        Case(climb_with_a_pull, tolerance=CLOSE),
        Case(climb_along_a_bend, tolerance=CLOSE),
        Case(climb_without_a_slope, tolerance=CLOSE),
        Case(climb_where_it_is_certain, tolerance=CLOSE),
        Case(climb_several_steps, tolerance=CLOSE),
        Case(climb_leaves_no_trace, tolerance=CLOSE),
        Case(climbs_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "downhill",
            "You go downhill. The score is to *rise*: add the step.",
            ("x + rate * gradient / length", "x - rate * gradient / length"),
        ),
        Bug(
            "gradient of the loss",
            "You climb the cross-entropy's negative. Where the network is sure it mixes in all other classes, and its "
            "gradient vanishes: climb the score itself.",
            ("network(x[None])[0, label]", "network(x[None]).log_softmax(1)[0, label]"),
        ),
        Bug(
            "gradient of the probability",
            "You climb the probability. It can rise because other scores fall, and its gradient vanishes where the "
            "network is sure: climb the score, before the softmax.",
            ("network(x[None])[0, label]", "network(x[None]).softmax(1)[0, label]"),
        ),
        Bug(
            "step as long as the gradient",
            "Your steps are as long as the gradient. Divide it by its length: each step is `rate` long.",
            ("x + rate * gradient / length", "x + rate * gradient"),
        ),
        Bug(
            "sign of the gradient",
            "You take the signs of the gradient. Here the direction of the gradient itself is wanted, with length "
            "`rate`.",
            ("x + rate * gradient / length", "x + rate * gradient.sign()"),
        ),
        Bug(
            "divided by the largest entry",
            "You divide the gradient by its largest entry. Divide by its length, the root of the sum of squares.",
            ("gradient.norm()", "gradient.abs().max()"),
        ),
        Bug(
            "divided by the mean square",
            "You divide by the root of the *mean* square. The length is the root of the *sum* of squares.",
            ("gradient.norm()", "gradient.square().mean().sqrt()"),
        ),
        Bug(
            "divided by the squared length",
            "You divide by the squared length. Then a steep slope gives a short step: take the root.",
            ("gradient.norm()", "gradient.square().sum()"),
        ),
        Bug(
            "each channel by itself",
            "You normalise each channel by itself. It is one gradient, of all channels together.",
            ("gradient.norm()", "gradient.flatten(1).norm(dim=1)[:, None, None].clamp(min=1e-9)"),
            ("if length > 0:", "if gradient.norm() > 0:"),
        ),
        Bug(
            "λ ignored",
            "You ignore λ (`strength`). What is climbed is the score *minus* λ times the sum of squares.",
            (" - strength * x.square().sum()", ""),
        ),
        Bug(
            "λ pushes away",
            "Your λ pushes the image away from 0. It is subtracted: −λ‖x‖².",
            (" - strength * x.square()", " + strength * x.square()"),
        ),
        Bug(
            "half of λ",
            "The derivative of λx² is 2λx, and you take λx.",
            ("strength * x.square().sum()", "strength / 2 * x.square().sum()"),
        ),
        Bug(
            "length in place of its square",
            "You subtract λ times the length of the image. It is the *squared* length.",
            ("x.square().sum()", "x.norm()"),
        ),
        Bug(
            "mean of squares",
            "You take the mean of the squares. It is their sum: λ‖x‖².",
            ("x.square().sum()", "x.square().mean()"),
        ),
        Bug(
            "pulled towards the start",
            "Your λ pulls towards the image you started with. It pulls towards 0.",
            ("x.square().sum()", "(x - start).square().sum()"),
        ),
        Bug(
            "shrunk beside the step",
            "You shrink the image after the step. λ belongs into what is climbed: its gradient, −2λx, is part of the "
            "direction, before that is normalised.",
            (" - strength * x.square().sum()", ""),
            ("x + rate * gradient / length", "(1 - 2 * strength * rate) * (x + rate * gradient / length)"),
        ),
        Bug(
            "one gradient for all steps",
            "You take the gradient once and go on along it. Take a fresh one at each place: the slope changes.",
            (
                "        (gradient,) = torch.autograd.grad(aim, x)\n",
                "        if _ == 0:\n            (gradient,) = torch.autograd.grad(aim, x)\n",
            ),
        ),
        Bug(
            "gradients pile up",
            "You let the gradients add up from step to step: `backward()` adds to `x.grad`. Set it back before each "
            "step, or use `torch.autograd.grad`.",
            ("    x = start.clone()\n", "    x = start.clone()\n    before = 0\n"),
            (
                "        (gradient,) = torch.autograd.grad(aim, x)\n",
                "        gradient = before = before + torch.autograd.grad(aim, x)[0]\n",
            ),
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
            "divided by zero",
            "Where the gradient is 0 you divide by its length 0, and the image becomes NaN. Leave it as it is then.",
            ("if length > 0:", "if True:"),
        ),
        Bug(
            "cut to 0 … 1",
            "You cut the pixels to 0 … 1. This image is shifted and scaled as the network wants it: negative values "
            "are right.",
            ("x + rate * gradient / length", "(x + rate * gradient / length).clamp(0, 1)"),
        ),
        Bug(
            "first class always",
            "You always climb the score of class 0. It is `label`.",
            ("[0, label]", "[0, 0]"),
        ),
        Bug(
            "gradients left in the parameters",
            "`backward()` adds to the gradients of all parameters, and whoever trains this network finds them there. "
            "`torch.autograd.grad(…, x)` gives that of the image alone.",
            ("(gradient,) = torch.autograd.grad(aim, x)", "aim.backward()\n        gradient = x.grad"),
        ),
        Bug(
            "start changed",
            "You change the image you were given. Whoever called you still needs it: start with a copy.",
            ("x = start.clone()", "x = start"),
            ("            x = x + rate * gradient / length\n", "            x += rate * gradient / length\n"),
        ),
    ],
    correct=[
        Correct(
            "the pull by hand",
            """
import torch
def maximise_class(network, start, label, steps, rate, strength):
    image = start.detach().clone()
    for _ in range(steps):
        x = image.clone().unsqueeze(0).requires_grad_(True)
        slope = torch.autograd.grad(network(x)[0][label], x)[0][0] - 2 * strength * image
        size = float(slope.square().sum()) ** 0.5
        if size:
            image += rate / size * slope
    return image
""",
        ),
        Correct(
            "x.grad, for the image alone",
            """
import torch
def maximise_class(network, start, label, steps, rate, strength):
    x = torch.nn.Parameter(start.clone())
    for step in range(steps):
        x.grad = None
        loss = strength * (x**2).sum() - network(x[None]).select(1, label).sum()
        loss.backward(inputs=[x])
        with torch.no_grad():
            norm = torch.linalg.vector_norm(x.grad)
            if norm != 0:
                x -= rate * (x.grad / norm)
    return x.detach()
""",
        ),
        Correct(
            "recursive, functional",
            """
import torch
from torch.func import grad
def maximise_class(network, start, label, steps, rate, strength):
    if steps == 0:
        return start.clone()
    g = grad(lambda x: network(x.unsqueeze(0))[0, label] - strength * (x * x).sum())(start)
    length = g.norm()
    after = start + rate * (g / length if length > 0 else 0 * g)
    return maximise_class(network, after.detach(), label, steps - 1, rate, strength)
""",
        ),
    ],
)
