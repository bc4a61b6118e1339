"""What cases ask of networks, where the networks live: `visionlab.checks.handle.beside` calls these functions there.

Tensors go between processes as plain numbers, without the graph that gradients need. So whatever takes gradients
through a student's module runs beside it, and only results come back.
"""

import torch
from torch import nn


class Watched(nn.Module):
    """A network, and notes of how it was used.

    Parameters
    ----------
    network : torch.nn.Module

    Attributes
    ----------
    seen : list of tuple
        For each forward pass: how many images, "train" or "eval", and whether autograd was watching.

    Examples
    --------
    >>> watched = Watched(nn.Linear(2, 1))
    >>> _ = watched(torch.zeros(3, 2))
    >>> watched.seen
    [(3, 'train', True)]
    """

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.seen = []

    def forward(self, x):
        """Note the call, and pass it on."""
        self.seen.append((len(x), "train" if self.training else "eval", torch.is_grad_enabled()))
        return self.network(x)


class Halving:
    """A schedule: each step halves the rate of an optimiser.

    Parameters
    ----------
    optimiser : torch.optim.Optimizer
    """

    def __init__(self, optimiser):
        self.optimiser = optimiser

    def step(self):
        """Halve the rate."""
        for group in self.optimiser.param_groups:
            group["lr"] /= 2

    @property
    def rate(self):
        """The rate of the first group now."""
        return self.optimiser.param_groups[0]["lr"]


class Script:
    """Plays the trainer of a network: the weights after each epoch, and what they are worth, are known beforehand.

    Parameters
    ----------
    network : torch.nn.Module
        After epoch i all its parameters and buffers are i, changed in place.
    accuracies : sequence of float
        What `judge` says after each epoch.

    Attributes
    ----------
    played : list of str
        What has been called.
    """

    def __init__(self, network, accuracies):
        self.network, self.accuracies = network, list(accuracies)
        self.played = []

    def train(self):
        """Play an epoch."""
        self.played.append("train")
        with torch.no_grad():
            for tensor in self.network.state_dict().values():
                tensor.fill_(self.played.count("train"))

    def judge(self):
        """Return the accuracy after this epoch."""
        self.played.append("judge")
        return self.accuracies[self.played.count("train") - 1]


def gradients(module, x, dout):
    """Send numbers forward through a module, and gradients back.

    Parameters
    ----------
    module : torch.nn.Module
    x : torch.Tensor
        Floats.
    dout : torch.Tensor
        Gradient with respect to the output, of its shape.

    Returns
    -------
    dict of str to torch.Tensor
        ``out``, ``dx``, and ``d`` with its name for each parameter: None where no gradient arrives.

    Examples
    --------
    >>> double = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.constant_(double.weight, 2.0)
    >>> gradients(double, torch.tensor([[3.0]]), torch.tensor([[1.0]]))
    {'out': tensor([[6.]]), 'dx': tensor([[2.]]), 'dweight': tensor([[3.]])}
    """
    x = x.detach().clone().requires_grad_()
    module.zero_grad()
    out = module(x)
    if out.requires_grad:  # not so if everything is cut off
        out.backward(dout)
    found = {f"d{name}": p.grad for name, p in module.named_parameters()}
    return copied({"out": out, "dx": x.grad} | found)


def walk(network, x):
    """Follow numbers through a network, from one layer that has parameters to the next.

    The weights are filled anew before, so that chance has no say: every second filter is the negative of the one before
    it, and biases are 0. Then a layer puts out numbers of both signs, and only a ReLU takes the negative ones away.

    Parameters
    ----------
    network : torch.nn.Module
    x : torch.Tensor

    Returns
    -------
    list of str
        In the order in which they are used, for each layer that has parameters of its own: its kind, the shapes of what
        comes in and goes out (without the batch), and whether what comes in has negative numbers. At last the shape of
        the network's output.

    Examples
    --------
    >>> walk(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), torch.tensor([[1.0, -1.0]]))
    ['Linear (2) → (3), from any numbers', 'Linear (3) → (1), from numbers ≥ 0', 'output (1)']
    """
    steps = []

    def note(layer, given, out):
        signs = "numbers ≥ 0" if bool((given[0] >= 0).all()) else "any numbers"
        steps.append(f"{type(layer).__name__} {_shape(given[0])} → {_shape(out)}, from {signs}")

    layers = [layer for layer in network.modules() if list(layer.parameters(recurse=False))]
    generator = torch.Generator().manual_seed(0)
    for layer in layers:
        if layer.weight.dim() > 1:
            filters = torch.randn(layer.weight.shape, generator=generator) / layer.weight[0].numel() ** 0.5
            filters[1::2] = -filters[: len(filters) - 1 : 2]
            layer.weight.data = filters
            if layer.bias is not None:
                layer.bias.data.zero_()
    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        with torch.no_grad():
            steps.append(f"output {_shape(network(x))}")
    finally:
        for hook in hooks:
            hook.remove()
    return steps


def _shape(tensor):
    return f"({', '.join(map(str, tensor.shape[1:]))})"


def parameter_count(network):
    """Count the trained numbers of a network; shared ones count once."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


class Block(nn.Module):
    """A stand-in for a block of layers: one convolution, 3×3, and a ReLU.

    Parameters
    ----------
    read, write, stride : int
        Channels in and out, and the stride.
    """

    def __init__(self, read, write, stride=1):
        super().__init__()
        self.only = nn.Conv2d(read, write, 3, stride, padding=1)

    def forward(self, z):
        """From (N, read, H, W) to (N, write, H / stride, W / stride), rounded up."""
        return self.only(z).relu()


def block_class():
    """Give the class `Block`: a class can be handed to the student's code where it lives, and can't be sent there."""
    return Block


def perceptron(*weights):
    """Make a network of linear layers without biases, ReLUs between them, in mode "eval".

    Parameters
    ----------
    *weights : torch.Tensor
        Of each layer, (outputs, inputs); the first one reads flattened images.

    Examples
    --------
    >>> perceptron(torch.ones(2, 6), torch.ones(1, 2))(torch.ones(3, 1, 2, 3))
    tensor([[12.],
            [12.],
            [12.]], grad_fn=<MmBackward0>)
    """
    layers = [nn.Flatten()]
    for weight in weights:
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        layer.weight.data = weight.detach().clone()
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).eval()


def traces(network):
    """Note what a visit may leave behind in a network: its mode, hooks, frozen weights, gradients.

    Examples
    --------
    >>> network = nn.Linear(1, 1)
    >>> network(torch.ones(1, 1)).sum().backward()
    >>> traces(network)
    {'mode': 'train', 'hooks': 0, 'frozen weights': [], 'gradients': {'weight': tensor([[1.]]), 'bias': tensor([1.])}}
    """
    named = dict(network.named_parameters())
    return {
        "mode": "train" if network.training else "eval",
        "hooks": sum(len(layer._forward_hooks) + len(layer._forward_pre_hooks) for layer in network.modules()),
        "frozen weights": [name for name, p in named.items() if not p.requires_grad],
        "gradients": copied({name: p.grad for name, p in named.items()}),
    }


def state(module):
    """Copy all parameters and buffers of a module, by name."""
    return copied(module.state_dict())


def copied(tensors):
    """Copy a dict of tensors; None stays None."""
    return {name: None if tensor is None else tensor.detach().clone() for name, tensor in tensors.items()}
