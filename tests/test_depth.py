"""The stored runs of the lecture on architectures: plain depth hurts, residual depth does not; they are repeatable."""

import json

import pytest
import torch

from experiments import depth


@pytest.fixture(scope="module")
def stored():
    return json.loads(depth.RESULT.read_text("utf-8"))


def test_they_are_complete(stored):
    runs = stored["runs"]
    assert [(run["seed"], run["depth"], run["residual"]) for run in runs] == [
        (seed, *run) for seed in depth.SEEDS for run in depth.RUNS
    ]
    assert {len(run[curve]) for run in runs for curve in depth.CURVES.values()} == {depth.EPOCHS}
    assert stored["settings"] == depth.SETTINGS | {"epochs": depth.EPOCHS, "images": 3000, "test_images": 1000}


def test_only_the_plain_deep_network_cannot_learn_its_own_training_images(stored):
    error = {(run["depth"], run["residual"], run["seed"]): 1 - run["end"][1] for run in stored["runs"]}
    for seed in depth.SEEDS:
        assert error[56, False, seed] > 0.6 > 0.15 > error[20, False, seed]
        assert error[20, True, seed] < 0.005 and error[56, True, seed] < 0.005


@pytest.mark.parametrize("run", [0, 1], ids=["plain", "residual"])
def test_the_first_epoch_can_be_had_again(stored, run):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    kept = stored["runs"][run]
    options = {key: kept[key] for key in ("depth", "residual", "seed")}
    try:
        # One epoch of its own would run through the whole schedule: it is stretched as in the stored run.
        again = depth.run(**options, epochs=1, of=depth.EPOCHS)
    finally:
        torch.set_num_threads(threads)
    assert again["loss"][0] == pytest.approx(kept["loss"][0], rel=0.02)
