"""Proving the tests of an assignment: right answers pass, and every known mistake is caught and named."""

import time
from dataclasses import dataclass, field

import numpy as np

from visionlab.checks import card
from visionlab.checks.cases import Recorder, parameters_of
from visionlab.checks.diagnosis import examine

HIDDEN_DRAWS = 20
"""Fresh draws of every case that right answers must pass, and among which every bug must fail."""


@dataclass
class BugProof:
    """What became of one bug: which cases caught it, and what the student would be told.

    Attributes
    ----------
    name : str
    caught : str
        'visible', 'hidden' or ''.
    diagnosed : bool
        Whether it is told by its own name.
    message : str
        The card the student would see, as text.
    """

    name: str
    caught: str
    diagnosed: bool
    message: str


@dataclass
class ExerciseProof:
    """All that `verify` found out about one exercise.

    Attributes
    ----------
    exercise : str
    problems : list of str
        Empty if the exercise is proven.
    bugs : list of BugProof
    correct : int
        Right answers in other styles that passed.
    seconds : float
    """

    exercise: str
    problems: list = field(default_factory=list)
    bugs: list = field(default_factory=list)
    correct: int = 0
    seconds: float = 0.0

    @property
    def counts(self):
        """Bugs; caught by a visible case, by hidden ones, told by their names; right answers with the solution."""
        caught = [bug.caught for bug in self.bugs]
        named = sum(bug.diagnosed for bug in self.bugs)
        return len(caught), caught.count("visible"), caught.count("hidden"), named, self.correct + 1


def verify(assignment):
    """Prove each exercise of an assignment.

    Parameters
    ----------
    assignment : Assignment

    Yields
    ------
    ExerciseProof
    """
    for exercise in assignment.exercises.values():
        started = time.perf_counter()
        proof = ExerciseProof(exercise.name)
        _check_points(assignment, exercise, proof)
        visible = assignment.prepare(exercise.name, exercise.visible, [case.seed for case in exercise.visible])
        draws = [_draw(assignment, exercise, number, named=False) for number in range(HIDDEN_DRAWS)]
        _check_right_answers(assignment, exercise, [visible, *draws], proof)
        _check_stub(assignment, exercise, [visible, draws[0]], proof)
        with np.errstate(all="ignore"):  # that a known mistake divides by zero is no news
            proof.bugs += [_prove_bug(assignment, exercise, bug, visible, draws, proof) for bug in exercise.bugs]
        proof.seconds = time.perf_counter() - started
        yield proof


def _draw(assignment, exercise, number, named):
    """A fresh draw of all cases. To run all bugs on it takes long, and is needed only where one is to be named."""
    seeds = [1000 * number + i for i, _ in enumerate(exercise.cases)]
    return assignment.prepare(exercise.name, exercise.cases, seeds, named)


def judge(assignment, exercise, answer, cases):
    """Examine an object as the student's answer to an exercise; return the `Verdict`."""
    parameters = parameters_of(assignment.references[exercise.name])
    explanations = assignment.explanations(exercise.name)
    with assignment.own_files():
        return examine(exercise.name, cases, lambda: Recorder(answer, parameters), explanations)


def _check_points(assignment, exercise, proof):
    cells = assignment.notebook_of(exercise.name).graded_cells
    cells = [cell for cell in cells if f"check({exercise.name})" in cell.source]
    if len(cells) != 1:
        proof.problems.append(f"{len(cells)} graded cells call check({exercise.name}); it must be one")
    elif cells[0].points != exercise.points:
        proof.problems.append(f"the graded cell gives {cells[0].points:g} points, exercises.py {exercise.points:g}")


def _check_right_answers(assignment, exercise, case_sets, proof):
    answers = {"the solution": assignment.references[exercise.name]}
    answers |= {right.name: assignment.define(exercise.name, right.source) for right in exercise.correct}
    for name, answer in answers.items():
        failed = next((v for cases in case_sets if not (v := judge(assignment, exercise, answer, cases)).passed), None)
        if failed:
            proof.problems.append(f"a right answer fails: {name}\n{card.text(failed)}")
        elif name != "the solution":
            proof.correct += 1


def _check_stub(assignment, exercise, case_sets, proof):
    def stub(*_, **__):
        raise NotImplementedError

    for cases in case_sets:
        verdict = judge(assignment, exercise, stub, cases)
        passing = [title for title, good in verdict.titles if good]
        if passing:
            proof.problems.append(f"an unwritten answer passes {passing}")
        elif verdict.failures[0].kind != "unwritten":
            proof.problems.append("an unwritten answer is not recognised as such")


def _prove_bug(assignment, exercise, bug, visible, draws, proof):
    answer = assignment.bugs[exercise.name][bug.name]
    verdict = judge(assignment, exercise, answer, visible)
    caught = "visible"
    if verdict.passed:
        caught = "hidden"
        survived = sum(judge(assignment, exercise, answer, cases).passed for cases in draws)
        # A bug that only some draws catch would make a grade a matter of luck.
        if survived:
            proof.problems.append(f"bug {bug.name!r} survives {survived} of {HIDDEN_DRAWS} hidden draws")
            return BugProof(bug.name, "", False, card.text(verdict))
        verdict = judge(assignment, exercise, answer, _draw(assignment, exercise, 0, named=True))
    diagnosed = verdict.diagnosis[:1] == [bug.name] or bug.name in verdict.diagnosis
    if not diagnosed:
        told = verdict.diagnosis[0] if verdict.diagnosis else "nothing"
        proof.problems.append(f"bug {bug.name!r} is caught, but told as {told!r}")
    return BugProof(bug.name, caught, diagnosed, card.text(verdict))
