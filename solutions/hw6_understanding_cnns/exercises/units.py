"""What a unit sees: receptive fields by arithmetic and by gradient, maps by a hook, the places of strongest answers."""

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, outcome
from visionlab.checks.draws import ask, whole
from visionlab.checks.handle import beside
from visionlab.checks.networks import Watched, gradients, traces

CLOSE = Tolerance(1e-4, 1e-5)


def floats(array):
    """The numbers of an array as a float32 tensor."""
    return torch.tensor(np.asarray(array), dtype=torch.float32)


def convolution(student, weights, **settings):
    """A convolution without biases, of weights (filters, channels, rows, columns)."""
    filters, channels, *kernel = np.shape(weights)
    layer = beside(student, torch.nn.Conv2d, channels, filters, kernel, bias=False, **settings)
    layer.load_state_dict({"weight": floats(weights)})
    return layer


def stacked(student, *layers):
    """Layers in a row, ready for use."""
    network = beside(student, torch.nn.Sequential, *layers)
    network.eval()
    return network


# ---------------------------------------------------------------------------------------------------------------------
# receptive_field


def field_of_one_layer(student, rng):
    """one layer with kernel 3"""
    return ask(student, "receptive_field", [(3, 1, 0, 1)])


def field_padded(student, rng):
    """one layer with kernel 5: without padding, with padding 1, with padding 2"""
    return {name: value for p in (0, 1, 2) for name, value in ask(student, "receptive_field", [(5, 1, p, 1)]).items()}


def field_of_even_kernel(student, rng):
    """a pooling with kernel 2 and stride 2: the middle lies between two pixels"""
    return ask(student, "receptive_field", [(2, 2, 0, 1)])


def field_dilated(student, rng):
    """one layer with kernel 3 and dilation 2, then dilation 3"""
    return ask(student, "receptive_field", [(3, 1, 0, 2)]) | ask(student, "receptive_field", [(3, 1, 2, 3)])


def field_of_two_layers(student, rng):
    """two layers with kernel 3, the first with stride 2"""
    return ask(student, "receptive_field", [(3, 2, 0, 1), (3, 1, 0, 1)])


def field_padding_above_a_stride(student, rng):
    """stride 2 below a padded layer: its padding counts in steps of two pixels"""
    return ask(student, "receptive_field", [(3, 2, 1, 1), (3, 1, 1, 1)])


def field_of_a_dilated_network(student, rng):
    """three layers with strides 3 and 2, and dilation 2 in the last"""
    return ask(student, "receptive_field", [(3, 3, 0, 1), (2, 2, 0, 1), (3, 1, 1, 2)])


def field_of_no_layer(student, rng):
    """no layer at all: a pixel sees itself"""
    return ask(student, "receptive_field", [])


def field_of_alexnet(student, rng):
    """AlexNet up to its last pooling"""
    layers = [(11, 4, 2, 1), (3, 2, 0, 1), (5, 1, 2, 1), (3, 2, 0, 1), *3 * [(3, 1, 1, 1)], (3, 2, 0, 1)]
    return ask(student, "receptive_field", layers)


def fields_drawn(student, rng):
    """layers drawn at random"""
    seen = {}
    for _ in range(8):
        count = int(rng.integers(2, 6))
        layers = [tuple(int(n) for n in rng.integers([1, 1, 0, 1], [8, 4, 4, 4])) for _ in range(count)]
        seen |= ask(student, "receptive_field", layers)
    return seen


RECEPTIVE_FIELD = Exercise(
    "receptive_field",
    points=3,
    cases=[
        Case(field_of_one_layer),
        Case(field_padded),
        Case(field_of_even_kernel),
        Case(field_dilated),
        Case(field_of_two_layers),
        Case(field_padding_above_a_stride),
        Case(field_of_a_dilated_network),
        Case(field_of_no_layer),
        Case(field_of_alexnet),
        Case(fields_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "jump multiplied first",
            "You multiply the jump by a layer's stride *before* you lay its kernel. The kernel reads units of the "
            "layer below, which lie one *old* jump apart: multiply afterwards.",
            source='''
def receptive_field(layers):
    """The jump comes first."""
    size, jump, centre = 1, 1, 0.0
    for kernel, stride, padding, dilation in layers:
        jump *= stride
        reach = dilation * (kernel - 1)
        centre += (reach / 2 - padding) * jump
        size += reach * jump
    return size, jump, centre
''',
        ),
        Bug(
            "dilation ignored",
            "You ignore the dilation. With dilation D the weights of a kernel lie D units apart.",
            ("reach = dilation * (kernel - 1)", "reach = kernel - 1"),
        ),
        Bug(
            "dilated kernel one step too long",
            "You take D·K for the length of a dilated kernel. Between K weights there are K − 1 steps of D.",
            ("reach = dilation * (kernel - 1)", "reach = dilation * kernel - 1"),
        ),
        Bug(
            "kernel in place of kernel minus 1",
            "You add K jumps for each layer. The first weight falls on a pixel that was seen already: add K − 1.",
            ("reach = dilation * (kernel - 1)", "reach = dilation * kernel"),
        ),
        Bug(
            "padding ignored",
            "You ignore the padding. It moves unit 0 to the left: the middle of its field gets smaller.",
            ("(reach / 2 - padding) * jump", "reach / 2 * jump"),
        ),
        Bug(
            "padding added",
            "You add the padding to the centre. The first window begins `padding` units *before* unit 0 of the layer "
            "below: subtract it.",
            ("(reach / 2 - padding) * jump", "(reach / 2 + padding) * jump"),
        ),
        Bug(
            "padding in pixels",
            "You subtract each padding in pixels. It counts in units of the layer below, which lie one jump apart.",
            ("(reach / 2 - padding) * jump", "reach / 2 * jump - padding"),
        ),
        Bug(
            "padding dilated",
            "You multiply the padding by the dilation. Only the steps between the weights are stretched.",
            ("reach / 2 - padding", "reach / 2 - dilation * padding"),
        ),
        Bug(
            "padding shrinks the field",
            "You subtract the padding from the field's size. Padding moves the field, and doesn't change how wide it "
            "is: what lies outside of the image counts too.",
            ("size += reach * jump", "size += (reach - 2 * padding) * jump"),
        ),
        Bug(
            "stride ignored",
            "You ignore the strides: your jump stays 1. Each stride multiplies it.",
            ("    jump *= stride\n", "    pass\n"),
        ),
        Bug(
            "strides added",
            "You add up the strides. Two layers of stride 2 and stride 3 put units 6 pixels apart: multiply.",
            ("jump *= stride", "jump += stride - 1"),
        ),
        Bug(
            "jump of the last layer only",
            "Your jump is the stride of the last layer. It is the product of all strides up to there.",
            ("jump *= stride", "jump = stride"),
        ),
        Bug(
            "size without the jump",
            "You add K − 1 for every layer. Above a stride each step of the kernel covers `jump` pixels.",
            ("size += reach * jump", "size += reach"),
        ),
        Bug(
            "centre without the jump",
            "You move the centre by units of the layer below, as if they were pixels. They lie one jump apart.",
            ("(reach / 2 - padding) * jump", "(reach / 2 - padding)"),
        ),
        Bug(
            "layers from the end",
            "You begin with the last layer. This recursion begins at the image: `layers[0]` comes first.",
            (" in layers:", " in reversed(layers):"),
        ),
        Bug(
            "first pixel in place of the centre",
            "Your third number is the first pixel of the field. Asked for is its middle.",
            ("(reach / 2 - padding) * jump", "-padding * jump"),
        ),
        Bug(
            "middle rounded down",
            "You round the middle down. The field of an even kernel has its middle *between* two pixels: 0.5 is right.",
            ("return size, jump, centre", "return size, jump, centre // 1"),
        ),
        Bug(
            "half a pixel too far",
            "You halve the size. From the first of `size` pixels to the middle there are (size − 1)/2 steps.",
            ("return size, jump, centre", "return size, jump, centre + 0.5"),
        ),
        Bug(
            "one pixel too many at the start",
            "You begin with a size of 0. Without any layer a pixel sees itself: begin with 1.",
            ("size, jump, centre = 1, 1, 0.0", "size, jump, centre = 0, 1, 0.0"),
        ),
        Bug(
            "size and jump exchanged",
            "You return jump and size in the wrong order: the size comes first.",
            ("return size, jump, centre", "return jump, size, centre"),
        ),
    ],
    correct=[
        Correct(
            "from the unit down",
            """
def receptive_field(layers):
    first = last = 0
    jump = 1
    for kernel, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * (kernel - 1)
        jump = jump * stride
    return (last - first + 1, jump, (first + last) / 2)
""",
        ),
        Correct(
            "sums of products",
            """
from math import prod
def receptive_field(layers):
    jumps = [prod(layer[1] for layer in layers[:i]) for i in range(len(layers) + 1)]
    size = 1 + sum(j * (k - 1) * d for j, (k, _, _, d) in zip(jumps, layers))
    start = -sum(j * p for j, (_, _, p, _) in zip(jumps, layers))
    return [size, jumps[-1], start + (size - 1) / 2]
""",
        ),
        Correct(
            "recursive",
            """
def receptive_field(layers):
    if not layers:
        return 1, 1, 0
    size, jump, centre = receptive_field(layers[:-1])
    k, s, p, d = layers[-1]
    effective = d * (k - 1) + 1
    return size + (effective - 1) * jump, jump * s, centre + ((effective - 1) / 2 - p) * jump
""",
        ),
        Correct(
            "two neighbours compared",
            """
def receptive_field(layers):
    def span(unit):
        low = high = unit
        for kernel, stride, padding, dilation in layers[::-1]:
            low, high = low * stride - padding, high * stride - padding + (kernel - 1) * dilation
        return low, high
    (a, b), (c, _) = span(0), span(1)
    return b - a + 1, c - a, 0.5 * (a + b)
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# field_box


def box_inside(student, rng):
    """a field of 3 pixels with jump 2, well inside of the image"""
    return ask(student, "field_box", (3, 2, 1.0), 2, 1, 9, 8)


def box_of_even_size(student, rng):
    """a field of 4 pixels, whose middle lies between two of them"""
    return ask(student, "field_box", (4, 2, 1.5), 1, 2, 12, 11)


def box_cut_at_the_top_left(student, rng):
    """padding: the field of the first unit reaches out of the image, at the top and on the left"""
    return ask(student, "field_box", (7, 4, 0.0), 0, 0, 10, 12) | ask(student, "field_box", (7, 4, 0.0), 0, 2, 10, 12)


def box_cut_at_the_bottom_right(student, rng):
    """the field of the last unit reaches out of the image, at the bottom and on the right"""
    return ask(student, "field_box", (5, 2, 0.0), 3, 4, 8, 9)


def box_larger_than_the_image(student, rng):
    """a field larger than the image"""
    return ask(student, "field_box", (51, 8, 4.0), 1, 0, 20, 16)


def box_of_padding_only(student, rng):
    """a unit that sees nothing but padding: an empty box, at the border"""
    return ask(student, "field_box", (3, 1, -2.0), 0, 4, 6, 7) | ask(student, "field_box", (3, 1, 1.0), 7, 1, 6, 7)


def boxes_drawn(student, rng):
    """fields and units drawn at random"""
    seen = {}
    for _ in range(10):
        size, jump, start = (int(n) for n in rng.integers([1, 1, -6], [20, 9, 2]))
        height, width, row, column = (int(n) for n in rng.integers([15, 15, 0, 0], [40, 40, 5, 5]))
        seen |= ask(student, "field_box", (size, jump, start + (size - 1) / 2), row, column, height, width)
    return seen


FIELD_BOX = Exercise(
    "field_box",
    points=2,
    cases=[
        Case(box_inside),
        Case(box_of_even_size),
        Case(box_cut_at_the_top_left),
        Case(box_cut_at_the_bottom_right),
        Case(box_larger_than_the_image),
        Case(box_of_padding_only),
        Case(boxes_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "not cut",
            "You don't cut the box at the border. A slice that begins at −2 begins *two before the end*: the patch "
            "would be empty, or from the other side of the image.",
            ("[min(max(edge, 0), length) for edge in (first, first + size)]", "[first, first + size]"),
        ),
        Bug(
            "cut at the top left only",
            "You cut at 0, and not at height and width.",
            ("min(max(edge, 0), length)", "max(edge, 0)"),
        ),
        Bug(
            "cut at the bottom right only",
            "You cut at height and width, and not at 0.",
            ("min(max(edge, 0), length)", "min(edge, length)"),
        ),
        Bug(
            "cut one too early",
            "You cut at height − 1 and width − 1. The end of a slice is the first row that is *not* in it: it may be "
            "`height`.",
            ("min(max(edge, 0), length)", "min(max(edge, 0), length - 1)"),
        ),
        Bug(
            "last row in place of the end",
            "Your bottom and right are the last row and column. Asked for are ends as in slices: one more.",
            ("(first, first + size)", "(first, first + size - 1)"),
        ),
        Bug(
            "size added after the cut",
            "You cut the top first and count the size from there, so that a field at the border gets too large. Find "
            "both ends, then cut.",
            (
                "        box += [min(max(edge, 0), length) for edge in (first, first + size)]\n",
                "        first = min(max(first, 0), length)\n        box += [first, min(first + size, length)]\n",
            ),
        ),
        Bug(
            "moved in place of cut",
            "You move the box until it lies inside of the image. The unit doesn't see what is there then: cut it.",
            (
                "        box += [min(max(edge, 0), length) for edge in (first, first + size)]\n",
                "        first = max(0, min(first, length - size))\n"
                "        box += [first, min(first + size, length)]\n",
            ),
        ),
        Bug(
            "jump ignored",
            "You take unit 1 for one pixel further than unit 0. It is one *jump* further.",
            ("place * jump", "place"),
        ),
        Bug(
            "size in place of the jump",
            "You put fields side by side, one size apart. Neighbours lie one *jump* apart: most fields overlap.",
            ("place * jump", "place * size"),
        ),
        Bug(
            "row and column exchanged",
            "You use the unit's column for top and bottom. They belong to its row.",
            ("((row, height), (column, width))", "((column, height), (row, width))"),
        ),
        Bug(
            "height and width exchanged",
            "You cut rows at the width, and columns at the height.",
            ("((row, height), (column, width))", "((row, width), (column, height))"),
        ),
        Bug(
            "centre taken for the first pixel",
            "You let the field begin at its centre. It begins (size − 1)/2 pixels before it.",
            ("centre + place * jump - (size - 1) / 2", "centre + place * jump"),
        ),
        Bug(
            "half a pixel off",
            "You go back size/2 from the centre. From the first of `size` pixels to the middle there are (size − 1)/2 "
            "steps.",
            ("round(centre + place * jump - (size - 1) / 2)", "int(centre + place * jump - size / 2)"),
        ),
        Bug(
            "centre ignored",
            "You let the middle of unit 0 lie on pixel 0. It lies on `centre`.",
            ("centre + place * jump", "place * jump"),
        ),
        Bug(
            "another order",
            "Your order is top, left, bottom, right. Asked for is top, bottom, left, right.",
            ("return tuple(box)", "return box[0], box[2], box[1], box[3]"),
        ),
        Bug(
            "columns first",
            "You give the columns first. The order is top, bottom, left, right.",
            ("((row, height), (column, width))", "((column, width), (row, height))"),
        ),
        Bug(
            "floats",
            "Your numbers are floats. A slice wants whole numbers: `int(…)`.",
            ("round(centre + place * jump - (size - 1) / 2)", "centre + place * jump - (size - 1) / 2"),
        ),
    ],
    correct=[
        Correct(
            "sets of pixels",
            """
def field_box(field, row, column, height, width):
    def ends(unit, length):
        first = int(field[2] + unit * field[1] - (field[0] - 1) / 2)
        last = first + field[0] - 1
        seen = [pixel for pixel in range(length) if first <= pixel <= last]
        if seen:
            return seen[0], seen[-1] + 1
        return (0, 0) if last < 0 else (length, length)
    return (*ends(row, height), *ends(column, width))
""",
        ),
        Correct(
            "numpy clips",
            """
import numpy as np
def field_box(field, row, column, height, width):
    size, jump, centre = field
    middle = centre + jump * np.array([row, row, column, column])
    edges = middle + np.array([-1, 1, -1, 1]) * size / 2 + 0.5
    return np.clip(np.rint(edges), 0, [height, height, width, width]).astype(int).tolist()
""",
        ),
        Correct(
            "one by one",
            """
from math import floor
def field_box(field, row, column, height, width):
    size, jump, centre = field
    top = floor(centre - (size - 1) / 2) + row * jump
    left = floor(centre - (size - 1) / 2) + column * jump
    bottom, right = top + size, left + size
    top, bottom = max(0, min(top, height)), min(height, max(bottom, 0))
    left, right = sorted((0, left, width))[1], sorted((0, right, width))[1]
    return top, bottom, left, right
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# field_by_gradient


def seen_by(student, network, images, row, column):
    """The box, under the name that says which unit's."""
    return {f"box of the unit ({row}, {column})": student(network, images, row, column)}


def gradient_of_one_layer(student, rng):
    """one 3×3 convolution, an image of 6×7"""
    network = stacked(student, convolution(student, np.ones((1, 1, 3, 3))))
    return seen_by(student, network, floats(whole(rng, 1, 1, 6, 7)), 2, 3)


def gradient_at_the_border(student, rng):
    """padding: what a unit in a corner sees of the image"""
    network = stacked(student, convolution(student, np.ones((1, 1, 3, 3)), padding=1))
    images = floats(whole(rng, 1, 1, 5, 4))
    return seen_by(student, network, images, 0, 3) | seen_by(student, network, images, 4, 0)


def gradient_of_oblong_kernel(student, rng):
    """a kernel of 2×3, moved by 2 rows and 1 column"""
    network = stacked(student, convolution(student, np.ones((1, 1, 2, 3)), stride=[2, 1]))
    return seen_by(student, network, floats(whole(rng, 1, 1, 7, 6)), 2, 1)


def gradient_of_zero_weights(student, rng):
    """weights that are 0, and a very small one: not all that the arithmetic allows is seen"""
    weights = np.zeros((1, 1, 3, 4))
    weights[0, 0, 1, 1:3] = 2, -(2**-20)
    network = stacked(student, convolution(student, weights))
    return seen_by(student, network, floats(whole(rng, 1, 1, 6, 6)), 1, 1)


def gradient_in_black_images(student, rng):
    """an image of zeros: black pixels are seen, too"""
    network = stacked(student, convolution(student, np.ones((1, 1, 2, 2))))
    return seen_by(student, network, torch.zeros(1, 1, 4, 5), 1, 2)


def gradient_of_opposite_channels(student, rng):
    """two channels, each the negative of the other"""
    network = stacked(student, convolution(student, [[[[1, 2], [3, 1]]], [[[-1, -2], [-3, -1]]]]))
    return seen_by(student, network, floats(whole(rng, 1, 1, 5, 4)), 2, 1)


def gradient_of_different_channels(student, rng):
    """two channels that look at different places: both count"""
    weights = np.zeros((2, 1, 3, 3))
    weights[0, 0, 0, 1], weights[1, 0, 2, 2] = 1, 2
    network = stacked(student, convolution(student, weights))
    return seen_by(student, network, floats(whole(rng, 1, 1, 6, 5)), 1, 0)


def gradient_of_opposite_colours(student, rng):
    """red counts as much as blue, with the opposite sign; green counts one column further"""
    weights = np.zeros((1, 3, 2, 3))
    weights[0, 0, :, :2], weights[0, 1, :, 2], weights[0, 2, :, :2] = 1, -1, -1
    network = stacked(student, convolution(student, weights))
    return seen_by(student, network, floats(whole(rng, 1, 3, 4, 6)), 1, 3)


def gradient_behind_a_relu(student, rng):
    """a ReLU that is off for the first image and on for the second"""
    network = stacked(student, convolution(student, np.ones((1, 1, 2, 2))), beside(student, torch.nn.ReLU))
    images = torch.ones(2, 1, 4, 5)
    images[0] = -1
    return seen_by(student, network, images, 1, 2)


def gradient_of_a_dead_unit(student, rng):
    """a ReLU that is off for all images: nothing is seen"""
    network = stacked(student, convolution(student, np.ones((1, 1, 2, 2))), beside(student, torch.nn.ReLU))
    return seen_by(student, network, -torch.ones(2, 1, 4, 5), 1, 2)


def gradient_with_batch_normalisation(student, rng):
    """a network with batch normalisation, in training: in that mode every unit depends on all pixels"""
    network = stacked(student, convolution(student, np.ones((1, 1, 3, 2))), beside(student, torch.nn.BatchNorm2d, 1))
    network.train()
    return seen_by(student, network, floats(whole(rng, 2, 1, 6, 5)), 2, 1) | {"mode afterwards": network.training}


def gradient_leaves_no_trace(student, rng):
    """what is left in the network afterwards: its mode, and gradients that were there before"""
    network = stacked(student, convolution(student, np.ones((1, 1, 2, 2))))
    beside(student, gradients, network, torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))
    student(network, floats(whole(rng, 1, 1, 4, 5)), 1, 1)
    return beside(student, traces, network)


def gradients_drawn(student, rng):
    """kernels, images and units drawn at random"""
    seen = {}
    for draw in range(3):
        high, wide, stride, channels = (int(n) for n in rng.integers([2, 2, 1, 1], [4, 4, 3, 4]))
        first = convolution(student, rng.normal(size=(4, channels, high, wide)), padding=1, stride=stride)
        second = convolution(student, rng.normal(size=(2, 4, 2, 3)))
        network = stacked(student, first, beside(student, torch.nn.ReLU), second)
        images = floats(rng.normal(size=(4, channels, *rng.integers(9, 14, 2))))
        row, column = (int(n) for n in rng.integers(0, 3, 2))
        found = seen_by(student, network, images, row, min(column, 1))
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


FIELD_BY_GRADIENT = Exercise(
    "field_by_gradient",
    points=4,
    cases=[
        Case(gradient_of_one_layer),
        Case(gradient_at_the_border),
        Case(gradient_of_oblong_kernel),
        Case(gradient_of_zero_weights),
        Case(gradient_in_black_images),
        Case(gradient_of_opposite_channels),
        Case(gradient_of_different_channels),
        Case(gradient_of_opposite_colours),
        Case(gradient_behind_a_relu),
        Case(gradient_of_a_dead_unit),
        Case(gradient_with_batch_normalisation),
        Case(gradient_leaves_no_trace, tolerance=CLOSE),
        Case(gradients_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "first channel only",
            "You look at the first channel of the unit alone. Other channels may see other pixels.",
            ("range(maps.shape[1])", "range(1)"),
        ),
        Bug(
            "channels added up",
            "You take the gradient of the *sum* of all channels. Where two channels want the opposite of each other, "
            "it is 0 although both see the pixel: take one channel after the other.",
            ("range(maps.shape[1])", "range(1)"),
            ("maps[:, channel, row, column].sum()", "maps[:, :, row, column].sum()"),
        ),
        Bug(
            "first image only",
            "You look at the first image alone. A ReLU that is off there may be on in another image.",
            ("maps[:, channel, row, column].sum()", "maps[0, channel, row, column]"),
        ),
        Bug(
            "colours added up with their signs",
            "You add up the gradients of the colours. Plus for red and minus for blue is not *nothing*: look at each.",
            ("(gradient != 0).any(dim=1).any(dim=0)", "(gradient.sum(dim=1) != 0).any(dim=0)"),
        ),
        Bug(
            "first colour only",
            "You look at the gradient of the first colour alone.",
            ("(gradient != 0).any(dim=1).any(dim=0)", "(gradient[:, 0] != 0).any(dim=0)"),
        ),
        Bug(
            "positive gradients only",
            "You keep pixels with a positive gradient. A negative one says just as well that the pixel is seen.",
            ("(gradient != 0)", "(gradient > 0)"),
        ),
        Bug(
            "small gradients left out",
            "You leave small gradients out. The question is which pixels count *at all*: compare with 0.",
            ("(gradient != 0)", "(gradient.abs() > 1e-3)"),
        ),
        Bug(
            "gradient times pixel",
            "You multiply the gradient by the image. A black pixel is seen as well as a white one.",
            ("(gradient != 0)", "(gradient * x != 0)"),
        ),
        Bug(
            "mode left as it was",
            "You leave the network in training mode. There batch normalisation takes means over all pixels of all "
            "images, so that every unit depends on everything: `network.eval()`.",
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
            "`torch.autograd.grad(…, x)` gives the gradient of the image alone.",
            (
                "(gradient,) = torch.autograd.grad(maps[:, channel, row, column].sum(), x, retain_graph=True)",
                "x.grad = None\n"
                "        maps[:, channel, row, column].sum().backward(retain_graph=True)\n"
                "        gradient = x.grad",
            ),
        ),
        Bug(
            "gradients of the parameters deleted",
            "You set the gradients of the parameters back. They were not yours: somebody may be in the middle of a "
            "training step.",
            ("    network.eval()\n", "    network.eval()\n    network.zero_grad()\n"),
        ),
        Bug(
            "row and column of the unit exchanged",
            "You look at the unit (column, row). The first index of a place is its row.",
            ("channel, row, column]", "channel, min(column, maps.shape[2] - 1), min(row, maps.shape[3] - 1)]"),
        ),
        Bug(
            "rows and columns of the box exchanged",
            "Your box has its columns first. The order is top, bottom, left, right.",
            ("seen.any(dim=1), seen.any(dim=0)", "seen.any(dim=0), seen.any(dim=1)"),
        ),
        Bug(
            "last row in place of the end",
            "Your bottom and right are the last row and column that are seen. Asked for are ends as in slices: one "
            "more.",
            ("places[-1].item() + 1", "places[-1].item()"),
        ),
        Bug(
            "how many in place of where",
            "Your second and fourth number tell how many rows and columns are seen. Asked for is where they end.",
            ("places[-1].item() + 1", "len(places)"),
        ),
        Bug(
            "the whole map",
            "You take the gradient of the whole map. Asked for is one unit, at (row, column).",
            ("maps[:, channel, row, column].sum()", "maps[:, channel].sum()"),
        ),
        Bug(
            "a box for nothing",
            "You return a box of zeros where nothing is seen. Asked for is `None`.",
            ("        return None\n", "        return 0, 0, 0, 0\n"),
        ),
    ],
    correct=[
        Correct(
            "a random mixture of the channels",
            """
import torch
def field_by_gradient(network, images, row, column):
    mode = network.training
    network.train(False)
    x = images.detach().clone().requires_grad_(True)
    unit = network(x)[:, :, row, column]
    weights = torch.rand(unit.shape, generator=torch.Generator().manual_seed(1)) + 0.1
    signs = torch.randn(unit.shape, generator=torch.Generator().manual_seed(2))
    torch.autograd.backward((weights * signs * unit).sum(), inputs=[x])
    network.train(mode)
    rows, columns = torch.nonzero(x.grad.abs().amax((0, 1)), as_tuple=True)
    if not len(rows):
        return None
    return int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1
""",
        ),
        Correct(
            "the whole Jacobian",
            """
import numpy as np
import torch
def field_by_gradient(network, images, row, column):
    was = network.training
    network.eval()
    try:
        parts = [
            torch.autograd.functional.jacobian(lambda x: network(x)[0, :, row, column], one[None]) for one in images
        ]
    finally:
        network.train(was)
    size = sum(part.abs().sum((0, 1, 2)) for part in parts).numpy()
    if not size.any():
        return None
    rows, columns = (np.flatnonzero(size.sum(axis)) for axis in (1, 0))
    return [int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1]
""",
        ),
        Correct(
            "image by image, channel by channel",
            """
import torch
def field_by_gradient(network, images, row, column):
    before = network.training
    network.eval()
    seen = []
    for image in images:
        channels = network(image[None]).shape[1]
        for channel in range(channels):
            x = image[None].clone().requires_grad_()
            (g,) = torch.autograd.grad(network(x)[0, channel, row, column], x)
            seen += g[0].abs().sum(0).nonzero().tolist()
    network.train(before)
    if seen == []:
        return None
    return (
        min(r for r, _ in seen), 1 + max(r for r, _ in seen), min(c for _, c in seen), 1 + max(c for _, c in seen),
    )
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# feature_maps


def small_network(student):
    """A convolution, a ReLU that works in place, a block of a convolution and dropout, which drops everything."""
    first = convolution(student, [[[[1, -1]]], [[[-1, 1]]]])
    block = beside(
        student,
        torch.nn.Sequential,
        convolution(student, [[[[1], [-3]], [[0], [2]]]]),
        beside(student, torch.nn.Dropout, 1.0),
    )
    return stacked(student, first, beside(student, torch.nn.ReLU, inplace=True), block)


def maps_of_a_convolution(student, rng):
    """the first layer, a convolution; the ReLU behind it works in place"""
    return {"maps": student(small_network(student), "0", floats([[[[1, 3, 2], [0, 0, 4]]]]))}


def maps_of_a_relu(student, rng):
    """the second layer, a ReLU"""
    return {"maps": student(small_network(student), "1", floats([[[[1, 3, 2], [0, 0, 4]]]]))}


def maps_of_a_layer_in_a_block(student, rng):
    """a layer within a block: "2.0" """
    return {"maps": student(small_network(student), "2.0", floats(whole(rng, 1, 1, 3, 4)))}


def maps_of_a_batch(student, rng):
    """three images of 4×3"""
    return {"maps": student(small_network(student), "2", floats(whole(rng, 3, 1, 4, 3)))}


def maps_in_training(student, rng):
    """a network in training, with dropout; its mode afterwards"""
    network = small_network(student)
    network.train()
    maps = student(network, "2.1", floats(whole(rng, 2, 1, 3, 3)))
    return {"maps": maps, "mode afterwards": beside(student, traces, network)["mode"]}


def maps_how_often(student, rng):
    """how the network is used"""
    network = beside(student, Watched, small_network(student))
    student(network, "network.1", floats(whole(rng, 2, 1, 3, 4)))
    return {"images, mode, autograd": network.seen}


def maps_of_two_layers(student, rng):
    """two calls, for two layers; what is left in the network afterwards"""
    network, images = small_network(student), floats(whole(rng, 2, 1, 3, 4))
    maps = {f"maps of {name!r}": student(network, name, images) for name in ("1", "0")}
    left = beside(student, traces, network)
    return maps | {"mode afterwards": left["mode"], "hooks left": left["hooks"]}


def maps_of_wrong_images(student, rng):
    """images that the network can't take: the error comes through, and no hook is left"""
    network = small_network(student)
    network.train()
    seen = {"an image with two channels": outcome(student, network, "0", torch.zeros(1, 2, 3, 3))}
    left = beside(student, traces, network)
    return seen | {"hooks left": left["hooks"], "mode afterwards": left["mode"]}


def maps_drawn(student, rng):
    """images and layers drawn at random"""
    network, seen = small_network(student), {}
    for draw in range(3):
        count, height, width = (int(n) for n in rng.integers([1, 2, 2], [4, 6, 6]))
        name = str(rng.choice(["0", "1", "2", "2.0", "2.1"]))
        seen[f"maps of {name!r}, draw {draw + 1}"] = student(network, name, floats(whole(rng, count, 1, height, width)))
    left = beside(student, traces, network)
    return seen | {"hooks left": left["hooks"], "mode afterwards": left["mode"]}


FEATURE_MAPS = Exercise(
    "feature_maps",
    points=4,
    cases=[
        Case(maps_of_a_convolution),
        Case(maps_of_a_relu),
        Case(maps_of_a_layer_in_a_block),
        Case(maps_of_a_batch),
        Case(maps_in_training),
        Case(maps_how_often),
        Case(maps_of_two_layers),
        Case(maps_of_wrong_images),
        Case(maps_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "changed by the next layer",
            "You keep the layer's output itself, and a ReLU that works in place writes into it afterwards. Keep a "
            "copy: `clone()`. (`detach()` makes none.)",
            ("kept.append(out.clone())", "kept.append(out)"),
        ),
        Bug(
            "hook left behind",
            "You leave your hook in the network: it is called at every later use, by anybody. `register_forward_hook` "
            "returns a handle; `remove()` it.",
            ("            hook.remove()\n", ""),
        ),
        Bug(
            "hook left behind after an error",
            "Your hook and the mode stay if the network raises an error. What has to be done in any case belongs into "
            "`finally`.",
            (
                "        finally:\n            hook.remove()\n            network.train(was_training)\n",
                "        except ZeroDivisionError:\n            pass\n"
                "    hook.remove()\n    network.train(was_training)\n",
            ),
        ),
        Bug(
            "error swallowed",
            "You swallow the error of an image that doesn't fit. Whoever calls you must hear of it.",
            ("        finally:\n", "        except RuntimeError:\n            kept.append(None)\n        finally:\n"),
        ),
        Bug(
            "mode left as it was",
            "You leave the network in training mode: its dropout drops, and your maps are others each time. "
            "`network.eval()`.",
            ("    network.eval()\n", ""),
        ),
        Bug(
            "mode not set back",
            'You leave the network in mode "eval". Set it back to the mode in which it came.',
            ("            network.train(was_training)\n", ""),
        ),
        Bug(
            "always set to training",
            'You leave the network in mode "train", whatever it was in before. Keep `network.training` at the '
            "beginning.",
            ("network.train(was_training)", "network.train()"),
        ),
        Bug(
            "autograd watches",
            "You let autograd watch: every map then holds on to the whole graph. `with torch.no_grad():`.",
            ("with torch.no_grad():", "if True:"),
        ),
        Bug(
            "what goes in",
            "You keep what goes *into* the layer. A forward hook is called with the layer, what it was given, and what "
            "comes out: the third.",
            ("kept.append(out.clone())", "kept.append(given[0].clone())"),
        ),
        Bug(
            "the network's output",
            "You return what the whole network puts out. Asked for is what the layer puts out.",
            ("            network(images)\n", "            kept.insert(0, network(images))\n"),
        ),
        Bug(
            "first image only",
            "You return the maps of the first image. Asked for are those of all.",
            ("return kept[0]", "return kept[0][:1]"),
        ),
        Bug(
            "without the batch",
            "You return the maps of the first image, and the axis of the images is gone. Keep the shape (N, F, h, w).",
            ("return kept[0]", "return kept[0][0]"),
        ),
        Bug(
            "image given to the layer",
            "You give the images to the layer itself. It reads what the layers before it have made of them.",
            ("            network(images)\n", "            network.get_submodule(name)(images)\n"),
        ),
        Bug(
            "top level only",
            'You look for the name among the network\'s own parts only. "2.0" is part 0 of part 2: '
            "`network.get_submodule(name)` finds it.",
            ("network.get_submodule(name)", "dict(network.named_children())[name]"),
        ),
        Bug(
            "a list",
            "You return the list in which you kept the maps. Asked for is the tensor in it.",
            ("return kept[0]", "return kept"),
        ),
        Bug(
            "negative numbers taken away",
            "You take negative numbers away. The maps of a convolution have them: return them as they are.",
            ("out.clone()", "out.clamp(min=0)"),
        ),
        Bug(
            "network run twice",
            "You run the network more often than once. Once is enough for all images.",
            ("            network(images)\n", "            network(images)\n            network(images)\n"),
        ),
    ],
    correct=[
        Correct(
            "a dict and a named hook",
            """
import torch
def feature_maps(network, name, images):
    found = {}
    def keep(layer, inputs, output):
        found[name] = output.detach().clone()
    mode = network.training
    handle = dict(network.named_modules())[name].register_forward_hook(keep)
    try:
        network.train(False)
        with torch.inference_mode():
            network(images)
    finally:
        network.train(mode)
        handle.remove()
    return found[name].clone()
""",
        ),
        Correct(
            "step by step through the attributes",
            """
import torch
@torch.no_grad()
def feature_maps(network, name, images):
    layer = network
    for part in name.split("."):
        layer = layer[int(part)] if part.isdigit() else getattr(layer, part)
    outs, before = [], network.training
    with layer.register_forward_hook(lambda m, args, out: outs.append(out + 0)):
        network.eval()
        try:
            network(images)
        finally:
            network.train(before)
    return outs[0]
""",
        ),
        Correct(
            "the layer's forward wrapped for a while",
            """
import torch
def feature_maps(network, name, images):
    layer, was = network.get_submodule(name), network.training
    original, outs = layer.forward, []
    def forward(*args):
        out = original(*args)
        outs.append(out.clone())
        return out
    network.eval()
    layer.forward = forward
    try:
        with torch.no_grad():
            network(images)
    finally:
        del layer.forward
        network.train(was)
    return outs[-1]
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# top_places


def place(student, maps, channel, count):
    """The places found, by the call."""
    return {f"the {count} strongest of channel {channel}": student(floats(maps), channel, count)}


def places_of_one_image(student, rng):
    """one image, one channel of 2×3"""
    return place(student, [[[[1, 5, 2], [0, 3, 4]]]], 0, 1)


def places_in_order(student, rng):
    """three images: the strongest first, one place in each"""
    maps = [[[[1, 8, 7], [0, 3, 4]]], [[[2, 1, 2], [0, 0, 3]]], [[[0, 1, 2], [9, 2, 0]]]]
    return place(student, maps, 0, 2) | place(student, maps, 0, 3)


def places_of_a_channel(student, rng):
    """four images with three channels each"""
    maps = rng.permutation(72).reshape(4, 3, 3, 2) - 20
    return place(student, maps, 0, 3) | place(student, maps, 2, 4)


def places_below_zero(student, rng):
    """no number above 0: there is a strongest one all the same"""
    return place(student, [[[[-4, -6]]], [[[-9, -1]]], [[[-2, -8]]]], 0, 2)


def places_equally_strong(student, rng):
    """equal numbers: the first image comes first, and in an image the first place"""
    maps = [[[[0, 4], [4, 1]]], [[[5, 2], [1, 5]]], [[[3, 4], [2, 4]]], [[[5, 0], [0, 0]]]]
    return place(student, maps, 0, 4)


def places_more_than_images(student, rng):
    """more places wanted than there are images"""
    return place(student, [[[[1, 2], [3, 0], [1, 1]]], [[[4, 1], [0, 5], [2, 0]]]], 0, 5)


def places_drawn(student, rng):
    """maps drawn at random"""
    seen = {}
    for draw in range(3):
        shape = [int(n) for n in rng.integers([2, 1, 2, 2], [12, 4, 7, 7])]
        channel, count = int(rng.integers(shape[1])), int(rng.integers(1, 10))
        found = place(student, rng.integers(-30, 30, shape), channel, count)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


TOP_PLACES = Exercise(
    "top_places",
    points=3,
    cases=[
        Case(places_of_one_image),
        Case(places_in_order),
        Case(places_of_a_channel),
        Case(places_below_zero),
        Case(places_equally_strong),
        Case(places_more_than_images),
        Case(places_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "several places in one image",
            "You take several places of one image. Neighbours see nearly the same: the list would show one patch "
            "again and again. At most one place an image.",
            source='''
def top_places(maps, channel, count):
    """The strongest of all places."""
    chosen = maps[:, channel]
    best = chosen.flatten().argsort(descending=True, stable=True)[:count]
    size, width = chosen[0].numel(), chosen.shape[2]
    return [(i // size, i % size // width, i % width) for i in best.tolist()]
''',
        ),
        Bug(
            "weakest first",
            "You put the weakest first. Asked for are the strongest, in falling order.",
            ("descending=True, ", ""),
        ),
        Bug(
            "sign ignored",
            "You take large negative numbers for strong answers. Strong is what is *large*: no absolute values.",
            ("maps[:, channel].flatten(1)", "maps[:, channel].flatten(1).abs()"),
        ),
        Bug(
            "height in place of the width",
            "You divide by the number of rows. A number in the flattened map is row · *width* + column.",
            ("width = maps.shape[3]", "width = maps.shape[2]"),
        ),
        Bug(
            "row and column exchanged",
            "You give the column first. A place is (row, column).",
            ("(i, *divmod(at[i].item(), width))", "(i, *divmod(at[i].item(), width)[::-1])"),
        ),
        Bug(
            "mean in place of the strongest answer",
            "You sort images by the *mean* of their maps. Asked for is the strongest single answer.",
            ("order = values.argsort", "order = maps[:, channel].mean(dim=(1, 2)).argsort"),
        ),
        Bug(
            "first channel always",
            "You always look at channel 0. It is `channel`.",
            ("maps[:, channel]", "maps[:, 0]"),
        ),
        Bug(
            "all channels",
            "You look for the strongest answer of any channel. Asked for is one: `channel`.",
            ("maps[:, channel].flatten(1)", "maps.amax(dim=1).flatten(1)"),
        ),
        Bug(
            "all images always",
            "You return a place for every image. Asked for are `count`.",
            ("[:count]", ""),
        ),
        Bug(
            "as many as asked for, or an error",
            "You raise an error if there are fewer images than places wanted. Return a place for each image then.",
            ("values.argsort(descending=True, stable=True)[:count]", "values.topk(count).indices"),
        ),
        Bug(
            "equal ones in reverse",
            "Of images with equal answers you put the *last* first. Sorting upwards and turning round does that: "
            "sort downwards, `stable=True`.",
            ("values.argsort(descending=True, stable=True)[:count]", "values.argsort(stable=True).flip(0)[:count]"),
        ),
        Bug(
            "last of equal places",
            "Of equally strong places in an image you take the last. Asked for is the first, row by row.",
            (
                "maps[:, channel].flatten(1).max(dim=1)",
                "maps[:, channel].flatten(1).flip(1).max(dim=1)\n    at = maps.shape[2] * maps.shape[3] - 1 - at",
            ),
        ),
        Bug(
            "not sorted",
            "You give the places in the order of the images. Asked for are the strongest, strongest first.",
            ("values.argsort(descending=True, stable=True)[:count]", "torch.arange(len(values))[:count]"),
        ),
        Bug(
            "strongest ones in the order of the images",
            "You choose the right images and put them back into their old order. The strongest comes first.",
            ("in order.tolist()", "in sorted(order.tolist())"),
        ),
        Bug(
            "numbers up to zero left out",
            "You take everything below 0 for 0, so that the order of such answers gets lost. A layer before its ReLU "
            "has negative numbers.",
            ("maps[:, channel].flatten(1)", "maps[:, channel].flatten(1).clamp(min=0)"),
        ),
        Bug(
            "flat places",
            "Your place is a number in the flattened map. Asked for are row and column.",
            ("(i, *divmod(at[i].item(), width))", "(i, at[i].item())"),
        ),
        Bug(
            "place of another image",
            "You take the place from the image whose *rank* it is. After sorting, look it up by the image's number.",
            (
                "[(i, *divmod(at[i].item(), width)) for i in order.tolist()]",
                "[(i, *divmod(at[rank].item(), width)) for rank, i in enumerate(order.tolist())]",
            ),
        ),
    ],
    correct=[
        Correct(
            "loops",
            """
def top_places(maps, channel, count):
    best = []
    for i in range(maps.shape[0]):
        strongest, where = None, None
        for row in range(maps.shape[2]):
            for column in range(maps.shape[3]):
                value = float(maps[i, channel, row, column])
                if strongest is None or value > strongest:
                    strongest, where = value, (row, column)
        best.append((-strongest, i, *where))
    best.sort()
    return [tuple(entry[1:]) for entry in best[:count]]
""",
        ),
        Correct(
            "numpy",
            """
import numpy as np
def top_places(maps, channel, count):
    one = maps.numpy()[:, channel]
    flat = one.reshape(len(one), -1)
    order = np.argsort(-flat.max(axis=1), kind="stable")[:count]
    rows, columns = np.unravel_index(flat[order].argmax(axis=1), one.shape[1:])
    return [list(map(int, entry)) for entry in zip(order, rows, columns)]
""",
        ),
        Correct(
            "sorted by key",
            """
def top_places(maps, channel, count):
    def best(i):
        one = maps[i, channel]
        row, column = (one == one.max()).nonzero()[0].tolist()
        return i, row, column
    places = [best(i) for i in range(len(maps))]
    return sorted(places, key=lambda p: maps[p[0], channel, p[1], p[2]].item(), reverse=True)[:count]
""",
        ),
    ],
)
