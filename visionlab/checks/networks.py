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


def state(module):
    """Copy all parameters and buffers of a module, by name."""
    return copied(module.state_dict())


def copied(tensors):
    """Copy a dict of tensors; None stays None."""
    return {name: None if tensor is None else tensor.detach().clone() for name, tensor in tensors.items()}
