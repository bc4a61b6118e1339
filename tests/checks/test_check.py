"""What a student meets when calling check(): right, wrong, unusable and hostile answers, and a broken installation."""

import json
import re
import shutil

import numpy as np
import pytest

from visionlab.checks import CheckFailed, check
from visionlab.checks.card import html, text


@pytest.fixture
def beside_checks(released_small_course, monkeypatch):
    monkeypatch.chdir(released_small_course / "assignments" / "small")


@pytest.fixture
def shown(monkeypatch):
    """The cards that check() has displayed."""
    cards = []
    monkeypatch.setattr("visionlab.checks.display", cards.append)
    return cards


def scale_rows(x, factors):
    return x * factors[:, None]


def answers(function):
    """Give a function the exercise's name."""
    function.__name__ = "scale_rows"
    return function


def test_right_answer_passes(beside_checks, shown):
    check(scale_rows)
    assert repr(shown[0]) == "✓ scale_rows: all 2 checks pass"
    assert "vl-right" in shown[0]._repr_html_()


def test_known_mistake_is_named_with_the_smallest_failing_input(beside_checks, shown):
    def scaled_columns(x, factors):
        return x * np.resize(factors, x.shape[1])

    with pytest.raises(CheckFailed):
        check(answers(scaled_columns))
    card = repr(shown[0])
    assert "exactly those of a known mistake: You scale the columns." in card
    assert "smallest check that fails: a 2×3 array" in card
    assert "out[0, 1] should be 4, and yours is 20; 3 of 6 elements are wrong." in card
    page = shown[0]._repr_html_()
    assert page.count('class="vl-off"') == 6  # the three wrong elements, in both arrays
    assert "<code>scale_rows(x, factors)</code>" in page


def test_changed_argument_is_told(beside_checks, shown):
    def in_place(x, factors):
        x *= factors[:, None]
        return x

    with pytest.raises(CheckFailed):
        check(answers(in_place))
    assert "Your code changed its argument x in place" in repr(shown[0])
    assert "You write into x." in repr(shown[0])


def test_second_mistake_beside_a_known_one_is_hedged(beside_checks, shown):
    def half(n):  # neither whole numbers nor an error for negative ones
        return n / 2

    with pytest.raises(CheckFailed):
        check(half)
    assert "On this input your answer is just what a known mistake gives: You divide with /." in repr(shown[0])


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "out should be an array of shape (2, 3), and yours is None."),
        ("text", "and yours is the text 'text'."),
        ([[1, 2, 3]], "and yours is a list of 1 element."),
        (np.zeros((3, 2)), "out should have shape (2, 3), and yours has shape (3, 2)."),
        (np.array([None]), "Your code returned an array of objects; it should return an array of shape (2, 3)."),
        (object(), "Your code returned an object of type object"),
    ],
)
def test_unusable_results_are_described(beside_checks, shown, returned, said):
    with pytest.raises(CheckFailed):
        check(answers(lambda x, factors: returned))
    assert said in repr(shown[0])


def test_exception_in_the_students_code_is_shown_with_its_line(beside_checks, shown):
    def broken(x, factors):
        return x[len(x)]

    with pytest.raises(CheckFailed) as raised:
        check(answers(broken))
    card = repr(shown[0])
    assert "Your code raised IndexError: index 2 is out of bounds" in card
    assert re.search(r"It happened in line \d+ of the cell: return x\[len\(x\)\]", card)
    assert raised.value._render_traceback_() == ["scale_rows: not right yet. The card above says what to look at."]


@pytest.mark.parametrize(
    ("skipped", "said"), [("factor = 2", "There is no factor yet: run the cell"), ("factors = 2", "not right yet")]
)
def test_a_name_of_a_cell_that_was_skipped_is_told(beside_checks, shown, tmp_path, monkeypatch, skipped, said):
    shutil.copy("checks.json", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": [skipped]}]}))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with pytest.raises(CheckFailed, match=said):
        check(answers(lambda x, factors: factor * x))  # noqa: F821
    assert "NameError: name 'factor' is not defined" in repr(shown[0])


def test_unwritten_answer_is_recognised(beside_checks, shown):
    def stub(x, factors):
        raise NotImplementedError

    with pytest.raises(CheckFailed):
        check(answers(stub))
    assert repr(shown[0]).startswith("○ scale_rows: not written yet")


@pytest.mark.parametrize("answer", [None, 3, "scale_rows", np.zeros(3)])
def test_something_else_than_a_function(beside_checks, answer):
    with pytest.raises(CheckFailed, match="wants the function itself"):
        check(answer)


def test_unknown_exercise(beside_checks):
    with pytest.raises(CheckFailed, match=r"no exercise called 'other'\. It has: scale_rows, half"):
        check(scale_rows, "other")


def test_missing_and_damaged_checks_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckFailed, match="open the notebook from the assignment's own folder"):
        check(scale_rows)
    (tmp_path / "checks.json").write_text('{"format": 1, "exerc')
    with pytest.raises(CheckFailed, match="damaged: fetch the assignment anew"):
        check(scale_rows)
    (tmp_path / "checks.json").write_text(json.dumps({"format": 99, "exercises": {}}))
    with pytest.raises(CheckFailed, match="format 99"):
        check(scale_rows)


def test_cards_escape_what_the_student_wrote(beside_checks, shown):
    def hostile(x, factors):
        raise ValueError("<script>alert(1)</script>")

    with pytest.raises(CheckFailed):
        check(answers(hostile))
    assert "<script>" not in shown[0]._repr_html_()


def test_large_arrays_are_cropped_around_the_first_wrong_element():
    from visionlab.checks.cases import Call, Outcome
    from visionlab.checks.diagnosis import PreparedCase, Verdict, judge

    expected = np.zeros((2, 30, 40))
    got = expected.copy()
    got[1, 20, 33] = 7
    case = PreparedCase("c", "a large image", None, 0, Outcome({"out": expected}), {})
    failure = judge(case, Outcome({"out": got}, calls=[Call({"x": np.zeros((30, 40))})]))
    verdict = Verdict("f", [("a large image", False)], [failure], [])
    assert "out[1], yours, from row 16, column 29" in text(verdict)
    assert html(verdict).count('class="vl-off"') == 2


def test_arrays_within_arguments_are_drawn_too():
    from visionlab.checks.cases import Call, Outcome
    from visionlab.checks.diagnosis import PreparedCase, Verdict, judge

    call = Call({"dout": np.ones((1, 2)), "cache": (np.full((1, 3), 7.0), 0.5)})
    case = PreparedCase("c", "a cache", None, 0, Outcome({"dx": np.zeros(3)}), {})
    failure = judge(case, Outcome({"dx": np.ones(3)}, calls=[call]))
    verdict = Verdict("f", [("a cache", False)], [failure], [])
    assert failure.size == 5
    assert "f(dout, cache)\n" in text(verdict)
    assert "cache[0], shape (1, 3)\n        7 7 7\n" in text(verdict)
    assert "cache[0], shape (1, 3)" in html(verdict)


def test_what_is_not_plain_data_is_shown_by_its_name():
    from visionlab.checks.card import call_text
    from visionlab.checks.cases import Recorder

    student = Recorder(lambda network, rate: None, ("network", "rate"))
    student(object(), 0.1)
    assert call_text("train", student.calls[0]) == "train(network, rate=0.1)"


def test_the_smallest_change_of_an_argument_is_told():
    from visionlab.checks.cases import Call, Outcome
    from visionlab.checks.diagnosis import PreparedCase, Verdict, judge

    x, after = np.array([0.25]), np.array([0.25 + 2**-50])
    case = PreparedCase("c", "one number", None, 0, Outcome(), {})
    failure = judge(case, Outcome(changed={"x": (x, after)}, calls=[Call({"x": x}, changed={"x": (x, after)})]))
    assert failure.kind == "changed"
    assert "before the call" in text(Verdict("f", [("one number", False)], [failure], []))


class Pair:
    """An answer that is a class, in the course of being written."""

    def __init__(self, one, other):
        self.one, self.other = one, other

    def total(self):
        return self.one - self.other

    def product(self):
        raise NotImplementedError


class RightPair(Pair):
    """What it should become."""

    def total(self):
        return self.one + self.other

    def product(self):
        return self.one * self.other


def total_of_pair(make, rng):
    """the sum of 3 and 2"""
    return {"total": make(3, 2).total()}


def product_of_pair(make, rng):
    """the product of 3 and 2"""
    return {"product": make(3, 2).product()}


def examined(answer, right, wrong, observers, explanations):
    """The verdict on an answer, with the outcomes of the right one and of known mistakes."""
    from visionlab.checks.cases import Recorder, run_case
    from visionlab.checks.diagnosis import PreparedCase, examine

    cases = []
    for observe in observers:
        outcomes = {name: run_case(observe, Recorder(bug), 0) for name, bug in wrong.items()}
        expected = run_case(observe, Recorder(right), 0)
        cases.append(PreparedCase(observe.__name__, observe.__doc__, observe, 0, expected, outcomes))
    return examine(right.__name__, cases, lambda: Recorder(answer), explanations)


def test_what_is_not_written_yet_waits_for_what_is_wrong():
    class Subtracted(RightPair):
        total = Pair.total

    known, told = {"subtracted": Subtracted}, {"subtracted": "You subtract."}
    verdict = examined(Pair, RightPair, known, [product_of_pair, total_of_pair], told)
    assert verdict.diagnosis == ["subtracted"]
    assert verdict.certain
    assert "total should be 5, and yours is 1." in text(verdict)

    class Half(Pair):
        total = RightPair.total

    verdict = examined(Half, RightPair, known, [product_of_pair, total_of_pair], told)
    assert text(verdict).startswith("○ RightPair: 1 of 2 checks pass, the rest is not written yet")
    assert "The first check that waits: the product of 3 and 2." in text(verdict)
    assert "✓ the sum of 3 and 2" in html(verdict)


def test_an_error_of_the_same_kind_is_no_diagnosis_where_values_contradict_it():
    def apply(matrix_first):
        def function(rows):
            x = np.ones((rows, 2))
            return matrix_first(x)

        function.__name__ = "apply"
        return function

    def tall(call, rng):
        """three rows"""
        return {"out": call(3)}

    def taller(call, rng):
        """four rows"""
        return {"out": call(4)}

    def square(call, rng):
        """two rows"""
        return {"out": call(2)}

    w = np.array([[1.0, 2.0], [3.0, 4.0]])
    wrong = {"turned": apply(lambda x: (w.T @ x).T)}
    right = apply(lambda x: x @ w)
    verdict = examined(apply(lambda x: w @ x + 7), right, wrong, [tall, taller, square], {"turned": "Turned over."})
    assert verdict.failures[0].kind == "raised"
    assert verdict.diagnosis == []
    verdict = examined(apply(lambda x: (w.T @ x).T), right, wrong, [tall, taller, square], {"turned": "Turned over."})
    assert verdict.diagnosis == ["turned"]
