"""From the outcomes of an exercise's cases to a verdict that names the mistake.

Each known bug of an exercise comes with the outcome it leads to on each case. If what the student's code did agrees
with one bug's outcomes on *every* case, that bug is the diagnosis; if it agrees on the failure that the student is
shown, and on most of the others, it is offered as a likely one: there may be a second mistake beside it.
"""

from dataclasses import dataclass, field
from itertools import compress

from visionlab.checks.cases import Call, Outcome, run_case
from visionlab.checks.compare import Difference, Tolerance, difference
from visionlab.checks.handle import StudentError

EXACTLY = Tolerance(0.0, 0.0)


@dataclass
class PreparedCase:
    """A case together with what is known of it before the student's code has run.

    Attributes
    ----------
    name, title : str
        The case's own name, and what it tries, in words.
    observe : callable
        ``observe(student, rng) -> dict``.
    seed : int
    expected : Outcome
        What the reference does.
    wrong : dict of str to Outcome
        What each known bug does, for the bugs that differ from the reference on this case.
    tolerance : Tolerance
    weight : float
        Share of the exercise's points.
    """

    name: str
    title: str
    observe: object
    seed: int
    expected: Outcome
    wrong: dict
    tolerance: Tolerance = field(default_factory=Tolerance)
    weight: float = 1.0


@dataclass
class Failure:
    """Why one case failed.

    Attributes
    ----------
    case : PreparedCase
    kind : str
        'unwritten', 'raised', 'slow', 'unusable', 'changed', or a `Difference`'s kind.
    message : str
        What is wrong, one or two sentences to the student.
    observation : str
        Name of the first wrong observation, '' if there is none.
    call : Call or None
        The call to show.
    difference : Difference or None
    expected, got : plain data
        The two values to draw side by side, where there are two.
    error : StudentError or None
        The exception, if the student's code raised one.
    """

    case: PreparedCase
    kind: str
    message: str
    observation: str = ""
    call: Call | None = None
    difference: Difference | None = None
    expected: object = None
    got: object = None
    error: StudentError | None = None

    @property
    def size(self):
        """How much a reader has to look at: failures that concern a call come before those that show none."""
        return self.call.size if self.call else 10**9


@dataclass
class Verdict:
    """The result of checking one exercise.

    Attributes
    ----------
    exercise : str
    titles : list of (str, bool)
        Each case's title and whether it passed.
    failures : list of Failure
        Smallest failing input first; what is not written yet comes last.
    diagnosis : list of str
        Names of the known bugs that explain the failures (several only if their outcomes coincide).
    explanation : str
        What that bug is, written to the student.
    certain : bool
        True if the bug explains the outcome of every case, passed or failed, that a written part of the answer met.
    fraction : float
        Weighted share of the cases that passed, 0 to 1.
    shares : dict of str to float
        What the cases tell beside that: shares of something that went right, 0 to 1.
    """

    exercise: str
    titles: list
    failures: list
    diagnosis: list
    explanation: str = ""
    certain: bool = False
    fraction: float = 0.0
    shares: dict = field(default_factory=dict)

    @property
    def passed(self):
        """Whether every case passed."""
        return not self.failures


def examine(exercise, cases, make_recorder, explanations):
    """Run every case on the student's object and judge it.

    Parameters
    ----------
    exercise : str
        The exercise's name.
    cases : sequence of PreparedCase
    make_recorder : callable
        ``make_recorder() -> Recorder``, a fresh one around the student's object for each case.
    explanations : dict of str to str
        Known bugs: name to explanation.

    Returns
    -------
    Verdict
    """
    outcomes = [run_case(case.observe, make_recorder(), case.seed) for case in cases]
    judged = [judge(case, seen) for case, seen in zip(cases, outcomes, strict=True)]
    # What is still to be written (some methods of a class) waits until what is there is right.
    failures = sorted((f for f in judged if f), key=lambda failure: (failure.kind == "unwritten", failure.size))
    verdict = Verdict(
        exercise,
        titles=[(case.title, failure is None) for case, failure in zip(cases, judged, strict=True)],
        failures=failures,
        diagnosis=[],
        fraction=sum(c.weight for c, f in zip(cases, judged, strict=True) if not f)
        / (sum(c.weight for c in cases) or 1),
        shares={name: share for seen in outcomes for name, share in seen.shares.items()},
    )
    if failures and failures[0].kind != "unwritten":
        written = [not failure or failure.kind != "unwritten" for failure in judged]
        verdict.diagnosis, verdict.certain = diagnose(
            list(compress(cases, written)), list(compress(outcomes, written)), failures
        )
        if verdict.diagnosis:
            verdict.explanation = explanations[verdict.diagnosis[0]]
    return verdict


def judge(case, seen):
    """Compare what a case saw with what it should have seen; return a `Failure`, or None if they agree."""
    last = seen.calls[-1] if seen.calls else None
    if seen.error:
        if seen.error.kind == "NotImplementedError":
            message = "There is no answer yet: the code still raises NotImplementedError."
            return Failure(case, "unwritten", message, call=last)
        if seen.error.kind == "TimeLimit":
            return Failure(case, "slow", seen.error.message, call=last, error=seen.error)
        return Failure(case, "raised", f"Your code raised {seen.error}", call=last, error=seen.error)
    for name, (before, after) in seen.changed.items():
        if name not in case.expected.changed:
            message = f"Your code changed its argument {name} in place; whoever called it still needs the old values."
            return Failure(case, "changed", message, name, last, difference(before, after, EXACTLY), before, after)
    if seen.unusable:
        message = f"Your code returned {seen.unusable}; it should return {case.expected.returned}."
        if seen.unusable == case.expected.returned:  # its kind is right, and something within it is not
            message = f"Your code returned {seen.unusable}, and the check couldn't go on with what it got from it."
        return Failure(case, "unusable", message, call=last)
    for name, expected in case.expected.observations.items():
        got = seen.observations.get(name)
        if found := difference(expected, got, case.tolerance, name):
            call = seen.sources.get(name) or (last if len(seen.calls) == 1 else None)
            return Failure(case, found.kind, found.message, name, call, found, expected, got)
    return None


def diagnose(cases, outcomes, failures):
    """Find the known bugs that explain the failures.

    Returns
    -------
    names : list of str
        Bugs that explain equally much, best first; [] if none fits.
    certain : bool
        True if they explain the outcome of every case.
    """
    shown = failures[0]
    pairs = list(zip(cases, outcomes, strict=True))
    names = dict.fromkeys(name for case in cases for name in case.wrong)
    exact = [name for name in names if all(same_outcome(_by(name, c), seen, c.tolerance) for c, seen in pairs)]
    if exact:
        return exact, True
    likely = []
    for name in names:
        facts = [fact for case, seen in pairs for fact in _failed_facts(case, seen, _by(name, case))]
        explained = sum(agrees for _, _, _, agrees in facts)
        told = any(case is shown.case and fact == shown.observation and agrees for case, fact, _, agrees in facts)
        # That both raise a ValueError says little: of wrong values, where there are some, it must explain one too.
        values = [agrees for _, _, kind, agrees in facts if kind == "value"]
        if told and 2 * explained > len(facts) and (any(values) or not values):
            likely.append((explained, name))
    best = max((explained for explained, _ in likely), default=0)
    return [name for explained, name in likely if explained == best], False


def _by(name, case):
    return case.wrong.get(name, case.expected)


def _failed_facts(case, seen, bug):
    """Each thing that is wrong in an outcome: the case, the observation, 'error' or 'value', whether the bug agrees."""
    if seen.error or seen.unusable or seen.changed:
        if judge(case, seen):
            name = next(iter(seen.changed), "") if not seen.error else ""
            yield case, name, "error" if seen.error else "value", same_outcome(bug, seen, case.tolerance)
        return
    for name, expected in case.expected.observations.items():
        got = seen.observations.get(name)
        if difference(expected, got, case.tolerance):
            agrees = name in bug.observations and not difference(bug.observations[name], got, case.tolerance)
            yield case, name, "value", agrees


def same_outcome(one, other, tolerance):
    """Whether two outcomes of the same case are alike: same error, same arguments changed, same observations."""
    if one.error or other.error:
        return bool(one.error and other.error) and one.error.kind == other.error.kind
    if set(one.changed) != set(other.changed) or bool(one.unusable) != bool(other.unusable):
        return False
    if one.unusable:
        return one.unusable == other.unusable
    return set(one.observations) == set(other.observations) and all(
        difference(value, other.observations[name], tolerance) is None for name, value in one.observations.items()
    )
