"""The training loop: repeatable, resumable, honest about what it was given."""

import functools
import json

import pandas as pd
import pytest
import torch
from torch import nn

from visionlab import datasets
from visionlab.training import as_tensors, evaluate, fit, load_weights, warm_up_and_cosine

fit = functools.partial(fit, progress=False, on="cpu")


@pytest.fixture(scope="module")
def digits():
    return as_tensors(datasets.load("mnist", subset=300))


@pytest.fixture(scope="module")
def others():
    return as_tensors(datasets.load("mnist", split="test", subset=200))


def small_network():
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(676, 10)
    )


def noisy(images):
    return images + 0.1 * torch.randn_like(images)


def weights(network):
    return torch.cat([value.double().ravel() for value in network.state_dict().values()])


def test_the_same_seed_gives_the_same_network(digits):
    networks = [small_network() for _ in range(3)]
    histories = [
        fit(network, digits, epochs=2, seed=seed, transform=noisy)
        for network, seed in zip(networks, (1, 1, 2), strict=True)
    ]
    same, again, other = (weights(network) for network in networks)
    assert torch.equal(same, again) and not torch.equal(same, other)
    assert histories[0].drop(columns="seconds").equals(histories[1].drop(columns="seconds"))


def test_nobody_elses_random_numbers_change(digits):
    torch.manual_seed(3)
    expected = torch.rand(4)
    network = small_network()
    torch.manual_seed(3)
    fit(network, digits, epochs=1)
    assert torch.equal(torch.rand(4), expected)


def sgd(network):
    return torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(digits, others, tmp_path, bfloat16):
    whole = small_network()
    options = {"epochs": 4, "bfloat16": bfloat16, "transform": noisy, "schedule": warm_up_and_cosine()}
    expected = fit(whole, digits, others, optimiser=sgd(whole), **options)

    def power_cut(step):
        if step.epoch == 3 and step.step % 5 == 2:
            raise KeyboardInterrupt

    cut = small_network()
    with pytest.raises(KeyboardInterrupt):
        fit(cut, digits, others, optimiser=sgd(cut), folder=tmp_path, watch=power_cut, **options)
    torch.manual_seed(99)
    after = nn.Sequential(*small_network())
    history = fit(after, digits, others, optimiser=sgd(after), folder=tmp_path, resume=True, **options)
    assert torch.equal(weights(after), weights(whole))
    assert history.drop(columns="seconds").equals(expected.drop(columns="seconds"))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_finished_training_is_not_done_again(digits, tmp_path):
    network = small_network()
    first = fit(network, digits, epochs=1, folder=tmp_path)
    steps = []
    again = fit(small_network(), digits, epochs=1, folder=tmp_path, resume=True, watch=steps.append)
    assert not steps and again.equals(first)


def test_the_best_weights_and_the_table_are_kept(digits, others, tmp_path):
    network = small_network()
    spoil = warm_up_and_cosine(0.0)
    history = fit(
        network, digits, others, epochs=4, folder=tmp_path, optimiser=sgd(network),
        schedule=lambda progress: 400.0 if progress > 0.7 else spoil(progress),
    )  # fmt: skip
    best = small_network()
    load_weights(best, tmp_path)
    kept = evaluate(best, *others)[1]
    assert kept == history.validation_accuracy.max() > history.validation_accuracy.iloc[-1]
    table = pd.DataFrame(json.loads((tmp_path / "history.json").read_text())).set_index("epoch")
    assert table.equals(history)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": 3}, "epochs = 2"),
        ({"bfloat16": True}, "bfloat16 = False"),
        ({"seed": 5}, "seed = 0"),
        ({"batch_size": 32}, "batch_size = 64"),
    ],
)
def test_another_trainings_checkpoint_is_refused(digits, tmp_path, change, said):
    fit(small_network(), digits, epochs=2, folder=tmp_path)
    with pytest.raises(ValueError, match=f"{said}.*resume=False"):
        fit(small_network(), digits, **({"epochs": 2} | change), folder=tmp_path, resume=True)


def test_another_networks_checkpoint_is_refused(digits, tmp_path):
    fit(small_network(), digits, epochs=1, folder=tmp_path)
    other = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    with pytest.raises(ValueError, match="another network"):
        fit(other, digits, epochs=1, folder=tmp_path, resume=True)
    with pytest.raises(ValueError, match="another network"):
        load_weights(other, tmp_path)


def test_groups_keep_their_own_rates(digits):
    network = small_network()
    groups = [{"params": network[0].parameters(), "lr": 0.0}, {"params": network[5].parameters(), "lr": 0.1}]
    before = [network[i].weight.detach().clone() for i in (0, 5)]
    seen = []
    optimiser = torch.optim.SGD(groups)
    fit(
        network, digits, epochs=1, optimiser=optimiser, schedule=lambda progress: progress,
        watch=lambda step: seen.append(optimiser.param_groups[1]["lr"]),
    )  # fmt: skip
    assert torch.equal(network[0].weight, before[0]) and not torch.equal(network[5].weight, before[1])
    assert seen == pytest.approx([0.1 * (i + 0.5) / 5 for i in range(5)])


def test_bfloat16_computes_roughly_and_keeps_weights_and_results_whole(digits, others):
    exact, rough = small_network(), small_network()
    seen = []
    rough.register_forward_hook(lambda network, given, out: seen.append((network.training, out.dtype)))
    fit(exact, digits, epochs=2, optimiser=sgd(exact), on="cpu")
    fit(rough, digits, others, epochs=2, optimiser=sgd(rough), on="cpu", bfloat16=True)
    assert set(seen) == {(True, torch.bfloat16), (False, torch.float32)}
    assert {p.dtype for p in rough.parameters()} == {torch.float32}
    assert not torch.equal(weights(rough), weights(exact))
    torch.testing.assert_close(evaluate(rough, *others), evaluate(exact, *others), rtol=0, atol=0.05)


def test_bytes_are_scaled_and_floats_are_not(digits):
    images, labels = digits
    one, two = small_network(), small_network()
    fit(one, (images, labels), epochs=1)
    fit(two, (images.float() / 255, labels), epochs=1)
    assert torch.equal(weights(one), weights(two))


def test_it_sees_every_image_once_an_epoch():
    images = torch.arange(10.0).reshape(10, 1, 1, 1)
    seen = []

    def look(batch):
        seen.extend(batch.ravel().tolist())
        return batch

    network = nn.Sequential(nn.Flatten(), nn.Linear(1, 2))
    fit(network, (images, torch.zeros(10, dtype=torch.int64)), epochs=2, batch_size=4, transform=look)
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_a_training_that_explodes_stops_and_says_so(digits):
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 9), nn.ReLU(), nn.Linear(9, 10))
    with pytest.warns(UserWarning, match="smaller rate"):
        history = fit(network, digits, epochs=5, optimiser=torch.optim.SGD(network.parameters(), lr=1e38))
    assert len(history) < 5


def test_judging_leaves_the_network_as_it_was(digits):
    network = small_network().train()
    running = network[1].running_mean.clone()
    first, second = evaluate(network, *digits), evaluate(network, *digits, batch_size=7)
    assert first == pytest.approx(second)  # no dropout
    assert network.training and torch.equal(network[1].running_mean, running)


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (torch.zeros(5, 28, 28), torch.zeros(5), "(N, C, H, W)"),
        (torch.zeros(5, 1, 28, 28), torch.zeros(4), "5 images"),
        (torch.zeros(5, 1, 28, 28, dtype=torch.float64), torch.zeros(5), "float64"),
        (torch.zeros(0, 1, 28, 28), torch.zeros(0), "0 images"),
    ],
)
def test_what_does_not_fit_is_named(images, labels, said):
    with pytest.raises(ValueError, match="train: ") as error:
        fit(small_network(), (images, labels.long()), epochs=1)
    assert said in str(error.value)
