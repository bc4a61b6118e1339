"""Grading one submission: student code in one process, tests in another, a record as the result."""

import ast
import contextlib
import hashlib
import io
import math
import time
from dataclasses import dataclass, field

import nbformat
from nbgrader.utils import compute_checksum

from autograder.assignment import is_graded, names_used, python_source
from autograder.package import environment_digest
from autograder.record import CellResult, Record
from autograder.student_process import CannotStart, Deadline, Proxy, ProxyRecorder, StudentGone
from autograder.submission import Unreadable, parse_notebook, restore
from visionlab.checks import card
from visionlab.checks.cases import StudentError, parameters_of
from visionlab.checks.diagnosis import examine
from visionlab.checks.plain import describe

LIMIT_STATUSES = {
    "TimeLimit": ("timed out", "A cell took too long and was stopped; the others were graded."),
    "MemoryError": ("out of memory", "A cell needed too much memory; the others were graded."),
}
"""A limit that was hit stands in the record's status, though the rest was graded."""


@dataclass(frozen=True)
class Settings:
    """How submissions are graded.

    Attributes
    ----------
    seed : int
        All cases of a batch are drawn from it, so that every student of the batch answers the same questions.
    """

    seed: int


@dataclass
class Graded:
    """What grading a submission yields: the record, and the notebook with the outputs of this run."""

    record: Record
    notebook: nbformat.NotebookNode | None = None


def grade_submission(handed_in, package, settings, server):
    """Grade one submission. Never raises for what a student did.

    Parameters
    ----------
    handed_in : HandedIn
    package : Package
        The assignment.
    settings : Settings
    server : KernelServer
        Starts the student's process.

    Returns
    -------
    Graded
    """
    started = time.perf_counter()
    assignment = package.assignment
    record = blank_record(handed_in, package, settings)
    notebook = None
    if handed_in.problem:
        record.status, record.reason = handed_in.problem
    else:
        try:
            submission = restore(parse_notebook(handed_in.notebook), assignment)
            record.notes += submission.notes
            files = handed_in.files | package.released
            notebook = _run(submission, record, assignment, files, settings, server)
        except Unreadable as problem:
            record.status, record.reason = "unreadable", f"The notebook could not be read: {problem}."
        except CannotStart:
            raise
        except Exception as problem:  # one submission never stops a batch; points earned before are in the record
            record.status = "died"
            record.reason = (
                f"The grader itself failed on this notebook ({type(problem).__name__}: {problem}): report it."
            )
    record.seconds = round(time.perf_counter() - started, 2)
    return Graded(record, notebook)


def grading_key(handed_in, package):
    """What a grading depends on, as one SHA-256: the submission, the assignment, and the code that grades."""
    return hashlib.sha256(f"{handed_in.digest} {package.digest} {environment_digest()}".encode()).hexdigest()


def blank_record(handed_in, package, settings):
    """The record of a submission before anything has been graded: no points anywhere."""
    graded = [cell.metadata.nbgrader for cell in package.assignment.notebook.cells if is_graded(cell)]
    return Record(
        handed_in.student,
        package.name,
        cells=[CellResult(cell.grade_id, float(cell.points)) for cell in graded],
        notes=list(handed_in.notes),
        seed=settings.seed,
        key=grading_key(handed_in, package),
    )


@dataclass
class GradingCheck:
    """Takes the place of `visionlab.checks.check` in test cells: fresh draws of all cases, visible and hidden.

    Attributes
    ----------
    assignment : Assignment
    seed : int
    verdicts : list of Verdict
        Of the calls in the current cell.
    """

    assignment: object
    seed: int
    verdicts: list = field(default_factory=list)

    def __call__(self, answer, exercise=None):
        """Examine the student's answer and keep the verdict."""
        name = exercise or answer.__name__
        cases = self.assignment.draw(name, self.seed)
        parameters = parameters_of(self.assignment.references[name])
        explanations = self.assignment.explanations(name)
        self.verdicts.append(examine(name, cases, lambda: ProxyRecorder(answer, parameters), explanations))


def _run(submission, record, assignment, files, settings, server):
    """Run all cells, the student's in the student's process and the tests here; return the notebook with outputs."""
    limits = assignment.limits
    results = {cell.grade_id: cell for cell in record.cells}
    whole = Deadline(limits.notebook_seconds)
    check = GradingCheck(assignment, settings.seed)
    tests = {"__name__": "__main__"}
    for source in assignment.support_sources:
        exec(compile(python_source(source), f"<{assignment.name}>", "exec"), tests)
    tests["check"] = check
    gone = None
    with server.start(limits, files) as process:
        for step in submission.steps:
            cell = step.cell
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if cell.cell_type != "code":
                if is_graded(cell):
                    _leave_to_a_person(cell, assignment, results[grade_id])
                continue
            if gone:
                if step.graded:
                    results[grade_id].message = f"Not run: {gone.message}"
                continue
            process.deadline = Deadline(min(limits.cell_seconds, whole.left))
            try:
                if step.graded:
                    limit = _grade_cell(step, results[grade_id], process, check, tests, assignment)
                else:
                    limit = _run_cell(cell, process, record)
                if limit in LIMIT_STATUSES:
                    record.status, record.reason = LIMIT_STATUSES[limit]
            except StudentGone as end:
                gone = end
                record.status, record.reason = end.status, end.message
                if step.graded:
                    results[grade_id].message = end.message
                else:
                    cell.outputs = [_error_output(end.status, end.message)]
    return nbformat.v4.new_notebook(
        cells=[step.cell for step in submission.steps], metadata=assignment.notebook.metadata
    )


def _leave_to_a_person(cell, assignment, result):
    """A free-text answer: no points yet, except none for one that was left as it was released."""
    own = next(
        c for c in assignment.notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == result.grade_id
    )
    unanswered = compute_checksum(cell) == own.metadata.nbgrader.get("checksum") or not cell.source.strip()
    unanswered |= cell.source.strip() == "YOUR ANSWER HERE"
    result.points = 0.0 if unanswered else None
    result.message = "No answer." if unanswered else "To be graded by a person."


def _run_cell(cell, process, record):
    """Run a cell of the student's; return the kind of error that ended it, if any."""
    ran = process.run_cell(cell.source)
    cell.outputs = [output for output in map(_output, ran["outputs"]) if output]
    cell.execution_count = ran["count"]
    if ran["cut"]:
        note = "The notebook printed more than is kept; the rest was cut off."
        record.notes += [note] if note not in record.notes else []
    return ran["failed"].kind if ran["failed"] else None


def _output(item):
    """Take over one output from the student's process, if it is well-formed."""
    try:
        output = nbformat.from_dict(item)
        nbformat.validate(output, ref="output", version=4)
    except Exception:  # it is only shown: a broken one is left out
        return None
    return output


def _error_output(name, message):
    return nbformat.v4.new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"])


def _grade_cell(step, result, process, check, tests, assignment):
    """Run a test cell here, with the student's names as proxies, and score it; return the kind of limit it hit."""
    cell, graded = step.cell, step.graded
    check.verdicts = []
    value, error, limits_hit = None, None, []
    printed = io.StringIO()
    try:
        for name in sorted(names_used(graded.source) & assignment.student_names):
            tests.pop(name, None)
            tests[name] = process.get(name)
            if name in assignment.exercises and not isinstance(tests[name], Proxy):
                raise StudentError("TypeError", message=f"{name} should be a function, and is {describe(tests[name])}")
        with contextlib.redirect_stdout(printed):
            value = _execute(graded.source, tests)
    except NameError as problem:
        error = f"{problem}: the cell that should define it is empty, or failed."
    except StudentError as problem:
        error = str(problem) if problem.kind != "TimeLimit" else problem.message
        limits_hit = [problem.kind]
    except Exception as problem:
        error = f"{type(problem).__name__}: {problem}"
    verdicts = check.verdicts
    share = 0.0 if error else sum(v.fraction for v in verdicts) / len(verdicts) if verdicts else 1.0
    partial = isinstance(value, int | float) and not isinstance(value, bool) and not verdicts
    if partial and not error:
        share = min(max(float(value) / graded.points, 0.0), 1.0) if graded.points and not math.isnan(value) else 0.0
    result.points = round(share * graded.points, 2)
    result.passed = share == 1.0
    result.exercises = [v.exercise for v in verdicts]
    result.mistakes = [v.diagnosis[0] for v in verdicts if v.diagnosis]
    result.message = "\n".join([*map(card.text, verdicts), *([error] if error else [])]) or "All tests pass."
    result.html = "".join(map(card.html, verdicts))
    cell.outputs = [
        nbformat.v4.new_output("display_data", {"text/html": card.html(v), "text/plain": card.text(v)})
        for v in verdicts
    ]
    if printed.getvalue():
        cell.outputs.append(nbformat.v4.new_output("stream", text=printed.getvalue()))
    if error:
        cell.outputs.append(_error_output("Not passed", error))
    limits_hit += [failure.error.kind for verdict in verdicts for failure in verdict.failures if failure.error]
    return next((kind for kind in limits_hit if kind in LIMIT_STATUSES), None)


def _execute(source, namespace):
    """Execute a test cell; return the value of its last expression, as a notebook would show it."""
    tree = ast.parse(python_source(source))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<test>", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "<test>", "eval"), namespace) if last else None
