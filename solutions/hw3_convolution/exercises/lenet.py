"""Part 3, LeNet: counting networks, what units see, faults, average pooling, a fast convolution."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, replaced
from visionlab.checks.draws import ask, distinct, quarters, read_only_view, whole

# ---------------------------------------------------------------------------------------------------------------------
# count_network


def conv(filters, kernel, stride=1, padding=0, groups=1):
    """Make a layer as the notebook does."""
    settings = {"stride": stride, "padding": padding, "groups": groups}
    return {"kind": "convolution", "filters": filters, "kernel": kernel, **settings}


def pool(kernel, stride):
    """Make a layer as the notebook does."""
    return {"kind": "pooling", "kernel": kernel, "stride": stride}


def dense(units):
    """Make a layer as the notebook does."""
    return {"kind": "dense", "units": units}


SMALL = [conv(2, (2, 3)), pool((2, 2), 2), dense(5)]


def counted(student, layers, in_shape, **switches):
    """Count, and name the three results."""
    units, connections, parameters = student(layers, in_shape, **switches)
    return {"units": units, "connections": connections, "parameters": parameters}


def count_one_filter(student, rng):
    """one convolution with one 2×3 filter on a 1×3×6 image: eight units that read six pixels each, and a bias"""
    return counted(student, [conv(1, (2, 3))], (1, 3, 6))


def count_filters(student, rng):
    """one convolution with four 2×3 filters on a 1×3×6 image"""
    return counted(student, [conv(4, (2, 3))], (1, 3, 6))


def count_channels(student, rng):
    """one convolution with one 2×2 filter on an image of three channels and 3×5 pixels"""
    return counted(student, [conv(1, (2, 2))], (3, 3, 5))


def count_dense(student, rng):
    """one dense layer of five units on a 2×3×4 image"""
    return counted(student, [dense(5)], (2, 3, 4))


def count_two_convolutions(student, rng):
    """two convolutions, three 2×2 filters and then two 3×2 filters, on a 1×6×8 image"""
    return counted(student, [conv(3, (2, 2)), conv(2, (3, 2))], (1, 6, 8))


def count_stride_and_padding(student, rng):
    """one convolution with three 3×2 filters, stride 2 and padding 1, on a 2×8×5 image"""
    return counted(student, [conv(3, (3, 2), stride=2, padding=1)], (2, 8, 5))


def count_pooling(student, rng):
    """a convolution with three 2×2 filters, then pooling with 3×2 windows and stride 2, on a 1×8×7 image"""
    return counted(student, [conv(3, (2, 2)), pool((3, 2), 2)], (1, 8, 7))


def count_groups(student, rng):
    """a convolution with six 3×2 filters in two groups, on a 4×5×6 image"""
    return counted(student, [conv(6, (3, 2), groups=2)], (4, 5, 6))


def count_dense_after(student, rng):
    """a convolution, and dense layers of seven and three units, on a 1×4×5 image"""
    return counted(student, [conv(2, (2, 2)), dense(7), dense(3)], (1, 4, 5))


def count_without_biases(student, rng):
    """a convolution, pooling and a dense layer on a 1×5×8 image, with biases=False"""
    return counted(student, SMALL, (1, 5, 8), biases=False)


def count_without_pooling(student, rng):
    """the same network, with pooling=False: its maps get smaller all the same"""
    return counted(student, SMALL, (1, 5, 8), pooling=False)


def count_with_inputs(student, rng):
    """the same network, with inputs=True"""
    return counted(student, SMALL, (1, 5, 8), inputs=True)


def count_without_outputs(student, rng):
    """the same network, with outputs=False"""
    return counted(student, SMALL, (1, 5, 8), outputs=False)


def count_lenet(student, rng):
    """LeNet, without biases: 8,094 units, 422,824 connections, 61,470 parameters"""
    layers = [
        conv(6, (5, 5), padding=2), pool((2, 2), 2), conv(16, (5, 5)), pool((2, 2), 2),
        dense(120), dense(84), dense(10),
    ]  # fmt: skip
    return counted(student, layers, (1, 28, 28), biases=False)


def count_drawn(student, rng):
    """networks and conventions drawn at random"""
    seen = {}
    for draw in range(8):
        layers, groups = [], 1
        for _ in range(int(rng.integers(1, 3))):
            kernel = tuple(int(side) for side in rng.permutation(4)[:2] + 1)
            stride, padding = (int(n) for n in rng.integers([1, 0], [3, 3]))
            filters = 2 * int(rng.integers(1, 6))
            layers.append(conv(filters, kernel, stride, padding, groups))
            if rng.integers(2):
                layers.append(pool((2, 3), int(rng.integers(1, 3))))
            groups = 2 if rng.integers(2) else 1
        layers += [dense(int(units)) for units in rng.integers(2, 30, rng.integers(3))]
        switches = {name: bool(rng.integers(2)) for name in ("biases", "pooling", "inputs", "outputs")}
        found = counted(student, layers, (int(rng.integers(1, 4)), 40, 45), **switches)
        seen |= {f"{name} of network {draw + 1}": value for name, value in found.items()}
    return seen


COUNT_NETWORK = Exercise(
    "count_network",
    points=4,
    cases=[
        Case(count_one_filter),
        Case(count_filters),
        Case(count_channels),
        Case(count_dense),
        Case(count_two_convolutions),
        Case(count_stride_and_padding),
        Case(count_pooling),
        Case(count_groups),
        Case(count_dense_after),
        Case(count_without_biases),
        Case(count_without_pooling),
        Case(count_with_inputs),
        Case(count_without_outputs),
        Case(count_lenet),
        Case(count_drawn, hidden=True, weight=4),
    ],
    bugs=[
        Bug(
            "biases not counted",
            "You never count biases. Unless `biases=False`, each filter and each dense unit has one parameter more, "
            "and each of their units one connection more.",
            ("bias = 1 if biases and kind", "bias = 0 if biases and kind"),
        ),
        Bug(
            "biases=False ignored",
            "You count biases whatever `biases` says.",
            ("bias = 1 if biases and kind", "bias = 1 if kind"),
        ),
        Bug(
            "biases are no connections",
            "You count biases as parameters, but not as connections. Here a unit that has a bias reads one thing more.",
            ("(reads + bias)\n        if kind", "reads\n        if kind"),
        ),
        Bug(
            "one connection for a filter's bias",
            "You count a bias as *one* connection for its whole map. All units of the map use it: one connection each.",
            ("connections += C * H * W * (reads + bias)", "connections += C * H * W * reads + C * bias"),
        ),
        Bug(
            "biases of pooling layers",
            "You give pooling layers a bias. They have neither weights nor biases: a unit reads its window, and that "
            "is all.",
            ('bias = 1 if biases and kind != "pooling" else 0', "bias = 1 if biases else 0"),
        ),
        Bug(
            "weights not shared",
            "You count a convolution's weights once for each position. All units of a map share them: that is the "
            "point of a convolution.",
            ("parameters += C * (reads + bias)", "parameters += C * H * W * (reads + bias)"),
        ),
        Bug(
            "pooling has parameters",
            "You count weights for pooling layers. There is nothing to learn in them.",
            ('        if kind != "pooling":\n            parameters', "        if True:\n            parameters"),
        ),
        Bug(
            "pooling reads all channels",
            "You let a pooling unit read all channels. Pooling works on each channel for itself: a unit reads one "
            "window of one map.",
            ('(C // layer["groups"] if kind == "convolution" else 1)', '(C // layer.get("groups", 1))'),
        ),
        Bug(
            "pooling=False ignored",
            "You count the pooling layers whatever `pooling` says.",
            ('(kind == "pooling" and not pooling) or ', ""),
        ),
        Bug(
            "pooling=False leaves the layers out",
            "With `pooling=False` you skip pooling layers altogether, so the layers after them get maps that are too "
            "large. They are not *counted*, but they still make the maps smaller.",
            (
                '        kind = layer["kind"]\n',
                '        kind = layer["kind"]\n        if kind == "pooling" and not pooling:\n            continue\n',
            ),
        ),
        Bug(
            "inputs ignored",
            "You ignore `inputs`. With `inputs=True` the numbers of the image are units too.",
            ("C * H * W if inputs else 0", "0"),
        ),
        Bug(
            "inputs always counted",
            "You count the image's numbers as units even without `inputs=True`.",
            ("C * H * W if inputs else 0", "C * H * W"),
        ),
        Bug(
            "outputs=False ignored",
            "You count the last layer whatever `outputs` says.",
            (" or (position == len(layers) - 1 and not outputs)", ""),
        ),
        Bug(
            "outputs=False drops the units only",
            "With `outputs=False` you leave out the last layer's units, but count its connections and parameters. All "
            "that it has is left out.",
            (" or (position == len(layers) - 1 and not outputs)", ""),
            ("units += C * H * W", "units += C * H * W if outputs or position < len(layers) - 1 else 0"),
        ),
        Bug(
            "groups ignored",
            "You let each filter read all channels. With `groups` G it reads those of its own group: C/G of them.",
            ('C // layer["groups"]', "C"),
        ),
        Bug(
            "groups divide the filters",
            "You divide the number of *filters* by the groups. All filters are there; each of them reads fewer "
            "channels.",
            ('C = layer.get("filters", C)', 'C = layer.get("filters", C) // layer.get("groups", 1)'),
            ('C // layer["groups"]', "C"),
        ),
        Bug(
            "groups divide the filters too",
            "You divide the channels that a filter reads by the groups, which is right, and the number of filters as "
            "well. All filters are there.",
            ('layer.get("filters", C)', 'layer.get("filters", C) // layer.get("groups", 1)'),
        ),
        Bug(
            "filters taken for channels",
            "You let a filter read as many channels as the layer *has filters*. It reads the channels that arrive: as "
            "many as the layer before has filters.",
            ('C // layer["groups"]', 'layer["filters"] // layer["groups"]'),
        ),
        Bug(
            "dense layers read channels only",
            "You let a dense unit read one number of each channel. It reads *all* numbers of the layer before: "
            "C·H·W of them.",
            ("reads = C * H * W", "reads = C"),
        ),
        Bug(
            "channels of the image for all layers",
            "You use the image's channels in every layer. What goes into a layer is what the layer before has put "
            "out: as many channels as that one has filters.",
            ("C, H, W = in_shape\n", "C, H, W = in_shape\n    image_channels = C\n"),
            ('C // layer["groups"]', 'image_channels // layer["groups"]'),
        ),
        Bug(
            "maps of the image's size",
            "You let all maps have the size of the image. Each layer changes it: work out the output's height and "
            "width before you count.",
            ('H = (H + 2 * padding - K_h) // layer["stride"] + 1', "pass"),
            ('W = (W + 2 * padding - K_w) // layer["stride"] + 1', "pass"),
        ),
        Bug(
            "stride ignored",
            "You work out the maps' sizes as if all windows moved by one pixel.",
            ('// layer["stride"]', "// 1"),
        ),
        Bug(
            "padding ignored",
            "You work out the maps' sizes without padding. The image grows by twice the padding, in height and width.",
            ('layer.get("padding", 0)', "0"),
        ),
        Bug(
            "kernel's sides swapped",
            "You take the kernel's width for its height. `kernel` is (K_h, K_w).",
            ("K_h, K_w = layer", "K_w, K_h = layer"),
        ),
        Bug(
            "a map is one unit",
            "You count the positions of one map, and not the maps. A layer puts out C·H·W numbers.",
            ("units += C * H * W", "units += H * W"),
        ),
        Bug(
            "results in the wrong order",
            "You return the right numbers in the wrong order: units, connections, parameters.",
            ("return units, connections, parameters", "return units, parameters, connections"),
        ),
    ],
    correct=[
        Correct(
            "dense layers as convolutions",
            '''
def count_network(layers, in_shape, biases=True, pooling=True, inputs=False, outputs=True):
    """A dense layer is a convolution whose kernel covers everything."""
    shape, rows = in_shape, []
    for layer in layers:
        kernel = layer["kernel"] if layer["kind"] != "dense" else shape[1:]
        stride, pad = layer.get("stride", 1), layer.get("padding", 0)
        out = [(n + 2 * pad - k) // stride + 1 for n, k in zip(shape[1:], kernel)]
        if layer["kind"] == "pooling":
            units = shape[0] * out[0] * out[1]
            rows.append((units, units * kernel[0] * kernel[1], 0) if pooling else (0, 0, 0))
            shape = (shape[0], *out)
            continue
        filters = layer.get("filters", layer.get("units"))
        one = shape[0] * kernel[0] * kernel[1] // layer.get("groups", 1) + int(biases)
        rows.append((filters * out[0] * out[1], filters * out[0] * out[1] * one, filters * one))
        shape = (filters, *out)
    if not outputs:
        rows.pop()
    totals = [sum(column) for column in zip(*rows)] if rows else [0, 0, 0]
    totals[0] += in_shape[0] * in_shape[1] * in_shape[2] * inputs
    return totals
''',
        ),
        Correct(
            "layers of torch",
            '''
import torch
from torch import nn
def count_network(layers, in_shape, biases=True, pooling=True, inputs=False, outputs=True):
    """Let torch work out the shapes, on tensors without values."""
    x = torch.zeros(1, *in_shape, device="meta")
    units, connections, parameters = (x.numel() if inputs else 0), 0, 0
    for layer in layers:
        last = layer is layers[-1]
        if layer["kind"] == "pooling":
            x = nn.functional.max_pool2d(x, layer["kernel"], layer["stride"])
            if pooling and not (last and not outputs):
                units += x.numel()
                connections += x.numel() * layer["kernel"][0] * layer["kernel"][1]
            continue
        if layer["kind"] == "dense":
            x = x.flatten(1)
            made = nn.Linear(x.shape[1], layer["units"], device="meta")
        else:
            made = nn.Conv2d(
                x.shape[1], layer["filters"], layer["kernel"], layer["stride"], layer["padding"],
                groups=layer["groups"], device="meta",
            )
        x = made(x)
        if last and not outputs:
            continue
        own = made.weight[0].numel() + (1 if biases else 0)
        units += x.numel()
        connections += x.numel() * own
        parameters += len(made.weight) * own
    return units, connections, parameters
''',
        ),
        Correct(
            "numpy integers",
            '''
import numpy as np
def count_network(layers, in_shape, biases=True, pooling=True, inputs=False, outputs=True):
    """Sizes as arrays; every count an array of three."""
    channels, size = in_shape[0], np.array(in_shape[1:])
    total = np.array([np.prod(in_shape) if inputs else 0, 0, 0])
    for i, layer in enumerate(layers):
        before = channels * np.prod(size)
        if layer["kind"] == "dense":
            channels, size = layer["units"], np.array([1, 1])
            count = np.array([channels, channels * (before + biases), channels * (before + biases)])
        elif layer["kind"] == "convolution":
            own = channels // layer["groups"] * np.prod(layer["kernel"]) + biases
            size = (size + 2 * layer["padding"] - layer["kernel"]) // layer["stride"] + 1
            channels = layer["filters"]
            count = channels * np.array([np.prod(size), np.prod(size) * own, own])
        else:
            size = (size - layer["kernel"]) // layer["stride"] + 1
            count = channels * np.prod(size) * np.array([1, np.prod(layer["kernel"]), 0]) * pooling
        if outputs or i + 1 < len(layers):
            total = total + count
    return tuple(total)
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# pixels_seen


def sees_one_layer(student, rng):
    """one layer, kernel 3: unit 0 and unit 4"""
    return ask(student, "pixels_seen", [(3, 1, 0)], 0) | ask(student, "pixels_seen", [(3, 1, 0)], 4)


def sees_stride(student, rng):
    """one layer, kernel 3, stride 2: unit 4"""
    return ask(student, "pixels_seen", [(3, 2, 0)], 4)


def sees_padding(student, rng):
    """one layer, kernel 5, padding 2: unit 0 sees padding, unit 4 does not"""
    return ask(student, "pixels_seen", [(5, 1, 2)], 0) | ask(student, "pixels_seen", [(5, 1, 2)], 4)


def sees_even_kernel(student, rng):
    """one layer, kernel 2, stride 2: unit 3"""
    return ask(student, "pixels_seen", [(2, 2, 0)], 3)


def sees_two_layers(student, rng):
    """two layers with kernel 3: unit 0 and unit 5"""
    layers = [(3, 1, 0), (3, 1, 0)]
    return ask(student, "pixels_seen", layers, 0) | ask(student, "pixels_seen", layers, 5)


def sees_convolution_and_pooling(student, rng):
    """a convolution with kernel 5, then pooling with kernel 2 and stride 2: the order counts"""
    return ask(student, "pixels_seen", [(5, 1, 0), (2, 2, 0)], 1) | ask(
        student, "pixels_seen", [(2, 2, 0), (5, 1, 0)], 1
    )


def sees_padding_below_a_stride(student, rng):
    """a layer with stride 2, and above it one with padding 1"""
    return ask(student, "pixels_seen", [(3, 2, 0), (3, 1, 1)], 0) | ask(
        student, "pixels_seen", [(3, 2, 1), (3, 1, 1)], 2
    )


def sees_lenet(student, rng):
    """LeNet: what the units of C1, S2, C3 and S4 see"""
    layers = [(5, 1, 2), (2, 2, 0), (5, 1, 0), (2, 2, 0)]
    return {key: value for n in (1, 2, 3, 4) for key, value in ask(student, "pixels_seen", layers[:n], 1).items()}


def sees_drawn(student, rng):
    """layers drawn at random"""
    seen = {}
    for _ in range(10):
        count = int(rng.integers(1, 6))
        layers = [tuple(int(n) for n in rng.integers([1, 1, 0], [8, 4, 4])) for _ in range(count)]
        seen |= ask(student, "pixels_seen", layers, int(rng.integers(0, 9)))
    return seen


PIXELS_SEEN = Exercise(
    "pixels_seen",
    points=3,
    cases=[
        Case(sees_one_layer),
        Case(sees_stride),
        Case(sees_even_kernel),
        Case(sees_padding),
        Case(sees_two_layers),
        Case(sees_convolution_and_pooling),
        Case(sees_padding_below_a_stride),
        Case(sees_lenet),
        Case(sees_drawn, hidden=True, weight=4),
    ],
    bugs=[
        Bug(
            "layers in the wrong order",
            "You begin with the layer next to the image. The unit belongs to the *last* layer: go through the list "
            "from its end.",
            ("reversed(layers)", "layers"),
        ),
        Bug(
            "padding ignored",
            "You count pixels of the padded row. Pixel 0 of the row itself comes after the padding: subtract it, at "
            "every layer.",
            (" - padding\n", "\n"),
            (" - padding +", " +"),
        ),
        Bug(
            "padding added",
            "You add the padding. The window begins `padding` pixels *before* that place of the row: subtract it.",
            (" - padding\n", " + padding\n"),
            (" - padding +", " + padding +"),
        ),
        Bug(
            "padding subtracted at one end only",
            "You subtract the padding from the first pixel, but not from the last. The whole window moves.",
            (" - padding +", " +"),
        ),
        Bug(
            "padding as if the window grew",
            "You let the padding widen what is seen. It only moves the window: first *and* last pixel lie `padding` "
            "further to the left.",
            (" - padding +", " + padding +"),
        ),
        Bug(
            "all padding at the image",
            "You add up the paddings of all layers and subtract them in the end. The padding of a later layer counts "
            "in *its* units, which lie several pixels apart where there are strides below.",
            (" - padding\n", "\n"),
            (" - padding +", " +"),
            ("return first, last", "whole = sum(layer[2] for layer in layers)\n    return first - whole, last - whole"),
        ),
        Bug(
            "stride ignored",
            "You let every window begin at its unit's own number. With stride S, window i begins at i·S.",
            ("first * stride", "first"),
            ("last * stride", "last"),
        ),
        Bug(
            "stride for the first unit only",
            "You multiply the first unit by the stride, but not the last. Both have windows that begin at their number "
            "times the stride.",
            ("last * stride", "last"),
        ),
        Bug(
            "end of the window times the stride",
            "You multiply the *end* of a window by the stride. Where it begins is a number of strides; then its kernel "
            "is laid down, pixel by pixel.",
            ("last * stride - padding + kernel - 1", "(last + kernel - 1) * stride - padding"),
        ),
        Bug(
            "one pixel too many",
            "You go one pixel too far: a window of K pixels that begins at a ends at a + K − 1.",
            ("+ kernel - 1", "+ kernel"),
        ),
        Bug(
            "kernel around its centre",
            "You lay the middle of the kernel on the pixel. A window *begins* at i·S − P, whatever the padding; only "
            "with padding (K − 1)/2 and stride 1 is that the same.",
            ("first * stride - padding", "first * stride - kernel // 2"),
            ("last * stride - padding + kernel - 1", "last * stride + kernel // 2"),
        ),
        Bug(
            "a layer's stride counts for itself",
            "You go from the image upwards, and multiply the distance of neighbouring units by a layer's stride "
            "*before* you lay its kernel. The kernel reads units of the layer before: use their distance, and "
            "multiply then.",
            source='''
def pixels_seen(layers, unit):
    """How wide, how far apart, where the first one begins."""
    size, jump, start = 1, 1, 0
    for kernel, stride, padding in layers:
        jump = jump * stride
        size = size + (kernel - 1) * jump
        start = start - padding * jump
    return start + unit * jump, start + unit * jump + size - 1
''',
        ),
        Bug(
            "cut off at the image's edge",
            "You replace negative pixels by 0. The exercise wants them as they are: they tell how much padding is "
            "seen.",
            ("return first, last", "return max(first, 0), max(last, 0)"),
        ),
        Bug(
            "always unit 0",
            "You ignore `unit`: that is what the first unit sees.",
            ("first = last = unit", "first = last = 0"),
        ),
        Bug(
            "width instead of the last pixel",
            "Your second result is how many pixels are seen. The exercise asks for the number of the last one.",
            ("return first, last", "return first, last - first + 1"),
        ),
    ],
    correct=[
        Correct(
            "sets of units, layer by layer",
            '''
def pixels_seen(layers, unit):
    """Write all of them down."""
    units = {unit}
    for kernel, stride, padding in layers[::-1]:
        units = {u * stride - padding + k for u in units for k in range(kernel)}
    return min(units), max(units)
''',
        ),
        Correct(
            "recursion",
            '''
def pixels_seen(layers, unit):
    """What the two outermost units of the layer before see."""
    if not layers:
        return [unit, unit]
    *below, (kernel, stride, padding) = layers
    start = unit * stride - padding
    return [pixels_seen(below, start)[0], pixels_seen(below, start + kernel - 1)[1]]
''',
        ),
        Correct(
            "size, jump and start from below",
            '''
import numpy as np
def pixels_seen(layers, unit):
    """Forwards: how wide, how far apart, where the first one begins."""
    size, jump, start = np.int64(1), 1, 0
    for kernel, stride, padding in layers:
        size = size + (kernel - 1) * jump
        start = start - padding * jump
        jump = jump * stride
    return start + unit * jump, start + unit * jump + size - 1
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# find_fault


def fault_none(student, rng):
    """one convolution that works"""
    return ask(student, "find_fault", [("convolution", 1, 4, 3, 1, 0)], (1, 5, 7))


def fault_channels(student, rng):
    """a convolution that expects three channels and gets one"""
    return ask(student, "find_fault", [("convolution", 3, 4, 3, 1, 0)], (1, 5, 7))


def fault_channels_of_second(student, rng):
    """two convolutions, the second of which expects what goes into the first"""
    layers = [("convolution", 2, 4, 3, 1, 0), ("convolution", 2, 5, 3, 1, 0)]
    return ask(student, "find_fault", layers, (2, 6, 8))


def fault_dense(student, rng):
    """dense layers that get another number of numbers than they expect, or the right one"""
    return ask(student, "find_fault", [("dense", 12, 5)], (2, 3, 4)) | ask(
        student, "find_fault", [("dense", 24, 5)], (2, 3, 4)
    )


def fault_second_dense(student, rng):
    """two dense layers, the second of which does not fit"""
    return ask(student, "find_fault", [("dense", 24, 5), ("dense", 24, 3)], (2, 3, 4))


def fault_too_low(student, rng):
    """a kernel that is larger than the image is high"""
    return ask(student, "find_fault", [("convolution", 1, 4, 3, 1, 0)], (1, 2, 7))


def fault_too_narrow(student, rng):
    """a kernel that is larger than the image is wide"""
    return ask(student, "find_fault", [("convolution", 1, 4, 3, 1, 0)], (1, 7, 2))


def fault_fits_exactly(student, rng):
    """kernels just as large as what they are laid on"""
    return (
        ask(student, "find_fault", [("convolution", 1, 4, 3, 1, 0)], (1, 3, 4))
        | ask(student, "find_fault", [("convolution", 1, 4, 3, 1, 1)], (1, 1, 4))
        | ask(student, "find_fault", [("pooling", 2, 2)], (3, 2, 5))
    )


def fault_pooling(student, rng):
    """pooling once too often"""
    return ask(student, "find_fault", [("pooling", 2, 2), ("pooling", 2, 2), ("pooling", 2, 2)], (3, 6, 9))


def fault_two(student, rng):
    """a network with two faults, of which the first counts"""
    layers = [("convolution", 1, 4, 3, 1, 0), ("convolution", 3, 5, 3, 1, 0), ("dense", 7, 10)]
    return ask(student, "find_fault", layers, (1, 6, 8))


def fault_stride_and_padding(student, rng):
    """strides that do not fit, and padding"""
    layers = [("convolution", 1, 4, 3, 2, 1), ("pooling", 2, 2), ("convolution", 4, 6, 3, 1, 1), ("dense", 24, 10)]
    return ask(student, "find_fault", layers, (1, 9, 12))


def fault_lenet(student, rng):
    """LeNet on 28×28 and on 32×32 pixels"""
    layers = [
        ("convolution", 1, 6, 5, 1, 0), ("pooling", 2, 2), ("convolution", 6, 16, 5, 1, 0), ("pooling", 2, 2),
        ("dense", 400, 120), ("dense", 120, 84), ("dense", 84, 10),
    ]  # fmt: skip
    return ask(student, "find_fault", layers, (1, 28, 28)) | ask(student, "find_fault", layers, (1, 32, 32))


def fault_drawn(student, rng):
    """networks drawn at random, most of them with a fault"""
    seen = {}
    for _ in range(12):
        channels, height, width = (int(n) for n in rng.integers([1, 4, 4], [4, 15, 15]))
        in_shape, layers, now = (channels, height, width), [], channels
        for _ in range(int(rng.integers(1, 5))):
            if rng.integers(3) == 0:
                layers.append(("pooling", *(int(n) for n in rng.integers(1, 4, 2))))
                continue
            kernel, stride, padding = (int(n) for n in rng.integers([1, 1, 0], [6, 3, 3]))
            filters = int(rng.integers(2, 9))
            layers.append(("convolution", now + (rng.integers(12) == 0).item(), filters, kernel, stride, padding))
            now = filters
        layers += [("dense", now * int(rng.integers(1, 3)), 10), ("dense", 10, 4)]
        seen |= ask(student, "find_fault", layers, in_shape)
    return seen


FIND_FAULT = Exercise(
    "find_fault",
    points=3,
    cases=[
        Case(fault_none),
        Case(fault_channels),
        Case(fault_channels_of_second),
        Case(fault_dense),
        Case(fault_second_dense),
        Case(fault_too_low),
        Case(fault_too_narrow),
        Case(fault_fits_exactly),
        Case(fault_pooling),
        Case(fault_two),
        Case(fault_stride_and_padding),
        Case(fault_lenet),
        Case(fault_drawn, hidden=True, weight=5),
    ],
    bugs=[
        Bug(
            "counted from 1",
            "You count the layers from 1. As everywhere in Python, the first one is number 0.",
            ("enumerate(layers)", "enumerate(layers, 1)"),
        ),
        Bug(
            "last fault instead of the first",
            "Where a network has several faults you report the last. What comes after the first fault cannot be known: "
            "return as soon as you find one.",
            source='''
import math
def find_fault(layers, in_shape):
    """Go on after a fault."""
    shape, fault = in_shape, None
    for position, (kind, *numbers) in enumerate(layers):
        if kind == "dense":
            expected, units = numbers
            if math.prod(shape) != expected:
                fault = position, shape
            shape = (units,)
            continue
        C, H, W = shape
        expected, filters, kernel, stride, padding = numbers if kind == "convolution" else (C, C, *numbers, 0)
        if expected != C or kernel > min(H, W) + 2 * padding:
            fault = position, shape
        shape = (filters, *(max(0, (side + 2 * padding - kernel) // stride + 1) for side in (H, W)))
    return fault or (None, shape)
''',
        ),
        Bug(
            "channels not compared",
            "You never compare the channels that arrive at a convolution with those that it expects.",
            ("expected != C or ", ""),
        ),
        Bug(
            "dense layers not compared",
            "You never compare the numbers that arrive at a dense layer with those that it expects.",
            ("math.prod(shape) != expected", "False"),
        ),
        Bug(
            "dense layers compared with the channels",
            "You compare what a dense layer expects with the number of channels. It reads *all* numbers: channels "
            "times height times width.",
            ("math.prod(shape) != expected", "shape[0] != expected"),
        ),
        Bug(
            "a kernel that is too large accepted",
            "You don't notice when a kernel is larger than the map, and go on with sizes of 0 or less.",
            (" or kernel > min(H, W) + 2 * padding", ""),
        ),
        Bug(
            "only the height compared",
            "You compare the kernel with the map's height only. It must fit in both directions.",
            ("min(H, W)", "H"),
        ),
        Bug(
            "only the width compared",
            "You compare the kernel with the map's width only. It must fit in both directions.",
            ("min(H, W)", "W"),
        ),
        Bug(
            "enough to fit in one direction",
            "You accept a kernel that fits in one direction. It must fit in both.",
            ("min(H, W)", "max(H, W)"),
        ),
        Bug(
            "kernel compared without padding",
            "You compare the kernel with the bare map. Padding makes it larger: the kernel must fit on the *padded* "
            "map.",
            ("min(H, W) + 2 * padding", "min(H, W)"),
        ),
        Bug(
            "kernel of the map's own size refused",
            "You refuse a kernel exactly as large as the map. It fits, in one place.",
            ("kernel > min", "kernel >= min"),
        ),
        Bug(
            "pooling not compared",
            "You look for kernels that are too large in convolutions only. A pooling window must fit as well.",
            ("or kernel > min(H, W)", 'or kind == "convolution" and kernel > min(H, W)'),
        ),
        Bug(
            "channels not handed on",
            "You keep the image's channels. A convolution puts out as many as it has filters.",
            ("shape = (filters, *", "shape = (C, *"),
        ),
        Bug(
            "padding ignored",
            "You work out the maps' sizes without padding.",
            ("(side + 2 * padding - kernel)", "(side - kernel)"),
        ),
        Bug(
            "stride ignored",
            "You work out the maps' sizes as if all windows moved by one pixel.",
            ("// stride + 1", "// 1 + 1"),
        ),
        Bug(
            "rounded up",
            "Where a stride doesn't fit, you round up. In this course, as in PyTorch, sizes are rounded down.",
            ("(side + 2 * padding - kernel) // stride", "-(-(side + 2 * padding - kernel) // stride)"),
        ),
        Bug(
            "shape after the fault",
            "At a fault you return what the layer should have put out. The exercise asks for the shape that *arrives* "
            "there.",
            (
                "                return position, shape\n            shape = (units,)",
                "                return position, (units,)\n            shape = (units,)",
            ),
            (
                "            return position, shape\n        shape = (filters,",
                "            sides = ((side + 2 * padding - kernel) // stride + 1 for side in (H, W))\n"
                "            return position, (filters, *sides)\n        shape = (filters,",
            ),
        ),
        Bug(
            "image's shape at every fault",
            "You return the image's shape. The exercise asks for the shape that arrives at the layer with the fault.",
            ("return position, shape\n            shape", "return position, in_shape\n            shape"),
            ("return position, shape\n        shape", "return position, in_shape\n        shape"),
        ),
        Bug(
            "dense layers put out what went in",
            "After a dense layer the shape is (units,): one number for each of its units.",
            ("shape = (units,)", "shape = shape"),
        ),
        Bug(
            "−1 instead of None",
            "If all layers work, the first result is None. You return −1.",
            ("return None, shape", "return -1, shape"),
        ),
    ],
    correct=[
        Correct(
            "layers of torch, tried out",
            '''
import torch
from torch import nn
def find_fault(layers, in_shape):
    """Build each layer and see whether it complains."""
    x = torch.zeros(1, *in_shape, device="meta")
    for i, (kind, *numbers) in enumerate(layers):
        if kind == "dense":
            layer, fed = nn.Linear(*numbers, device="meta"), x.flatten(1)
        elif kind == "pooling":
            layer, fed = nn.MaxPool2d(*numbers), x
        else:
            layer, fed = nn.Conv2d(*numbers, device="meta"), x
        try:
            x = layer(fed)
        except RuntimeError:
            return i, tuple(x.shape[1:])
    return None, tuple(x.shape[1:])
''',
        ),
        Correct(
            "lists, branch by branch",
            '''
def find_fault(layers, in_shape):
    """Keep the shape in a list and change it."""
    now = list(in_shape)
    for i in range(len(layers)):
        layer = layers[i]
        if layer[0] == "dense":
            total = 1
            for n in now:
                total *= n
            if total != layer[1]:
                return [i, now]
            now = [layer[2]]
        else:
            pooling = layer[0] == "pooling"
            kernel, stride = (layer[1], layer[2]) if pooling else (layer[3], layer[4])
            pad = 0 if pooling else layer[5]
            height, width = now[1] + 2 * pad, now[2] + 2 * pad
            if (not pooling and now[0] != layer[1]) or height < kernel or width < kernel:
                return [i, now]
            now = [now[0] if pooling else layer[2], 1 + (height - kernel) // stride, 1 + (width - kernel) // stride]
    return [None, now]
''',
        ),
        Correct(
            "numpy integers",
            '''
import numpy as np
def find_fault(layers, in_shape):
    """Shapes as arrays."""
    shape = np.array(in_shape)
    for i, layer in enumerate(layers):
        if layer[0] == "dense":
            if shape.prod() != layer[1]:
                return i, tuple(shape)
            shape = np.array(layer[2:])
            continue
        kernel, stride, padding = (*layer[1:], 0) if layer[0] == "pooling" else layer[3:]
        steps = (shape[1:] + 2 * padding - kernel) // stride
        wrong = layer[0] == "convolution" and shape[0] != layer[1]
        if wrong or (shape[1:] + 2 * padding < kernel).any():
            return i, tuple(shape)
        shape = np.append(shape[0] if layer[0] == "pooling" else layer[2], steps + 1)
    return None, tuple(shape)
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# avg_pool_forward


def mean_one_window(student, rng):
    """one 2×2 image, one 2×2 window"""
    return {"out": student(whole(rng, 1, 1, 2, 2, low=1, high=9), (2, 2), 2)}


def mean_side_by_side(student, rng):
    """one 2×4 image, 2×2 windows side by side"""
    return {"out": student(whole(rng, 1, 1, 2, 4, low=1, high=9), (2, 2), 2)}


def mean_overlapping(student, rng):
    """one 3×4 image, 2×2 windows that overlap (stride 1)"""
    return {"out": student(whole(rng, 1, 1, 3, 4, low=-9, high=9), (2, 2), 1)}


def mean_left_over(student, rng):
    """one 3×5 image, 2×2 windows, stride 2, which leaves a row and a column over"""
    return {"out": student(whole(rng, 1, 1, 3, 5, low=-9, high=9), (2, 2), 2)}


def mean_not_square(student, rng):
    """one 3×6 image, windows of 2 rows and 4 columns, stride 1"""
    return {"out": student(whole(rng, 1, 1, 3, 6, low=-9, high=9), (2, 4), 1)}


def mean_gaps(student, rng):
    """one 5×8 image, 2×2 windows, stride 3, which leaves gaps between the windows"""
    return {"out": student(whole(rng, 1, 1, 5, 8, low=-9, high=9), (2, 2), 3)}


def mean_channels(student, rng):
    """one 2×3 image of three channels, 2×2 windows, stride 1"""
    return {"out": student(whole(rng, 1, 3, 2, 3, low=-9, high=9), (2, 2), 1)}


def mean_batch(student, rng):
    """three 2×3 images, 2×2 windows, stride 1"""
    return {"out": student(whole(rng, 3, 1, 2, 3, low=-9, high=9), (2, 2), 1)}


def mean_whole_numbers(student, rng):
    """one 2×3 image of whole numbers (dtype int64), 2×2 windows, stride 1"""
    return {"out": student(np.array([[[[1, 2, 4], [3, 1, 8]]]]), (2, 2), 1)}


def mean_all_together(student, rng):
    """two 7×9 images of three channels (float32), read-only and not contiguous, 4×2 windows, stride 2"""
    return {"out": student(read_only_view(whole(rng, 2, 3, 9, 7, low=-9, high=9).astype(np.float32)), (4, 2), 2)}


def mean_drawn(student, rng):
    """shapes, windows and strides drawn at random"""
    seen = {}
    for draw in range(4):
        batch, channels, stride = (int(n) for n in rng.integers(1, [4, 4, 4]))
        size = tuple(int(side) for side in rng.permutation([1, 2, 4])[:2])
        height, width = (rng.permutation(3)[:2] + 1) * stride + size + rng.integers(0, stride, 2)
        x = read_only_view(whole(rng, batch, channels, height, width, low=-9, high=9))
        seen[f"out {draw + 1}"] = student(x, size, stride)
    return seen


def mean_larger(student, rng):
    """two images of 15×20 pixels and three channels"""
    return {"out": student(quarters(rng, 2, 3, 15, 20).astype(np.float32), (2, 4), int(rng.integers(2, 4)))}


MEAN_BY_LOOPS = '''
import numpy as np
def avg_pool_forward(x, size, stride):
    """Look at every pixel of every window."""
    N, C, H, W = x.shape
    K_h, K_w = size
    out_h, out_w = (H - K_h) // stride + 1, (W - K_w) // stride + 1
    out = np.zeros((N, C, out_h, out_w))
    for n, c, i, j in np.ndindex(out.shape):
        for s, t in np.ndindex(K_h, K_w):
            out[n, c, i, j] += x[n, c, i * stride + s, j * stride + t] / (K_h * K_w)
    return out
'''

AVG_POOL_FORWARD = Exercise(
    "avg_pool_forward",
    points=1,
    cases=[
        Case(mean_one_window),
        Case(mean_side_by_side),
        Case(mean_overlapping),
        Case(mean_left_over),
        Case(mean_not_square),
        Case(mean_gaps),
        Case(mean_channels),
        Case(mean_batch),
        Case(mean_whole_numbers),
        Case(mean_all_together),
        Case(mean_drawn, hidden=True, weight=3),
        Case(mean_larger, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "maximum instead of the mean",
            "You take the largest number of each window: that is max pooling. Here the mean is wanted.",
            (".mean(axis=(2, 3))", ".max(axis=(2, 3))"),
        ),
        Bug(
            "sum instead of the mean",
            "You add up each window. Divide by how many numbers it has: K_h·K_w.",
            (".mean(axis=(2, 3))", ".sum(axis=(2, 3))"),
        ),
        Bug(
            "divided by the square of the stride",
            "You divide by the stride times itself. A window has K_h·K_w numbers, however far it moves.",
            (".mean(axis=(2, 3))", ".sum(axis=(2, 3)) / stride**2"),
        ),
        Bug(
            "divided as if windows were square",
            "You divide by K_h·K_h. Windows need not be square: they have K_h·K_w numbers.",
            (".mean(axis=(2, 3))", ".sum(axis=(2, 3)) / K_h**2"),
        ),
        Bug(
            "mean over the channels",
            "You take the mean over all channels too. Pooling works on every channel for itself.",
            (".mean(axis=(2, 3))", ".mean(axis=(1, 2, 3))[:, None]"),
        ),
        Bug(
            "mean over the images",
            "You take the mean over all images of the batch too. Every image is pooled for itself.",
            (".mean(axis=(2, 3))", ".mean(axis=(0, 2, 3))"),
        ),
        Bug(
            "mean over everything",
            "You take one mean over all images and channels (`mean()` without axes). Only rows and columns are "
            "averaged.",
            (".mean(axis=(2, 3))", ".mean()"),
        ),
        Bug(
            "rows averaged only",
            "You average over the rows of a window, and then take its first column. The mean runs over both.",
            (".mean(axis=(2, 3))", ".mean(axis=2)[:, :, 0]"),
        ),
        Bug(
            "window moves one pixel at a time",
            "Your output has the right size, but the window moves by one pixel at each step. The corner of window (i, "
            "j) is i and j *times* the stride away from the image's.",
            (
                "slice(i * stride, i * stride + K_h), slice(j * stride, j * stride + K_w)",
                "slice(i, i + K_h), slice(j, j + K_w)",
            ),
        ),
        Bug(
            "windows side by side",
            "You put the windows side by side, whatever `stride` says. The stride alone says how far apart they are.",
            ("(H - K_h) // stride", "(H - K_h) // K_h"),
            ("(W - K_w) // stride", "(W - K_w) // K_w"),
            (
                "slice(i * stride, i * stride + K_h), slice(j * stride, j * stride + K_w)",
                "slice(i * K_h, i * K_h + K_h), slice(j * K_w, j * K_w + K_w)",
            ),
        ),
        Bug(
            "height and width of the image swapped",
            "You take the image's height for its width. `x.shape` is (N, C, H, W).",
            source=replaced(MEAN_BY_LOOPS, ("N, C, H, W", "N, C, W, H")),
        ),
        Bug(
            "height and width of the window swapped",
            "You take the window's height for its width. `size` is (K_h, K_w).",
            ("K_h, K_w = size", "K_w, K_h = size"),
        ),
        Bug(
            "square window assumed",
            "You use the window's height for its width as well. Windows need not be square.",
            ("K_h, K_w = size", "K_h = K_w = size[0]"),
        ),
        Bug(
            "output size rounded up",
            "Where the stride doesn't fit, you round the output's size up, and take the mean of what is left of the "
            "last window. Round down: what is left over isn't read.",
            ("(H - K_h) // stride", "-(-(H - K_h) // stride)"),
            ("(W - K_w) // stride", "-(-(W - K_w) // stride)"),
        ),
        Bug(
            "output too small by one",
            "Your output lacks its last row and column: count the places of the window, not the steps between them.",
            ("// stride + 1", "// stride"),
        ),
        Bug(
            "last row and column never filled",
            "The last row and column of your output keep the zeros they were made with: a loop ends one step too "
            "early.",
            ("range(out.shape[2])", "range(out.shape[2] - 1)"),
            ("range(out.shape[3])", "range(out.shape[3] - 1)"),
        ),
        Bug(
            "output of whole numbers",
            "You store the means in an array of the image's own type: where that is a type of whole numbers, "
            "everything behind the point is cut off.",
            ("(W - K_w) // stride + 1))", "(W - K_w) // stride + 1), dtype=x.dtype)"),
        ),
        Bug(
            "integer division",
            "You divide with `//`, which rounds down to a whole number.",
            (".mean(axis=(2, 3))", ".sum(axis=(2, 3)) // (K_h * K_w)"),
        ),
    ],
    correct=[
        Correct("six loops", MEAN_BY_LOOPS),
        Correct(
            "sliding windows, a view as result",
            '''
import numpy as np
def avg_pool_forward(x, size, stride):
    """Every place, then every stride-th of them."""
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    return windows.mean(axis=(4, 5))[:, :, ::stride, ::stride]
''',
        ),
        Correct(
            "a running sum of shifted images, in float32",
            '''
import numpy as np
def avg_pool_forward(x, size, stride):
    """One slice for each place in the window."""
    rows = (x.shape[2] - size[0]) // stride * stride + 1
    columns = (x.shape[3] - size[1]) // stride * stride + 1
    shifted = [x[:, :, s : s + rows : stride, t : t + columns : stride] for s, t in np.ndindex(*size)]
    return sum(shifted).astype(np.float32) / len(shifted)
''',
        ),
        Correct(
            "torch, a tensor as result",
            '''
import numpy as np
import torch
def avg_pool_forward(x, size, stride):
    """Let torch do it."""
    return torch.nn.functional.avg_pool2d(torch.tensor(np.asarray(x, dtype=np.float64)), size, stride=stride)
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# avg_pool_backward


def wanted_of_pool(rng, x, size, stride):
    """Draw a gradient for each output of a pooling layer."""
    rows, columns = (1 + (n - k) // stride for n, k in zip(x.shape[2:], size, strict=True))
    return whole(rng, *x.shape[:2], rows, columns, low=1, high=9)


def share_case(student, rng, shape, size, stride):
    """Send a gradient back through an average pooling of images of this shape."""
    x = whole(rng, *shape, low=1, high=9)
    return {"dx": student(wanted_of_pool(rng, x, size, stride), x, size, stride)}


def share_one_window(student, rng):
    """one 2×2 image, one 2×2 window"""
    return share_case(student, rng, (1, 1, 2, 2), (2, 2), 2)


def share_side_by_side(student, rng):
    """one 2×4 image, 2×2 windows side by side"""
    return share_case(student, rng, (1, 1, 2, 4), (2, 2), 2)


def share_overlapping(student, rng):
    """one 2×3 image, 2×2 windows that overlap (stride 1)"""
    return share_case(student, rng, (1, 1, 2, 3), (2, 2), 1)


def share_not_square(student, rng):
    """one 3×6 image, windows of 2 rows and 4 columns, stride 1"""
    return share_case(student, rng, (1, 1, 3, 6), (2, 4), 1)


def share_left_over(student, rng):
    """one 3×5 image, 2×2 windows, stride 2, which leaves a row and a column over"""
    return share_case(student, rng, (1, 1, 3, 5), (2, 2), 2)


def share_gaps(student, rng):
    """one 5×5 image, 2×2 windows, stride 3, which leaves gaps between the windows"""
    return share_case(student, rng, (1, 1, 5, 5), (2, 2), 3)


def share_channels(student, rng):
    """one 2×3 image of three channels, 2×2 windows, stride 1"""
    return share_case(student, rng, (1, 3, 2, 3), (2, 2), 1)


def share_batch(student, rng):
    """three 2×3 images, 2×2 windows, stride 1"""
    return share_case(student, rng, (3, 1, 2, 3), (2, 2), 1)


def share_whole_numbers(student, rng):
    """one 2×3 image and its gradients, both whole numbers (dtype int64), 2×2 windows, stride 1"""
    x = rng.integers(1, 10, (1, 1, 2, 3))
    return {"dx": student(np.array([[[[3, 6]]]]), x, (2, 2), 1)}


def share_all_together(student, rng):
    """two 7×9 images of three channels (float32), read-only and not contiguous, 4×2 windows, stride 2"""
    x = whole(rng, 2, 3, 7, 9, low=-9, high=9).astype(np.float32)
    dout = wanted_of_pool(rng, x, (4, 2), 2).astype(np.float32)
    return {"dx": student(read_only_view(dout), read_only_view(x), (4, 2), 2)}


def share_drawn(student, rng):
    """shapes, windows and strides drawn at random"""
    seen = {}
    for draw in range(4):
        batch, channels, stride = (int(n) for n in rng.integers(1, [4, 4, 4]))
        size = tuple(int(side) for side in rng.permutation([1, 2, 4])[:2])
        height, width = (rng.permutation(3)[:2] + 1) * stride + size + rng.integers(0, stride, 2)
        seen[f"dx {draw + 1}"] = share_case(student, rng, (batch, channels, height, width), size, stride)["dx"]
    return seen


def share_left_over_drawn(student, rng):
    """strides that do not fit in either direction, drawn at random"""
    stride = int(rng.integers(2, 5))
    size = tuple(int(side) for side in rng.permutation([2, 4]))
    rows, columns = rng.permutation([2, 3]) * stride + size + rng.integers(1, stride, 2)
    return share_case(student, rng, (2, 2, rows, columns), size, stride)


SHARE_BY_LOOPS = '''
import numpy as np
def avg_pool_backward(dout, x, size, stride):
    """One pixel at a time."""
    K_h, K_w = size
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dout.shape):
        for s, t in np.ndindex(K_h, K_w):
            dx[n, c, i * stride + s, j * stride + t] += dout[n, c, i, j] / (K_h * K_w)
    return dx
'''

AVG_POOL_BACKWARD = Exercise(
    "avg_pool_backward",
    points=2,
    cases=[
        Case(share_one_window),
        Case(share_side_by_side),
        Case(share_overlapping),
        Case(share_left_over),
        Case(share_not_square),
        Case(share_gaps),
        Case(share_channels),
        Case(share_batch),
        Case(share_whole_numbers),
        Case(share_all_together),
        Case(share_drawn, hidden=True, weight=3),
        Case(share_left_over_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "overwritten where windows overlap",
            "A pixel that lies in several windows gets a share from each. You overwrite what is there already (`=`): "
            "add to it (`+=`).",
            ("+= share", "= share"),
        ),
        Bug(
            "not divided",
            "You give every pixel of a window the whole gradient. It has gone into the mean with 1/(K_h·K_w), and gets "
            "that share of the gradient back.",
            (" / (K_h * K_w)", ""),
        ),
        Bug(
            "divided by the square of the stride",
            "You divide by the stride times itself. A window has K_h·K_w numbers, however far it moves.",
            ("(K_h * K_w)", "stride**2"),
        ),
        Bug(
            "divided as if windows were square",
            "You divide by K_h·K_h. Windows need not be square: they have K_h·K_w numbers.",
            ("(K_h * K_w)", "(K_h * K_h)"),
        ),
        Bug(
            "divided by 4",
            "You divide by 4, which is right for 2×2 windows only. A window has K_h·K_w numbers.",
            ("(K_h * K_w)", "4"),
        ),
        Bug(
            "integer division",
            "You divide with `//`, which rounds down to a whole number.",
            (" / (K_h * K_w)", " // (K_h * K_w)"),
        ),
        Bug(
            "all to the largest",
            "You give the gradient to the largest number of each window: that is the way back through *max* pooling. "
            "In a mean all of them count the same.",
            source='''
import numpy as np
def avg_pool_backward(dout, x, size, stride):
    """The way back through max pooling."""
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * stride : i * stride + size[0], j * stride : j * stride + size[1]]
        s, t = divmod(window.argmax(), size[1])
        dx[n, c, i * stride + s, j * stride + t] += dout[n, c, i, j]
    return dx
''',
        ),
        Bug(
            "all to the first pixel",
            "You give the gradient to the window's top left pixel. All pixels of the window get a share.",
            (
                "i * stride : i * stride + K_h, j * stride : j * stride + K_w",
                "i * stride : i * stride + 1, j * stride : j * stride + 1",
            ),
        ),
        Bug(
            "multiplied by the pixels",
            "You multiply the shares by the pixels. When a pixel grows by ε, the mean grows by ε/(K_h·K_w), whatever "
            "the pixel is.",
            ("return dx", "return dx * x"),
        ),
        Bug(
            "window moves one pixel at a time",
            "You take the windows of stride 1. Output (i, j) has read the window whose corner is i and j *times* the "
            "stride away.",
            ("i * stride : i * stride + K_h, j * stride : j * stride + K_w", "i : i + K_h, j : j + K_w"),
        ),
        Bug(
            "windows side by side",
            "You put the windows side by side, whatever `stride` says.",
            (
                "i * stride : i * stride + K_h, j * stride : j * stride + K_w",
                "i * K_h : i * K_h + K_h, j * K_w : j * K_w + K_w",
            ),
        ),
        Bug(
            "stride for rows only",
            "Rows move in strides, but columns one by one. The stride counts in both directions.",
            ("j * stride : j * stride + K_w", "j : j + K_w"),
        ),
        Bug(
            "dout enlarged like an image",
            "You enlarge `dout` by repeating its rows and columns. That is right only for windows that lie side by "
            "side and fill the image: here they may overlap, leave gaps, or leave rows and columns over.",
            source='''
import numpy as np
def avg_pool_backward(dout, x, size, stride):
    """Repeat."""
    return dout.repeat(size[0], axis=2).repeat(size[1], axis=3) / (size[0] * size[1])
''',
        ),
        Bug(
            "height and width of the window swapped",
            "You take the window's height for its width. `size` is (K_h, K_w).",
            ("K_h, K_w = size", "K_w, K_h = size"),
        ),
        Bug(
            "rows and columns of dout swapped",
            "Your loops take the rows of `dout` for its columns. Its shape is (N, C, H', W').",
            ("range(dout.shape[2])", "range(dout.shape[-1])"),
            ("range(dout.shape[3])", "range(dout.shape[-2])"),
        ),
        Bug(
            "last row and column never asked",
            "Your loops end one step too early, and the last row and column of `dout` go nowhere.",
            ("range(dout.shape[2])", "range(dout.shape[2] - 1)"),
            ("range(dout.shape[3])", "range(dout.shape[3] - 1)"),
        ),
        Bug(
            "mean over the channels",
            "You share a gradient among all channels. Every channel is pooled for itself, and gets back what is its "
            "own.",
            ("share = dout[:, :, i, j]", "share = dout[:, :, i, j].mean(axis=1, keepdims=True)"),
        ),
        Bug(
            "gradient of whole numbers",
            "You make `dx` with the type of `x`. Where that is a type of whole numbers, the shares are cut off. Make "
            "it an array of floats.",
            source=replaced(SHARE_BY_LOOPS, ("np.zeros(x.shape)", "np.zeros_like(x)")),
        ),
        Bug(
            "gradient of whole numbers, window by window",
            "You make `dx` with the type of `x`. Where that is a type of whole numbers, fractions cannot be added to "
            "it. Make it an array of floats.",
            ("np.zeros(x.shape)", "np.zeros_like(x)"),
        ),
    ],
    correct=[
        Correct("one pixel at a time", SHARE_BY_LOOPS),
        Correct(
            "one slice for each place in the window, in float32",
            '''
import numpy as np
def avg_pool_backward(dout, x, size, stride):
    """All windows at once."""
    rows, columns = stride * dout.shape[2], stride * dout.shape[3]
    dx = np.zeros(x.shape, np.float32)
    for s in range(size[0]):
        for t in range(size[1]):
            dx[:, :, s : s + rows : stride, t : t + columns : stride] += (dout / (size[0] * size[1])).astype(np.float32)
    return dx
''',
        ),
        Correct(
            "np.add.at",
            '''
import numpy as np
def avg_pool_backward(dout, x, size, stride):
    """Work out all places first."""
    dx = np.zeros(x.shape)
    n, c, i, j, s, t = np.indices((*dout.shape, *size))
    shares = np.broadcast_to((dout / np.prod(size))[..., None, None], n.shape)
    np.add.at(dx, (n, c, i * stride + s, j * stride + t), shares)
    return dx
''',
        ),
        Correct(
            "torch's automatic differentiation",
            '''
import numpy as np
import torch
def avg_pool_backward(dout, x, size, stride):
    """Let torch do it."""
    x = torch.tensor(np.asarray(x, dtype=np.float64), requires_grad=True)
    out = torch.nn.functional.avg_pool2d(x, size, stride=stride)
    return torch.autograd.grad(out, x, torch.tensor(np.asarray(dout, dtype=np.float64)))[0]
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# fast_conv_forward


def positive(rng, *shape):
    """Draw digits from 1 to 9, as floats: no product with one of them is 0."""
    return rng.integers(1, 10, shape).astype(float)


def fast_tiny(student, rng):
    """one 2×4 image, one 2×2 filter"""
    return {"out": student(positive(rng, 1, 1, 2, 4), distinct(rng, 1, 1, 2, 2), np.zeros(1))}


def fast_rows(student, rng):
    """one 3×4 image, a filter of a single row and 2 columns"""
    return {"out": student(positive(rng, 1, 1, 3, 4), distinct(rng, 1, 1, 1, 2), np.zeros(1))}


def fast_filters(student, rng):
    """one 2×4 image, three 2×2 filters, each with its bias"""
    return {"out": student(positive(rng, 1, 1, 2, 4), distinct(rng, 3, 1, 2, 2), np.array([100.0, -200.0, 300.0]))}


def fast_channels(student, rng):
    """one 2×3 image of two channels, one 2×2 filter"""
    return {"out": student(positive(rng, 1, 2, 2, 3), distinct(rng, 1, 2, 2, 2), np.zeros(1))}


def fast_batch(student, rng):
    """three 2×3 images, one 2×2 filter"""
    return {"out": student(positive(rng, 3, 1, 2, 3), distinct(rng, 1, 1, 2, 2), np.zeros(1))}


def fast_batch_and_filters(student, rng):
    """two 2×3 images, three 2×2 filters"""
    return {"out": student(positive(rng, 2, 1, 2, 3), distinct(rng, 3, 1, 2, 2), np.zeros(3))}


def fast_stride(student, rng):
    """one 3×6 image, one 2×2 filter, stride 2, which leaves a row over"""
    return {"out": student(positive(rng, 1, 1, 3, 6), distinct(rng, 1, 1, 2, 2), np.zeros(1), stride=2)}


def fast_padding(student, rng):
    """one 2×3 image with a border of zeros, one 2×2 filter"""
    return {"out": student(positive(rng, 1, 1, 2, 3), distinct(rng, 1, 1, 2, 2), np.zeros(1), pad=1)}


def fast_not_square(student, rng):
    """one 4×6 image of two channels, a filter of 2 rows and 3 columns"""
    return {"out": student(positive(rng, 1, 2, 4, 6), distinct(rng, 1, 2, 2, 3), np.zeros(1))}


def fast_whole_numbers(student, rng):
    """one 2×4 image of whole numbers (dtype int64), one filter of quarters"""
    x, w = rng.integers(1, 10, (1, 1, 2, 4)), np.array([[[[0.25, -0.5], [0.75, 0.5]]]])
    return {"out": student(x, w, np.array([0.25]))}


def fast_keeps_float32(student, rng):
    """images, filters and biases in float32: the result must be float32 too"""
    x, w, b = positive(rng, 1, 1, 2, 3), distinct(rng, 1, 1, 2, 2), np.ones(1)
    out = student(*(array.astype(np.float32) for array in (x, w, b)))
    return {"out": out, "the type of out": np.asarray(out).dtype.name}


def fast_view(student, rng):
    """one 4×5 image and one filter, both read-only and not contiguous"""
    x, w = read_only_view(positive(rng, 1, 1, 4, 5)), read_only_view(distinct(rng, 1, 1, 2, 3))
    return {"out": student(x, w, np.zeros(1))}


def fast_all_together(student, rng):
    """two 6×7 images of three channels, four 3×2 filters, stride 2, one ring of zeros"""
    x, w = quarters(rng, 2, 3, 6, 7), whole(rng, 4, 3, 3, 2)
    return {"out": student(x, w, quarters(rng, 4), stride=2, pad=1)}


def fast_drawn(student, rng):
    """shapes, strides and borders drawn at random"""
    seen = {}
    for draw in range(4):
        batch, channels, filters = (int(n) for n in rng.integers(1, [4, 4, 5]))
        stride, pad = (int(n) for n in rng.integers([1, 0], [4, 3]))
        kernel = rng.permutation(5)[:2] + 1
        height, width = np.maximum(kernel + rng.permutation(6)[:2] - 2 * pad, 1)
        x, w = quarters(rng, batch, channels, height, width), whole(rng, filters, channels, *kernel)
        seen[f"out {draw + 1}"] = student(x, w, quarters(rng, filters), stride=stride, pad=pad)
    return seen


def fast_larger(student, rng):
    """eight images of 24×28 pixels and four channels, six 5×3 filters, float32"""
    x, w, b = quarters(rng, 8, 4, 24, 28), quarters(rng, 6, 4, 5, 3), quarters(rng, 6)
    return {"out": student(*(a.astype(np.float32) for a in (x, w, b)), stride=int(rng.integers(1, 3)), pad=2)}


BY_IMAGE = '''
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
def fast_conv_forward(x, w, b, stride=1, pad=0):
    """The columns of one image at a time."""
    N, C = x.shape[:2]
    F, _, K_h, K_w = w.shape
    kind = np.result_type(x, w, np.float32)
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = sliding_window_view(padded, (K_h, K_w), axis=(2, 3))[:, :, ::stride, ::stride]
    out_h, out_w = windows.shape[2:4]
    filters = w.reshape(F, C * K_h * K_w)
    columns = np.empty((C, K_h, K_w, out_h, out_w), kind)
    out = np.empty((N, F, out_h * out_w), kind)
    for n in range(N):
        columns[:] = windows[n].transpose(0, 3, 4, 1, 2)
        np.matmul(filters, columns.reshape(C * K_h * K_w, -1), out=out[n])
    out += b[:, None]
    return out.reshape(N, F, out_h, out_w)
'''

ALL_COLUMNS = '''
import numpy as np
def fast_conv_forward(x, w, b, stride=1, pad=0):
    """The columns of the whole batch in one matrix."""
    F, C, K_h, K_w = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (K_h, K_w), axis=(2, 3))[:, :, ::stride, ::stride]
    N, _, out_h, out_w = windows.shape[:4]
    columns = windows.transpose(1, 4, 5, 0, 2, 3).reshape(C * K_h * K_w, -1)
    out = w.reshape(F, -1) @ columns + b[:, None]
    return out.reshape(F, N, out_h, out_w).swapaxes(0, 1)
'''

FAST_CONV_FORWARD = Exercise(
    "fast_conv_forward",
    points=3,
    cases=[
        Case(fast_tiny),
        Case(fast_rows),
        Case(fast_filters),
        Case(fast_channels),
        Case(fast_batch),
        Case(fast_batch_and_filters),
        Case(fast_stride),
        Case(fast_padding),
        Case(fast_not_square),
        Case(fast_whole_numbers),
        Case(fast_keeps_float32),
        Case(fast_view),
        Case(fast_all_together),
        Case(fast_drawn, hidden=True, weight=3),
        Case(fast_larger, hidden=True, weight=2, tolerance=Tolerance(1e-5, 1e-4)),
    ],
    bugs=[
        Bug(
            "windows reshaped without moving their axes",
            "You reshape the windows to columns as they are, and so mix up positions and places inside the window. "
            "First move the axes: channel, row and column *inside* the window come before the positions.",
            source=replaced(BY_IMAGE, ("windows[n].transpose(0, 3, 4, 1, 2)", "windows[n].reshape(columns.shape)")),
        ),
        Bug(
            "columns list their windows in another order",
            "In your columns the position inside the window comes before the channel, in the filters' rows the channel "
            "comes first. Both must list them in the same order: channel, row, column.",
            source=replaced(
                BY_IMAGE,
                ("columns.reshape(C * K_h * K_w, -1)", "columns.transpose(1, 2, 0, 3, 4).reshape(C * K_h * K_w, -1)"),
            ),
        ),
        Bug(
            "windows transposed",
            "You exchange rows and columns inside the windows. `sliding_window_view` puts the window's rows before its "
            "columns.",
            source=replaced(
                BY_IMAGE,
                (
                    "windows[n].transpose(0, 3, 4, 1, 2)",
                    "windows[n].transpose(0, 4, 3, 1, 2).reshape(C, K_h, K_w, out_h, out_w)",
                ),
            ),
        ),
        Bug(
            "filters turned",
            "You turn the filters by half a turn. In this layer they are laid on the image as they are.",
            source=replaced(BY_IMAGE, ("filters = w.reshape", "filters = w[:, :, ::-1, ::-1].reshape")),
        ),
        Bug(
            "filters transposed",
            "You reshape the filters to (C·K_h·K_w, F) in place of transposing them, which mixes the weights of all "
            "filters. A row of the matrix is one filter: `w.reshape(F, -1)`.",
            source=replaced(BY_IMAGE, ("w.reshape(F, C * K_h * K_w)", "w.reshape(C * K_h * K_w, F).T")),
        ),
        Bug(
            "all columns in one matrix, taken apart wrongly",
            "You put the columns of all images side by side, and then reshape the result to (N, F, …) at once. In that "
            "matrix the filters come first and then the images: reshape to (F, N, …), and exchange the axes.",
            source=replaced(
                ALL_COLUMNS, ("out.reshape(F, N, out_h, out_w).swapaxes(0, 1)", "out.reshape(N, F, out_h, out_w)")
            ),
        ),
        Bug(
            "windows as rows, taken apart wrongly",
            "You write the windows as *rows*, so that your product has a row for each position and a column for each "
            "filter, and reshape that to (N, F, H', W') at once. Reshape to (N, H', W', F) first, and then move the "
            "filters' axis.",
            source='''
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
def fast_conv_forward(x, w, b, stride=1, pad=0):
    """A window is a row."""
    F, C, K_h, K_w = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = sliding_window_view(padded, (K_h, K_w), axis=(2, 3))[:, :, ::stride, ::stride]
    N, _, out_h, out_w = windows.shape[:4]
    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, C * K_h * K_w)
    return (rows @ w.reshape(F, -1).T + b).reshape(N, F, out_h, out_w)
''',
        ),
        Bug(
            "filters before images in the output",
            "You put the filters on the output's first axis and the images on the second. It must be (N, F, H', W').",
            source=replaced(ALL_COLUMNS, (".swapaxes(0, 1)", "")),
        ),
        Bug(
            "rows and columns of the output swapped",
            "You reshape the output to (N, F, W', H'). Positions are listed row by row: H' comes first.",
            source=replaced(
                BY_IMAGE, ("return out.reshape(N, F, out_h, out_w)", "return out.reshape(N, F, out_w, out_h)")
            ),
        ),
        Bug(
            "every image gets the last one's columns",
            "You keep the same piece of memory for each image's columns and multiply only in the end, when it holds "
            "those of the last image. Multiply before you overwrite it.",
            source=replaced(
                BY_IMAGE,
                (
                    "        np.matmul(filters, columns.reshape(C * K_h * K_w, -1), out=out[n])\n",
                    "    out[:] = filters @ columns.reshape(C * K_h * K_w, -1)\n",
                ),
            ),
        ),
        Bug(
            "only the first image",
            "All images get the columns of the first. Each has its own.",
            source=replaced(BY_IMAGE, ("windows[n]", "windows[0]")),
        ),
        Bug(
            "stride ignored",
            "You keep the windows at all places. With stride S only every S-th of them is wanted, in both directions.",
            source=replaced(BY_IMAGE, ("[:, :, ::stride, ::stride]", "")),
        ),
        Bug(
            "stride for rows only",
            "You take every S-th place of a column, but every place of a row. The stride counts in both directions.",
            source=replaced(BY_IMAGE, ("[:, :, ::stride, ::stride]", "[:, :, ::stride]")),
        ),
        Bug(
            "stride inside the windows",
            "You skip pixels *inside* the windows. The stride picks among the places of the window: the third and "
            "fourth axis of the windows, not the last two.",
            source=replaced(BY_IMAGE, ("[:, :, ::stride, ::stride]", "[:, :, :, :, ::stride, ::stride]")),
        ),
        Bug(
            "padding ignored",
            "You ignore `pad`: surround each image with `pad` rings of zeros first.",
            source=replaced(BY_IMAGE, ("((0, 0), (0, 0), (pad, pad), (pad, pad))", "0")),
        ),
        Bug(
            "padding on all four axes",
            "You pad all four axes, so zeros come in as extra images and channels. Only rows and columns get a border.",
            source=replaced(BY_IMAGE, ("((0, 0), (0, 0), (pad, pad), (pad, pad))", "pad")),
        ),
        Bug(
            "height and width of the filter swapped",
            "You take the filter's height for its width. `w.shape` is (F, C, K_h, K_w).",
            source=replaced(BY_IMAGE, ("F, _, K_h, K_w = w.shape", "F, _, K_w, K_h = w.shape")),
        ),
        Bug(
            "bias missing",
            "You never add the biases.",
            source=replaced(BY_IMAGE, ("    out += b[:, None]\n", "")),
        ),
        Bug(
            "bias along the positions",
            "You add the biases along the last axis (`+ b`), where the positions are. There is one for each *filter*: "
            "give `b` an axis more, `b[:, None]`.",
            source=replaced(BY_IMAGE, ("out += b[:, None]", "out = out + b")),
        ),
        Bug(
            "float64 for float32",
            "float32 comes in and float64 goes out: twice the memory, twice the time. Make your arrays with the type "
            "of what comes in (`np.zeros(shape)` alone makes float64).",
            source=replaced(BY_IMAGE, ("np.result_type(x, w, np.float32)", "np.float64")),
        ),
        Bug(
            "output of whole numbers",
            "You store the results in an array of the image's own type: where that is a type of whole numbers, they "
            "must be cut off. Make it floats: `np.result_type(x, w, np.float32)` gives a type that holds all.",
            source=replaced(
                BY_IMAGE,
                ("out = np.empty((N, F, out_h * out_w), kind)", "out = np.empty((N, F, out_h * out_w), x.dtype)"),
                (
                    "np.matmul(filters, columns.reshape(C * K_h * K_w, -1), out=out[n])",
                    "out[n] = filters @ columns.reshape(C * K_h * K_w, -1) + b[:, None]",
                ),
                ("    out += b[:, None]\n", ""),
            ),
        ),
    ],
    correct=[
        Correct("one image at a time", BY_IMAGE),
        Correct("all columns in one matrix", ALL_COLUMNS),
        Correct(
            "one slice for each place in the window",
            '''
import numpy as np
def fast_conv_forward(x, w, b, stride=1, pad=0):
    """im2col by slices."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    out_h, out_w = (H + 2 * pad - K_h) // stride + 1, (W + 2 * pad - K_w) // stride + 1
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = range(0, stride * out_h, stride), range(0, stride * out_w, stride)
    slices = [x[:, :, s : s + len(rows) * stride : stride, t : t + len(columns) * stride : stride]
              for s, t in np.ndindex(K_h, K_w)]
    columns = np.stack(slices, axis=2)
    out = w.reshape(F, C * K_h * K_w) @ columns.reshape(N, C * K_h * K_w, out_h * out_w)
    return (out + b.reshape(F, 1)).reshape(N, F, out_h, out_w)
''',
        ),
        Correct(
            "a sum of matrix products, one for each place in the window",
            '''
import numpy as np
def fast_conv_forward(x, w, b, stride=1, pad=0):
    """No columns at all."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out_h, out_w = ((n - k) // stride + 1 for n, k in zip(x.shape[2:], w.shape[2:]))
    out = b[:, None, None]
    for s, t in np.ndindex(w.shape[2:]):
        seen = x[:, :, s : s + stride * out_h : stride, t : t + stride * out_w : stride]
        out = out + np.tensordot(w[:, :, s, t], seen, (1, 1)).swapaxes(0, 1)
    return out
''',
        ),
        Correct(
            "einsum, a view as result",
            '''
import numpy as np
def fast_conv_forward(x, w, b, stride=1, pad=0):
    """Let einsum find the matrix product; channels last while working."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return (np.einsum("ncijst,fcst->nijf", windows, w, optimize=True) + b).transpose(0, 3, 1, 2)
''',
        ),
        Correct(
            "torch",
            '''
import numpy as np
import torch
def fast_conv_forward(x, w, b, stride=1, pad=0):
    """Let torch do it."""
    kind = np.result_type(x, w, b, np.float32)
    x, w, b = (torch.tensor(np.asarray(a, dtype=kind)) for a in (x, w, b))
    return torch.nn.functional.conv2d(x, w, b, stride=stride, padding=pad).numpy()
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# fast_conv_backward


def fast_wanted(rng, x, w, stride=1, pad=0):
    """Draw a gradient for each output of a convolution."""
    rows, columns = (1 + (n + 2 * pad - k) // stride for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    return whole(rng, len(x), len(w), rows, columns, low=1, high=4)


def fast_back(student, rng, x_shape, w_shape, **settings):
    """Draw images, filters and gradients; name the three results."""
    x, w = positive(rng, *x_shape), distinct(rng, *w_shape)
    dx, dw, db = student(fast_wanted(rng, x, w, **settings), x, w, **settings)
    return {"dx": dx, "dw": dw, "db": db}


def fast_back_one_output(student, rng):
    """one 2×2 image, one 2×2 filter: a single output"""
    return fast_back(student, rng, (1, 1, 2, 2), (1, 1, 2, 2))


def fast_back_overlap(student, rng):
    """one 2×4 image, one 2×2 filter"""
    return fast_back(student, rng, (1, 1, 2, 4), (1, 1, 2, 2))


def fast_back_filters(student, rng):
    """one 2×3 image, three 2×2 filters"""
    return fast_back(student, rng, (1, 1, 2, 3), (3, 1, 2, 2))


def fast_back_channels(student, rng):
    """one 2×3 image of two channels, one 2×2 filter"""
    return fast_back(student, rng, (1, 2, 2, 3), (1, 2, 2, 2))


def fast_back_batch(student, rng):
    """three 2×3 images, one 2×2 filter"""
    return fast_back(student, rng, (3, 1, 2, 3), (1, 1, 2, 2))


def fast_back_batch_and_filters(student, rng):
    """two 2×3 images, three 2×2 filters"""
    return fast_back(student, rng, (2, 1, 2, 3), (3, 1, 2, 2))


def fast_back_not_square(student, rng):
    """one 4×5 image, a filter of 2 rows and 3 columns"""
    return fast_back(student, rng, (1, 1, 4, 5), (1, 1, 2, 3))


def fast_back_stride(student, rng):
    """one 4×6 image, one 2×2 filter, stride 3, which leaves two rows and a column over"""
    return fast_back(student, rng, (1, 1, 4, 6), (1, 1, 2, 2), stride=3)


def fast_back_stride_and_overlap(student, rng):
    """one 3×5 image, one 3×3 filter, stride 2: windows that overlap, although they move by 2"""
    return fast_back(student, rng, (1, 1, 3, 5), (1, 1, 3, 3), stride=2)


def fast_back_padding(student, rng):
    """one 2×3 image with a border of zeros, one 2×2 filter"""
    return fast_back(student, rng, (1, 1, 2, 3), (1, 1, 2, 2), pad=1)


def fast_back_whole_numbers(student, rng):
    """one 2×3 image and one 2×2 filter of whole numbers (dtype int64), gradients in quarters"""
    x, w = rng.integers(1, 10, (1, 1, 2, 3)), rng.permutation(4).reshape(1, 1, 2, 2) + 1
    dx, dw, db = student(fast_wanted(rng, x, w) / 4, x, w)
    return {"dx": dx, "dw": dw, "db": db}


def fast_back_keeps_float32(student, rng):
    """everything in float32: the gradients must be float32 too"""
    x, w = positive(rng, 1, 1, 2, 3), distinct(rng, 1, 1, 2, 2)
    found = student(*(array.astype(np.float32) for array in (fast_wanted(rng, x, w), x, w)))
    return {f"the type of {name}": np.asarray(a).dtype.name for name, a in zip(("dx", "dw", "db"), found, strict=True)}


def fast_back_view(student, rng):
    """one 4×5 image, one 2×3 filter and the gradients, all read-only and not contiguous"""
    x, w = positive(rng, 1, 1, 4, 5), distinct(rng, 1, 1, 2, 3)
    dx, dw, db = student(*map(read_only_view, (fast_wanted(rng, x, w), x, w)))
    return {"dx": dx, "dw": dw, "db": db}


def fast_back_all_together(student, rng):
    """two 6×7 images of three channels, four 3×2 filters, stride 2, two rings of zeros"""
    return fast_back(student, rng, (2, 3, 6, 7), (4, 3, 3, 2), stride=2, pad=2)


def fast_back_drawn(student, rng):
    """shapes, strides and borders drawn at random"""
    seen = {}
    for draw in range(3):
        batch, channels, filters = (int(n) for n in rng.integers(1, [4, 4, 5]))
        stride, pad = (int(n) for n in rng.integers([1, 0], [4, 3]))
        kernel = rng.permutation(4)[:2] + 1
        height, width = np.maximum(kernel + rng.permutation(6)[:2] - 2 * pad, 1)
        shapes = (batch, channels, height, width), (filters, channels, *kernel)
        found = fast_back(student, rng, *shapes, stride=stride, pad=pad)
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    return seen


def fast_back_larger(student, rng):
    """six images of 18×20 pixels and three channels, five 5×3 filters, float32"""
    x, w, stride = quarters(rng, 6, 3, 18, 20), quarters(rng, 5, 3, 5, 3), int(rng.integers(1, 3))
    dout = fast_wanted(rng, x, w, stride, 2)
    dx, dw, db = student(*(array.astype(np.float32) for array in (dout, x, w)), stride=stride, pad=2)
    return {"dx": dx, "dw": dw, "db": db}


BACK_BY_IMAGE = '''
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
def fast_conv_backward(dout, x, w, stride=1, pad=0):
    """The columns of one image at a time."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    out_h, out_w = dout.shape[2:]
    kind = np.result_type(dout, x, w, np.float32)
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = sliding_window_view(padded, (K_h, K_w), axis=(2, 3))[:, :, ::stride, ::stride]
    errors = dout.reshape(N, F, out_h * out_w)
    turned = np.ascontiguousarray(w.reshape(F, C * K_h * K_w).T)
    columns = np.empty((C, K_h, K_w, out_h, out_w), kind)
    dw, dpadded = np.zeros((F, C * K_h * K_w), kind), np.zeros(padded.shape, kind)
    for n in range(N):
        columns[:] = windows[n].transpose(0, 3, 4, 1, 2)
        dw += errors[n] @ columns.reshape(C * K_h * K_w, -1).T
        columns = (turned @ errors[n]).reshape(columns.shape)
        for s in range(K_h):
            for t in range(K_w):
                dpadded[n, :, s : s + out_h * stride : stride, t : t + out_w * stride : stride] += columns[:, s, t]
    return dpadded[:, :, pad : pad + H, pad : pad + W], dw.reshape(w.shape), dout.sum(axis=(0, 2, 3))
'''

BACK_BY_COLUMNS = '''
import numpy as np
def fast_conv_backward(dout, x, w, stride=1, pad=0):
    """The columns of the whole batch in one matrix."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    out_h, out_w = dout.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (K_h, K_w), axis=(2, 3))[:, :, ::stride, ::stride]
    columns = windows.transpose(1, 4, 5, 0, 2, 3).reshape(C * K_h * K_w, -1)
    errors = dout.swapaxes(0, 1).reshape(F, -1)
    dw = (errors @ columns.T).reshape(w.shape)
    dcolumns = (w.reshape(F, -1).T @ errors).reshape(C, K_h, K_w, N, out_h, out_w)
    dpadded = np.zeros((C, N, *padded.shape[2:]), dcolumns.dtype)
    for s, t in np.ndindex(K_h, K_w):
        dpadded[:, :, s : s + stride * out_h : stride, t : t + stride * out_w : stride] += dcolumns[:, s, t]
    return dpadded[:, :, pad : pad + H, pad : pad + W].swapaxes(0, 1), dw, errors.sum(axis=1)
'''

FAST_CONV_BACKWARD = Exercise(
    "fast_conv_backward",
    points=4,
    cases=[
        Case(fast_back_one_output),
        Case(fast_back_overlap),
        Case(fast_back_filters),
        Case(fast_back_channels),
        Case(fast_back_batch),
        Case(fast_back_batch_and_filters),
        Case(fast_back_not_square),
        Case(fast_back_stride),
        Case(fast_back_stride_and_overlap),
        Case(fast_back_padding),
        Case(fast_back_whole_numbers),
        Case(fast_back_keeps_float32),
        Case(fast_back_view),
        Case(fast_back_all_together),
        Case(fast_back_drawn, hidden=True, weight=4),
        Case(fast_back_larger, hidden=True, weight=2, tolerance=Tolerance(1e-5, 1e-3)),
    ],
    bugs=[
        Bug(
            "copies of a pixel overwritten",
            "A pixel has a copy in each window it lies in, and gets a gradient from each of them. You overwrite (`=`): "
            "add up (`+=`).",
            source=replaced(
                BACK_BY_IMAGE, ("t : t + out_w * stride : stride] +=", "t : t + out_w * stride : stride] =")
            ),
        ),
        Bug(
            "added into a view of windows",
            "You add the columns' gradients into a `sliding_window_view`. Its windows share memory, and numpy adds to "
            "each number only once, so what overlaps is lost. Add place by place *inside* the window instead.",
            source=replaced(
                BACK_BY_IMAGE,
                (
                    "        for s in range(K_h):\n            for t in range(K_w):\n"
                    "                dpadded[n, :, s : s + out_h * stride : stride, "
                    "t : t + out_w * stride : stride] += columns[:, s, t]\n",
                    "        view = sliding_window_view(dpadded[n], (K_h, K_w), axis=(1, 2), writeable=True)\n"
                    "        view[:, ::stride, ::stride] += columns.transpose(0, 3, 4, 1, 2)\n",
                ),
            ),
        ),
        Bug(
            "dw of the last image only",
            "You keep only the last image's `dw` (`=`). The filters are the same for all images: add up (`+=`).",
            source=replaced(BACK_BY_IMAGE, ("dw += errors[n]", "dw = errors[n]")),
        ),
        Bug(
            "dw averaged over the batch",
            "You divide `dw` by the number of images. If the loss is a mean, that is in `dout` already.",
            source=replaced(
                BACK_BY_IMAGE,
                (
                    "return dpadded[:, :, pad : pad + H, pad : pad + W], dw.reshape(w.shape)",
                    "return dpadded[:, :, pad : pad + H, pad : pad + W], dw.reshape(w.shape) / N",
                ),
            ),
        ),
        Bug(
            "images and filters mixed up",
            "You reshape `dout` to (F, N·H'·W') as it is. It lists the images first, so filters and images get mixed "
            "up: exchange the axes before you reshape.",
            source=replaced(BACK_BY_COLUMNS, ("dout.swapaxes(0, 1).reshape(F, -1)", "dout.reshape(F, -1)")),
        ),
        Bug(
            "dx with images and channels exchanged",
            "Your `dx` has the channels on its first axis and the images on the second. It must have the shape of `x`.",
            source=replaced(BACK_BY_COLUMNS, ("pad : pad + W].swapaxes(0, 1)", "pad : pad + W]")),
        ),
        Bug(
            "windows reshaped without moving their axes",
            "You reshape the windows to columns as they are, and so mix up positions and places inside the window. "
            "First move the axes, as in the forward pass.",
            source=replaced(
                BACK_BY_IMAGE, ("windows[n].transpose(0, 3, 4, 1, 2)", "windows[n].reshape(columns.shape)")
            ),
        ),
        Bug(
            "filters reshaped instead of transposed",
            "You reshape the filters to (C·K_h·K_w, F). That only looks like the transposed matrix: use `.T`.",
            source=replaced(
                BACK_BY_IMAGE, ("np.ascontiguousarray(w.reshape(F, C * K_h * K_w).T)", "w.reshape(C * K_h * K_w, F)")
            ),
        ),
        Bug(
            "filters turned",
            "You turn the filters by half a turn. Their transposed matrix does all that is needed.",
            source=replaced(
                BACK_BY_IMAGE, ("w.reshape(F, C * K_h * K_w).T", "w[:, :, ::-1, ::-1].reshape(F, C * K_h * K_w).T")
            ),
        ),
        Bug(
            "dw turned",
            "Your `dw` is turned by half a turn. Rows and columns of a window are listed as those of the filter.",
            source=replaced(BACK_BY_IMAGE, ("dw.reshape(w.shape)", "dw.reshape(w.shape)[:, :, ::-1, ::-1]")),
        ),
        Bug(
            "place in the window exchanged",
            "When you take the columns back you exchange row and column of the place inside the window.",
            source=replaced(
                BACK_BY_IMAGE, ("columns[:, s, t]\n", "columns.reshape(C, K_w, K_h, out_h, out_w)[:, t, s]\n")
            ),
        ),
        Bug(
            "copies put back without the stride",
            "You put the copies back one pixel apart. Copies at the same place of neighbouring windows lie `stride` "
            "pixels apart in the image.",
            source=replaced(
                BACK_BY_IMAGE,
                ("s : s + out_h * stride : stride, t : t + out_w * stride : stride", "s : s + out_h, t : t + out_w"),
            ),
        ),
        Bug(
            "stride ignored for the windows",
            "You take the windows at all places, and not at every S-th as the forward pass did.",
            source=replaced(BACK_BY_IMAGE, ("[:, :, ::stride, ::stride]", "")),
        ),
        Bug(
            "[pad:-pad] without padding",
            "You cut the border off with `[pad:-pad]`. Without padding that is `[0:-0]`, which is `[0:0]`: nothing is "
            "left.",
            source=replaced(
                BACK_BY_IMAGE, ("dpadded[:, :, pad : pad + H, pad : pad + W]", "dpadded[:, :, pad:-pad, pad:-pad]")
            ),
        ),
        Bug(
            "border left on dx",
            "Your `dx` is the gradient of the *padded* image. Cut the border off.",
            source=replaced(BACK_BY_IMAGE, ("dpadded[:, :, pad : pad + H, pad : pad + W]", "dpadded")),
        ),
        Bug(
            "border cut off at one side",
            "You cut rows and columns off the far end only. The image begins at row and column `pad`.",
            source=replaced(BACK_BY_IMAGE, ("dpadded[:, :, pad : pad + H, pad : pad + W]", "dpadded[:, :, :H, :W]")),
        ),
        Bug(
            "left-over pixels lost",
            "Where the stride leaves rows and columns over, your `dx` lacks them. They get a gradient of 0, but they "
            "must be there.",
            source=replaced(
                BACK_BY_IMAGE,
                (
                    "np.zeros(padded.shape, kind)",
                    "np.zeros((N, C, (out_h - 1) * stride + K_h, (out_w - 1) * stride + K_w), kind)",
                ),
            ),
        ),
        Bug(
            "db not summed over the images",
            "You sum `dout` over the positions, but not over the images: there is one bias for each filter.",
            source=replaced(BACK_BY_IMAGE, ("dout.sum(axis=(0, 2, 3))", "dout.sum(axis=(2, 3))")),
        ),
        Bug(
            "db for each image in place of each filter",
            "You sum over the filters, and keep the images. `dout` is (N, F, H', W'): biases belong to the second "
            "axis.",
            source=replaced(BACK_BY_IMAGE, ("dout.sum(axis=(0, 2, 3))", "dout.sum(axis=(1, 2, 3))")),
        ),
        Bug(
            "results in the wrong order",
            "You return the right gradients in the wrong order: first `dx`, then `dw`, then `db`.",
            source=replaced(
                BACK_BY_IMAGE,
                (
                    "return dpadded[:, :, pad : pad + H, pad : pad + W], dw.reshape(w.shape),",
                    "return dw.reshape(w.shape), dpadded[:, :, pad : pad + H, pad : pad + W],",
                ),
            ),
        ),
        Bug(
            "float64 for float32",
            "float32 comes in and float64 goes out: twice the memory, twice the time. Make your arrays with the type "
            "of what comes in (`np.zeros(shape)` alone makes float64).",
            source=replaced(BACK_BY_IMAGE, ("np.result_type(dout, x, w, np.float32)", "np.float64")),
        ),
        Bug(
            "gradients of whole numbers",
            "You make the gradients with the type of `x` and `w`. Where these are whole numbers, fractions cannot be "
            "added to them.",
            source=replaced(
                BACK_BY_IMAGE,
                (
                    "np.zeros((F, C * K_h * K_w), kind), np.zeros(padded.shape, kind)",
                    "np.zeros((F, C * K_h * K_w), w.dtype), np.zeros(padded.shape, x.dtype)",
                ),
            ),
        ),
    ],
    correct=[
        Correct("one image at a time", BACK_BY_IMAGE),
        Correct("all columns in one matrix", BACK_BY_COLUMNS),
        Correct(
            "matrix products for each place in the window",
            '''
import numpy as np
def fast_conv_backward(dout, x, w, stride=1, pad=0):
    """No columns at all."""
    kind = np.result_type(dout, x, w, np.float32)
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx, dw = np.zeros(x.shape, kind), np.zeros(w.shape, kind)
    for s, t in np.ndindex(w.shape[2:]):
        seen = np.s_[:, :, s : s + stride * dout.shape[2] : stride, t : t + stride * dout.shape[3] : stride]
        dw[:, :, s, t] = np.tensordot(dout, x[seen], ([0, 2, 3], [0, 2, 3]))
        dx[seen] += np.tensordot(w[:, :, s, t], dout, (0, 1)).swapaxes(0, 1)
    return dx[:, :, pad : x.shape[2] - pad, pad : x.shape[3] - pad], dw, dout.sum((0, 2, 3))
''',
        ),
        Correct(
            "einsum, a list of results",
            '''
import numpy as np
def fast_conv_backward(dout, x, w, stride=1, pad=0):
    """Let einsum find the matrix products."""
    (K_h, K_w), (rows, columns) = w.shape[2:], dout.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (K_h, K_w), axis=(2, 3))[:, :, ::stride, ::stride]
    spread = np.einsum("nfij,fcst->stncij", dout, w, optimize=True)
    dx = np.zeros(x.shape, spread.dtype)
    for s in range(K_h):
        for t in range(K_w):
            dx[:, :, s : s + rows * stride : stride, t : t + columns * stride : stride] += spread[s, t]
    if pad:
        dx = dx[:, :, pad:-pad, pad:-pad]
    return [dx, np.einsum("nfij,ncijst->fcst", dout, windows, optimize=True), np.einsum("nfij->f", dout)]
''',
        ),
        Correct(
            "torch's automatic differentiation, tensors as results",
            '''
import numpy as np
import torch
def fast_conv_backward(dout, x, w, stride=1, pad=0):
    """Let torch do it."""
    kind = np.result_type(dout, x, w, np.float32)
    arrays = (dout, x, w, np.zeros(len(w)))
    dout, x, w, b = (torch.tensor(np.asarray(a, dtype=kind), requires_grad=True) for a in arrays)
    out = torch.nn.functional.conv2d(x, w, b, stride=stride, padding=pad)
    return torch.autograd.grad(out, (x, w, b), dout.detach())
''',
        ),
    ],
)

EXERCISES = [
    COUNT_NETWORK,
    PIXELS_SEEN,
    FIND_FAULT,
    AVG_POOL_FORWARD,
    AVG_POOL_BACKWARD,
    FAST_CONV_FORWARD,
    FAST_CONV_BACKWARD,
]
