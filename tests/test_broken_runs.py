"""The stored runs of the lecture on training: they show what their names say, and can be had again."""

import json
import math

import pytest
import torch

from experiments import broken_runs

LN10 = math.log(10)


@pytest.fixture(scope="module")
def runs():
    return json.loads(broken_runs.RESULT.read_text("utf-8"))["runs"]


def test_there_is_a_run_for_each_name_and_it_is_complete(runs):
    assert list(runs) == list(broken_runs.RUNS)
    for run in runs.values():
        assert run["step"] == [1, *range(broken_runs.EVERY, broken_runs.STEPS + 1, broken_runs.EVERY)]
        assert {len(curve) for curve in run.values()} == {len(run["step"])}
    assert broken_runs.RESULT.stat().st_size < 60_000


def test_each_run_has_the_signs_of_its_illness_and_no_other(runs):
    signs = {
        "healthy": lambda run: run["validation_accuracy"][-1] > 0.93 and run["validation_loss"][-1] < 0.3,
        "rate too high": lambda run: run["update_ratio"][-1][0] > 0.02,
        "dead ReLUs": lambda run: run["dead"][-1] == 1,
        "no shuffling": lambda run: max(run["accuracy"]) > 0.9 and max(run["validation_accuracy"]) < 0.2,
        "overfitting": lambda run: run["accuracy"][-1] == 1 and run["validation_loss"][-1] > 2,
        "bad scaling": lambda run: run["loss"][0] > 2 * LN10,
        "softmax twice": lambda run: run["accuracy"][-1] > 0.8 and min(run["loss"]) > 1.461,
        "rate too low": lambda run: LN10 - 0.05 < run["loss"][-1] < LN10 and run["dead"][-1] < 0.1,
    }
    for name, sign in signs.items():
        assert [other for other, run in runs.items() if sign(run)] == [name]


@pytest.mark.parametrize("name", ["healthy", "no shuffling", "bad scaling"])
def test_the_first_measurements_can_be_had_again(runs, name):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        again = broken_runs.run(broken_runs.EVERY, **broken_runs.RUNS[name])
    finally:
        torch.set_num_threads(threads)
    for key in ("loss", "accuracy", "validation_loss"):
        assert again[key] == pytest.approx(runs[name][key][:2], rel=0.02, abs=0.01)
