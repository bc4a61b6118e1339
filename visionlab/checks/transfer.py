"""What cases ask of pretrained networks, and tiny stand-ins for them: called by `visionlab.checks.handle.beside`."""

import torch
from torch import nn

from visionlab.checks.networks import copied


class Elsewhere(nn.Module):
    """A stand-in for a body on another device, which need not exist: it only looks where its images lie.

    Attributes
    ----------
    seen : list of str
        Kind of the device on which each batch lay. The body's own is "meta".

    Examples
    --------
    >>> body = Elsewhere()
    >>> body(torch.zeros(2, 3)), body.seen
    (tensor([[0.],
            [0.]]), ['cpu'])
    """

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, device="meta"))
        self.seen = []

    def forward(self, x):
        """From (N, …) to features (N, 1), all 0."""
        self.seen.append(x.device.type)
        return torch.zeros(len(x), 1)


class TinyPretrained(nn.Module):
    """A stand-in for a network that has been trained on much else: `features`, then `classifier`.

    Parameters
    ----------
    width, classes : int
        Numbers that the last layer reads, and scores that it gives.
    device, dtype : str
        The names of torch's, of all parameters.
    """

    def __init__(self, width, classes, device="cpu", dtype="float32"):
        super().__init__()
        own = {"device": device, "dtype": getattr(torch, dtype)}
        self.features = nn.Sequential(nn.Linear(2, width, **own), nn.BatchNorm1d(width, **own), nn.ReLU())
        self.classifier = nn.Linear(width, classes, **own)
        with torch.no_grad():
            for layer in (self.features[0], self.classifier):
                steps = torch.arange(layer.weight.numel()).reshape(layer.weight.shape)
                layer.weight.copy_((steps % 7 - 3) / 4)
                layer.bias.fill_(0.25)

    def forward(self, x):
        """From points (N, 2) to scores (N, classes)."""
        return self.classifier(self.features(x))


def tiny_chain(seed):
    """Make a chain of three parts, from points (N, 2) to three scores; with dropout that lets nothing through.

    Parameters
    ----------
    seed : int
        Of its numbers: multiples of 1/4, not 0.
    """
    first = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    second = nn.Sequential(nn.Linear(3, 3), nn.Dropout(1.0))
    chain = nn.Sequential(first, second, nn.Linear(3, 3))
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in chain.state_dict().items():
        size = torch.randint(1, 5, tensor.shape, generator=generator) / 4
        sign = torch.randint(0, 2, tensor.shape, generator=generator) * 2 - 1
        if tensor.is_floating_point():
            tensor.copy_(size if name.endswith("running_var") else size * sign)
    return chain


def parameter_facts(module):
    """Tell of each parameter where it lives, and whether it is trained.

    Examples
    --------
    >>> parameter_facts(nn.Linear(2, 3))
    {'weight': '(3, 2), trained, float32, cpu', 'bias': '(3,), trained, float32, cpu'}
    """
    return {
        name: f"{tuple(p.shape)}, {'trained' if p.requires_grad else 'frozen'}, "
        f"{str(p.dtype).removeprefix('torch.')}, {p.device.type}"
        for name, p in module.named_parameters()
    }


def layer_modes(module):
    """Tell the mode of each layer that has no layers in it, in their order.

    Examples
    --------
    >>> layer_modes(nn.Sequential(nn.Linear(1, 1), nn.ReLU()).eval())
    ['Linear: eval', 'ReLU: eval']
    """
    leaves = (part for part in module.modules() if not list(part.children()))
    return [f"{type(part).__name__}: {'train' if part.training else 'eval'}" for part in leaves]


def fill(module, value):
    """Set all parameters and buffers of a module to one number, in place."""
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.fill_(value)


def optimiser_facts(module, optimiser):
    """Tell of each parameter of a module at which rate, and with which weight decay, an optimiser trains it.

    Returns
    -------
    dict of str to list
        The two numbers of each group that holds the parameter, in a row.

    Examples
    --------
    >>> layer = nn.Linear(1, 1)
    >>> optimiser_facts(layer, torch.optim.SGD([layer.weight], lr=0.5))
    {'weight': [0.5, 0], 'bias': []}
    """
    found = {}
    for name, own in module.named_parameters():
        groups = [group for group in optimiser.param_groups if any(p is own for p in group["params"])]
        found[name] = [group[key] for group in groups for key in ("lr", "weight_decay")]
    return found


def train_one_part(network, number):
    """Freeze everything but one part of a chain, which is counted from 0; all layers are in mode "eval" then."""
    network.requires_grad_(False).eval()
    network[number].requires_grad_(True)


def momentum_on_trained(network):
    """Make an optimiser of the parameters that are trained at this moment: SGD, rate 1/4, momentum 1/2."""
    return torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.25, momentum=0.5)


def function_named(name):
    """Give a function of this module: it can be handed to the student's code where it lives, not sent there."""
    return globals()[name]


def scores_and_state(network, x):
    """Send numbers through a network as it is, without gradients; return a copy of scores and buffers."""
    with torch.no_grad():
        out = network(x)
    return copied({"out": out} | dict(network.named_buffers()))
