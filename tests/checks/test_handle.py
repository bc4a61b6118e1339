"""A case sees the same of a student's object in the notebook and in the grader: plain data, handles, their errors."""

import contextlib

import numpy as np
import pytest
import torch

from autograder.exercise import Limits
from autograder.student_process import ProxyRecorder
from visionlab.checks.cases import Recorder, run_case
from visionlab.checks.handle import Handle, StudentError, beside
from visionlab.checks.networks import gradients

SOURCE = """
class Money:
    def __init__(self, amount, parts=()):
        self.amount = amount
        self.parts = list(parts)
    def __add__(self, other):
        other = other if isinstance(other, Money) else Money(other)
        return Money(self.amount + other.amount, [self, other])
    __radd__ = __add__
    def __mul__(self, other):
        raise NotImplementedError
    __rmul__ = __mul__
    def __eq__(self, other):
        return True
    def shared_by(self, people):
        return Money(self.amount / people)
    def halves(self):
        return self.shared_by(2), self.shared_by(2)

def pay(purse, wanted=None):
    purse["coins"][0] = 0
    purse["owed"].clear()
    return wanted(purse["name"]) if wanted else purse["name"]
"""


@pytest.fixture(params=["in the notebook", "in the grader"])
def student(request):
    """Gives a recorder of one of the names that the source defines, here or in a student's process."""
    with contextlib.ExitStack() as stack:
        if request.param == "in the notebook":
            namespace = {}
            exec(SOURCE, namespace)
            yield lambda name: Recorder(namespace[name], ("purse", "wanted"))
        else:
            process = stack.enter_context(request.getfixturevalue("kernel_server").start(Limits()))
            process.run_cell(SOURCE)
            yield lambda name: ProxyRecorder(process.get(name), ("purse", "wanted"))


def test_attributes_calls_and_arithmetic_go_through(student):
    money = student("Money")
    total = 1.5 + money(2.0) + money(3.0) + 1
    assert isinstance(total, Handle)
    assert total.amount == 7.5
    assert total.parts[0].parts[1].amount == 3.0
    assert [half.amount for half in total.halves()] == [3.75, 3.75]
    assert total.shared_by(people=3).amount == 2.5
    assert (np.float64(2.0) + money(1.0)).amount == 3.0
    assert repr(total) == "<the student's Money>"


def test_comparison_and_truth_fail_closed(student):
    money = student("Money")(2.0)
    with pytest.raises(TypeError, match="cannot be compared"):
        assert money == 2.0
    with pytest.raises(TypeError, match="no truth value"):
        assert money


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (lambda money: money.shared_by(0), "ZeroDivisionError"),
        (lambda money: 2 * money, "NotImplementedError"),
        (lambda money: money.currency, "AttributeError"),
        (lambda money: money**2, "AttributeError"),
    ],
)
def test_errors_behind_a_handle_are_the_students(student, act, kind):
    def case(make, rng):
        return {"amount": act(make(2.0)).amount}

    assert run_case(case, student("Money"), 0).error.kind == kind


def test_an_object_as_the_result_is_described(student):
    seen = run_case(lambda make, rng: {"money": make(1.0)}, student("Money"), 0)
    assert seen.unusable == "an object of type Money"


def test_what_an_argument_holds_must_not_be_changed_either(student):
    pay = student("pay")
    pay({"name": "Ada", "coins": np.array([5, 2]), "owed": ["Bob"]})
    before, after = pay.calls[0].changed["purse"]
    assert before["coins"].tolist() == [5, 2]
    assert after["coins"].tolist() == [0, 2]
    assert (before["owed"], after["owed"]) == (["Bob"], [])
    assert pay.calls[0].size == 2


def test_functions_of_the_case_are_called_and_their_errors_told(student):
    pay = student("pay")
    assert pay({"name": "Ada", "coins": [5], "owed": []}, wanted=str.upper) == "ADA"
    with pytest.raises(StudentError, match="the function that your code was given raised TypeError") as raised:
        pay({"name": "Ada", "coins": [5], "owed": []}, wanted=lambda name: name + 1)
    assert raised.value.kind == "RuntimeError"


@pytest.fixture(params=["in the notebook", "in the grader"])
def scaling(request):
    """Gives a recorder of a student's module."""
    source = """
import torch
class Scaling(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(factor))
    def forward(self, x):
        return self.factor * x
def outputs(network, x):
    return network(x)
"""
    with contextlib.ExitStack() as stack:
        if request.param == "in the notebook":
            namespace = {}
            exec(source, namespace)
            yield lambda name: Recorder(namespace[name])
        else:
            process = stack.enter_context(request.getfixturevalue("kernel_server").start(Limits()))
            process.run_cell(source)
            yield lambda name: ProxyRecorder(process.get(name))


def test_what_cannot_be_sent_is_made_beside_the_students_objects(scaling):
    """Gradients flow through the student's module, and a network made there can be handed to the student's code."""
    module = scaling("Scaling")(3.0)
    found = beside(module, gradients, module, torch.tensor([2.0]), torch.tensor([10.0]))
    assert {name: value.tolist() for name, value in found.items()} == {"out": [6.0], "dx": [30.0], "dfactor": 20.0}
    outputs = scaling("outputs")
    network = beside(outputs, torch.nn.Linear, 2, 1)
    assert isinstance(network, Handle)
    network.load_state_dict({"weight": torch.tensor([[1.0, 2.0]]), "bias": torch.tensor([0.5])})
    assert outputs(network, torch.tensor([[10.0, 1.0]])).tolist() == [[12.5]]
    with pytest.raises(StudentError, match="shapes"):
        outputs(network, torch.tensor([[10.0]]))
