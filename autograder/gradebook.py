"""Writing records into nbgrader's gradebook: the only place that does."""

import warnings
from datetime import UTC, datetime

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import SaveCells
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder.record import write_atomically

# nbgrader 0.9 creates submissions in an order that SQLAlchemy 2 remarks upon; the result is right.
warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")


def register(course, assignment):
    """Make sure that the gradebook knows an assignment and its graded cells, as released."""
    path = course.path("release", ".", assignment.name) / f"{assignment.name}.ipynb"
    with Gradebook(course.nbgrader.db_url, course.nbgrader.course_id) as gradebook:
        gradebook.update_or_create_assignment(assignment.name)
    resources = {
        "nbgrader": {
            "student": ".",
            "assignment": assignment.name,
            "notebook": assignment.name,
            "db_url": course.nbgrader.db_url,
        }
    }
    SaveCells(config=Config(course.config)).preprocess(nbformat.read(path, as_version=4), resources)


def students(course):
    """The ids of the students that the gradebook knows, sorted."""
    with Gradebook(course.nbgrader.db_url, course.nbgrader.course_id) as gradebook:
        return sorted(student.id for student in gradebook.students)


def write(course, graded):
    """Write one graded submission: the autograded notebook for formgrader, and the scores.

    A score given by a person stays; nbgrader marks such a cell for another look.

    Parameters
    ----------
    course : Course
    graded : Graded
    """
    record = graded.record
    if graded.notebook is not None:
        path = course.path("autograded", record.student, record.assignment) / f"{record.assignment}.ipynb"
        write_atomically(path, nbformat.writes(graded.notebook, version=4))
    with Gradebook(course.nbgrader.db_url, course.nbgrader.course_id) as gradebook:
        gradebook.update_or_create_student(record.student)
        if record.status == "missing":
            return
        gradebook.update_or_create_submission(
            record.assignment, record.student, timestamp=datetime.now(UTC).replace(tzinfo=None)
        )
        for cell in record.cells:
            grade = gradebook.find_grade(cell.grade_id, record.assignment, record.assignment, record.student)
            grade.auto_score = cell.points
            grade.needs_manual_grade = cell.points is None or grade.manual_score is not None
        gradebook.db.commit()


def manual_grades(course, assignment, student):
    """What people have given: grade_id -> (score, comment), for cells that have either."""
    given = {}
    with Gradebook(course.nbgrader.db_url, course.nbgrader.course_id) as gradebook:
        try:
            notebook = gradebook.find_submission_notebook(assignment, assignment, student)
        except MissingEntry:
            return given
        comments = {comment.name: comment.comment for comment in notebook.comments}
        for grade in notebook.grades:
            if grade.manual_score is not None or comments.get(grade.name):
                given[grade.name] = (grade.manual_score, comments.get(grade.name))
    return given
