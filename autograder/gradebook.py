"""Writing records into nbgrader's gradebook: the only place that does."""

import os
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.preprocessors import SaveCells
from sqlalchemy.exc import OperationalError, SAWarning
from traitlets.config import Config

from autograder.course import CourseError
from autograder.record import write_atomically

# nbgrader 0.9 creates submissions in an order that SQLAlchemy 2 remarks upon; the result is right.
warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")


LOCK_SECONDS = 60
"""How long to wait for a gradebook that another program has locked."""


def open_gradebook(course):
    """Open the course's gradebook, as a context manager."""
    # nbgrader starts alembic, which is installed beside this Python but may not be on the PATH.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])
    return patiently(course, lambda: Gradebook(course.nbgrader.db_url, course.nbgrader.course_id))


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
    """

    def __init__(self, course, assignment):
        self._course = course
        self._assignment = assignment

    def __enter__(self):
        name = self._assignment.name
        path = self._course.path("release", ".", name) / f"{name}.ipynb"
        self._gradebook = open_gradebook(self._course)
        self._patiently(lambda: self._gradebook.update_or_create_assignment(name))
        told = {"student": ".", "assignment": name, "notebook": name, "db_url": self._course.nbgrader.db_url}
        save = SaveCells(config=Config(self._course.config))
        self._patiently(lambda: save.preprocess(nbformat.read(path, as_version=4), {"nbgrader": told}))
        self._gradebook.db.expire_all()
        return self

    def __exit__(self, *_):
        self._gradebook.close()

    def write(self, graded):
        """Write one result: the graded notebook for formgrader, and the scores.

        A score given by a person stays; nbgrader marks such a cell for another look.
        """
        record = graded.record
        if graded.notebook is not None:
            folder = self._course.path("autograded", record.student, record.assignment)
            write_atomically(folder / f"{record.assignment}.ipynb", nbformat.writes(graded.notebook, version=4))
        self._patiently(lambda: self._write_scores(record))

    def _write_scores(self, record):
        gradebook = self._gradebook
        try:
            gradebook.find_student(record.student)
        except MissingEntry:
            gradebook.add_student(record.student)
        if record.status == "missing":
            return
        now = datetime.now(UTC).replace(tzinfo=None)
        try:
            gradebook.find_submission(record.assignment, record.student).timestamp = now
        except MissingEntry:
            gradebook.add_submission(record.assignment, record.student, timestamp=now)
        results = {cell.grade_id: cell for cell in record.cells}
        notebook = gradebook.find_submission_notebook(record.assignment, record.assignment, record.student)
        for grade in notebook.grades:
            cell = results[grade.name]
            grade.auto_score = cell.points
            grade.needs_manual_grade = cell.points is None or grade.manual_score is not None
        gradebook.db.commit()

    def _patiently(self, change):
        return patiently(self._course, change, self._gradebook.db.rollback)


def manual_grades(course, assignment, student):
    """What people have given: grade_id -> (score, comment), for cells that have either."""
    given = {}
    with open_gradebook(course) as gradebook:
        try:
            notebook = gradebook.find_submission_notebook(assignment, assignment, student)
        except MissingEntry:
            return given
        comments = {comment.name: comment.comment for comment in notebook.comments}
        for grade in notebook.grades:
            if grade.manual_score is not None or comments.get(grade.name):
                given[grade.name] = (grade.manual_score, comments.get(grade.name))
    return given
