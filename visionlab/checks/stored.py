"""The file of compiled checks that stands beside a student's notebook.

It holds what is needed to check answers with no reference code on the machine: the source of the visible cases, their
seeds, the right outcomes, and the outcome and explanation of each known mistake. `autograder release` writes it.
"""

import json
from pathlib import Path

from visionlab.checks.cases import Outcome, Raised, StudentError
from visionlab.checks.compare import Tolerance
from visionlab.checks.diagnosis import PreparedCase
from visionlab.checks.plain import from_json, to_json

FILE_NAME = "checks.json"
FORMAT = 1


class ChecksUnavailable(Exception):
    """The checks file is missing, damaged, or does not know the exercise; the message says what to do."""


def outcome_to_json(outcome):
    """Write an `Outcome` (without its calls) as JSON data, leaving out what is empty."""
    data = {"returned": outcome.returned}
    if outcome.observations:
        data["observations"] = {
            name: {"raised": [value.kind, *value.bases]} if isinstance(value, Raised) else to_json(value)
            for name, value in outcome.observations.items()
        }
    if outcome.error:
        data["error"] = [outcome.error.kind, *outcome.error.bases]
    if outcome.unusable:
        data["unusable"] = outcome.unusable
    if outcome.changed:
        data["changed"] = sorted(outcome.changed)
    return data


def outcome_from_json(data):
    """Read what `outcome_to_json` wrote."""
    error = data.get("error")
    return Outcome(
        observations={
            name: Raised(value["raised"][0], tuple(value["raised"][1:]))
            if isinstance(value, dict) and "raised" in value
            else from_json(value)
            for name, value in data.get("observations", {}).items()
        },
        error=StudentError(error[0], error[1:]) if error else None,
        unusable=data.get("unusable", ""),
        returned=data["returned"],
        changed=dict.fromkeys(data.get("changed", ())),
    )


def case_to_json(case):
    """Write a `PreparedCase` as JSON data; its function is stored by name, its source with the exercise."""
    return {
        "name": case.name,
        "title": case.title,
        "seed": case.seed,
        "weight": case.weight,
        "tolerance": [case.tolerance.relative, case.tolerance.absolute],
        "expected": outcome_to_json(case.expected),
        "wrong": {name: outcome_to_json(outcome) for name, outcome in case.wrong.items()},
    }


class StoredExercise:
    """One exercise as a checks file holds it.

    Attributes
    ----------
    name : str
    parameters : list of str
        The reference's parameter names.
    cases : list of PreparedCase
    explanations : dict of str to str
    """

    def __init__(self, name, data):
        namespace = {"__name__": "visionlab.checks.compiled"}
        exec(compile(data["source"], f"<checks of {name}>", "exec"), namespace)
        self.name = name
        self.parameters = data["parameters"]
        self.explanations = data["bugs"]
        self.cases = [
            PreparedCase(
                name=case["name"],
                title=case["title"],
                observe=namespace[case["name"]],
                seed=case["seed"],
                weight=case["weight"],
                tolerance=Tolerance(*case["tolerance"]),
                expected=outcome_from_json(case["expected"]),
                wrong={bug: outcome_from_json(outcome) for bug, outcome in case["wrong"].items()},
            )
            for case in data["cases"]
        ]


def load_exercise(name, folder="."):
    """Load the compiled checks of one exercise from ``folder``.

    Raises
    ------
    ChecksUnavailable
        With what to do about it.
    """
    path = Path(folder) / FILE_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        exercises = data["exercises"]
        if data["format"] != FORMAT:
            raise ChecksUnavailable(
                f"{path} has format {data['format']}, and this version of visionlab reads format {FORMAT}: "
                "fetch the assignment and the course's packages anew."
            )
    except FileNotFoundError:
        raise ChecksUnavailable(
            f"There is no {FILE_NAME} in {path.parent.resolve()}: open the notebook from the assignment's own folder, "
            "with all the files that came with it."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ChecksUnavailable(f"{path} is damaged: fetch the assignment anew.") from None
    if name not in exercises:
        known = ", ".join(exercises)
        raise ChecksUnavailable(f"This assignment has no exercise called {name!r}. It has: {known}.")
    return StoredExercise(name, exercises[name])
