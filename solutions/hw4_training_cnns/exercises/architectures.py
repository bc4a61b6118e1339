"""Architectures: a LeNet for any image, a VGG, the residual block and a network made of it, checked by behaviour."""

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import whole
from visionlab.checks.handle import beside
from visionlab.checks.networks import block_class, gradients, parameter_count, state, walk

CLOSE = Tolerance(1e-4, 1e-5)


def floats(array):
    """The numbers of an array as a float32 tensor."""
    return torch.tensor(np.asarray(array), dtype=torch.float32)


def walked(student, network, *shape):
    """The way of two random images through a network, step by step."""
    # Batches as large as that have numbers of both signs in every layer.
    x = torch.tensor(np.random.default_rng(0).normal(size=(2, *shape)), dtype=torch.float32)
    steps = beside(student, walk, network, x)
    return {f"layer {i + 1}": step for i, step in enumerate(steps[:-1])} | {"at the end": steps[-1]}


# ---------------------------------------------------------------------------------------------------------------------
# make_lenet


def lenet_digits(student, rng):
    """digits: one channel, 28×28, ten classes"""
    return walked(student, student(1, 28, 28, 10), 1, 28, 28)


def lenet_photographs(student, rng):
    """photographs: three channels, 32×32"""
    return walked(student, student(3, 32, 32, 10), 3, 32, 32)


def lenet_oblong(student, rng):
    """images of 24×36, two channels, five classes"""
    return walked(student, student(2, 24, 36, 5), 2, 24, 36)


def lenet_odd(student, rng):
    """images of 17×23: the poolings leave a row and a column out"""
    return walked(student, student(1, 17, 23, 3), 1, 17, 23)


def lenet_numbers(student, rng):
    """how many numbers are trained"""
    sizes = ((1, 28, 28, 10), (3, 32, 24, 4))
    return {f"make_lenet{size}": beside(student, parameter_count, student(*size)) for size in sizes}


def lenet_drawn(student, rng):
    """sizes drawn at random"""
    seen = {}
    for draw in range(3):
        channels, classes = (int(n) for n in rng.integers(1, 6, 2))
        rows, columns = (int(n) for n in rng.integers(16, 40, 2))
        found = walked(student, student(channels, rows, columns, classes + 1), channels, rows, columns)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


MAKE_LENET = Exercise(
    "make_lenet",
    points=2,
    cases=[
        Case(lenet_digits),
        Case(lenet_photographs),
        Case(lenet_oblong),
        Case(lenet_odd),
        Case(lenet_numbers),
        Case(lenet_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "size fixed for photographs",
            "Your first linear layer always reads 16·5·5 numbers, as many as images of 32×32 give. Work the size out "
            "from `rows` and `columns`.",
            ("16 * height * width", "16 * 5 * 5"),
        ),
        Bug(
            "size fixed for digits",
            "Your first linear layer always reads 16·4·4 numbers, as many as images of 28×28 give. Work the size out "
            "from `rows` and `columns`.",
            ("16 * height * width", "16 * 4 * 4"),
        ),
        Bug(
            "taken for square",
            "You work out the rows and take as many columns. Images need not be square.",
            ("16 * height * width", "16 * height * height"),
        ),
        Bug(
            "rounded up",
            "You round up what a pooling leaves. A row that doesn't fill a window is left out: round down.",
            ("(size - 4) // 2", "-(-(size - 4) // 2)"),
        ),
        Bug(
            "convolutions padded",
            "You pad the convolutions. LeNet's don't pad: each takes four rows and columns away.",
            ("nn.Conv2d(channels, 6, 5)", "nn.Conv2d(channels, 6, 5, padding=2)"),
            ("nn.Conv2d(6, 16, 5)", "nn.Conv2d(6, 16, 5, padding=2)"),
            ("(size - 4) // 2", "size // 2"),
        ),
        Bug(
            "a ReLU forgotten",
            "There is no ReLU behind your first convolution: negative numbers come into the second.",
            ("nn.Conv2d(channels, 6, 5), nn.ReLU(),", "nn.Conv2d(channels, 6, 5),"),
        ),
        Bug(
            "no ReLU between the linear layers",
            "There is no ReLU between your linear layers: without one, three linear layers can do no more than one.",
            ("120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),", "120), nn.Linear(120, 84),"),
        ),
        Bug(
            "ten classes always",
            "Your last layer always has ten scores. It is `classes`.",
            ("nn.Linear(84, classes)", "nn.Linear(84, 10)"),
        ),
        Bug(
            "one channel always",
            "Your first convolution always reads one channel. It is `channels`.",
            ("nn.Conv2d(channels, 6, 5)", "nn.Conv2d(1, 6, 5)"),
        ),
        Bug(
            "one pooling only",
            "There is no pooling behind your second convolution.",
            ("nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),", "nn.Conv2d(6, 16, 5), nn.ReLU(),"),
            ("height, width = (((size - 4) // 2 - 4) // 2", "height, width = ((size - 4) // 2 - 4"),
        ),
        Bug(
            "not flattened",
            "You hand maps to a linear layer, which then works along their rows: `nn.Flatten()` between them.",
            ("nn.Flatten(), ", ""),
        ),
        Bug(
            "a layer of 84 missing",
            "You go from 120 units straight to the scores. There are 84 between them.",
            ("nn.Linear(120, 84), nn.ReLU(),\n        nn.Linear(84, classes),", "nn.Linear(120, classes),"),
        ),
    ],
    correct=[
        Correct(
            "a class, functions",
            """
import torch
from torch import nn
def make_lenet(channels, rows, columns, classes):
    class LeNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1, self.c3 = nn.Conv2d(channels, 6, 5), nn.Conv2d(6, 16, 5)
            with torch.no_grad():
                count = self.maps(torch.zeros(1, channels, rows, columns)).shape[1]
            self.f5, self.f6, self.out = nn.Linear(count, 120), nn.Linear(120, 84), nn.Linear(84, classes)
        def maps(self, x):
            for layer in (self.c1, self.c3):
                x = nn.functional.max_pool2d(layer(x).relu(), 2)
            return x.flatten(1)
        def forward(self, x):
            return self.out(self.f6(self.f5(self.maps(x)).relu()).relu())
    return LeNet()
""",
        ),
        Correct(
            "layers appended",
            """
from torch import nn
def make_lenet(channels, rows, columns, classes):
    net = nn.Sequential()
    sizes = [rows, columns]
    for name, read, write in (("1", channels, 6), ("2", 6, 16)):
        net.add_module("conv" + name, nn.Conv2d(read, write, kernel_size=(5, 5)))
        net.add_module("pool" + name, nn.MaxPool2d(kernel_size=2, stride=2))
        net.add_module("relu" + name, nn.ReLU(inplace=True))
        sizes = [int((s - 4) / 2) for s in sizes]
    net.append(nn.Flatten(start_dim=1))
    widths = [16 * sizes[0] * sizes[1], 120, 84]
    for a, b in zip(widths, widths[1:]):
        net.extend([nn.Linear(a, b), nn.ReLU()])
    return net.append(nn.Linear(84, classes))
""",
        ),
        Correct(
            "parts",
            """
from torch import nn
def make_lenet(channels, rows, columns, classes):
    def stage(read, write):
        return nn.Sequential(nn.Conv2d(read, write, 5), nn.MaxPool2d(2), nn.ReLU())
    def left(n):
        for _ in range(2):
            n = (n - 5 + 1) // 2
        return n
    head = [nn.Linear(16 * left(rows) * left(columns), 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()]
    return nn.Sequential(stage(channels, 6), stage(6, 16), nn.Flatten(), *head, nn.Linear(84, classes))
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# make_vgg


def vgg_two_stages(student, rng):
    """stages of 1 and 2 convolutions, width 4, on 8×8"""
    return walked(student, student((1, 2), 4, 10), 3, 8, 8)


def vgg_three_stages(student, rng):
    """stages of 2, 1 and 1 convolutions, width 6, on 16×12, five classes"""
    return walked(student, student((2, 1, 1), 6, 5), 3, 16, 12)


def vgg_odd(student, rng):
    """one stage of 3 convolutions, images of 7×5"""
    return walked(student, student((3,), 3, 4), 3, 7, 5)


def vgg_any_size(student, rng):
    """one network, images of two sizes"""
    network = student((1, 1), 4, 10)
    return walked(student, network, 3, 8, 8) | {"12×20": walked(student, network, 3, 12, 20)["at the end"]}


def vgg_numbers(student, rng):
    """how many numbers are trained"""
    sizes = (((1,), 2, 3), ((3, 2), 4, 10))
    return {f"make_vgg{size}": beside(student, parameter_count, student(*size)) for size in sizes}


def vgg_drawn(student, rng):
    """stages and widths drawn at random"""
    seen = {}
    for draw in range(3):
        stages = tuple(int(n) for n in rng.permutation([3, *rng.integers(1, 4, rng.integers(0, 3))]))
        width, classes = (int(n) for n in rng.integers(2, 9, 2))
        rows, columns = (int(n) for n in rng.integers(8, 20, 2))
        found = walked(student, student(stages, width, classes), 3, rows, columns)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


MAKE_VGG = Exercise(
    "make_vgg",
    points=3,
    cases=[
        Case(vgg_odd),
        Case(vgg_two_stages),
        Case(vgg_three_stages),
        Case(vgg_any_size),
        Case(vgg_numbers),
        Case(vgg_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "one convolution a stage",
            "Each of your stages has one convolution. It has as many as `stages` says.",
            ("for _ in range(count):", "for _ in range(1):"),
        ),
        Bug(
            "pooling after each convolution",
            "You pool after every convolution. A pooling comes at the end of a *stage*.",
            (
                "            read = width * 2**i\n        layers.append(nn.MaxPool2d(2))",
                "            read = width * 2**i\n            layers.append(nn.MaxPool2d(2))",
            ),
        ),
        Bug(
            "no pooling",
            "Your maps stay as large as the image. After each stage comes a pooling.",
            ("        layers.append(nn.MaxPool2d(2))\n", ""),
        ),
        Bug(
            "width not doubled",
            "All of your stages have the same width. Each has twice as many channels as the one before.",
            ("width * 2**i, 3", "width, 3"),
            ("nn.BatchNorm2d(width * 2**i)", "nn.BatchNorm2d(width)"),
            ("read = width * 2**i", "read = width"),
        ),
        Bug(
            "width doubled too early",
            "Your first stage is already twice as wide as `width` says.",
            ("enumerate(stages)", "enumerate(stages, 1)"),
        ),
        Bug(
            "width grows by steps",
            "Your widths grow by `width` from stage to stage. They double.",
            ("width * 2**i, 3", "width * (i + 1), 3"),
            ("nn.BatchNorm2d(width * 2**i)", "nn.BatchNorm2d(width * (i + 1))"),
            ("read = width * 2**i", "read = width * (i + 1)"),
        ),
        Bug(
            "not padded",
            "Your convolutions don't pad: the maps get smaller within a stage. Padding 1 keeps their size.",
            ("padding=1, ", ""),
        ),
        Bug(
            "convolutions with biases",
            "Your convolutions have biases. Batch normalisation takes them away again: `bias=False`.",
            ("padding=1, bias=False", "padding=1"),
        ),
        Bug(
            "batch normalisation forgotten",
            "There is no batch normalisation behind your convolutions.",
            ("nn.BatchNorm2d(width * 2**i), ", ""),
        ),
        Bug(
            "ReLU before batch normalisation",
            "You put the ReLU before the batch normalisation. The order is convolution, batch normalisation, ReLU.",
            ("nn.BatchNorm2d(width * 2**i), nn.ReLU()", "nn.ReLU(), nn.BatchNorm2d(width * 2**i)"),
        ),
        Bug(
            "ReLU forgotten",
            "There is no ReLU behind your batch normalisation: convolutions in a row can then do no more than one.",
            ("nn.BatchNorm2d(width * 2**i), nn.ReLU()", "nn.BatchNorm2d(width * 2**i)"),
        ),
        Bug(
            "one layer used several times",
            "You make one convolution for a stage and use it several times: they share their weights. Make a new one "
            "each time.",
            source='''
from torch import nn
def make_vgg(stages, width, classes):
    """Repeats the same layers."""
    layers, read = [], 3
    for i, count in enumerate(stages):
        wide = width * 2**i
        layers += [nn.Conv2d(read, wide, 3, padding=1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]
        layers += [nn.Conv2d(wide, wide, 3, padding=1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()] * (count - 1)
        layers.append(nn.MaxPool2d(2))
        read = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(read, classes))
''',
        ),
        Bug(
            "flattened without averaging",
            "You flatten the maps, and your linear layer reads as many numbers as one size of images gives. Average "
            "each map first (`nn.AdaptiveAvgPool2d(1)`): then images of any size will do.",
            ("nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(read, classes)", "nn.Flatten(), nn.LazyLinear(classes)"),
        ),
        Bug(
            "always ten classes",
            "Your last layer always has ten scores. It is `classes`.",
            ("nn.Linear(read, classes)", "nn.Linear(read, 10)"),
        ),
    ],
    correct=[
        Correct(
            "stages in stages",
            """
from torch import nn
def make_vgg(stages, width, classes):
    def layer(a, b):
        return nn.Sequential(nn.Conv2d(a, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True))
    parts, channels = [], 3
    for count in stages:
        parts.append(nn.Sequential(layer(channels, width), *[layer(width, width) for _ in range(count - 1)]))
        parts.append(nn.MaxPool2d(2, 2))
        channels, width = width, 2 * width
    parts += [nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(channels, classes)]
    return nn.Sequential(*parts)
""",
        ),
        Correct(
            "a class, the mean of each map",
            """
from torch import nn
def make_vgg(stages, width, classes):
    class VGG(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = [3, *(width << i for i, n in enumerate(stages) for _ in range(n))]
            self.ends = [sum(stages[: i + 1]) - 1 for i in range(len(stages))]
            self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding="same", bias=False) for a, b in zip(sizes, sizes[1:]))
            self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in sizes[1:])
            self.head = nn.Linear(sizes[-1], classes)
        def forward(self, x):
            for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
                x = norm(conv(x)).relu()
                if i in self.ends:
                    x = nn.functional.max_pool2d(x, 2)
            return self.head(x.mean((2, 3)))
    return VGG()
""",
        ),
        Correct(
            "pooling before the ReLU",
            """
from collections import OrderedDict
from torch import nn
def make_vgg(stages, width, classes):
    layers, read = OrderedDict(), 3
    for s, count in enumerate(stages):
        write = width * (1 << s)
        for c in range(count):
            layers[f"conv{s}{c}"] = nn.Conv2d(read, write, (3, 3), padding=(1, 1), bias=False)
            layers[f"norm{s}{c}"] = nn.BatchNorm2d(write)
            if c == count - 1:
                layers[f"pool{s}"] = nn.MaxPool2d(2)
            layers[f"relu{s}{c}"] = nn.ReLU()
            read = write
    layers["average"], layers["flat"] = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    layers["scores"] = nn.Linear(read, classes)
    return nn.Sequential(layers)
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# ResidualBlock


def filled(student, rng, read, write, stride=1):
    """A block in mode "eval", whose weights are small whole numbers and parts of them; no sum is exactly 0.

    What a right block doesn't have (biases, a projection where the shape stays) is given, too: it is left out then.
    """
    block = student(read, write, stride)
    given = {
        "conv1.weight": whole(rng, write, read, 3, 3, low=-2, high=2),
        "conv2.weight": whole(rng, write, write, 3, 3, low=-2, high=2) / 4,
        "norm1.weight": whole(rng, write, low=1, high=3) / 2,
        "norm1.bias": whole(rng, write) + 0.3,
        "norm2.weight": whole(rng, write, low=1, high=3) / 4,
        "norm2.bias": whole(rng, write) + 0.3,
        "project.weight": whole(rng, write, read, 1, 1, low=-2, high=2),
    } | {f"{name}.bias": whole(rng, write, low=1, high=3) for name in ("conv1", "conv2", "project")}
    block.load_state_dict({name: floats(value) for name, value in given.items()}, strict=False)
    block.eval()
    return block


def block_parts(student, rng):
    """what a block has that keeps the shape, and one that changes it"""
    seen = {}
    for sizes in ((4, 4), (4, 6), (4, 4, 2)):
        parts = beside(student, state, student(*sizes))
        shapes = {name: tuple(value.shape) for name, value in sorted(parts.items()) if value.ndim}
        seen[f"ResidualBlock{sizes}"] = shapes
    return seen


def block_silent(student, rng):
    """a branch that gives 0 (γ of the second normalisation is 0): what comes in goes out, but for the ReLU"""
    block = filled(student, rng, 2, 2)
    block.load_state_dict({"norm2.weight": torch.zeros(2), "norm2.bias": torch.zeros(2)}, strict=False)
    return {"out": block(floats(whole(rng, 1, 2, 2, 3, low=-9, high=9)))}


def block_gradient(student, rng):
    """gradients through a branch that gives 0: they come through the shortcut"""
    block = filled(student, rng, 2, 2)
    block.load_state_dict({"norm2.weight": torch.zeros(2), "norm2.bias": torch.zeros(2)}, strict=False)
    x, dout = floats(whole(rng, 1, 2, 2, 3, low=-9, high=9) + 0.5), floats(whole(rng, 1, 2, 2, 3, low=1, high=5))
    return {"dx": beside(student, gradients, block, x, dout)["dx"]}


def block_keeps(student, rng):
    """two channels of 3×4, the shape is kept"""
    return {"out": filled(student, rng, 2, 2)(floats(whole(rng, 2, 2, 3, 4)))}


def block_widens(student, rng):
    """from two channels to three, 3×2"""
    return {"out": filled(student, rng, 2, 3)(floats(whole(rng, 2, 2, 3, 2)))}


def block_shrinks(student, rng):
    """stride 2, 4×6 to 2×3, and twice as many channels"""
    return {"out": filled(student, rng, 2, 4, 2)(floats(whole(rng, 2, 2, 4, 6)))}


def block_shrinks_alone(student, rng):
    """stride 2 with as many channels as before"""
    return {"out": filled(student, rng, 2, 2, 2)(floats(whole(rng, 1, 2, 4, 4)))}


def block_odd(student, rng):
    """stride 2 at odd sizes, 5×7 to 3×4"""
    return {"out": filled(student, rng, 2, 3, 2)(floats(whole(rng, 2, 2, 5, 7)))}


def block_projected(student, rng):
    """only the shortcut of a block with stride 2: every second row and column of W·z"""
    block = filled(student, rng, 2, 3, 2)
    block.load_state_dict({"norm2.weight": torch.zeros(3), "norm2.bias": torch.zeros(3)}, strict=False)
    return {"out": block(floats(whole(rng, 1, 2, 5, 5)))}


def block_trained(student, rng):
    """in training: gradients of everything"""
    block = filled(student, rng, 2, 3, 2)
    block.train()
    x, dout = floats(whole(rng, 3, 2, 5, 4)), floats(whole(rng, 3, 3, 3, 2))
    return beside(student, gradients, block, x, dout)


def block_drawn(student, rng):
    """sizes and strides drawn at random, outputs and gradients"""
    seen = {}
    for draw in range(3):
        read, write = (int(n) for n in rng.integers(1, 4, 2))
        rows, columns = (int(n) for n in rng.integers(3, 8, 2))
        stride = draw % 2 + 1
        write = read if draw == 2 else write
        block = filled(student, rng, read, write, stride)
        x = floats(whole(rng, 2, read, rows, columns))
        dout = floats(whole(rng, 2, write, -(-rows // stride), -(-columns // stride)))
        found = beside(student, gradients, block, x, dout)
        seen |= {f"{name}, draw {draw + 1}": found[name] for name in ("out", "dx", "dconv1.weight")}
    return seen


LOOSE = Tolerance(1e-3, 1e-3)

SUM = "self.norm2(self.conv2(out)) + shortcut"

RESIDUAL_BLOCK = Exercise(
    "ResidualBlock",
    points=5,
    cases=[
        Case(block_parts),
        Case(block_silent, tolerance=CLOSE),
        Case(block_gradient, tolerance=CLOSE),
        Case(block_keeps, tolerance=LOOSE),
        Case(block_widens, tolerance=LOOSE),
        Case(block_shrinks, tolerance=LOOSE),
        Case(block_shrinks_alone, tolerance=LOOSE),
        Case(block_projected, tolerance=CLOSE),
        Case(block_odd, tolerance=LOOSE),
        Case(block_trained, tolerance=Tolerance(2e-3, 2e-3)),
        Case(block_drawn, hidden=True, weight=4, tolerance=LOOSE),
    ],
    bugs=[
        Bug(
            "shortcut forgotten",
            "You forget to add the shortcut: this is a plain block.",
            (SUM, "self.norm2(self.conv2(out))"),
        ),
        Bug(
            "added after the ReLU",
            "You add the shortcut *after* the last ReLU. It is added before: relu(branch + shortcut).",
            (f"torch.relu({SUM})", "torch.relu(self.norm2(self.conv2(out))) + shortcut"),
        ),
        Bug(
            "no ReLU at the end",
            "There is no ReLU at the end of your block.",
            (f"torch.relu({SUM})", SUM),
        ),
        Bug(
            "no ReLU in the branch",
            "There is no ReLU between your two convolutions: they can then do no more than one.",
            ("torch.relu(self.norm1(self.conv1(z)))", "self.norm1(self.conv1(z))"),
        ),
        Bug(
            "ReLU before the addition as well",
            "You put a ReLU at the end of the branch. Then it can only add, never take away: the ReLU comes after the "
            "sum.",
            (SUM, "torch.relu(self.norm2(self.conv2(out))) + shortcut"),
        ),
        Bug(
            "stride in the second convolution",
            "You put the stride into the second convolution. It belongs into the first: the second then has less to "
            "do.",
            ("read, write, 3, stride, padding=1", "read, write, 3, padding=1"),
            ("write, write, 3, padding=1", "write, write, 3, stride, padding=1"),
        ),
        Bug(
            "stride in both convolutions",
            "Both of your convolutions have the stride: the branch gets smaller than the shortcut. Only the first has "
            "it.",
            ("write, write, 3, padding=1", "write, write, 3, stride, padding=1"),
        ),
        Bug(
            "stride forgotten in the shortcut",
            "Your 1×1 convolution has no stride: the shortcut stays larger than the branch, and they can't be added.",
            ("read, write, 1, stride, bias=False", "read, write, 1, bias=False"),
        ),
        Bug(
            "projection only for new channels",
            "You project only where the number of channels changes. With stride 2 the shortcut has to get smaller, "
            "too, even if the channels stay.",
            ("read != write or stride != 1", "read != write"),
        ),
        Bug(
            "projection only for a stride",
            "You project only where there is a stride. Where the number of channels changes, the shortcut has to "
            "follow.",
            ("read != write or stride != 1", "stride != 1"),
        ),
        Bug(
            "always projected",
            "You always project. Where the shape stays, the shortcut is the input itself: that is the point of it.",
            ("read != write or stride != 1", "True"),
        ),
        Bug(
            "shortcut averaged",
            "You make the shortcut smaller by averaging. Here it is subsample(W·z): every second row and column.",
            (
                "self.project(z)",
                "torch.nn.functional.conv2d(torch.nn.functional.avg_pool2d(z, self.project.stride[0], ceil_mode=True), "
                "self.project.weight)",
            ),
        ),
        Bug(
            "rows counted from the second",
            "Your shortcut takes the second, fourth, … row and column. Subsampling begins with the first.",
            ("self.project(z)", "self.project(z.roll((-1, -1), (2, 3)) if self.project.stride[0] > 1 else z)"),
        ),
        Bug(
            "shortcut begins after the first convolution",
            "Your shortcut begins after the first convolution. It begins at the block's input.",
            (
                "shortcut = z if self.project is None else self.project(z)",
                "shortcut = torch.relu(self.norm1(self.conv1(z)))",
            ),
        ),
        Bug(
            "shortcut cut off from the gradient",
            "You `detach` the shortcut. The gradient's way past the branch is what it is there for.",
            ("+ shortcut", "+ shortcut.detach()"),
        ),
        Bug(
            "one normalisation for both",
            "You use one batch normalisation in both places. Each convolution has its own: statistics, γ and β differ.",
            (SUM, "self.norm1(self.conv2(out)) + shortcut"),
        ),
        Bug(
            "normalisation forgotten in the branch",
            "The second convolution of your branch has no batch normalisation behind it.",
            (SUM, "self.conv2(out) + shortcut"),
        ),
        Bug(
            "not padded",
            "Your 3×3 convolutions don't pad: the branch gets smaller than the shortcut.",
            ("read, write, 3, stride, padding=1", "read, write, 3, stride"),
            ("write, write, 3, padding=1", "write, write, 3"),
        ),
        Bug(
            "convolutions with biases",
            "Your convolutions have biases, which batch normalisation takes away again: `bias=False`.",
            ("padding=1, bias=False)\n        self.norm1", "padding=1)\n        self.norm1"),
            ("padding=1, bias=False)\n        self.norm2", "padding=1)\n        self.norm2"),
        ),
        Bug(
            "shortcut with a bias",
            "Your 1×1 convolution has a bias. Here it is W alone: `bias=False`.",
            ("read, write, 1, stride, bias=False", "read, write, 1, stride"),
        ),
        Bug(
            "shortcut multiplied",
            "You multiply branch and shortcut. They are added.",
            ("+ shortcut", "* shortcut"),
        ),
        Bug(
            "shortcut subtracted",
            "You subtract the shortcut. It is added.",
            ("+ shortcut", "- shortcut"),
        ),
    ],
    correct=[
        Correct(
            "subsampled by slices",
            '''
import torch
from torch import nn
class ResidualBlock(nn.Module):
    """W for every place, then every second one."""
    def __init__(self, read, write, stride=1):
        super().__init__()
        self.stride = stride
        self.norm2, self.norm1 = nn.BatchNorm2d(write), nn.BatchNorm2d(write)
        self.conv2 = nn.Conv2d(write, write, (3, 3), padding="same", bias=False)
        self.conv1 = nn.Conv2d(read, write, (3, 3), stride=(stride, stride), padding=(1, 1), bias=False)
        self.project = nn.Conv2d(read, write, 1, bias=False) if (read, 1) != (write, stride) else None
    def forward(self, z):
        """Compute."""
        out = self.norm2(self.conv2(nn.functional.relu(self.norm1(self.conv1(z)))))
        if self.project is not None:
            z = self.project(z)[:, :, :: self.stride, :: self.stride]
        return nn.functional.relu(out + z)
''',
        ),
        Correct(
            "subsampled first",
            '''
from torch import nn
class ResidualBlock(nn.Module):
    """Every second place, then W."""
    def __init__(self, read, write, stride=1):
        super().__init__()
        self.step = stride
        self.same = read == write and stride == 1
        if not self.same:
            self.project = nn.Conv2d(read, write, kernel_size=1, bias=False)
        self.conv1 = nn.Conv2d(read, write, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(write)
        self.conv2 = nn.Conv2d(write, write, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(write)
        self.relu = nn.ReLU(inplace=True)
    def forward(self, z):
        """Compute."""
        out = self.conv1(z)
        out = self.relu(self.norm1(out))
        out = self.norm2(self.conv2(out))
        out += z if self.same else self.project(z[..., :: self.step, :: self.step])
        return self.relu(out)
''',
        ),
        Correct(
            "a chain, clamped",
            '''
import torch
from torch import nn
class ResidualBlock(nn.Module):
    """Steps in a list."""
    def __init__(self, read, write, stride=1):
        super().__init__()
        settings = dict(kernel_size=3, padding=1, bias=False)
        for i, (a, b, s) in enumerate([(read, write, stride), (write, write, 1)], 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, stride=s, **settings))
            setattr(self, f"norm{i}", nn.BatchNorm2d(b))
        self.project = None
        if read != write or stride > 1:
            self.project = nn.Conv2d(read, write, 1, stride=stride, bias=False)
    def forward(self, z):
        """Compute."""
        way = self.project(z) if self.project else z.clone()
        h = self.norm1(self.conv1(z)).clamp(min=0)
        return torch.stack([self.norm2(self.conv2(h)), way]).sum(0).clamp(min=0)
''',
        ),
        Correct(
            "an identity module",
            '''
from torch import nn
class ResidualBlock(nn.Module):
    """With a module for either way."""
    def __init__(self, read, write, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(read, write, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(write, write, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(write)
        self.norm2 = nn.BatchNorm2d(write)
        change = read != write or stride != 1
        self.project = nn.Conv2d(read, write, 1, stride, bias=False) if change else nn.Identity()
    def forward(self, z):
        """Compute."""
        branch = self.norm2(self.conv2(self.norm1(self.conv1(z)).relu()))
        return (branch + self.project(z)).relu()
''',
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# make_resnet


def built(student, stages, width, classes, *shape):
    """Make a network of stand-in blocks, and follow images through it."""
    return walked(student, student(beside(student, block_class), stages, width, classes), *shape)


def resnet_one_stage(student, rng):
    """one stage of one block, on 6×5"""
    return built(student, (1,), 4, 3, 3, 6, 5)


def resnet_two_stages(student, rng):
    """two stages, of one block and of two, on 8×8"""
    return built(student, (1, 2), 4, 10, 3, 8, 8)


def resnet_three_stages(student, rng):
    """three stages, of 3, 1 and 1 blocks, on 12×16, five classes"""
    return built(student, (3, 1, 1), 3, 5, 3, 12, 16)


def resnet_odd(student, rng):
    """two stages on 9×7: rounded up"""
    return built(student, (1, 1), 4, 10, 3, 9, 7)


def resnet_any_size(student, rng):
    """one network, images of two sizes"""
    network = student(beside(student, block_class), (1, 1), 4, 10)
    return walked(student, network, 3, 8, 8) | {"20×12": walked(student, network, 3, 20, 12)["at the end"]}


def resnet_numbers(student, rng):
    """how many numbers are trained, with a stand-in for the block"""
    sizes = (((1,), 2, 3), ((3, 2), 4, 10))
    given = beside(student, block_class)
    return {
        f"make_resnet(block, {str(size)[1:-1]})": beside(student, parameter_count, student(given, *size))
        for size in sizes
    }


def resnet_gradient(student, rng):
    """every parameter is trained: gradients arrive everywhere"""
    network = student(beside(student, block_class), (1, 2), 4, 3)
    x = torch.tensor(rng.normal(size=(4, 3, 8, 8)), dtype=torch.float32)
    found = beside(student, gradients, network, x, floats(whole(rng, 4, 3, low=1, high=5)))
    return {"arrays that are trained": sum(value is not None for value in found.values()) - 2}


def resnet_drawn(student, rng):
    """stages, widths and sizes drawn at random"""
    seen = {}
    for draw in range(3):
        stages = tuple(int(n) for n in rng.permutation([3, *rng.integers(1, 4, rng.integers(0, 3))]))
        width, classes = (int(n) for n in rng.integers(2, 9, 2))
        rows, columns = (int(n) for n in rng.integers(7, 20, 2))
        found = built(student, stages, width, classes, 3, rows, columns)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


MAKE_RESNET = Exercise(
    "make_resnet",
    points=4,
    cases=[
        Case(resnet_one_stage),
        Case(resnet_two_stages),
        Case(resnet_odd),
        Case(resnet_three_stages),
        Case(resnet_any_size),
        Case(resnet_numbers),
        Case(resnet_gradient),
        Case(resnet_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "stride in the first stage",
            "The first block of your first stage has stride 2. The first stage keeps the size of the image.",
            ("2 if i > 0 and j == 0 else 1", "2 if j == 0 else 1"),
        ),
        Bug(
            "stride in every block",
            "All blocks of your later stages have stride 2. Only the first block of a stage makes the maps smaller.",
            ("2 if i > 0 and j == 0 else 1", "2 if i > 0 else 1"),
        ),
        Bug(
            "stride in the last block of a stage",
            "You make the maps smaller in the *last* block of a stage. It is the first of each stage but the first.",
            ("2 if i > 0 and j == 0 else 1", "2 if i > 0 and j == count - 1 else 1"),
        ),
        Bug(
            "never smaller",
            "Your maps stay as large as the image. The first block of each later stage has stride 2.",
            ("2 if i > 0 and j == 0 else 1", "1"),
        ),
        Bug(
            "width not doubled",
            "All your stages are equally wide. Each has twice as many channels as the one before.",
            ("write = width * 2**i", "write = width"),
        ),
        Bug(
            "width doubled too early",
            "Your first stage is already twice as wide as `width` says.",
            ("write = width * 2**i", "write = width * 2 ** (i + 1)"),
        ),
        Bug(
            "an additional block",
            "Your stages have one block more than `stages` says.",
            ("range(count)", "range(count + 1)"),
        ),
        Bug(
            "one block used several times",
            "You make one block and use it several times: they share their weights. Make a new one each time.",
            (
                "            layers.append(block(read, write, 2 if i > 0 and j == 0 else 1))\n",
                "            layers.append(layers[-1] if j > 1 else block(read, write, 2 if i > 0 and j == 0 else "
                "1))\n",
            ),
        ),
        Bug(
            "no batch normalisation at first",
            "There is no batch normalisation behind your first convolution.",
            ("nn.BatchNorm2d(width), nn.ReLU()]", "nn.ReLU()]"),
        ),
        Bug(
            "no ReLU at first",
            "There is no ReLU behind your first batch normalisation: the first block gets negative numbers.",
            ("nn.BatchNorm2d(width), nn.ReLU()]", "nn.BatchNorm2d(width)]"),
        ),
        Bug(
            "first convolution with stride",
            "Your first convolution makes the maps smaller. For images as small as these it keeps their size.",
            (
                "nn.Conv2d(3, width, 3, padding=1, bias=False)",
                "nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False)",
            ),
        ),
        Bug(
            "first convolution of 7×7",
            "Your first convolution is 7×7, as for ImageNet. For images as small as these it is 3×3.",
            ("nn.Conv2d(3, width, 3, padding=1, bias=False)", "nn.Conv2d(3, width, 7, padding=3, bias=False)"),
        ),
        Bug(
            "first convolution with a bias",
            "Your first convolution has a bias, which batch normalisation takes away again.",
            ("padding=1, bias=False)", "padding=1)"),
        ),
        Bug(
            "averaged over 8×8",
            "You average windows of a fixed size. Average each map as a whole (`nn.AdaptiveAvgPool2d(1)`), so that "
            "images of any size will do.",
            ("nn.AdaptiveAvgPool2d(1)", "nn.AvgPool2d(8)"),
        ),
        Bug(
            "not averaged",
            "You flatten the maps without averaging them, so that images of one size only will do.",
            ("nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(read, classes)", "nn.Flatten(), nn.LazyLinear(classes)"),
        ),
        Bug(
            "blocks in a list",
            "You keep your blocks in a plain Python list. The network then doesn't know that they are its own: they "
            "aren't trained, saved or moved. Use `nn.Sequential` or `nn.ModuleList`.",
            source='''
from torch import nn
def make_resnet(block, stages, width, classes):
    """A network that doesn't know its blocks."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
            self.blocks, read = [], width
            for i, count in enumerate(stages):
                for j in range(count):
                    self.blocks.append(block(read, width * 2**i, 2 if i > 0 and j == 0 else 1))
                    read = width * 2**i
            self.last = nn.Linear(read, classes)
        def forward(self, x):
            x = self.first(x)
            for part in self.blocks:
                x = part(x)
            return self.last(x.mean((2, 3)))
    return Net()
''',
        ),
        Bug(
            "always ten classes",
            "Your last layer always has ten scores. It is `classes`.",
            ("nn.Linear(read, classes)", "nn.Linear(read, 10)"),
        ),
    ],
    correct=[
        Correct(
            "a class with a ModuleList",
            """
from torch import nn
def make_resnet(block, stages, width, classes):
    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, width, 3, 1, 1, bias=False)
            self.norm = nn.BatchNorm2d(width)
            self.stages = nn.ModuleList()
            before, now = width, width
            for number, count in enumerate(stages):
                strides = [1 + (number > 0)] + [1] * (count - 1)
                for stride in strides:
                    self.stages.append(block(before, now, stride))
                    before = now
                now *= 2
            self.score = nn.Linear(before, classes)
        def forward(self, x):
            x = self.norm(self.conv(x)).relu()
            for part in self.stages:
                x = part(x)
            return self.score(x.mean(dim=(2, 3)))
    return ResNet()
""",
        ),
        Correct(
            "stage by stage",
            """
from torch import nn
def make_resnet(block, stages, width, classes):
    def stage(read, write, count, stride):
        return nn.Sequential(block(read, write, stride), *(block(write, write, stride=1) for _ in range(count - 1)))
    net = nn.Sequential(nn.Conv2d(3, width, (3, 3), padding="same", bias=False), nn.BatchNorm2d(width), nn.ReLU(True))
    net.append(stage(width, width, stages[0], 1))
    for i in range(1, len(stages)):
        net.append(stage(width << (i - 1), width << i, stages[i], 2))
    net.extend([nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(width << (len(stages) - 1), classes)])
    return net
""",
        ),
        Correct(
            "a list of plans",
            """
import itertools
from torch import nn
def make_resnet(block, stages, width, classes):
    outs = list(itertools.chain.from_iterable([width * 2**i] * n for i, n in enumerate(stages)))
    ins = [width, *outs[:-1]]
    blocks = [block(a, b, 1 if a == b else 2) for a, b in zip(ins, outs)]
    first = [nn.Conv2d(in_channels=3, out_channels=width, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(width)]
    return nn.Sequential(*first, nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(1), nn.Linear(outs[-1], classes))
""",
        ),
    ],
)
