"""Grading one submission: student code in one process, tests in another, a record as the result."""

import ast
import contextlib
import hashlib
import io
import math
import time
from dataclasses import dataclass, field

import nbformat

from autograder.notebook import is_graded, is_solution, names_used, python_source
from autograder.package import environment_digest
from autograder.record import CellResult, Record
from autograder.student_process import CannotStart, Deadline, Proxy, ProxyRecorder, StudentGone
from autograder.submission import Unreadable, parse_notebook, restore
from visionlab.checks import card
from visionlab.checks.cases import parameters_of
from visionlab.checks.diagnosis import examine
from visionlab.checks.handle import StudentError
from visionlab.checks.plain import describe

LIMIT_STATUSES = {
    "TimeLimit": ("timed out", "A cell took too long and was stopped; the others were graded."),
    "MemoryError": ("out of memory", "A cell needed too much memory; the others were graded."),
}
"""A limit that was hit stands in the record's status, though the rest was graded."""


STARVED, MOST_PATIENCE = 0.2, 8
"""A submission whose time ran out while it waited for a processor, this share of a cell's time, is tried once more,
with as much more time as the machine was slower, this many times at most."""


@dataclass(frozen=True)
class Settings:
    """How submissions are graded.

    Attributes
    ----------
    seed : int
        All cases of a batch are drawn from it, so that every student of the batch answers the same questions.
    rerun : bool
        Run the whole notebook, trainings included, without what was handed in beside it.
    """

    seed: int
    rerun: bool = False


@dataclass
class Graded:
    """What grading a submission yields.

    Attributes
    ----------
    record : Record
    notebooks : dict of str to NotebookNode
        The notebooks with the outputs of this run.
    waited_seconds : float
        Time that the student's processes waited for a processor.
    """

    record: Record
    notebooks: dict = field(default_factory=dict)
    waited_seconds: float = 0.0


def grade_submission(handed_in, package, settings, server):
    """Grade one submission. Never raises for what a student did.

    Each notebook is run in a process of its own. The record's status is the first that is not 'graded', if any.

    Parameters
    ----------
    handed_in : HandedIn
    package : Package
        The assignment.
    settings : Settings
    server : KernelServer
        Starts the student's processes.

    Returns
    -------
    Graded
    """
    started = time.perf_counter()
    limits = package.assignment.limits_of(settings.rerun)
    graded = _grade_once(handed_in, package, settings, server, limits)
    if _starved(graded, limits):
        slower = 1 + graded.waited_seconds / max(graded.record.cpu_seconds, 0.1)
        limits = limits.with_patience(min(2 * slower, MOST_PATIENCE))
        graded = _grade_once(handed_in, package, settings, server, limits)
        if _starved(graded, limits):
            graded.record.notes.append(
                "The grader's machine was busy with other things while time ran out: grade this again when it is not."
            )
    graded.record.seconds = round(time.perf_counter() - started, 2)
    return graded


def _starved(graded, limits):
    return graded.record.status == "timed out" and graded.waited_seconds > STARVED * limits.cell_seconds


def _grade_once(handed_in, package, settings, server, limits):
    graded = Graded(blank_record(handed_in, package, settings))
    notebooks = package.assignment.notebooks
    ends = [_grade_notebook(name, handed_in, package, settings, server, limits, graded) for name in notebooks]
    bad = [(name, *end) for name, end in zip(notebooks, ends, strict=True) if end[0] != "graded"]
    if bad:
        graded.record.status = bad[0][1]
        several = len(ends) > 1
        graded.record.reason = " ".join(f"{name}: {reason}" if several else reason for name, _, reason in bad)
    return graded


def _grade_notebook(name, handed_in, package, settings, server, limits, graded):
    """Grade one notebook of a submission; return its status and the reason for it."""
    if name in handed_in.problems:
        return handed_in.problems[name]
    own = package.assignment.notebooks[name]
    try:
        submission = restore(parse_notebook(handed_in.notebooks[name]), own)
        graded.record.notes += submission.notes
        run = NotebookRun(own, submission, graded.record, package, settings)
        files = {} if settings.rerun else handed_in.files
        with server.start(limits, files | package.beside) as process:
            graded.notebooks[name] = run.run(process)
        graded.record.cpu_seconds += process.usage.cpu_seconds
        graded.record.memory_bytes = max(graded.record.memory_bytes, process.usage.memory_bytes)
        graded.waited_seconds += process.usage.waited_seconds
    except Unreadable as problem:
        return "unreadable", f"The notebook could not be read: {problem}."
    except CannotStart:
        raise
    except Exception as problem:  # one submission never stops a batch; points earned before are in the record
        problem = f"{type(problem).__name__}: {problem}"
        return "died", f"The grader itself failed on this notebook ({problem}): report it."
    return run.status, run.reason


def grading_key(handed_in, package):
    """What a grading depends on, as one SHA-256: the submission, the assignment, and the code that grades."""
    return hashlib.sha256(f"{handed_in.digest} {package.digest} {environment_digest()}".encode()).hexdigest()


def blank_record(handed_in, package, settings):
    """The record of a submission before anything has been graded: no points anywhere."""
    return Record(
        handed_in.student,
        package.name,
        cells=[
            CellResult(name, cell.metadata.nbgrader.grade_id, float(cell.metadata.nbgrader.points))
            for name, notebook in package.assignment.notebooks.items()
            for cell in notebook.cells
            if is_graded(cell)
        ],
        notes=list(handed_in.notes),
        timestamp=handed_in.timestamp,
        seed=settings.seed,
        rerun=settings.rerun,
        key=grading_key(handed_in, package),
    )


@dataclass
class GradingCheck:
    """Takes the place of `visionlab.checks.check` in test cells: fresh draws of all cases, visible and hidden.

    Attributes
    ----------
    assignment : Assignment
    seed : int
    student : str
    verdicts : list of Verdict
        Of the calls in the current cell.
    """

    assignment: object
    seed: int
    student: str
    verdicts: list = field(default_factory=list)

    def __call__(self, answer, exercise=None):
        """Examine the student's answer and keep the verdict."""
        name = exercise or answer.__name__
        cases = self.assignment.draw(name, self.seed, self.student)
        parameters = parameters_of(self.assignment.references[name])
        explanations = self.assignment.explanations(name)
        self.verdicts.append(examine(name, cases, lambda: ProxyRecorder(answer, parameters), explanations))


class NotebookRun:
    """Runs one submitted notebook: the student's cells in the student's process, the tests here.

    Parameters
    ----------
    own : InstructorNotebook
    submission : Submission
        The student's version of it, restored.
    record : Record
        Its cells and notes are filled in.
    package : Package
    settings : Settings

    Attributes
    ----------
    status, reason : str
        How it ended, as in a record.
    """

    def __init__(self, own, submission, record, package, settings):
        self.own = own
        self.submission = submission
        self.record = record
        self.assignment = package.assignment
        self.blank_sources = package.blank_sources
        self.results = {cell.grade_id: cell for cell in record.cells if cell.notebook == own.name}
        self.left_out = set() if settings.rerun else own.left_out
        self.check = GradingCheck(package.assignment, settings.seed, record.student)
        self.tests = own.support() | {"check": self.check}
        self.status, self.reason = "graded", ""

    def run(self, process):
        """Run all cells with a `StudentProcess`; return the notebook with the outputs."""
        whole = Deadline(process.limits.notebook_seconds)
        gone = None
        for step in self.submission.steps:
            cell = step.cell
            result = self.results.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
            if is_graded(cell) and not step.graded:
                self.leave_to_a_person(cell, result)
            if cell.cell_type != "code":
                continue
            if cell.source.strip() in self.left_out:
                cell.outputs = [
                    nbformat.v4.new_output(
                        "stream", text="Left out when grading: no test needs what it trains or shows.\n"
                    )
                ]
                continue
            if gone:
                if step.graded:
                    result.message = f"Not run: {gone.message}"
                continue
            process.deadline = Deadline(min(process.limits.cell_seconds, whole.left))
            try:
                limit = self.grade_cell(step, result, process) if step.graded else self.run_cell(cell, process)
                if limit in LIMIT_STATUSES:
                    self.status, self.reason = LIMIT_STATUSES[limit]
            except StudentGone as end:
                gone = end
                self.status, self.reason = end.status, end.message
                if step.graded:
                    result.message = end.message
                else:
                    cell.outputs = [_error_output(end.status, end.message)]
        cells = [step.cell for step in self.submission.steps]
        return nbformat.v4.new_notebook(cells=cells, metadata=self.own.metadata)

    def leave_to_a_person(self, cell, result):
        """A free answer: no points yet, except none for one that was left as it was released."""
        blank = self.blank_sources[self.own.name, result.grade_id].strip()
        unanswered = is_solution(cell) and cell.source.strip() in ("", blank)
        result.points = 0.0 if unanswered else None
        result.message = "No answer." if unanswered else "To be graded by a person."

    def run_cell(self, cell, process):
        """Run a cell of the student's; return the kind of error that ended it, if any."""
        ran = process.run_cell(cell.source)
        cell.outputs = [output for output in map(_output, ran["outputs"]) if output]
        cell.execution_count = ran["count"]
        if ran["cut"]:
            note = "The notebook printed more than is kept; the rest was cut off."
            self.record.notes += [note] if note not in self.record.notes else []
        return ran["failed"].kind if ran["failed"] else None

    def grade_cell(self, step, result, process):
        """Run a test cell here, with the student's names as proxies, and score it; return the limit it hit, if any."""
        cell, graded = step.cell, step.graded
        self.check.verdicts = verdicts = []
        value, error, limits_hit = None, None, []
        printed = io.StringIO()
        try:
            for name in sorted(names_used(graded.source) & self.own.student_names):
                self.tests[name] = self.students(name, process)
            with contextlib.redirect_stdout(printed):
                value = _execute(graded.source, self.tests)
        except NameError as problem:
            error = f"{problem}: the cell that should define it is empty, or failed."
        except StudentError as problem:
            error = str(problem) if problem.kind != "TimeLimit" else problem.message
            limits_hit = [problem.kind]
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
        share = 0.0 if error else _share(value, verdicts, graded.points)
        result.points = round(share * graded.points, 2)
        result.extra = round(share * sum(self.assignment.exercises[v.exercise].extra for v in verdicts), 2)
        result.passed = share == 1.0
        result.exercises = [v.exercise for v in verdicts]
        result.shares = {name: share for verdict in verdicts for name, share in verdict.shares.items()}
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

    def students(self, name, process):
        """The student's object of this name."""
        self.tests.pop(name, None)
        found = process.get(name)
        if name in self.assignment.exercises and not isinstance(found, Proxy):
            raise StudentError("TypeError", message=f"{name} should be a function, and is {describe(found)}")
        return found


def _share(value, verdicts, most):
    """The share of a cell's points: that of its checks, or a number its last line gives as points, or all of them."""
    if verdicts:
        return sum(verdict.fraction for verdict in verdicts) / len(verdicts)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return min(max(float(value) / most, 0.0), 1.0) if most and not math.isnan(value) else 0.0
    return 1.0


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


def _execute(source, namespace):
    """Execute a test cell; return the value of its last expression, as a notebook would show it."""
    tree = ast.parse(python_source(source))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<test>", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "<test>", "eval"), namespace) if last else None
