"""What cases ask of networks."""

import pytest
import torch
from torch import nn

from visionlab.checks.networks import Watched, perceptron, traces, walk


@pytest.mark.parametrize("between", [(), (nn.ReLU(),)])
def test_only_a_relu_takes_negative_numbers_away(between):
    """Whatever comes in and whatever the network's own weights are: nobody passes for lack of a negative number."""
    for seed in range(20):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(3, 2), *between, nn.Linear(2, 1))
        signs = walk(network, torch.randn(1, 3))[1].split("from ")[1]
        assert signs == ("numbers ≥ 0" if between else "any numbers")


def test_a_watched_network_tells_how_it_was_used():
    watched = Watched(nn.Linear(2, 1))
    watched(torch.zeros(3, 2))
    with torch.no_grad():
        watched.eval()(torch.zeros(1, 2))
    assert watched.seen == [(3, "train", True), (1, "eval", False)]


def test_traces_of_a_visit_are_found():
    network = perceptron(torch.ones(2, 3), torch.ones(1, 2))
    before = traces(network)
    assert before == {
        "mode": "eval",
        "hooks": 0,
        "frozen weights": [],
        "gradients": {"1.weight": None, "3.weight": None},
    }
    network[1].register_forward_hook(print)
    network[3].register_forward_pre_hook(print)
    network[1].requires_grad_(False)
    network.train()(torch.ones(1, 3)).sum().backward()
    after = traces(network)
    assert (after["mode"], after["hooks"], after["frozen weights"]) == ("train", 2, ["1.weight"])
    assert after["gradients"]["1.weight"] is None
    assert after["gradients"]["3.weight"].tolist() == [[3.0, 3.0]]
