"""`check(your_function)`: compare an answer with the right one and be told which mistake was made."""

import re

from IPython.display import display

from visionlab.checks import card
from visionlab.checks.cases import Recorder, outcome
from visionlab.checks.diagnosis import examine
from visionlab.checks.plain import describe
from visionlab.checks.stored import ChecksUnavailable, load_exercise
from visionlab.skipped_cells import advice

__all__ = ["CheckFailed", "ChecksUnavailable", "check", "outcome"]


class CheckFailed(AssertionError):
    """An answer is not right yet. In a notebook the card above it says why; a traceback would only hide that."""

    def _render_traceback_(self):  # IPython asks an exception for this
        return [str(self)]


class Card:
    """A verdict as IPython displays it: an HTML card in a browser, plain text elsewhere."""

    def __init__(self, verdict):
        self._verdict = verdict

    def _repr_html_(self):
        return card.html(self._verdict)

    def __repr__(self):
        return card.text(self._verdict)


def check(answer, exercise=None):
    """Check your answer to an exercise, and say what is wrong with it.

    Parameters
    ----------
    answer : callable
        Your function or class.
    exercise : str, optional
        The exercise's name; by default the name under which you defined your function.

    Raises
    ------
    CheckFailed
        If a check fails, after showing which one, on which input, and the likely mistake.
    ChecksUnavailable
        If the file of checks that belongs to the assignment cannot be found or read.
    """
    name = exercise or getattr(answer, "__name__", None)
    if name is None or not callable(answer):
        raise CheckFailed(
            f"check() wants the function itself, and got {describe(answer)}. "
            "Write check(my_function): without calling it, and without quotes."
        )
    try:
        stored = load_exercise(name)
    except ChecksUnavailable as problem:
        raise CheckFailed(str(problem)) from None
    verdict = examine(name, stored.cases, lambda: Recorder(answer, stored.parameters), stored.explanations)
    display(Card(verdict))
    if not verdict.passed:
        to_run = _cell_to_run(verdict)
        raise CheckFailed(to_run or f"{name}: not right yet. The card above says what to look at.")


def _cell_to_run(verdict):
    """What to run first, if the answer needs a name of a cell that was skipped; else ''."""
    error = verdict.failures[0].error
    missing = re.match(r"name '(\w+)' is not defined", error.message) if error and error.kind == "NameError" else None
    return advice(missing[1]) if missing else ""
