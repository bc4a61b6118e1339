"""First weights, two modules by hand, and augmentation."""

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, outcome, replaced
from visionlab.checks.draws import quarters, whole
from visionlab.checks.handle import beside
from visionlab.checks.networks import gradients, state

CLOSE = Tolerance(1e-4, 1e-5)


def floats(array):
    """The numbers of an array as a float32 tensor."""
    return torch.tensor(np.asarray(array), dtype=torch.float32)


# ---------------------------------------------------------------------------------------------------------------------
# he_init


def initialised(student, kind, sizes, z, **settings):
    """Make a layer beside the student's function and hand it over; return what has become of it, by name."""
    layer = beside(student, kind, *sizes, **settings)
    # So that what is left alone can be seen.
    layer.load_state_dict({"weight": torch.ones(z.shape), "bias": torch.full((z.shape[0],), 0.5)}, strict=False)
    before = layer.weight
    student(layer, floats(z))
    seen = {name: value.detach() for name in ("weight", "bias") if (value := getattr(layer, name)) is not None}
    same = beside(student, id, before) == beside(student, id, layer.weight)
    return seen | {"the weights are still those that training would change": same and layer.weight.requires_grad}


def he_two_units(student, rng):
    """a linear layer, 8 inputs and 2 units: z is halved"""
    return initialised(student, torch.nn.Linear, (8, 2), whole(rng, 2, 8, low=-8, high=8))


def he_linear(student, rng):
    """a linear layer, 3 inputs and 5 units"""
    return initialised(student, torch.nn.Linear, (3, 5), whole(rng, 5, 3, low=-9, high=9))


def he_pointwise(student, rng):
    """a 1×1 convolution, 2 channels to 3"""
    return initialised(student, torch.nn.Conv2d, (2, 3, 1), whole(rng, 3, 2, 1, 1, low=-9, high=9))


def he_kernel(student, rng):
    """a 3×2 convolution, 2 channels to 4"""
    return initialised(student, torch.nn.Conv2d, (2, 4, (3, 2)), whole(rng, 4, 2, 3, 2, low=-9, high=9))


def he_no_bias(student, rng):
    """a 3×3 convolution without biases"""
    return initialised(student, torch.nn.Conv2d, (1, 2, 3), whole(rng, 2, 1, 3, 3, low=-9, high=9), bias=False)


def he_groups(student, rng):
    """a 3×3 convolution in two groups: each filter reads 2 of the 4 channels"""
    return initialised(student, torch.nn.Conv2d, (4, 6, 3), whole(rng, 6, 2, 3, 3, low=-9, high=9), groups=2)


def he_drawn(student, rng):
    """layers of sizes drawn at random"""
    seen = {}
    for draw in range(3):
        read, write, height, width = (int(n) for n in rng.integers(2, 8, 4))
        groups = draw % 2 + 1
        shape = (write * groups, read, height, width)
        found = initialised(
            student, torch.nn.Conv2d, (read * groups, write * groups, (height, width)), quarters(rng, *shape),
            groups=groups,
        )  # fmt: skip
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    read, write = (int(n) for n in rng.integers(3, 20, 2))
    return seen | initialised(student, torch.nn.Linear, (read, write), quarters(rng, write, read))


HE_INIT = Exercise(
    "he_init",
    points=2,
    cases=[
        Case(he_two_units, tolerance=CLOSE),
        Case(he_linear, tolerance=CLOSE),
        Case(he_pointwise, tolerance=CLOSE),
        Case(he_kernel, tolerance=CLOSE),
        Case(he_no_bias, tolerance=CLOSE),
        Case(he_groups, tolerance=CLOSE),
        Case(he_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "variance taken for the deviation",
            "You multiply by 2/n, which is the *variance* that is wanted. A number is scaled by the deviation: the "
            "root of that.",
            ("math.sqrt(2 / n_in)", "(2 / n_in)"),
        ),
        Bug(
            "the 2 forgotten",
            "You scale by √(1/n). The ReLU after the layer sets half of the numbers to 0, and the 2 makes up for it.",
            ("2 / n_in", "1 / n_in"),
        ),
        Bug(
            "outputs counted",
            "You count the outputs of the layer (the first axis of its weights). What matters is how many numbers are "
            "*summed up* in one unit: its inputs.",
            ("layer.weight[0].numel()", "layer.weight[:, 0].numel()"),
        ),
        Bug(
            "filters counted",
            "You divide by the number of filters or units. What matters is how many numbers one of them reads.",
            ("layer.weight[0].numel()", "layer.weight.shape[0]"),
        ),
        Bug(
            "kernel not counted",
            "You count the channels that a filter reads, and forget that it reads all places of its kernel in each.",
            ("layer.weight[0].numel()", "layer.weight.shape[1]"),
        ),
        Bug(
            "kernel taken for square",
            "You take the kernel's height for its width as well. Kernels need not be square.",
            (
                "layer.weight[0].numel()",
                "layer.weight.shape[1] * (layer.weight.shape[2] ** 2 if layer.weight.ndim == 4 else 1)",
            ),
        ),
        Bug(
            "channels of all groups counted",
            "You count all channels of the layer's input. In a convolution with groups a filter reads only those of "
            "its own group. The shape of the weights knows it.",
            ("layer.weight[0].numel()", "layer.weight[0].numel() * getattr(layer, 'groups', 1)"),
        ),
        Bug(
            "Xavier instead of He",
            "You use Glorot's and Bengio's rule, 2/(inputs + outputs). It was made for tanh; for ReLU it is He's: "
            "2/inputs.",
            ("2 / n_in", "2 / (n_in + layer.weight[:, 0].numel())"),
        ),
        Bug(
            "all weights counted",
            "You divide by the number of *all* weights of the layer. Count those of one unit or filter.",
            ("layer.weight[0].numel()", "layer.weight.numel()"),
        ),
        Bug(
            "divided instead of multiplied",
            "You divide z by the deviation. Multiply: the more inputs, the smaller the weights.",
            ("math.sqrt(2 / n_in) * z", "z / math.sqrt(2 / n_in)"),
        ),
        Bug(
            "biases left alone",
            "You leave the biases as they were. They begin at 0.",
            ("            layer.bias.zero_()", "            pass"),
        ),
        Bug(
            "biases expected",
            "Your code breaks down where a layer has no biases: then `layer.bias` is None.",
            ("        if layer.bias is not None:\n            layer.bias.zero_()", "        layer.bias.zero_()"),
        ),
        Bug(
            "changed under the eyes of autograd",
            "You change parameters in place while autograd watches, and it refuses. Do it within `with "
            "torch.no_grad():`.",
            ("with torch.no_grad():", "if True:"),
        ),
        Bug(
            "new parameter in place of the old",
            "You put a *new* parameter into the layer. An optimiser that was made before goes on changing the old one. "
            "Fill the one that is there: `copy_`.",
            (
                "layer.weight.copy_(math.sqrt(2 / n_in) * z)",
                "layer.weight = torch.nn.Parameter(math.sqrt(2 / n_in) * z)",
            ),
        ),
        Bug(
            "weights frozen",
            "After your function the weights don't want gradients any more (`requires_grad` is False): they would "
            "never be trained.",
            (
                "layer.weight.copy_(math.sqrt(2 / n_in) * z)",
                "layer.weight.requires_grad_(False).copy_(math.sqrt(2 / n_in) * z)",
            ),
        ),
        Bug(
            "old weights scaled",
            "You multiply the weights that are there. Replace them by the numbers in z, scaled.",
            ("layer.weight.copy_(math.sqrt(2 / n_in) * z)", "layer.weight.mul_(math.sqrt(2 / n_in))"),
        ),
        Bug(
            "random numbers of your own",
            "You draw the random numbers yourself. Use those in `z`: whoever calls decides on the chance, so that a "
            "result can be repeated.",
            (
                "math.sqrt(2 / n_in) * z",
                "math.sqrt(2 / n_in) * torch.randn(z.shape, generator=torch.Generator().manual_seed(0))",
            ),
        ),
        Bug(
            "z changed",
            "You scale `z` in place (`*=`, `mul_`). It belongs to whoever called you: make a new tensor.",
            ("math.sqrt(2 / n_in) * z", "z.mul_(math.sqrt(2 / n_in))"),
        ),
    ],
    correct=[
        Correct(
            "data and fill",
            """
def he_init(layer, z):
    count = 1
    for size in layer.weight.shape[1:]:
        count *= size
    layer.weight.data[...] = z * (2 / count) ** 0.5
    if layer.bias is not None:
        layer.bias.data.fill_(0)
""",
        ),
        Correct(
            "by the layer's settings",
            """
import torch
@torch.no_grad()
def he_init(layer, z):
    if isinstance(layer, torch.nn.Conv2d):
        reads = layer.in_channels // layer.groups * layer.kernel_size[0] * layer.kernel_size[1]
    else:
        reads = layer.in_features
    layer.weight.set_(z / (reads / 2) ** 0.5)
    if layer.bias is not None:
        torch.nn.init.zeros_(layer.bias)
""",
        ),
        Correct(
            "filter by filter in float64",
            """
import torch
def he_init(layer, z):
    with torch.no_grad():
        for row, numbers in zip(layer.weight, z.double()):
            row.copy_(numbers * torch.tensor(2.0 / row.numel(), dtype=torch.float64).sqrt())
        for parameter in [layer.bias] if layer.bias is not None else []:
            parameter -= parameter.clone()
""",
        ),
        Correct(
            "numpy, flat views",
            """
import numpy as np
import torch
def he_init(layer, z):
    flat = z.flatten(1).numpy()
    scaled = (flat * np.sqrt(2 / flat.shape[1])).astype(np.float32)
    layer.load_state_dict(
        {name: torch.from_numpy(scaled).view_as(p) if name == "weight" else torch.zeros_like(p)
         for name, p in layer.state_dict().items()}
    )
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# BatchNorm2d

SETTING = {"weight": [2.0, -1.0, 0.5], "bias": [1.0, 0.0, -3.0]}
RUNNING = {"running_mean": [1.0, -2.0, 0.5], "running_var": [4.0, 0.25, 1.0]}


def normalising(student, channels, **settings):
    """Make a student's module with weights, biases and running statistics that can be told apart."""
    module = student(channels, **settings)
    given = {name: floats(values[:channels]) for name, values in (SETTING | RUNNING).items()}
    module.load_state_dict(given, strict=False)
    return module


def norm_parts(student, rng):
    """what a module for 2 channels has: parameters, which are trained, and buffers, which are only kept"""
    module = student(2)
    names = [name for name, _ in beside(student, list, module.named_parameters())]
    return {
        "names of the parameters": sorted(names),
        "names in state_dict": sorted(beside(student, list, module.state_dict().keys())),
    } | dict(sorted(beside(student, state, module).items()))


def norm_tiny(student, rng):
    """two images of one channel, 1×2: one batch in training"""
    module = student(1)
    out = module(floats([[[[0, 4]]], [[[4, 0]]]]))
    return {"out": out, **kept(student, module)}


def kept(student, module):
    """The running statistics."""
    found = beside(student, state, module)
    return {name: found.get(name) for name in ("running_mean", "running_var")}


def norm_two_batches(student, rng):
    """two batches, one after the other: the running statistics remember both"""
    module = student(1)
    module(floats([[[[0, 4]]], [[[4, 0]]]]))
    out = module(floats([[[[1, 2, 9]]]]))
    return {"out": out, **kept(student, module)}


def norm_in_use(student, rng):
    """in use (`eval()`): the running statistics decide, and stay as they are"""
    module = normalising(student, 2)
    module.eval()
    out = module(floats([[[[1, 3]], [[-2, 2]]]]))
    return {"out": out, **kept(student, module)}


def norm_scaled(student, rng):
    """three channels of 2×3 with weights and biases of their own"""
    module = normalising(student, 3)
    out = module(floats(whole(rng, 4, 3, 2, 3, low=-9, high=9)))
    return {"out": out, **kept(student, module)}


def norm_one_image(student, rng):
    """a batch of one image, two channels of 3×2"""
    module = normalising(student, 2)
    return {"out": module(floats(whole(rng, 1, 2, 3, 2, low=-9, high=9))), **kept(student, module)}


def norm_square(student, rng):
    """as many rows and columns as channels: two, and two images"""
    module = normalising(student, 2)
    return {"out": module(floats(whole(rng, 2, 2, 2, 2, low=-9, high=9))), **kept(student, module)}


def norm_momentum(student, rng):
    """momentum 0.25 and eps 0.5"""
    module = normalising(student, 1, momentum=0.25, eps=0.5)
    return {"out": module(floats([[[[0, 4]]], [[[4, 0]]]])), **kept(student, module)}


def norm_back_and_forth(student, rng):
    """a batch in training, one in use, and again one in training"""
    module, x = normalising(student, 2), floats(whole(rng, 3, 2, 1, 2, low=-9, high=9))
    first = module(x)
    module.eval()
    second = module(x)
    module.train()
    third = module(2 * x + 1)
    return {"first": first, "in use": second, "third": third, **kept(student, module)}


def norm_gradients(student, rng):
    """gradients in training, twice, and then in use: mean and variance depend on the batch, too"""
    module = normalising(student, 2)
    x, dout = floats(whole(rng, 3, 2, 1, 2, low=-9, high=9)), floats(whole(rng, 3, 2, 1, 2))
    first = beside(student, gradients, module, x, dout)
    second = beside(student, gradients, module, x, dout)
    module.eval()
    in_use = beside(student, gradients, module, x, dout)
    return first | {"dx the second time": second["dx"], "dx in use": in_use["dx"]}


def norm_gradients_in_use(student, rng):
    """gradients in use: the running statistics are constants"""
    module = normalising(student, 2)
    module.eval()
    x, dout = floats(whole(rng, 2, 2, 2, 1, low=-9, high=9)), floats(whole(rng, 2, 2, 2, 1))
    return beside(student, gradients, module, x, dout)


def norm_doubled(student, rng):
    """after `double()`: everything in float64, the running statistics as well"""
    module = normalising(student, 1)
    module.double()
    out = module(torch.tensor(quarters(rng, 2, 1, 2, 2)))
    found = beside(student, state, module)
    return {"types": {name: str(value.dtype) for name, value in found.items()}, "out": out}


def norm_drawn(student, rng):
    """sizes drawn at random, in training and in use, with gradients"""
    seen = {}
    for draw in range(3):
        images, height, width = (int(n) for n in rng.integers(2, 5, 3))
        channels = int(rng.integers(1, 4))
        module = normalising(student, channels, momentum=float(rng.integers(1, 9)) / 10)
        shape = (images, channels, height, width)
        for step in range(2):
            x, dout = floats(whole(rng, *shape, low=-9, high=9)), floats(whole(rng, *shape))
            found = beside(student, gradients, module, x, dout) | kept(student, module)
            seen |= {f"{name} {draw + 1}.{step + 1}": value for name, value in found.items()}
        module.eval()
        seen[f"in use {draw + 1}"] = module(floats(whole(rng, *shape)))
    return seen


MAPS_WITH_AXES = '''
import torch
from torch import nn
class BatchNorm2d(nn.Module):
    """Normalise maps."""
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
    def forward(self, x):
        """Normalise."""
        mean, var = self.running_mean.reshape(1, -1, 1, 1), self.running_var.reshape(1, -1, 1, 1)
        if self.training:
            mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, correction=0)
            n = x.numel() / x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean.flatten(), self.momentum)
                self.running_var.lerp_(var.flatten() * n / (n - 1), self.momentum)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight.reshape(-1, 1, 1) + self.bias.reshape(-1, 1, 1)
'''
"""Batch normalisation with mean and variance as maps of shape (1, C, 1, 1)."""

BATCH_NORM = Exercise(
    "BatchNorm2d",
    points=5,
    cases=[
        Case(norm_parts, tolerance=CLOSE),
        Case(norm_tiny, tolerance=CLOSE),
        Case(norm_two_batches, tolerance=CLOSE),
        Case(norm_in_use, tolerance=CLOSE),
        Case(norm_momentum, tolerance=CLOSE),
        Case(norm_one_image, tolerance=CLOSE),
        Case(norm_square, tolerance=CLOSE),
        Case(norm_scaled, tolerance=CLOSE),
        Case(norm_back_and_forth, tolerance=CLOSE),
        Case(norm_gradients, tolerance=Tolerance(1e-3, 1e-4)),
        Case(norm_gradients_in_use, tolerance=CLOSE),
        Case(norm_doubled, tolerance=CLOSE),
        Case(norm_drawn, hidden=True, weight=4, tolerance=Tolerance(1e-3, 1e-4)),
    ],
    bugs=[
        Bug(
            "running variance with n",
            "For the *running* variance you divide by n. torch keeps the estimate for all images there, with n − 1 "
            "(n numbers of the channel in the batch); only the batch itself is normalised with n.",
            ("var * n / (n - 1)", "var"),
        ),
        Bug(
            "batch normalised with n − 1",
            "You normalise the batch with the variance over n − 1 (`x.var` does so by default). For the batch it is n: "
            "then the result has a deviation of exactly 1.",
            ("correction=0)", "correction=1)"),
            ("var * n / (n - 1)", "var"),
        ),
        Bug(
            "n for the one, n − 1 for the other, exchanged",
            "You normalise the batch with the variance over n − 1, and keep the one over n. It is the other way round.",
            ("correction=0)", "correction=1)"),
            ("var * n / (n - 1)", "var * (n - 1) / n"),
        ),
        Bug(
            "n counts the images only",
            "For n − 1 you count the images of the batch. A channel's variance is over N·H·W numbers.",
            ("n = x.numel() / x.shape[1]", "n = max(len(x), 1.5)"),
        ),
        Bug(
            "momentum the other way round",
            "You keep the share `momentum` of the old value. In torch `momentum` is the share of the *new* one: "
            "0.9 · old + 0.1 · new for momentum 0.1.",
            (".lerp_(mean, self.momentum)", ".lerp_(mean, 1 - self.momentum)"),
            (".lerp_(var * n / (n - 1), self.momentum)", ".lerp_(var * n / (n - 1), 1 - self.momentum)"),
        ),
        Bug(
            "running statistics replaced",
            "You replace the running statistics by those of the last batch. They are a mixture: (1 − momentum) · old + "
            "momentum · new.",
            (".lerp_(mean, self.momentum)", ".copy_(mean)"),
            (".lerp_(var * n / (n - 1), self.momentum)", ".copy_(var * n / (n - 1))"),
        ),
        Bug(
            "running statistics added to",
            "You add momentum · new, and forget that the old value shrinks at the same time: "
            "(1 − momentum) · old + momentum · new.",
            (".lerp_(mean, self.momentum)", ".add_(self.momentum * mean)"),
            (".lerp_(var * n / (n - 1), self.momentum)", ".add_(self.momentum * var * n / (n - 1))"),
        ),
        Bug(
            "running statistics never changed",
            "In training you normalise, but the running statistics stay as they were: in use the module would know "
            "nothing of the images.",
            ("                self.running_mean.lerp_(mean, self.momentum)\n", ""),
            ("                self.running_var.lerp_(var * n / (n - 1), self.momentum)\n", "                pass\n"),
        ),
        Bug(
            "deviation kept",
            "You keep the running *deviation*. It is the variance.",
            (".lerp_(var * n / (n - 1), self.momentum)", ".lerp_((var * n / (n - 1)).sqrt(), self.momentum)"),
        ),
        Bug(
            "the batch's statistics in use",
            "In use you normalise with the batch's own mean and variance. Then what the network says of an image "
            "depends on the images beside it. In use it is the running statistics.",
            ("        if self.training:\n", "        if True:\n"),
            (
                "                self.running_mean.lerp_(mean, self.momentum)\n"
                "                self.running_var.lerp_(var * n / (n - 1), self.momentum)\n",
                "                if self.training:\n"
                "                    self.running_mean.lerp_(mean, self.momentum)\n"
                "                    self.running_var.lerp_(var * n / (n - 1), self.momentum)\n",
            ),
        ),
        Bug(
            "use treated as training",
            "You don't ask in which mode the module is (`self.training`): in use you normalise with the batch's "
            "statistics, and change the running ones.",
            ("if self.training:", "if True:"),
        ),
        Bug(
            "running statistics in training",
            "In training you normalise with the running statistics. Then nothing is normalised at first. In training "
            "it is mean and variance of the batch.",
            (
                "        scale =",
                "        mean, var = self.running_mean.clone(), self.running_var.clone()\n        scale =",
            ),
        ),
        Bug(
            "a mode of your own",
            "Your module keeps a mode of its own, which `train()` and `eval()` don't change. Ask `self.training`: "
            "every module has it, and the network's `eval()` sets it in all of them.",
            ("if self.training:", 'if not hasattr(self, "mode") or self.mode == "train":'),
        ),
        Bug(
            "eps added to the deviation",
            "You add ε to the deviation. It belongs under the root: √(variance + ε).",
            ("torch.sqrt(var + self.eps)", "(torch.sqrt(var) + self.eps)"),
        ),
        Bug(
            "divided by the variance",
            "You divide by the variance. Divide by its root.",
            ("torch.sqrt(var + self.eps)", "(var + self.eps)"),
        ),
        Bug(
            "each image by itself",
            "You take mean and variance of each image and channel (axes 2 and 3). In *batch* normalisation they are "
            "over all images as well: axes 0, 2 and 3.",
            source=replaced(
                MAPS_WITH_AXES,
                ("x.mean((0, 2, 3), ", "x.mean((2, 3), "),
                ("x.var((0, 2, 3), ", "x.var((2, 3), "),
                ("n = x.numel() / x.shape[1]", "n = x.shape[2] * x.shape[3]"),
                ("mean.flatten()", "mean.mean((0, 2, 3))"),
                ("var.flatten()", "var.mean((0, 2, 3))"),
            ),
        ),
        Bug(
            "one mean for all channels",
            "You take one mean and one variance over everything. Each channel has its own.",
            ("x.mean(dim=(0, 2, 3))", "x.mean().expand(x.shape[1])"),
            ("x.var(dim=(0, 2, 3), correction=0)", "x.var(correction=0).expand(x.shape[1])"),
            ("n = x.numel() / x.shape[1]", "n = x.numel()"),
        ),
        Bug(
            "scale and shift forgotten",
            "You normalise, and forget γ (`weight`) and β (`bias`).",
            ("self.weight / torch.sqrt", "1 / torch.sqrt"),
            ("self.bias - mean * scale", "-mean * scale"),
        ),
        Bug(
            "shift forgotten",
            "You forget to add β (`bias`).",
            ("self.bias - mean * scale", "-mean * scale"),
        ),
        Bug(
            "γ along the columns",
            "You multiply by `weight` without giving it axes: then it runs along the *columns* of the maps. Make it "
            "(C, 1, 1), so that it runs along the channels.",
            source=replaced(
                MAPS_WITH_AXES,
                (
                    "self.weight.reshape(-1, 1, 1) + self.bias.reshape(-1, 1, 1)",
                    "self.weight + self.bias",
                ),
            ),
        ),
        Bug(
            "running statistics are no buffers",
            "You keep the running statistics as plain tensors. Then they aren't saved with the weights, and don't move "
            "to the GPU with the network: use `register_buffer`.",
            (
                '        self.register_buffer("running_mean", torch.zeros(channels))\n'
                '        self.register_buffer("running_var", torch.ones(channels))',
                "        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)",
            ),
        ),
        Bug(
            "running statistics as parameters",
            "You keep the running statistics as parameters. An optimiser would try to train them. They are kept, and "
            "not trained: use `register_buffer`.",
            (
                'self.register_buffer("running_mean", torch.zeros(channels))',
                "self.running_mean = nn.Parameter(torch.zeros(channels))",
            ),
            (
                'self.register_buffer("running_var", torch.ones(channels))',
                "self.running_var = nn.Parameter(torch.ones(channels))",
            ),
        ),
        Bug(
            "γ and β are no parameters",
            "You keep γ and β as buffers or plain tensors. They are trained: `nn.Parameter`.",
            (
                "self.weight = nn.Parameter(torch.ones(channels))",
                'self.register_buffer("weight", torch.ones(channels))',
            ),
            ("self.bias = nn.Parameter(torch.zeros(channels))", 'self.register_buffer("bias", torch.zeros(channels))'),
        ),
        Bug(
            "γ begins at 0",
            "Your γ (`weight`) begins at 0: whatever comes in, 0 goes out. It begins at 1.",
            ("nn.Parameter(torch.ones(channels))", "nn.Parameter(torch.zeros(channels))"),
        ),
        Bug(
            "running variance begins at 0",
            "Your running variance begins at 0. It begins at 1, so that an untrained module changes nothing in use.",
            ('"running_var", torch.ones(channels)', '"running_var", torch.zeros(channels)'),
        ),
        Bug(
            "statistics cut off from the gradient",
            "Your outputs are right, but you compute mean and variance of the batch under `torch.no_grad` (or "
            "`detach` them). They depend on x, and the gradient has to know it: without, training is another one.",
            (
                "            mean, var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)",
                "            mean = x.detach().mean(dim=(0, 2, 3))\n"
                "            var = x.detach().var(dim=(0, 2, 3), correction=0)",
            ),
        ),
        Bug(
            "running statistics keep the graph",
            "You change the running statistics while autograd watches. They then hold on to the graphs of all batches "
            "before: memory grows, and a later backward pass fails. Change them under `torch.no_grad()`.",
            (
                "            with torch.no_grad():\n"
                "                self.running_mean.lerp_(mean, self.momentum)\n"
                "                self.running_var.lerp_(var * n / (n - 1), self.momentum)\n",
                "            self.running_mean = self.running_mean.lerp(mean, self.momentum)\n"
                "            self.running_var = self.running_var.lerp(var * n / (n - 1), self.momentum)\n",
            ),
        ),
    ],
    correct=[
        Correct(
            "channel by channel",
            '''
import torch
from torch import nn
class BatchNorm2d(nn.Module):
    """One channel after the other."""
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.channels, self.eps, self.momentum = channels, eps, momentum
        self.register_parameter("bias", nn.Parameter(torch.zeros(channels)))
        self.register_parameter("weight", nn.Parameter(torch.ones(channels)))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
    def forward(self, x):
        """Normalise."""
        out = []
        for c in range(self.channels):
            values = x[:, c]
            if self.training:
                mean = values.sum() / values.numel()
                var = ((values - mean) ** 2).sum() / values.numel()
                kept = var.item() * values.numel() / (values.numel() - 1)
                self.running_mean[c] = (1 - self.momentum) * self.running_mean[c] + self.momentum * mean.item()
                self.running_var[c] = (1 - self.momentum) * self.running_var[c] + self.momentum * kept
            else:
                mean, var = self.running_mean[c], self.running_var[c]
            out.append(self.weight[c] * (values - mean) / (var + self.eps) ** 0.5 + self.bias[c])
        return torch.stack(out, dim=1)
''',
        ),
        Correct(
            "torch's function",
            '''
import torch
from torch import nn
class BatchNorm2d(nn.Module):
    """As torch does it."""
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.settings = momentum, eps
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        for name, start in (("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), start))
    def forward(self, x):
        """Normalise."""
        numbers = self.running_mean, self.running_var, self.weight, self.bias
        return nn.functional.batch_norm(x, *numbers, self.training, *self.settings)
''',
        ),
        Correct(
            "channels last, a view",
            '''
import torch
from torch import nn
class BatchNorm2d(nn.Module):
    """With the channels behind."""
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
    def forward(self, x):
        """Normalise."""
        rows = x.permute(0, 2, 3, 1)
        flat = rows.reshape(-1, x.shape[1])
        if self.training:
            with torch.no_grad():
                self.running_mean *= 1 - self.momentum
                self.running_mean += self.momentum * flat.mean(0)
                self.running_var *= 1 - self.momentum
                self.running_var += self.momentum * flat.var(0)
            centred = rows - flat.mean(0)
            deviation = (centred.square().mean((0, 1, 2)) + self.eps).sqrt()
        else:
            centred, deviation = rows - self.running_mean, (self.running_var + self.eps).sqrt()
        return (centred / deviation * self.weight + self.bias).permute(0, 3, 1, 2)
''',
        ),
        Correct(
            "mean square less squared mean",
            '''
import torch
from torch import nn
class BatchNorm2d(nn.Module):
    """The variance as a difference, in float64."""
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
    def forward(self, x):
        """Normalise."""
        count = x.shape[0] * x.shape[2] * x.shape[3]
        if self.training:
            mean = x.double().sum((0, 2, 3)) / count
            var = x.double().square().sum((0, 2, 3)) / count - mean**2
            new = mean.detach(), var.detach() * count / (count - 1)
            for old, value in zip((self.running_mean, self.running_var), new, strict=True):
                old.copy_((1 - self.momentum) * old + self.momentum * value)
        else:
            mean, var = self.running_mean, self.running_var
        z = (x.double() - mean.reshape(1, -1, 1, 1)) * (var + self.eps).rsqrt().reshape(1, -1, 1, 1)
        return (z * self.weight.reshape(1, -1, 1, 1) + self.bias.reshape(1, -1, 1, 1)).to(x.dtype)
''',
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# Dropout


def dropping(student, p, seed):
    """A student's module that draws from a generator of its own."""
    return student(p, generator=beside(student, torch.Generator).manual_seed(int(seed)))


def drop_repeatable(student, rng):
    """the same seed twice, and another one: does chance come from the generator?"""
    x = torch.ones(4, 25)
    first, again, other = (dropping(student, 0.5, seed)(x) for seed in (8, 8, 9))
    return {
        "the same seed drops the same numbers": bool((first == again).all()),
        "another seed drops others": bool((first != other).any()),
    }


def drop_in_training(student, rng):
    """six numbers, p = 0.5: the dropped ones are 0, the others doubled"""
    return {"out": dropping(student, 0.5, 0)(floats([[3, 5, 7, 9, 11, 13]]))}


def drop_little(student, rng):
    """p = 0.2: of ten numbers a few are dropped, the others divided by 0.8"""
    return {"out": dropping(student, 0.2, 1)(floats([[3, 5, 7, 9, 11, 13, 15, 17, 19, 21]]))}


def drop_in_use(student, rng):
    """in use (`eval()`): everything is kept as it is"""
    module = dropping(student, 0.75, 2)
    module.eval()
    return {"out": module(floats([[3, 5, -7, 9]]))}


def drop_and_back(student, rng):
    """in training, in use, and again in training"""
    module, x = dropping(student, 0.5, 3), floats(whole(rng, 2, 5, low=1, high=9))
    first = module(x)
    module.eval()
    second = module(x)
    module.train()
    return {"first": first, "in use": second, "third": module(x)}


def drop_nothing(student, rng):
    """p = 0: nothing is dropped"""
    return {"out": dropping(student, 0.0, 4)(floats([[3, 5, -7]]))}


def drop_anew(student, rng):
    """three calls in a row: other numbers are dropped each time"""
    module = dropping(student, 0.5, 5)
    return {f"call {i + 1}": module(torch.ones(1, 8)) for i in range(3)}


def drop_rows(student, rng):
    """four images of three numbers: each number is dropped by itself"""
    return {"out": dropping(student, 0.5, rng.integers(99))(floats(whole(rng, 4, 3) + 5))}


def drop_maps(student, rng):
    """two images, two channels of 2×3"""
    return {"out": dropping(student, 0.375, rng.integers(99))(floats(whole(rng, 2, 2, 2, 3) + 5))}


def drop_gradients(student, rng):
    """gradients: 0 where a number was dropped, and 1/(1 − p) elsewhere"""
    module = dropping(student, 0.6, 7)
    x, dout = floats(whole(rng, 2, 6, low=1, high=9)), floats(whole(rng, 2, 6, low=1, high=9))
    return beside(student, gradients, module, x, dout)


def drop_without_a_generator(student, rng):
    """90,000 ones, p = 0.25, without a generator: about a quarter is dropped, differently each time"""
    module = student(0.25)
    first, second = (module(torch.ones(300, 300)) for _ in range(2))
    return {
        "between 10 % and 40 % are 0": bool(0.1 < float((first == 0).float().mean()) < 0.4),
        "the largest number": float(first.max()),
        "the second call drops others": bool((first != second).any()),
    }


def drop_impossible(student, rng):
    """p = −0.1, 1 and 1.5: a ValueError, when the module is made"""
    return {f"Dropout({p})": outcome(student, p) for p in (-0.1, 1.0, 1.5)}


def drop_nothing_kept(student, rng):
    """what a module keeps: no parameters, no buffers"""
    module = student(0.5)
    return {"names in state_dict": beside(student, list, module.state_dict().keys())}


def drop_drawn(student, rng):
    """shapes and probabilities drawn at random"""
    seen = {}
    for draw in range(4):
        shape = tuple(int(n) for n in rng.integers(2, 6, draw + 1))
        module = dropping(student, float(rng.integers(1, 9)) / 10, rng.integers(9999))
        x = floats(whole(rng, *shape) + 5)
        seen |= {
            f"{name} {draw + 1}": v for name, v in beside(student, gradients, module, x, torch.ones(shape)).items()
        }
        seen[f"once more {draw + 1}"] = module(x)
        module.eval()
        seen[f"in use {draw + 1}"] = module(x)
    return seen


KEPT = "u >= self.p"

DROPOUT = Exercise(
    "Dropout",
    points=3,
    cases=[
        Case(drop_repeatable),
        Case(drop_in_training, tolerance=CLOSE),
        Case(drop_little, tolerance=CLOSE),
        Case(drop_in_use, tolerance=CLOSE),
        Case(drop_and_back, tolerance=CLOSE),
        Case(drop_nothing, tolerance=CLOSE),
        Case(drop_anew, tolerance=CLOSE),
        Case(drop_rows, tolerance=CLOSE),
        Case(drop_maps, tolerance=CLOSE),
        Case(drop_gradients, tolerance=CLOSE),
        Case(drop_without_a_generator, tolerance=CLOSE),
        Case(drop_impossible),
        Case(drop_nothing_kept),
        Case(drop_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "kept numbers not scaled",
            "You drop numbers and leave the others as they are. Then the next layer gets smaller sums in training than "
            "in use: divide what is kept by 1 − p.",
            (" / (1 - self.p)", ""),
        ),
        Bug(
            "scaled in use, not in training",
            "You multiply by 1 − p in use. That is the older kind of dropout; here, as in torch, what is kept is "
            "divided by 1 − p in *training*, and nothing is done in use.",
            (" / (1 - self.p)", ""),
            ("            return x\n", "            return x * (1 - self.p)\n"),
        ),
        Bug(
            "scaled in use as well",
            "You scale in training, which is right, and once more in use. There nothing is left to do.",
            ("            return x\n", "            return x * (1 - self.p)\n"),
        ),
        Bug(
            "dropped in use",
            "You drop numbers in use, too: the network would answer the same question differently each time. Ask "
            "`self.training`.",
            ("not self.training", "False"),
        ),
        Bug(
            "modes exchanged",
            "You drop in use, and let everything pass in training.",
            ("not self.training", "self.training"),
        ),
        Bug(
            "p as the probability to be kept",
            "You keep a number with probability p. Here, as in torch, p is the probability to be *dropped*.",
            (f"({KEPT}) / (1 - self.p)", "(u < self.p) / max(self.p, 1e-9)"),
        ),
        Bug(
            "kept where it should be dropped",
            "You keep a number where u < p. It is dropped there.",
            (KEPT, "u < self.p"),
        ),
        Bug(
            "divided by p",
            "You divide by p. A number is kept with probability 1 − p: divide by that.",
            (" / (1 - self.p)", " / max(self.p, 1e-9)"),
        ),
        Bug(
            "always doubled",
            "You double what is kept, which is right for p = 0.5 alone. Divide by 1 − p.",
            (" / (1 - self.p)", " * 2"),
        ),
        Bug(
            "same numbers dropped in all images",
            "You draw once for all images, so that all of them lose the same numbers. Draw a u for every number of the "
            "batch: the shape of x.",
            ("torch.rand(x.shape,", "torch.rand(x.shape[1:],"),
        ),
        Bug(
            "whole images dropped",
            "You draw one number for each image, and drop images as a whole.",
            ("torch.rand(x.shape,", "torch.rand((len(x), *[1] * (x.ndim - 1)),"),
        ),
        Bug(
            "whole channels dropped",
            "You draw one number for each channel of an image (as torch's `Dropout2d` does). Here each number is "
            "dropped by itself.",
            ("torch.rand(x.shape,", "torch.rand(x.shape[:2] + (1,) * (x.ndim - 2),"),
        ),
        Bug(
            "generator set back",
            "You seed the generator in every forward pass, so that all of them drop the same numbers. Go on drawing "
            "from it.",
            (
                "        u = torch.rand(",
                "        if self.generator is not None:\n"
                "            self.generator.manual_seed(self.generator.initial_seed())\n"
                "        u = torch.rand(",
            ),
        ),
        Bug(
            "a seed of your own",
            "You draw from a generator that you have seeded yourself. Draw from the one that the module was given.",
            ("generator=self.generator", "generator=torch.Generator().manual_seed(0)"),
        ),
        Bug(
            "u from the normal distribution",
            "You draw u with `torch.randn`: numbers around 0, half of them negative. `torch.rand` draws between 0 and "
            "1.",
            ("torch.rand(", "torch.randn("),
        ),
        Bug(
            "0 at places where nothing was dropped",
            "You drop where *x* is less than p. Whether a number is dropped is chance: compare u.",
            (KEPT, "x >= self.p"),
        ),
        Bug(
            "every p accepted",
            "You accept any p. With p = 1 everything is dropped and divided by 0: raise a ValueError for a p that "
            "isn't in 0 ≤ p < 1, when the module is made.",
            ("if not 0 <= p < 1:", "if False:"),
        ),
        Bug(
            "1 accepted",
            "You accept p = 1, for which everything is dropped, and 0/0 is computed. Only 0 ≤ p < 1 makes sense.",
            ("0 <= p < 1", "0 <= p <= 1"),
        ),
        Bug(
            "cut off from the gradient",
            "Your outputs are right, but no gradient goes back through them: you work with `x.data`, with "
            "`x.detach()` or under `torch.no_grad()`.",
            ("return x * (", "return x.detach() * ("),
        ),
        Bug(
            "p as a parameter",
            "You keep p as a parameter: an optimiser would train it. It is a plain number.",
            ("self.p = p", "self.p = nn.Parameter(torch.tensor(float(p)), requires_grad=False)"),
        ),
    ],
    correct=[
        Correct(
            "where",
            '''
import torch
from torch import nn
class Dropout(nn.Module):
    """Chooses."""
    def __init__(self, p=0.5, generator=None):
        super().__init__()
        if p < 0 or p >= 1:
            raise ValueError("p")
        self.p, self.generator = p, generator
    def forward(self, x):
        """Drop."""
        if self.training:
            u = torch.rand(*x.shape, generator=self.generator)
            x = torch.where(u < self.p, torch.zeros_like(x), x / (1 - self.p))
        return x
''',
        ),
        Correct(
            "filled mask",
            '''
import torch
from torch import nn
class Dropout(nn.Module):
    """Fills."""
    def __init__(self, p=0.5, generator=None):
        if not (p >= 0.0 and p < 1.0):
            raise ValueError(f"p should be in [0, 1), and is {p}")
        super().__init__()
        self.keep = 1.0 - p
        self.p = p
        self.draw = generator
    def forward(self, x):
        """Drop."""
        if not self.training or self.p == 0:
            return x
        mask = torch.empty(x.shape).uniform_(generator=self.draw) < self.p
        return x.masked_fill(mask, 0.0) * (1 / self.keep)
''',
        ),
        Correct(
            "flat, a view",
            '''
import torch
from torch import nn
class Dropout(nn.Module):
    """Row by row of a flat copy."""
    def __init__(self, p=0.5, generator=None):
        super().__init__()
        assert_in = 0 <= p and p < 1
        if not assert_in:
            raise ValueError(p)
        self.p, self.generator = p, generator
    def forward(self, x):
        """Drop."""
        factor = torch.ones(x.numel(), dtype=x.dtype)
        if self.training:
            u = torch.rand(x.numel(), generator=self.generator)
            factor[u < self.p] = 0
            factor /= 1 - self.p
        return (x.flatten() * factor).view(x.shape)
''',
        ),
        Correct(
            "float64",
            '''
import torch
from torch import nn
class Dropout(nn.Module):
    """In double precision."""
    def __init__(self, p=0.5, generator=None):
        super().__init__()
        if p < 0:
            raise ValueError("negative")
        if p >= 1:
            raise ValueError("nothing would be left")
        self.p, self.generator = p, generator
    def forward(self, x):
        """Drop."""
        if not self.training:
            return 1 * x
        u = torch.rand(size=x.shape, generator=self.generator)
        return x.double().mul((u >= self.p).double().div(1 - self.p)).to(x.dtype)
''',
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# random_flip


def numbered(*shape, dtype=torch.float32):
    """A tensor in which every number is another, and tells where it comes from."""
    return torch.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


def flipped(student, images, u):
    """The flipped images, and their type."""
    out = student(images, u)
    return {"out": out, "type": str(out.dtype)}


def flip_tiny(student, rng):
    """two images of 1×3 pixels: the first is flipped, the second is not"""
    return flipped(student, numbered(2, 1, 1, 3), floats([0.25, 0.75]))


def flip_border(student, rng):
    """u = 0.5 is not less than 0.5"""
    return flipped(student, numbered(2, 1, 1, 3), floats([0.5, 0.0]))


def flip_none(student, rng):
    """no image is flipped"""
    return flipped(student, numbered(2, 1, 2, 3), floats([0.9, 0.6]))


def flip_colours(student, rng):
    """three images of 2 channels, 2×3"""
    return flipped(student, numbered(3, 2, 2, 3), floats([0.75, 0.125, 0.25]))


def flip_bytes(student, rng):
    """bytes (dtype uint8)"""
    return flipped(student, numbered(3, 1, 2, 3, dtype=torch.uint8), floats([0.125, 0.875, 0.25]))


def flip_one(student, rng):
    """a batch of one image"""
    return flipped(student, numbered(1, 3, 2, 4), floats([0.125]))


def flip_all(student, rng):
    """all images are flipped"""
    return flipped(student, numbered(3, 1, 3, 2), floats([0.125, 0.25, 0.0]))


def flip_drawn(student, rng):
    """sizes and random numbers drawn at random"""
    seen = {}
    for draw in range(4):
        shape = tuple(int(n) for n in rng.integers(2, 6, 4))
        u = rng.permutation(np.linspace(0, 0.95, shape[0]))  # some on either side
        found = flipped(student, floats(quarters(rng, *shape)), floats(u))
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    return seen


RANDOM_FLIP = Exercise(
    "random_flip",
    points=1,
    cases=[
        Case(flip_tiny),
        Case(flip_border),
        Case(flip_none),
        Case(flip_colours),
        Case(flip_bytes),
        Case(flip_one),
        Case(flip_all),
        Case(flip_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "upside down",
            "You flip the rows: the images stand on their heads. Left and right are the *last* axis.",
            ("images.flip(3)", "images.flip(2)"),
        ),
        Bug(
            "turned by 180 degrees",
            "You flip rows and columns, which turns the images by 180 degrees. Flip the columns alone.",
            ("images.flip(3)", "images.flip(2, 3)"),
        ),
        Bug(
            "channels flipped",
            "You flip the channels (red becomes blue). Left and right are the last axis.",
            ("images.flip(3)", "images.flip(1)"),
        ),
        Bug(
            "images exchanged",
            "You flip the batch: images take each other's places, and their labels don't fit any more.",
            ("images.flip(3)", "images.flip(0)"),
        ),
        Bug(
            "one decision for all images",
            "The first random number decides for all images. Each image has its own.",
            ("u[:, None, None, None] < 0.5", "u[0] < 0.5"),
        ),
        Bug(
            "all flipped",
            "You flip every image. Only those with u < 0.5 are flipped.",
            ("u[:, None, None, None] < 0.5", "u[:, None, None, None] < 2"),
        ),
        Bug(
            "never flipped",
            "Your images come back as they were.",
            ("u[:, None, None, None] < 0.5", "u[:, None, None, None] < -1"),
        ),
        Bug(
            "the others flipped",
            "You flip the images with u ≥ 0.5, and leave the others.",
            ("u[:, None, None, None] < 0.5", "u[:, None, None, None] >= 0.5"),
        ),
        Bug(
            "flipped at 0.5",
            "You flip an image whose u is exactly 0.5. Flipped is what is *less* than 0.5.",
            ("< 0.5", "<= 0.5"),
        ),
        Bug(
            "given images changed",
            "You write into the images that you were given. In the next epoch they would be flipped once more: make a "
            "new tensor.",
            (
                "return torch.where(u[:, None, None, None] < 0.5, images.flip(3), images)",
                "images[u < 0.5] = images[u < 0.5].flip(3)\n    return images",
            ),
        ),
        Bug(
            "flipped images only",
            "You return the flipped images alone. The others belong to the batch, too.",
            (
                "return torch.where(u[:, None, None, None] < 0.5, images.flip(3), images)",
                "return images[u < 0.5].flip(3)",
            ),
        ),
        Bug(
            "order changed",
            "You return the flipped images first, then the others: the labels don't fit any more. Each image keeps its "
            "place.",
            (
                "return torch.where(u[:, None, None, None] < 0.5, images.flip(3), images)",
                "return torch.cat([images[u < 0.5].flip(3), images[u >= 0.5]])",
            ),
        ),
        Bug(
            "random numbers of your own",
            "You draw random numbers yourself. Use those in `u`.",
            (
                "u[:, None, None, None]",
                "torch.rand(len(u), generator=torch.Generator().manual_seed(0))[:, None, None, None]",
            ),
        ),
        Bug(
            "bytes turned into floats",
            "You return floats where you were given bytes. The images keep their type.",
            ("images.flip(3), images)", "images.flip(3).float(), images.float())"),
        ),
        Bug(
            "columns moved",
            "You move the columns around (`roll`) in place of flipping them.",
            ("images.flip(3)", "images.roll(1, 3)"),
        ),
    ],
    correct=[
        Correct(
            "image by image",
            """
import torch
def random_flip(images, u):
    return torch.stack([image.flip(-1) if chance < 0.5 else image for image, chance in zip(images, u)])
""",
        ),
        Correct(
            "a copy with flipped ones",
            """
def random_flip(images, u):
    out = images.clone()
    chosen = u < 0.5
    out[chosen] = out[chosen].flip(dims=[3])
    return out
""",
        ),
        Correct(
            "columns gathered",
            """
import torch
def random_flip(images, u):
    width = images.shape[3]
    columns = torch.arange(width).repeat(len(u), 1)
    columns[u < 0.5] = width - 1 - columns[u < 0.5]
    return images.gather(3, columns[:, None, None, :].expand(images.shape))
""",
        ),
        Correct(
            "numpy, a view",
            """
import numpy as np
import torch
def random_flip(images, u):
    both = np.stack([images.numpy(), images.numpy()[..., ::-1]])
    return torch.from_numpy(both[(u.numpy() < 0.5).astype(int), np.arange(len(images))])
""",
        ),
        Correct(
            "fliplr",
            """
import torch
def random_flip(images, u):
    turned = torch.empty_like(images)
    for n in range(images.size(0)):
        turned[n] = images[n]
        if u[n] < 0.5:
            turned[n] = torch.fliplr(images[n].permute(1, 2, 0)).permute(2, 0, 1)
    return turned
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# random_crop


def cropped(student, images, offsets, pad):
    """The pieces, and their type."""
    out = student(images, torch.tensor(np.asarray(offsets)), pad)
    return {"out": out, "type": str(out.dtype)}


def ones_on(*shape, dtype=torch.float32):
    """Numbers from 1 on: 0 is what the padding adds."""
    return numbered(*shape, dtype=dtype) + 1


def crop_tiny(student, rng):
    """one image of 2×3 pixels, pad 1: it moves down by one row and left by one column"""
    return cropped(student, ones_on(1, 1, 2, 3), [[0, 2]], 1)


def crop_middle(student, rng):
    """offset (pad, pad): the image itself"""
    return cropped(student, ones_on(1, 1, 2, 3), [[2, 2]], 2)


def crop_two(student, rng):
    """two images, each with an offset of its own"""
    return cropped(student, ones_on(2, 1, 2, 3), [[1, 0], [2, 1]], 1)


def crop_corners(student, rng):
    """four images of 3×2, cut at the four corners"""
    return cropped(student, ones_on(4, 1, 3, 2), [[0, 0], [0, 4], [4, 0], [4, 4]], 2)


def crop_no_padding(student, rng):
    """pad 0: there is only one place to cut"""
    return cropped(student, ones_on(2, 1, 2, 3), [[0, 0], [0, 0]], 0)


def crop_colours(student, rng):
    """three channels, 2×3, bytes (dtype uint8)"""
    return cropped(student, ones_on(2, 3, 2, 3, dtype=torch.uint8), [[2, 0], [0, 1]], 1)


def crop_far(student, rng):
    """pad 3 around an image of 2×2: some pieces hold nothing of it"""
    return cropped(student, ones_on(3, 1, 2, 2), [[0, 3], [5, 6], [3, 1]], 3)


def crop_drawn(student, rng):
    """sizes and offsets drawn at random"""
    seen = {}
    for draw in range(4):
        n, c, h, w = (int(k) for k in rng.integers(2, 6, 4))
        pad = int(rng.integers(1, 4))
        images = floats(rng.integers(1, 99, (n, c, h, w + 1)))
        found = cropped(student, images, rng.integers(0, 2 * pad + 1, (n, 2)), pad)
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    return seen


PADDED = "padded[n, :, row : row + H, column : column + W]"

RANDOM_CROP = Exercise(
    "random_crop",
    points=3,
    cases=[
        Case(crop_tiny),
        Case(crop_middle),
        Case(crop_two),
        Case(crop_no_padding),
        Case(crop_corners),
        Case(crop_far),
        Case(crop_colours),
        Case(crop_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "same offset for all images",
            "You cut all images at the first image's offset. Each image has its own row of `offsets`.",
            (
                "for n, (row, column) in enumerate(offsets.tolist())",
                "for n, (row, column) in enumerate([offsets.tolist()[0]] * len(images))",
            ),
        ),
        Bug(
            "row and column exchanged",
            "You take the first number of an offset for the column. As everywhere here, rows come first.",
            ("(row, column)", "(column, row)"),
        ),
        Bug(
            "height and width exchanged",
            "You cut W rows and H columns out. The image has H rows and W columns.",
            (PADDED, "padded[n, :, row : row + W, column : column + H]"),
        ),
        Bug(
            "not padded",
            "You cut without padding: there are no more rows and columns than those of the image, so the pieces get "
            "too small.",
            ("nn.functional.pad(images, (pad, pad, pad, pad))", "images"),
        ),
        Bug(
            "padded on one side only",
            "You pad below and on the right only. The padding goes all around.",
            ("(pad, pad, pad, pad)", "(0, 2 * pad, 0, 2 * pad)"),
        ),
        Bug(
            "columns padded, rows not",
            "You pad left and right only: `pad` takes four numbers, two for the last axis, then two for the one "
            "before.",
            ("(pad, pad, pad, pad)", "(pad, pad)"),
        ),
        Bug(
            "channels padded",
            "You pad the channels as well: `pad` takes its numbers from the last axis backwards, two for each.",
            ("(pad, pad, pad, pad)", "(pad, pad, pad, pad, pad, pad)"),
        ),
        Bug(
            "border repeated",
            "You repeat the pixels at the border (or mirror them) in place of padding with 0.",
            (
                "nn.functional.pad(images, (pad, pad, pad, pad))",
                'nn.functional.pad(images.float(), (pad, pad, pad, pad), mode="replicate").to(images.dtype)',
            ),
        ),
        Bug(
            "moved around instead of out",
            "What is pushed out on one side comes in again on the other (`roll`). It is lost, and the padding comes "
            "in.",
            (PADDED, "images[n].roll((pad - row, pad - column), (1, 2))"),
        ),
        Bug(
            "moved the wrong way",
            "You move the *image* by the offset. The offset says where in the padded image to *cut*: cut further down, "
            "and the picture moves up.",
            ("in enumerate(offsets.tolist())", "in enumerate((2 * pad - offsets).tolist())"),
        ),
        Bug(
            "counted from the middle",
            "You count the offset from the place where the image itself begins. It is counted from the corner of the "
            "*padded* image: (0, 0) is the corner, (pad, pad) the image.",
            ("pad(images, (pad, pad, pad, pad))", "pad(images, (0, 2 * pad, 0, 2 * pad))"),
            ("in enumerate(offsets.tolist())", "in enumerate((offsets - pad).abs().tolist())"),
        ),
        Bug(
            "padded image returned",
            "Your pieces are as large as the padded image. They have the size of the image, H×W.",
            (PADDED, "padded[n]"),
        ),
        Bug(
            "a pixel short",
            "Your pieces are a row and a column too small: a slice ends *before* its second number.",
            (PADDED, "padded[n, :, row : row + H - 1, column : column + W - 1]"),
        ),
        Bug(
            "end counted from behind",
            "You cut with a negative end, `row - 2 * pad`. Where that is 0 the piece is empty. Cut from `row` to "
            "`row + H`.",
            (PADDED, "padded[n, :, row : row - 2 * pad, column : column - 2 * pad]"),
        ),
        Bug(
            "random offsets of your own",
            "You draw the offsets yourself. Use those that are given.",
            (
                "in enumerate(offsets.tolist())",
                "in enumerate(torch.randint(2 * pad + 1, offsets.shape, "
                "generator=torch.Generator().manual_seed(0)).tolist())",
            ),
        ),
        Bug(
            "the first channel only",
            "You cut one channel out. All channels are cut, at the same place.",
            (PADDED, "padded[n, :1, row : row + H, column : column + W]"),
        ),
        Bug(
            "bytes turned into floats",
            "You return floats where you were given bytes. The images keep their type.",
            ("return torch.stack(pieces)", "return torch.stack(pieces).float()"),
        ),
    ],
    correct=[
        Correct(
            "into a canvas",
            """
import torch
def random_crop(images, offsets, pad=4):
    n, c, h, w = images.shape
    canvas = torch.zeros((n, c, h + 2 * pad, w + 2 * pad), dtype=images.dtype)
    canvas[:, :, pad : pad + h, pad : pad + w] = images
    out = torch.zeros_like(images)
    for i in range(n):
        top, left = int(offsets[i, 0]), int(offsets[i, 1])
        out[i] = canvas[i, :, top : top + h, left : left + w]
    return out
""",
        ),
        Correct(
            "all at once by index",
            """
import torch
def random_crop(images, offsets, pad=4):
    n, c, h, w = images.shape
    padded = torch.nn.ZeroPad2d(pad)(images)
    rows = offsets[:, :1] + torch.arange(h)
    columns = offsets[:, 1:] + torch.arange(w)
    which = torch.arange(n)
    return padded.permute(0, 2, 3, 1)[which[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
""",
        ),
        Correct(
            "windows, a view",
            """
import torch
def random_crop(images, offsets, pad=4):
    h, w = images.shape[2:]
    windows = torch.nn.functional.pad(images, [pad] * 4).unfold(2, h, 1).unfold(3, w, 1)
    return windows[torch.arange(len(images)), :, offsets[:, 0], offsets[:, 1]]
""",
        ),
        Correct(
            "numpy, moving what is seen",
            """
import numpy as np
import torch
def random_crop(images, offsets, pad=4):
    pixels = np.pad(images.numpy(), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    height, width = images.shape[-2:]
    cut = [p[:, r:, c:][:, :height, :width] for p, (r, c) in zip(pixels, offsets.numpy())]
    return torch.from_numpy(np.array(cut))
""",
        ),
    ],
)
