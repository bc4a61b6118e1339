"""Stand-ins for pretrained networks, and what cases ask of them."""

import torch
from torch import nn

from visionlab.checks.transfer import (
    Elsewhere,
    TinyPretrained,
    fill,
    layer_modes,
    optimiser_facts,
    parameter_facts,
    scores_and_state,
    tiny_chain,
    train_one_part,
)


def test_a_body_elsewhere_tells_which_batches_were_moved():
    body = Elsewhere()
    body(torch.zeros(2, 3).to(next(body.parameters()).device))
    assert body(torch.zeros(1, 3)).shape == (1, 1)
    assert body.seen == ["meta", "cpu"]


def test_a_tiny_network_is_the_same_each_time_and_can_lie_anywhere():
    x = torch.tensor([[1.0, -2.0]])
    assert torch.equal(TinyPretrained(4, 3).eval()(x), TinyPretrained(4, 3).eval()(x))
    facts = parameter_facts(TinyPretrained(4, 3, "meta", "float64"))
    assert facts["classifier.weight"] == "(3, 4), trained, float64, meta"


def test_modes_and_numbers_of_layers():
    network = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.BatchNorm1d(1).eval()))
    assert layer_modes(network) == ["Linear: train", "BatchNorm1d: eval"]
    fill(network, 2.0)
    assert all(bool((tensor == 2).all()) for tensor in network.state_dict().values())


def test_an_optimiser_is_told_from_another_by_its_groups():
    network = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    optimiser = torch.optim.AdamW([{"params": [network[1].weight], "lr": 0.5, "weight_decay": 0.25}])
    facts = optimiser_facts(network, optimiser)
    assert facts["1.weight"] == [0.5, 0.25]
    assert facts["0.weight"] == facts["1.bias"] == []


def test_one_part_is_trained_and_all_are_in_use():
    network = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1), nn.Linear(1, 1))
    train_one_part(network, 2)
    assert [p.requires_grad for p in network.parameters()] == [False] * 4 + [True] * 2
    assert not any(module.training for module in network.modules())


def test_scores_are_of_the_network_as_it_is():
    layer = nn.BatchNorm1d(1)
    found = scores_and_state(layer, torch.tensor([[1.0], [3.0]]))
    assert torch.allclose(found["out"], torch.tensor([[-1.0], [1.0]]), atol=1e-4)
    assert torch.allclose(found["running_mean"], torch.tensor([0.2]))


def test_a_tiny_chain_is_the_same_for_the_same_seed_and_lets_nothing_through_in_training():
    one, other = tiny_chain(3), tiny_chain(3)
    assert all(map(torch.equal, one.state_dict().values(), other.state_dict().values()))
    assert not torch.equal(one[2].weight, tiny_chain(4)[2].weight)
    x = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    assert torch.equal(one(x), one[2].bias.expand(2, 3))
    assert not torch.allclose(one.eval()(x), one[2].bias)
