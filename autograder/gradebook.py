"""Writing records into nbgrader's gradebook: the only place that does."""

import logging
import os
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties, SaveCells
from nbgrader.utils import parse_utc
from sqlalchemy.exc import OperationalError, SAWarning
from traitlets.config import Config

from autograder.course import CourseError
from autograder.record import write_atomically

# nbgrader 0.9 creates submissions in an order that SQLAlchemy 2 remarks upon; the result is right.
warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")


KEEP_CELLS = (
    "nbgrader keeps points by cell, and cannot add or take away cells that somebody has been graded on: put the cells "
    "back, or give the changed assignment a name of its own."
)

_quiet = logging.getLogger("autograder.gradebook")  # nbgrader tells each step it takes
_quiet.setLevel(logging.CRITICAL)

LOCK_SECONDS = 60
"""How long to wait for a gradebook that another program has locked."""


def open_gradebook(course):
    """Open the course's gradebook, as a context manager."""
    # nbgrader starts alembic, which is installed beside this Python but may not be on the PATH.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])
    # PostgreSQL insists that assignments belong to a course; without an id of its own it is nbgrader's default one.
    course_id = course.nbgrader.course_id or "default_course"
    return patiently(course, lambda: Gradebook(course.nbgrader.db_url, course_id))


def patiently(course, action, recover=lambda: None):
    """Do something with the gradebook; wait while another program has it locked.

    Parameters
    ----------
    course : Course
    action : callable
        What to do; its result is returned.
    recover : callable
        Called before each further try.

    Raises
    ------
    CourseError
        If it stays locked for `LOCK_SECONDS`.
    """
    give_up = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return action()
        except (OperationalError, InvalidEntry) as problem:
            if "locked" not in str(problem):
                raise
        if time.monotonic() > give_up:
            raise CourseError(
                f"The gradebook {course.nbgrader.db_url} is locked by another program. What has been graded so far is "
                "kept: close that program and run the same command again."
            )
        recover()
        time.sleep(0.2)


def students(course):
    """The ids of the students that the gradebook knows, sorted."""
    with open_gradebook(course) as gradebook:
        return sorted(student.id for student in gradebook.students)


class GradebookWriter:
    """Writes results into the gradebook, one transaction each. There is one writer a course.

    Parameters
    ----------
    course : Course
    assignment : Assignment
        Made known to the gradebook, with its graded cells as released, when the writer is entered.

    Raises
    ------
    CourseError
        If the gradebook has submissions of an assignment with other graded cells.
    """

    def __init__(self, course, assignment):
        self._course = course
        self._assignment = assignment
        self._penalties = AssignLatePenalties(config=Config(course.config), log=_quiet)
        self._penalties.init_plugin()

    def __enter__(self):
        name = self._assignment.name
        self._gradebook = open_gradebook(self._course)
        self._patiently(lambda: self._gradebook.update_or_create_assignment(name))
        known = self._gradebook.find_assignment(name)
        if known.submissions and {notebook.name for notebook in known.notebooks} != set(self._assignment.notebooks):
            self._gradebook.close()
            raise CourseError(f"{name} has other notebooks than when its first submissions were graded. {KEEP_CELLS}")
        save = SaveCells(config=Config(self._course.config), log=_quiet)
        for notebook in self._assignment.notebooks:
            told = {"student": ".", "assignment": name, "notebook": notebook, "db_url": self._course.nbgrader.db_url}
            released = nbformat.read(self._course.path("release", ".", name) / f"{notebook}.ipynb", as_version=4)
            try:
                self._patiently(lambda n=released, told=told: save.preprocess(n, {"nbgrader": told}))
            except RuntimeError:
                self._gradebook.close()
                raise CourseError(
                    f"{name} has other graded cells than when its first submissions were graded. {KEEP_CELLS}"
                ) from None
        self._gradebook.db.expire_all()
        return self

    def __exit__(self, *_):
        self._gradebook.close()

    def write(self, graded, earlier=None):
        """Write one result: the graded notebooks for formgrader, and the scores.

        A score or extra credit given by a person stays; nbgrader marks such a score for another look.

        Parameters
        ----------
        graded : Graded
        earlier : Record, optional
            That of the last grading: it tells the extra credit that tests have given from a person's.
        """
        record = graded.record
        folder = self._course.path("autograded", record.student, record.assignment)
        for name, notebook in graded.notebooks.items():
            write_atomically(folder / f"{name}.ipynb", nbformat.writes(notebook, version=4))
        self._patiently(lambda: self._write_scores(record, earlier))

    def _write_scores(self, record, earlier):
        gradebook = self._gradebook
        try:
            gradebook.find_student(record.student)
        except MissingEntry:
            gradebook.add_student(record.student)
        if record.status == "missing" and not record.was_read:
            return
        timestamp = submission_time(record)
        try:
            submission = gradebook.find_submission(record.assignment, record.student)
        except MissingEntry:
            submission = gradebook.add_submission(record.assignment, record.student)
        submission.timestamp = timestamp
        results = {(cell.notebook, cell.grade_id): cell for cell in record.cells}
        before = {(cell.notebook, cell.grade_id): cell.extra for cell in earlier.cells} if earlier else {}
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                cell = results[notebook.name, grade.name]
                grade.auto_score = cell.points
                if (grade.extra_credit or 0.0) == before.get((notebook.name, grade.name), 0.0):
                    grade.extra_credit = cell.extra
                grade.needs_manual_grade = cell.points is None or grade.manual_score is not None
        gradebook.db.flush()
        gradebook.db.expire(submission)
        self._assess_lateness(submission)
        gradebook.db.commit()

    def assess_lateness(self):
        """Set the late penalties of all submissions anew: due dates, extensions and scores may have changed."""

        def assess():
            for submission in self._gradebook.find_assignment(self._assignment.name).submissions:
                self._assess_lateness(submission)
            self._gradebook.db.commit()

        self._patiently(assess)

    def _assess_lateness(self, submission):
        late = submission.total_seconds_late
        for notebook in submission.notebooks:
            self._gradebook.db.refresh(notebook)
            penalty = None
            if late > 0:
                plugin = self._penalties.plugin_inst
                penalty = plugin.late_submission_penalty(submission.student.id, notebook.score, late)
            notebook.late_submission_penalty = None if penalty is None else min(max(penalty, 0.0), notebook.score)

    def _patiently(self, change):
        return patiently(self._course, change, self._gradebook.db.rollback)


def submission_time(record):
    """When a record's submission was handed in, as a datetime in UTC without a zone; None if that is not known."""
    try:
        return parse_utc(record.timestamp) if record.timestamp else None
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class Score:
    """What the gradebook says of one submission, people's grades included.

    Attributes
    ----------
    points : float
        All points: those of people in place of automatic ones, extra credit added, the late penalty taken off.
    penalty : float
        For lateness.
    cells : dict of (str, str) to (float or None, float, str or None)
        By notebook and ``grade_id``: points given by a person, extra credit, comment.
    """

    points: float
    penalty: float
    cells: dict


def scores(course, assignment):
    """All scores of an assignment, as a dict of student to `Score`."""
    found = {}
    with open_gradebook(course) as gradebook:
        try:
            submissions = gradebook.assignment_submissions(assignment)
        except MissingEntry:
            return found
        for submission in submissions:
            cells = {}
            for notebook in submission.notebooks:
                comments = {comment.name: comment.comment for comment in notebook.comments}
                for grade in notebook.grades:
                    extra = grade.extra_credit or 0.0
                    cells[notebook.name, grade.name] = (grade.manual_score, extra, comments.get(grade.name))
            penalty = submission.late_submission_penalty or 0.0
            found[submission.student.id] = Score(max(0.0, submission.score - penalty), penalty, cells)
    return found


def final_points(course, assignment, records):
    """Points of each student with a record, as the gradebook has them (see `Score`)."""
    given = scores(course, assignment)
    return {r.student: given[r.student].points if r.student in given else r.points for r in records}
