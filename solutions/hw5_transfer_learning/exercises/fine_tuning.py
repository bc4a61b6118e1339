"""A new head, frozen bodies, rates by depth, and fine-tuning from the top down: what moves, and what doesn't."""

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import whole
from visionlab.checks.handle import beside
from visionlab.checks.networks import gradients, parameter_count, state
from visionlab.checks.transfer import (
    TinyPretrained,
    fill,
    function_named,
    layer_modes,
    optimiser_facts,
    parameter_facts,
    scores_and_state,
    tiny_chain,
)

CLOSE = Tolerance(1e-4, 1e-5)


def floats(array):
    """The numbers of an array as a float32 tensor."""
    return torch.tensor(np.asarray(array), dtype=torch.float32)


def chain(student, *layers):
    """Layers one after another; each is a handle, or a kind with its settings."""
    made = [beside(student, *layer) if isinstance(layer, tuple) else layer for layer in layers]
    return beside(student, torch.nn.Sequential, *made)


def with_numbers(student, network, rng):
    """Give a network's parameters small numbers of both signs, and its running statistics other ones than at first."""
    values = {}
    for name, value in beside(student, state, network).items():
        shape = tuple(value.shape)
        if name.endswith("running_var"):
            values[name] = floats(rng.integers(1, 5, shape))
        elif name.endswith("num_batches_tracked"):
            values[name] = torch.tensor(0)
        else:
            values[name] = floats(rng.integers(1, 5, shape) * rng.choice([-1, 1], shape) / 4)
    network.load_state_dict(values)
    return network


# ---------------------------------------------------------------------------------------------------------------------
# replace_head


def head_replaced(student, width, old_classes, classes, *where, frozen=False):
    """Replace a head; tell of all parameters of the new network where they lie, and whether they are trained."""
    network = beside(student, TinyPretrained, width, old_classes, *where)
    if frozen:
        network.requires_grad_(False)
    return beside(student, parameter_facts, student(network, classes))


def head_shapes(student, rng):
    """a head of three classes becomes one of two: the parameters of the new network"""
    return head_replaced(student, 4, 3, 2)


def head_wider(student, rng):
    """other sizes: five features, two classes become seven"""
    return head_replaced(student, 5, 2, 7)


def head_weights(student, network):
    """The weights of a network's last layer."""
    return beside(student, state, network)["classifier.weight"]


def head_scores(student, rng):
    """scores of the new network for three points, and its features"""
    old = beside(student, TinyPretrained, 4, 3).eval()
    new = student(old, 2).eval()
    x = floats(whole(rng, 3, 2))
    known, now = (beside(student, scores_and_state, network.features, x)["out"] for network in (old, new))
    seen = {"shape of the scores": list(new(x).shape), "the features are as before": np.array_equal(known, now)}
    same = np.array_equal(head_weights(student, new), head_weights(student, old)[:2])
    return seen | {"the head has the old one's rows": same}


def head_old_network(student, rng):
    """the given network afterwards, when all numbers of the new one have been set to 9"""
    old = beside(student, TinyPretrained, 2, 3)
    new = student(old, 2)
    beside(student, fill, new, 9.0)
    return beside(student, state, old)


def head_of_frozen(student, rng):
    """a network of which everything is frozen: the new head is trained, and nothing else"""
    return head_replaced(student, 4, 3, 2, frozen=True)


def head_elsewhere(student, rng):
    """a network on another device (a pretended one, called "meta")"""
    return head_replaced(student, 4, 3, 2, "meta")


def head_float64(student, rng):
    """a network of 64-bit floats"""
    return head_replaced(student, 3, 4, 2, "cpu", "float64")


def head_same_number(student, rng):
    """as many classes as before: the head is new all the same"""
    old = beside(student, TinyPretrained, 4, 3)
    new = student(old, 3)
    same = np.array_equal(head_weights(student, new), head_weights(student, old))
    return {"the head has the old one's weights": same}


def head_drawn(student, rng):
    """sizes drawn at random"""
    seen = {}
    for draw in range(2):
        width, old, new = (int(n) for n in rng.integers(2, 12, 3))
        found = head_replaced(student, width, old, new, frozen=bool(draw % 2))
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


NEW_HEAD = "nn.Linear(old.in_features, classes, device=old.weight.device, dtype=old.weight.dtype)"

REPLACE_HEAD = Exercise(
    "replace_head",
    points=2,
    cases=[
        Case(head_shapes),
        Case(head_wider),
        Case(head_of_frozen),
        Case(head_scores, tolerance=CLOSE),
        Case(head_same_number),
        Case(head_old_network),
        Case(head_elsewhere),
        Case(head_float64),
        Case(head_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "no copy",
            "You put the new head into the network that you were given: it has lost its old one. Work on a copy.",
            ("copy.deepcopy(network)", "network"),
        ),
        Bug(
            "shallow copy",
            "`copy.copy` copies the outermost object only. Its layers are the old network's own, so whatever you do to "
            "them happens to both: `copy.deepcopy`.",
            ("copy.deepcopy(network)", "copy.copy(network)"),
        ),
        Bug(
            "number of outputs overwritten",
            "You set `out_features` to another number. That is only a note: the weights stay as many as they were. "
            "Make a new layer.",
            (f"other.classifier = {NEW_HEAD}", "other.classifier.out_features = classes"),
        ),
        Bug(
            "width fixed",
            "Your head always reads 1280 numbers, as many as Lite0 gives. Ask the old head: `in_features`.",
            ("nn.Linear(old.in_features,", "nn.Linear(1280,"),
        ),
        Bug(
            "ten classes always",
            "Your head always has ten scores. It has `classes`.",
            ("old.in_features, classes,", "old.in_features, 10,"),
        ),
        Bug(
            "old rows kept",
            "You keep the first rows of the old head. They are ImageNet's first classes, and say nothing about yours: "
            "the first weights are new.",
            (
                "    return other",
                "    rows = min(classes, old.out_features)\n    with torch.no_grad():\n"
                "        other.classifier.weight[:rows] = old.weight[:rows]\n    return other",
            ),
        ),
        Bug(
            "old head kept if the number fits",
            "You keep the old head if it has the right number of scores. They are still scores for other classes: the "
            "head is new in any case.",
            (
                "    old = other.classifier\n",
                "    old = other.classifier\n    if old.out_features == classes:\n        return other\n",
            ),
        ),
        Bug(
            "new layer behind the old head",
            "You put the new layer *behind* the old head, so that your classes are made from the scores of the old "
            "ones. It takes the old head's place.",
            (NEW_HEAD, "nn.Sequential(old, nn.Linear(old.out_features, classes).to(old.weight))"),
        ),
        Bug(
            "no biases",
            "Your head has no biases. The old one has some, and so has yours.",
            ("old.in_features, classes,", "old.in_features, classes, bias=False,"),
        ),
        Bug(
            "head frozen with the rest",
            "Your head is as frozen as the old one was. It must be trained: nothing else in the network knows your "
            "classes.",
            ("    return other", "    other.classifier.requires_grad_(old.weight.requires_grad)\n    return other"),
        ),
        Bug(
            "everything thawed",
            "You set everything to be trained. What was frozen stays frozen; only the head is new.",
            ("    return other", "    return other.requires_grad_(True)"),
        ),
        Bug(
            "everything else frozen",
            "You freeze the body. Here everything but the head stays as it was, and that may be trained.",
            ("    old = other.classifier\n", "    old = other.requires_grad_(False).classifier\n"),
        ),
        Bug(
            "head on the processor",
            "Your head is always made on the processor. If the network is on a GPU, it must lie there, too: "
            "`device=` the old weights' device.",
            (" device=old.weight.device,", ""),
        ),
        Bug(
            "head always in 32-bit floats",
            "Your head always consists of 32-bit floats. It must have the type of the old one's: `dtype=`.",
            (", dtype=old.weight.dtype", ""),
        ),
        Bug(
            "body with first weights",
            "You give the body first weights again: all that it had learned is lost. Only the head is new.",
            (
                "    return other",
                "    for layer in other.features:\n        if hasattr(layer, 'reset_parameters'):\n"
                "            layer.reset_parameters()\n    return other",
            ),
        ),
        Bug(
            "in and out exchanged",
            "You exchange what the layer reads and what it gives: `nn.Linear(in, out)`.",
            ("nn.Linear(old.in_features, classes,", "nn.Linear(classes, old.in_features,"),
        ),
    ],
    correct=[
        Correct(
            "size read off the weights, moved afterwards",
            """
import copy
import torch
def replace_head(network, classes):
    new = copy.deepcopy(network)
    width = network.classifier.weight.shape[1]
    new.classifier = torch.nn.Linear(width, classes).to(network.classifier.weight)
    return new
""",
        ),
        Correct(
            "zeros, a module put in by name",
            """
from copy import deepcopy
import torch
from torch import nn
def replace_head(network, classes):
    result = deepcopy(network)
    w = result.classifier.weight
    head = nn.Linear(w.size(1), classes, bias=True).to(device=w.device, dtype=w.dtype)
    nn.init.zeros_(head.bias)
    setattr(result, "classifier", head)
    return result
""",
        ),
        Correct(
            "parameters exchanged",
            """
import copy
import torch
def replace_head(network, classes):
    other = copy.deepcopy(network)
    head = other.classifier
    weights = torch.randn(classes, head.in_features).to(head.weight) * 0.01
    head.weight = torch.nn.Parameter(weights)
    head.bias = torch.nn.Parameter(torch.zeros(classes).to(head.bias))
    head.out_features = classes
    return other
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# Frozen


def body_of(student, rng, *more):
    """A body from points (N, 2) to (N, 3), with batch normalisation; further layers may follow."""
    layers = (torch.nn.Linear, 2, 3), (torch.nn.BatchNorm1d, 3), *more
    return with_numbers(student, chain(student, *layers), rng)


def frozen_parameters(student, rng):
    """whether the parameters of the body are trained"""
    return beside(student, parameter_facts, student(body_of(student, rng)).body)


def frozen_modes(student, rng):
    """modes of the body's layers: at first, after train(), eval(), train(False) and train(True)"""
    frozen = student(body_of(student, rng, (torch.nn.Dropout, 0.5)))
    seen = {"at first": beside(student, layer_modes, frozen)}
    frozen.train()
    seen["after train()"] = beside(student, layer_modes, frozen)
    frozen.eval()
    seen["after eval()"] = beside(student, layer_modes, frozen)
    frozen.train(False)
    seen["after train(False)"] = beside(student, layer_modes, frozen)
    frozen.train(True)
    return seen | {"after train(True)": beside(student, layer_modes, frozen)}


def frozen_body_in_training(student, rng):
    """a body that comes in mode "train", used at once"""
    frozen = student(body_of(student, rng).train())
    return beside(student, scores_and_state, frozen.body, floats(whole(rng, 3, 2))) | {
        "mode": beside(student, layer_modes, frozen)
    }


def frozen_in_a_network(student, rng):
    """in a network that is set to training: out, and the running statistics afterwards"""
    network = chain(student, student(body_of(student, rng)), (torch.nn.ReLU,))
    network.train()
    found = beside(student, scores_and_state, network, floats(whole(rng, 4, 2)))
    return {name.split(".")[-1]: value for name, value in found.items()}


def frozen_dropout(student, rng):
    """a body with dropout, p = 1, in a network that is set to training"""
    network = chain(student, student(body_of(student, rng, (torch.nn.Dropout, 1.0))))
    network.train()
    return {"out": beside(student, scores_and_state, network, floats(whole(rng, 3, 2)))["out"]}


def frozen_let_through(student, rng):
    """the gradient that arrives in front of it"""
    network = chain(student, student(body_of(student, rng)))
    network.train()
    found = beside(student, gradients, network, floats(whole(rng, 3, 2)), floats(whole(rng, 3, 3)))
    return {"out": found["out"], "gradient with respect to x": found["dx"]}


def frozen_chained(student, rng):
    """what train() and eval() return"""
    frozen = student(body_of(student, rng))
    return {"train() returns nothing": frozen.train() is None, "eval() returns nothing": frozen.eval() is None}


def frozen_saved(student, rng):
    """what is saved with it: the body's numbers"""
    body = body_of(student, rng)
    before = list(beside(student, state, body).values())
    after = list(beside(student, state, student(body)).values())
    same = len(before) == len(after) and all(map(np.array_equal, before, after))
    return {"how many arrays and buffers": len(after), "the same numbers": same}


def frozen_the_body_itself(student, rng):
    """the body itself, which somebody else changes afterwards"""
    body = body_of(student, rng)
    frozen = student(body)
    beside(student, fill, body, 0.5)
    return {"out": beside(student, scores_and_state, frozen, floats(whole(rng, 2, 2)))["out"]}


def frozen_learning(student, rng):
    """how many numbers a head on top of it learns, and nothing below"""
    network = chain(student, student(body_of(student, rng)), (torch.nn.Linear, 3, 2))
    return {"numbers that are trained": beside(student, parameter_count, network)}


def frozen_drawn(student, rng):
    """bodies drawn at random, in training, with gradients"""
    seen = {}
    for draw in range(3):
        body = body_of(student, rng, (torch.nn.ReLU,), (torch.nn.Dropout, 0.9))
        network = chain(student, student(body))
        network.train()
        count = int(rng.integers(2, 6))
        found = beside(student, gradients, network, floats(whole(rng, count, 2)), floats(whole(rng, count, 3)))
        seen |= {f"{name}, draw {draw + 1}": found[name] for name in ("out", "dx")}
        seen |= {f"{name}, draw {draw + 1}": value for name, value in beside(student, state, body).items()}
    return seen


FROZEN = Exercise(
    "Frozen",
    points=4,
    cases=[
        Case(frozen_parameters),
        Case(frozen_modes),
        Case(frozen_body_in_training, tolerance=CLOSE),
        Case(frozen_in_a_network, tolerance=CLOSE),
        Case(frozen_dropout, tolerance=CLOSE),
        Case(frozen_let_through, tolerance=CLOSE),
        Case(frozen_chained),
        Case(frozen_saved),
        Case(frozen_the_body_itself, tolerance=CLOSE),
        Case(frozen_learning),
        Case(frozen_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "parameters still trained",
            "The body's parameters still require gradients: an optimiser that is given all of the network's parameters "
            "moves them.",
            ("        self.body.requires_grad_(False)\n", ""),
        ),
        Bug(
            "set to eval only once",
            'You set the body to mode "eval" when it is made, and the first `network.train()` sets it back. Your '
            "`train` must see to it each time.",
            ("        super().train(mode)\n        self.body.eval()\n", "        super().train(mode)\n"),
        ),
        Bug(
            "train the wrong way round",
            "In your `train` you set the body to `eval` first, and the call of the inherited `train` after it sets all "
            "modules to training again. The other way round.",
            (
                "        super().train(mode)\n        self.body.eval()\n",
                "        self.body.eval()\n        super().train(mode)\n",
            ),
        ),
        Bug(
            "body in training until somebody asks",
            'The body is in the mode in which it came until somebody calls `train` or `eval`. Set it to mode "eval" '
            "when it is made, too.",
            (
                "        self.body.requires_grad_(False)\n        self.body.eval()\n",
                "        self.body.requires_grad_(False)\n",
            ),
        ),
        Bug(
            "only batch normalisation in use",
            'You keep batch normalisation in mode "eval" and forget the other layers that have a mode: dropout drops.',
            (
                "        super().train(mode)\n        self.body.eval()\n",
                "        super().train(mode)\n        for layer in self.body.modules():\n"
                "            if isinstance(layer, nn.BatchNorm1d):\n                layer.eval()\n",
            ),
        ),
        Bug(
            "only dropout in use",
            'You keep dropout in mode "eval" and forget batch normalisation, which takes the statistics of the batch '
            "and changes its own.",
            (
                "        super().train(mode)\n        self.body.eval()\n",
                "        super().train(mode)\n        for layer in self.body.modules():\n"
                "            if isinstance(layer, nn.Dropout):\n                layer.eval()\n",
            ),
        ),
        Bug(
            "momentum of the running statistics set to 0",
            'You stop the running statistics by a momentum of 0. They stay, but in mode "train" each batch is still '
            "normalised by its own mean and variance, not by them.",
            (
                "        super().train(mode)\n        self.body.eval()\n",
                "        super().train(mode)\n",
            ),
            (
                "        self.body.requires_grad_(False)\n",
                "        self.body.requires_grad_(False)\n        for layer in self.body:\n"
                "            if isinstance(layer, nn.BatchNorm1d):\n                layer.momentum = 0.0\n",
            ),
        ),
        Bug(
            "statistics not tracked",
            "You switch `track_running_stats` off and throw the running statistics away: now every batch is "
            "normalised by its own, in each mode.",
            (
                "        self.body.requires_grad_(False)\n",
                "        self.body.requires_grad_(False)\n        for layer in self.body:\n"
                "            if isinstance(layer, nn.BatchNorm1d):\n"
                "                layer.running_mean = layer.running_var = None\n",
            ),
        ),
        Bug(
            "gradients cut off",
            "You turn autograd off in `forward`. Then no gradient reaches what lies *in front of* the body, either. "
            "That the body's own parameters get none is enough.",
            ("return self.body(x)", "with torch.no_grad():\n            return self.body(x)"),
        ),
        Bug(
            "result detached",
            "You detach the result, so that no gradient gets through to what lies in front of the body.",
            ("return self.body(x)", "return self.body(x).detach()"),
        ),
        Bug(
            "train returns nothing",
            "Your `train` returns nothing. As in all of torch it returns the module, so that one can write "
            "`network.train().to(device)`.",
            ("        return self\n", ""),
        ),
        Bug(
            "body copied",
            "You keep a copy of the body. It is to be the body itself: whoever loads weights into it, or looks at it, "
            "means this one.",
            ("        self.body = body\n", "        import copy\n        self.body = copy.deepcopy(body)\n"),
        ),
        Bug(
            "body hidden from torch",
            "You keep the body in a list. torch doesn't look into lists: the body isn't saved with the network, and "
            "isn't moved to the GPU with it.",
            ("        self.body = body\n", "        self.hidden = [body]\n"),
            (
                "        self.body.requires_grad_(False)\n        self.body.eval()\n",
                "        body.requires_grad_(False).eval()\n",
            ),
            ("return self.body(x)", "return self.hidden[0](x)"),
            ("        super().train(mode)\n        self.body.eval()\n", "        super().train(mode)\n"),
            ("    def forward", "    @property\n    def body(self):\n        return self.hidden[0]\n\n    def forward"),
        ),
        Bug(
            "weights frozen, biases not",
            "You freeze the weights and leave out the biases (and what batch normalisation adds). All parameters are "
            "frozen.",
            (
                "        self.body.requires_grad_(False)\n",
                "        for name, p in self.body.named_parameters():\n"
                '            p.requires_grad = name.endswith("bias")\n',
            ),
        ),
        Bug(
            "last layer frozen only",
            "You freeze one layer of the body. It may have many, and all are frozen.",
            ("self.body.requires_grad_(False)", "self.body[-1].requires_grad_(False)"),
        ),
        Bug(
            "flag set on the module only",
            "You set `requires_grad = False` on the *module*. That makes an attribute of this name and freezes "
            "nothing: it is the parameters that have it, or `requires_grad_(False)` of the module, which sets it in "
            "all of them.",
            ("self.body.requires_grad_(False)", "self.body.requires_grad = False"),
        ),
        Bug(
            "flag of the mode set by hand",
            "You set `training` of the body by hand. Its layers have flags of their own: `eval()` sets them all.",
            (
                "        super().train(mode)\n        self.body.eval()\n",
                "        super().train(mode)\n        self.body.training = False\n",
            ),
        ),
        Bug(
            "parameters thrown away",
            "You make the body's parameters into something that isn't saved with it. They stay parameters, which "
            "aren't trained.",
            (
                "        self.body.requires_grad_(False)\n",
                "        for layer in self.body:\n"
                "            for name, p in list(layer.named_parameters(recurse=False)):\n"
                "                delattr(layer, name)\n                setattr(layer, name, p.detach())\n",
            ),
        ),
    ],
    correct=[
        Correct(
            "eval in forward, too",
            """
import torch
from torch import nn
class Frozen(nn.Module):
    def __init__(self, body):
        super().__init__()
        for p in body.parameters():
            p.requires_grad = False
        self.body = body.eval()
    def forward(self, x):
        self.body.eval()
        return self.body(x)
    def train(self, mode=True):
        self.training = mode
        return self
""",
        ),
        Correct(
            "never in training",
            """
import torch
class Frozen(torch.nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body.requires_grad_(False)
        self.train()
    def forward(self, x):
        return self.body(x)
    def train(self, mode=True):
        return super().train(False)
""",
        ),
        Correct(
            "module by module",
            """
import torch
from torch import nn
class Frozen(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.add_module("body", body)
        [p.requires_grad_(False) for p in body.parameters()]
        for m in body.modules():
            m.training = False
    def forward(self, x):
        return self.body.forward(x)
    def train(self, mode=True):
        for name, child in self.named_children():
            child.train(mode and name != "body")
        self.training = mode
        return self
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# layerwise_optimiser


def rates_of(student, network, *settings):
    """Rate and weight decay of each parameter, by name, and the kind of the optimiser."""
    optimiser = student(network, *settings)
    facts = beside(student, optimiser_facts, network, optimiser)
    seen = {"kind": str(optimiser).removeprefix("<the student's ").removesuffix(">")}
    for name, numbers in facts.items():
        pairs = [(numbers[i], numbers[i + 1]) for i in range(0, len(numbers), 2)]
        seen |= {f"groups that hold {name}": len(pairs)}
        if len(pairs) == 1:
            seen |= {f"rate of {name}": float(pairs[0][0]), f"weight decay of {name}": float(pairs[0][1])}
    return seen


def rates_two_parts(student, rng):
    """two linear layers without biases"""
    network = chain(student, (torch.nn.Linear, 2, 3, False), (torch.nn.Linear, 3, 2, False))
    return rates_of(student, network, 0.5, 0.5, 0.25)


def rates_biases(student, rng):
    """two linear layers with biases"""
    network = chain(student, (torch.nn.Linear, 2, 3), (torch.nn.Linear, 3, 2))
    return rates_of(student, network, 0.5, 0.25, 0.125)


def rates_three_parts(student, rng):
    """three parts, the middle one with two layers and batch normalisation"""
    middle = chain(student, (torch.nn.Linear, 3, 3), (torch.nn.BatchNorm1d, 3), (torch.nn.Linear, 3, 4))
    network = chain(student, (torch.nn.Linear, 2, 3), middle, (torch.nn.Linear, 4, 2))
    return rates_of(student, network, 0.125, 0.5, 0.25)


def rates_frozen_below(student, rng):
    """three parts, the lowest is frozen: it is left out, and counts"""
    network = chain(student, *[(torch.nn.Linear, 2, 2)] * 3)
    network[0].requires_grad_(False)
    return rates_of(student, network, 0.5, 0.5, 0.25)


def rates_frozen_middle(student, rng):
    """three parts, the middle one is frozen"""
    network = chain(student, *[(torch.nn.Linear, 2, 2)] * 3)
    network[1].requires_grad_(False)
    return rates_of(student, network, 0.5, 0.5, 0.25)


def rates_part_without(student, rng):
    """three parts, the middle one has no parameters: it counts"""
    network = chain(student, (torch.nn.Linear, 2, 2), (torch.nn.ReLU,), (torch.nn.Linear, 2, 2))
    return rates_of(student, network, 0.5, 0.5, 0.25)


def rates_partly_frozen(student, rng):
    """two parts, of the lower one the weights are frozen and the biases are not"""
    network = chain(student, (torch.nn.Linear, 2, 3), (torch.nn.Linear, 3, 2))
    network[0].weight.requires_grad_(False)
    return rates_of(student, network, 0.5, 0.5, 0.25)


def rates_equal(student, rng):
    """factor 1: one rate for all; no weight decay"""
    network = chain(student, *[(torch.nn.Linear, 2, 2)] * 3)
    return rates_of(student, network, 0.25, 1.0, 0.0)


def rates_convolutions(student, rng):
    """convolutions with batch normalisation, and a linear layer: weights with four axes and with one"""
    lower = chain(student, (torch.nn.Conv2d, 1, 2, 3), (torch.nn.BatchNorm2d, 2))
    network = chain(student, lower, (torch.nn.Linear, 2, 3))
    return rates_of(student, network, 0.5, 0.5, 0.0625)


def rates_drawn(student, rng):
    """chains, rates and factors drawn at random"""
    seen = {}
    for draw in range(3):
        length = int(rng.integers(2, 6))
        network = chain(student, *[(torch.nn.Linear, 2, 2)] * length)
        network[int(rng.integers(0, length))].requires_grad_(False)
        settings = [float(n) / 16 for n in rng.integers(1, 16, 3)]
        seen |= {f"{name}, draw {draw + 1}": value for name, value in rates_of(student, network, *settings).items()}
    return seen


ADD = """                groups.append({"params": [p], "lr": lr, "weight_decay": decay if p.ndim > 1 else 0.0})
"""

LAYERWISE = Exercise(
    "layerwise_optimiser",
    points=4,
    cases=[
        Case(rates_two_parts),
        Case(rates_biases),
        Case(rates_equal),
        Case(rates_partly_frozen),
        Case(rates_part_without),
        Case(rates_frozen_below),
        Case(rates_frozen_middle),
        Case(rates_convolutions),
        Case(rates_three_parts),
        Case(rates_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "highest rate at the bottom",
            "You give the first part the highest rate and the head the lowest. It is the other way round: the head is "
            "new, and what lies near the image should move little.",
            ("factor ** (len(network) - d)", "factor ** (d - 1)"),
        ),
        Bug(
            "head slowed down, too",
            "Your head has the rate η·q. The exponent is L − d, which is 0 for the last part.",
            ("factor ** (len(network) - d)", "factor ** (len(network) - d + 1)"),
        ),
        Bug(
            "one factor for the whole body",
            "You multiply by q once, for all parts below the head. It is once for each part on the way down.",
            ("factor ** (len(network) - d)", "(factor if d < len(network) else 1)"),
        ),
        Bug(
            "one rate for all",
            "All your parts have the same rate.",
            ("rate * factor ** (len(network) - d)", "rate"),
        ),
        Bug(
            "factor multiplied instead of raised",
            "You multiply q by the number of steps down. It is q to the *power* of it.",
            ("rate * factor ** (len(network) - d)", "rate * (factor * (len(network) - d) or 1)"),
        ),
        Bug(
            "subtracted instead of multiplied",
            "You take the same amount off the rate from part to part. It is multiplied by q each time.",
            ("rate * factor ** (len(network) - d)", "rate - (len(network) - d) * rate * (1 - factor)"),
        ),
        Bug(
            "divided by the factor",
            "You divide by q on the way down, so that the rates grow.",
            ("rate * factor ** (len(network) - d)", "rate / factor ** (len(network) - d)"),
        ),
        Bug(
            "every array taken for a depth",
            "You go one depth down with each parameter. Depths are the chain's parts: weights and biases of a layer "
            "have the same rate.",
            (
                "    groups = []\n",
                "    everything = list(network.parameters())\n    groups = []\n",
            ),
            (
                '"lr": lr,',
                '"lr": rate * factor ** (len(everything) - 1 - [q is p for q in everything].index(True)),',
            ),
        ),
        Bug(
            "every layer taken for a depth",
            "You go one depth down with each *layer*. Depths are the chain's parts, and a part may hold several "
            "layers.",
            (
                "    for d, part in enumerate(network, start=1):\n        lr = rate * factor ** (len(network) - d)\n",
                "    layers = [m for m in network.modules() if not list(m.children())]\n"
                "    for d, part in enumerate(layers, start=1):\n        lr = rate * factor ** (len(layers) - d)\n",
            ),
        ),
        Bug(
            "frozen parameters not left out",
            "You hand frozen parameters to the optimiser, too. Leave out what doesn't require gradients.",
            ("            if p.requires_grad:\n" + ADD, ADD.removeprefix("    ")),
        ),
        Bug(
            "frozen parts not counted",
            "You count the depth among the trained parts only. A frozen part is still a depth.",
            (
                "    for d, part in enumerate(network, start=1):\n        lr = rate * factor ** (len(network) - d)\n",
                "    parts = [part for part in network if any(p.requires_grad for p in part.parameters()) "
                "or not list(part.parameters())]\n"
                "    for d, part in enumerate(parts, start=1):\n        lr = rate * factor ** (len(parts) - d)\n",
            ),
        ),
        Bug(
            "parts without parameters not counted",
            "You don't count parts without parameters. Each part of the chain is a depth.",
            (
                "    for d, part in enumerate(network, start=1):\n        lr = rate * factor ** (len(network) - d)\n",
                "    parts = [part for part in network if list(part.parameters())]\n"
                "    for d, part in enumerate(parts, start=1):\n        lr = rate * factor ** (len(parts) - d)\n",
            ),
        ),
        Bug(
            "a part with anything frozen left out",
            "You leave out a whole part if something in it is frozen. Look at each parameter.",
            ("if p.requires_grad:", "if all(other.requires_grad for other in part.parameters()):"),
        ),
        Bug(
            "weight decay on everything",
            "You pull biases, γ and β towards 0 as well. Parameters with a single axis have weight decay 0.",
            ("decay if p.ndim > 1 else 0.0", "decay"),
        ),
        Bug(
            "weight decay on everything but biases",
            "You spare the biases alone. γ of batch normalisation is called `weight` and has a single axis: count the "
            "axes.",
            (
                "for p in part.parameters():",
                "for name, p in part.named_parameters():",
            ),
            ("decay if p.ndim > 1 else 0.0", 'decay if not name.endswith("bias") else 0.0'),
        ),
        Bug(
            "AdamW's own weight decay",
            "Where you say nothing, AdamW takes its own weight decay, 0.01. Parameters with a single axis have 0: say "
            "so.",
            ('"weight_decay": decay if p.ndim > 1 else 0.0}', '**({"weight_decay": decay} if p.ndim > 1 else {})}'),
        ),
        Bug(
            "no weight decay",
            "You never use `decay`.",
            ("decay if p.ndim > 1 else 0.0", "0.0"),
        ),
        Bug(
            "weight decay by depth",
            "You multiply the weight decay by q, too. Only the rates depend on the depth.",
            ("decay if p.ndim > 1 else 0.0", "decay * factor ** (len(network) - d) if p.ndim > 1 else 0.0"),
        ),
        Bug(
            "head forgotten",
            "Your optimiser doesn't hold the last part: the head is never trained.",
            ("enumerate(network, start=1)", "enumerate(network[:-1], start=1)"),
        ),
        Bug(
            "first part forgotten",
            "Your optimiser doesn't hold the first part.",
            (
                "    for d, part in enumerate(network, start=1):\n",
                "    for d, part in enumerate(network, start=1):\n        if d == 1:\n            continue\n",
            ),
        ),
        Bug(
            "head twice",
            "You hand the head's parameters over twice, once in a group of its own and once with all others. torch "
            "refuses that: each parameter belongs to one group.",
            (
                "    return torch.optim.AdamW(groups)",
                '    groups.append({"params": list(network[-1].parameters()), "lr": rate})\n'
                "    return torch.optim.AdamW(groups)",
            ),
        ),
        Bug(
            "another optimiser",
            "You make an SGD optimiser. Asked for is AdamW.",
            ("torch.optim.AdamW", "torch.optim.SGD"),
        ),
        Bug(
            "Adam instead of AdamW",
            "You make an Adam optimiser. Its weight decay goes through the gradient's scaling; asked for is AdamW.",
            ("torch.optim.AdamW", "torch.optim.Adam"),
        ),
    ],
    correct=[
        Correct(
            "two groups a part",
            """
import torch
def layerwise_optimiser(network, rate, factor, decay):
    groups, now = [], rate
    for part in reversed(list(network.children())):
        trained = [p for p in part.parameters() if p.requires_grad]
        several = [p for p in trained if p.dim() >= 2]
        single = [p for p in trained if p.dim() < 2]
        for chosen, wd in ((several, decay), (single, 0)):
            if chosen:
                groups.append(dict(params=chosen, lr=now, weight_decay=wd))
        now = now * factor
    return torch.optim.AdamW(groups, lr=rate)
""",
        ),
        Correct(
            "by name",
            """
import torch
def layerwise_optimiser(network, rate, factor, decay):
    top = len(network) - 1
    groups = {}
    for name, p in network.named_parameters():
        if not p.requires_grad:
            continue
        depth = int(name.split(".")[0])
        key = rate * factor ** (top - depth), (0.0 if len(p.shape) == 1 else decay)
        groups.setdefault(key, []).append(p)
    return torch.optim.AdamW([{"params": ps, "lr": lr, "weight_decay": wd} for (lr, wd), ps in groups.items()])
""",
        ),
        Correct(
            "groups added one by one",
            """
import torch
def layerwise_optimiser(network, rate, factor, decay):
    optimiser = None
    for i, part in enumerate(network):
        for p in filter(lambda p: p.requires_grad, part.parameters()):
            group = {"params": p, "lr": rate * factor ** (len(network) - 1 - i), "weight_decay": decay * (p.ndim > 1)}
            if optimiser is None:
                optimiser = torch.optim.AdamW([group])
            else:
                optimiser.add_param_group(group)
    return optimiser
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# set_trained


def small_chain(student):
    """Three parts: a convolution; one with batch normalisation and dropout, nested; a convolution."""
    inner = chain(student, (torch.nn.Conv2d, 2, 2, 1), (torch.nn.BatchNorm2d, 2))
    middle = chain(student, inner, (torch.nn.Dropout, 0.5))
    return chain(student, (torch.nn.Conv2d, 1, 2, 1), middle, (torch.nn.Conv2d, 2, 3, 1))


def told(student, network, *counts):
    """Set how many parts are trained, one after the other; tell what requires gradients at the end, and the modes."""
    for count in counts:
        student(network, count)
    facts = beside(student, parameter_facts, network)
    trained = {name: fact.split(", ")[-3] for name, fact in facts.items()}
    return trained | {"modes": beside(student, layer_modes, network)}


def trained_head(student, rng):
    """three parts, the top one is trained"""
    return told(student, small_chain(student), 1)


def trained_two(student, rng):
    """three parts, the top two are trained: batch normalisation stays in use"""
    return told(student, small_chain(student), 2)


def trained_none(student, rng):
    """count 0: nothing is trained"""
    return told(student, small_chain(student), 0)


def trained_all(student, rng):
    """all three parts are trained"""
    return told(student, small_chain(student), 3)


def trained_more(student, rng):
    """first the top one, then the top two"""
    return told(student, small_chain(student), 1, 2)


def trained_fewer(student, rng):
    """first all three, then the top one"""
    return told(student, small_chain(student), 3, 1)


def trained_after_training(student, rng):
    """a network that comes in mode "train", all of it trained"""
    return told(student, small_chain(student).train(), 1)


def trained_after_use(student, rng):
    """a network that comes in mode "eval", all of it frozen"""
    return told(student, small_chain(student).eval().requires_grad_(False), 2)


def trained_norm_as_part(student, rng):
    """parts that are single layers, batch normalisation among them"""
    return told(student, chain(student, (torch.nn.Conv2d, 1, 2, 1), (torch.nn.BatchNorm2d, 2), (torch.nn.Dropout,)), 2)


def trained_drawn(student, rng):
    """chains and numbers drawn at random"""
    seen = {}
    for draw in range(3):
        kinds = (torch.nn.Conv2d, 2, 2, 1), (torch.nn.BatchNorm2d, 2), (torch.nn.Dropout, 0.5)
        length = int(rng.integers(2, 5))
        parts = [
            chain(student, *(kinds[int(i)] for i in rng.integers(0, 3, 3)), (torch.nn.Linear, 1, 1))
            for _ in range(length)
        ]
        found = told(student, chain(student, *parts), *(int(n) for n in rng.integers(0, length + 1, 2)))
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


MODE = "        part.train(i >= lowest)\n"
KEPT = """        for layer in part.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()
"""

SET_TRAINED = Exercise(
    "set_trained",
    points=3,
    cases=[
        Case(trained_head),
        Case(trained_two),
        Case(trained_all),
        Case(trained_none),
        Case(trained_norm_as_part),
        Case(trained_more),
        Case(trained_fewer),
        Case(trained_after_training),
        Case(trained_after_use),
        Case(trained_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "lower parts trained",
            "You train the parts nearest to the image. It is the top ones, at the end of the chain.",
            ("i >= lowest", "i < count"),
        ),
        Bug(
            "exchanged",
            "You freeze what should be trained, and train what should be frozen.",
            ("i >= lowest", "i < lowest"),
        ),
        Bug(
            "one part too few",
            "You train one part fewer than `count`.",
            ("i >= lowest", "i > lowest"),
        ),
        Bug(
            "one part too many",
            "You train one part more than `count`.",
            ("i >= lowest", "i >= lowest - 1"),
        ),
        Bug(
            "this one part only",
            "You train one part alone. It is the top `count` parts.",
            ("i >= lowest", "i == lowest"),
        ),
        Bug(
            "the last 0 are all",
            "For count 0 you train everything: in Python the last 0 elements, `[-0:]`, are all of them.",
            ("lowest = len(network) - count", "lowest = range(len(network))[-count:][0]"),
        ),
        Bug(
            "never unfrozen",
            "You freeze, and never unfreeze: what was frozen before stays so. Set both.",
            (
                "        part.requires_grad_(i >= lowest)\n",
                "        if i < lowest:\n            part.requires_grad_(False)\n",
            ),
        ),
        Bug(
            "never frozen",
            "You unfreeze, and never freeze: what was trained before stays so. Set both.",
            (
                "        part.requires_grad_(i >= lowest)\n",
                "        if i >= lowest:\n            part.requires_grad_(True)\n",
            ),
        ),
        Bug(
            "modes left as they are",
            'You leave the modes of the parts as they are. A frozen part in mode "train" drops numbers, and gives '
            "other features each time.",
            (MODE, ""),
        ),
        Bug(
            "frozen parts in mode train",
            'You set trained parts to mode "train" and leave the frozen ones in theirs. They are set to mode "eval".',
            (MODE, "        if i >= lowest:\n            part.train()\n"),
        ),
        Bug(
            "trained parts left in mode eval",
            'You set frozen parts to mode "eval" and leave the trained ones in theirs. They are set to mode "train": '
            "otherwise dropout does nothing in the head.",
            (MODE, "        if i < lowest:\n            part.eval()\n"),
        ),
        Bug(
            "everything in mode eval",
            'You set all parts to mode "eval". The trained ones are in mode "train".',
            (MODE, "        part.eval()\n"),
        ),
        Bug(
            "batch normalisation learns statistics",
            'In trained parts your batch normalisation is in mode "train": it is normalised by small batches, and its '
            "running statistics, ImageNet's, are overwritten.",
            (KEPT, ""),
        ),
        Bug(
            "batch normalisation not looked for deeper down",
            "You look for batch normalisation among the parts, or the layers directly in them. It may sit deeper: "
            "`modules()`.",
            ("part.modules()", "[part, *part.children()]"),
        ),
        Bug(
            "a part that is batch normalisation overlooked",
            "You look for batch normalisation *inside* the parts. A part can be one itself: `modules()` holds it, too.",
            ("part.modules()", "list(part.modules())[1:]"),
        ),
        Bug(
            "batch normalisation frozen altogether",
            "You freeze γ and β of batch normalisation in trained parts as well. Only its statistics stay; the two are "
            "trained.",
            (
                "                layer.eval()\n",
                "                layer.eval()\n                layer.requires_grad_(False)\n",
            ),
        ),
        Bug(
            "set in the wrong order",
            'You set batch normalisation to mode "eval" first and the part to mode "train" then, which undoes it.',
            (MODE + KEPT, KEPT + MODE),
        ),
        Bug(
            "dropout off everywhere",
            'You set dropout to mode "eval" in trained parts, too. The exception is for batch normalisation alone.',
            ("isinstance(layer, nn.BatchNorm2d)", "isinstance(layer, nn.BatchNorm2d | nn.Dropout)"),
        ),
        Bug(
            "flag set on the module",
            "You set `requires_grad` of a *module*, which makes an attribute of this name and changes no parameter: "
            "`requires_grad_(…)`.",
            ("part.requires_grad_(i >= lowest)", "part.requires_grad = i >= lowest"),
        ),
    ],
    correct=[
        Correct(
            "everything off, then the top on",
            """
import torch
def set_trained(network, count):
    network.eval()
    network.requires_grad_(False)
    for part in list(network)[len(network) - count:]:
        for p in part.parameters():
            p.requires_grad = True
        for m in part.modules():
            if not isinstance(m, torch.nn.BatchNorm2d):
                m.training = True
""",
        ),
        Correct(
            "from the top down",
            """
import torch
def set_trained(network, count):
    for i, part in enumerate(reversed(list(network.children()))):
        learning = i < count
        part.train(learning)
        [p.requires_grad_(learning) for p in part.parameters()]
    def keep(module):
        if type(module) is torch.nn.BatchNorm2d:
            module.train(False)
    network.apply(keep)
""",
        ),
        Correct(
            "by name",
            """
import torch
def set_trained(network, count):
    first = len(network) - count
    for name, p in network.named_parameters():
        p.requires_grad = int(name.split(".")[0]) >= first
    for name, m in network.named_modules():
        if name:
            m.training = int(name.split(".")[0]) >= first and not isinstance(m, torch.nn.BatchNorm2d)
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# fine_tune


def points(rng, *sizes):
    """Batches of points with labels."""
    return [(floats(whole(rng, n, 2)), torch.tensor(rng.integers(0, 3, n))) for n in sizes]


def tuned(student, rng, stages, *sizes):
    """Fine-tune by stages in which one part is trained, all layers being in use; tell losses and all numbers."""
    network = beside(student, tiny_chain, int(rng.integers(9999)))
    set_parts, make = (beside(student, function_named, name) for name in ("train_one_part", "momentum_on_trained"))
    losses = student(network, stages, points(rng, *sizes), set_parts, make)
    return {"plain numbers": all(type(loss) is float for loss in losses), "losses": losses} | dict(
        beside(student, state, network)
    )


def tuned_one_step(student, rng):
    """one stage of one epoch, in which part 2 (the head) is trained; one batch of three points"""
    return tuned(student, rng, [(2, 1)], 3)


def tuned_small_last(student, rng):
    """batches of 4 and 1 points: every point counts the same"""
    return tuned(student, rng, [(2, 1)], 4, 1)


def tuned_two_epochs(student, rng):
    """one stage of two epochs: the momentum is kept"""
    return tuned(student, rng, [(2, 2)], 3, 2)


def tuned_two_stages(student, rng):
    """two stages: first part 2 is trained, then part 1"""
    return tuned(student, rng, [(2, 1), (1, 1)], 3, 2)


def tuned_three_stages(student, rng):
    """three stages: part 2, part 0 for two epochs, part 2 again"""
    return tuned(student, rng, [(2, 1), (0, 2), (2, 1)], 2, 1)


def tuned_no_epoch(student, rng):
    """a stage without epochs before another one"""
    return tuned(student, rng, [(1, 0), (2, 1)], 3)


def tuned_drawn(student, rng):
    """stages and batches drawn at random"""
    stages = [(int(part), int(rng.integers(1, 3))) for part in rng.permutation(3)[:2]]
    return tuned(student, rng, stages, *(int(n) for n in rng.integers(1, 6, 2)))


SETTING = """        set_trained(network, trained)
        optimiser = make_optimiser(network)
"""
LOOP = """        for _ in range(epochs):
"""

FINE_TUNE = Exercise(
    "fine_tune",
    points=4,
    cases=[
        Case(tuned_one_step, tolerance=CLOSE),
        Case(tuned_small_last, tolerance=CLOSE),
        Case(tuned_no_epoch, tolerance=CLOSE),
        Case(tuned_two_epochs, tolerance=CLOSE),
        Case(tuned_two_stages, tolerance=CLOSE),
        Case(tuned_three_stages, tolerance=CLOSE),
        Case(tuned_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "optimiser made once, at the beginning",
            "You make the optimiser once, in the first stage. The parts that are unfrozen later aren't in it, and are "
            "never trained: make it in each stage.",
            (
                SETTING,
                "        set_trained(network, trained)\n"
                "        optimiser = make_optimiser(network) if not losses else optimiser\n",
            ),
        ),
        Bug(
            "optimiser made before the parts are set",
            "You make the optimiser before you set the parts: it holds those of the stage before. Set the parts first.",
            (SETTING, "        optimiser = make_optimiser(network)\n        set_trained(network, trained)\n"),
        ),
        Bug(
            "a new optimiser in each epoch",
            "You make a new optimiser in each epoch. It forgets its momentum that way: one for each stage.",
            (
                SETTING + LOOP,
                "        set_trained(network, trained)\n" + LOOP + "            optimiser = make_optimiser(network)\n",
            ),
        ),
        Bug(
            "mode set to training afterwards",
            "You call `network.train()` after `set_trained`, which had set the modes: dropout drops in frozen parts, "
            "and batch normalisation takes the batches' statistics and overwrites its own.",
            (LOOP, LOOP + "            network.train()\n"),
        ),
        Bug(
            "parts set once only",
            "You set the parts for the first stage only. Each stage has its own.",
            (
                "        set_trained(network, trained)\n",
                "        if not losses:\n            set_trained(network, trained)\n",
            ),
        ),
        Bug(
            "parts never set",
            "You never call `set_trained`: everything is trained from the beginning.",
            ("        set_trained(network, trained)\n", ""),
        ),
        Bug(
            "gradients never set back",
            "You never call `optimiser.zero_grad()`. Each step also goes where all steps before it went.",
            ("                optimiser.zero_grad()\n", ""),
        ),
        Bug(
            "gradients set back before the step",
            "You set the gradients back after `backward` and before `step`: nothing is left to step along.",
            (
                "                optimiser.zero_grad()\n                objective.backward()\n",
                "                objective.backward()\n                optimiser.zero_grad()\n",
            ),
        ),
        Bug(
            "one epoch for each stage",
            "You train each stage for one epoch. How many there are is the second number of a stage.",
            ("range(epochs)", "range(1)"),
        ),
        Bug(
            "parts and epochs exchanged",
            "You take the first number of a stage for its epochs and the second for its parts. Parts come first.",
            ("for trained, epochs in stages", "for epochs, trained in stages"),
        ),
        Bug(
            "first stage only",
            "You stop after the first stage.",
            ("    return losses", "        break\n    return losses"),
        ),
        Bug(
            "stages from the last to the first",
            "You go through the stages in reverse. The first one comes first.",
            ("in stages:", "in reversed(stages):"),
        ),
        Bug(
            "loss averaged over batches",
            "You average the losses of the *batches*. The images of a small last batch count more that way: weight "
            "each batch by its number of images.",
            (
                "total + len(labels) * objective.item(), count + len(labels)",
                "total + objective.item(), count + 1",
            ),
        ),
        Bug(
            "loss of the last batch",
            "You note the loss of an epoch's last batch. Asked for is the mean over all of its images.",
            ("losses.append(total / count)", "losses.append(objective.item())"),
        ),
        Bug(
            "loss added up",
            "You note the sum of the losses. Asked for is the mean over the images.",
            ("losses.append(total / count)", "losses.append(total)"),
        ),
        Bug(
            "a loss for each stage",
            "You note one loss for each stage. Asked for is one for each epoch.",
            (
                "            losses.append(total / count)\n",
                "        if epochs:\n            losses.append(total / count)\n",
            ),
        ),
        Bug(
            "losses never set back",
            "You go on adding from epoch to epoch. Each epoch has its own mean.",
            ("            total, count = 0.0, 0\n", ""),
            ("    losses = []\n", "    losses, total, count = [], 0.0, 0\n"),
        ),
        Bug(
            "loss as a tensor",
            "Your losses are tensors that still hold on to their graphs: `.item()` gives the number.",
            ("objective.item()", "objective"),
        ),
        Bug(
            "softmax before the loss",
            "You put the softmax of the scores into `cross_entropy`, which does the softmax itself.",
            ("cross_entropy(network(images), labels)", "cross_entropy(network(images).softmax(1), labels)"),
        ),
        Bug(
            "loss measured after the step",
            "You send each batch through the network again after the step, and note that loss. Note the one from "
            "before the step, which you have already.",
            (
                "                total, count =",
                "                objective = nn.functional.cross_entropy(network(images), labels)\n"
                "                total, count =",
            ),
        ),
        Bug(
            "first batch only",
            "You train on the first batch alone.",
            ("in batches:", "in batches[:1]:"),
        ),
    ],
    correct=[
        Correct(
            "losses of the images joined",
            """
import torch
def fine_tune(network, stages, batches, set_trained, make_optimiser):
    history = []
    for count, epochs in stages:
        set_trained(network, count)
        opt = make_optimiser(network)
        for epoch in range(epochs):
            each = []
            for x, y in batches:
                opt.zero_grad(set_to_none=False)
                loss = torch.nn.functional.cross_entropy(network(x), y, reduction="none")
                loss.mean().backward()
                opt.step()
                each.append(loss.detach())
            history.append(torch.cat(each).mean().item())
    return history
""",
        ),
        Correct(
            "one list of epochs, modes set again in each",
            """
import torch
def fine_tune(network, stages, batches, set_trained, make_optimiser):
    def epoch(optimiser):
        sums = 0.0
        for images, labels in batches:
            network.zero_grad()
            log_p = network(images).log_softmax(dim=1)
            loss = torch.nn.functional.nll_loss(log_p, labels)
            loss.backward()
            optimiser.step()
            sums += loss.item() * len(images)
        return sums / sum(len(labels) for _, labels in batches)
    losses = []
    for parts, times in stages:
        set_trained(network, parts)
        optimiser = make_optimiser(network)
        for _ in range(times):
            network.train()
            set_trained(network, parts)
            losses += [epoch(optimiser)]
    return losses
""",
        ),
        Correct(
            "gradients put in by hand",
            """
import torch
def fine_tune(network, stages, batches, set_trained, make_optimiser):
    out = []
    for stage in stages:
        set_trained(network, stage[0])
        trained = [p for p in network.parameters() if p.requires_grad]
        optimiser = make_optimiser(network)
        for _ in range(stage[1]):
            weights, values = [], []
            for images, labels in batches:
                loss = torch.nn.CrossEntropyLoss()(network(images), labels)
                for p, g in zip(trained, torch.autograd.grad(loss, trained)):
                    p.grad = g
                optimiser.step()
                weights.append(len(labels))
                values.append(loss.item())
            out.append(sum(w * v for w, v in zip(weights, values)) / sum(weights))
    return out
""",
        ),
    ],
)
