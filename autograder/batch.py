"""Grading all submissions of an assignment, and keeping their records."""

from autograder import gradebook
from autograder.grading import Graded, grade_submission
from autograder.record import Record


def record_path(course, assignment, student):
    """Where the record of a submission is kept."""
    return course.root / "records" / assignment / f"{student}.json"


def load_records(course, assignment):
    """Load the records of an assignment, sorted by student."""
    return [Record.load(path) for path in sorted((course.root / "records" / assignment).glob("*.json"))]


def submitters(course, assignment):
    """Students to grade: those who have handed in anything, and those whom the gradebook knows."""
    pattern = course.path("submitted", "*", assignment).parent
    handed_in = {path.name for path in pattern.parent.glob("*") if path.is_dir()}
    return sorted(handed_in | set(gradebook.students(course)))


def grade_batch(course, assignment, students, settings, server):
    """Grade submissions one after the other, writing each result as soon as it is there.

    Parameters
    ----------
    course : Course
    assignment : Assignment
    students : sequence of str
    settings : Settings
    server : KernelServer

    Yields
    ------
    Record
        One a student, in order.
    """
    gradebook.register(course, assignment)
    released = course.path("release", ".", assignment.name)
    for student in students:
        folder = course.path("submitted", student, assignment.name)
        graded: Graded = grade_submission(folder, student, assignment, released, settings, server)
        gradebook.write(course, graded)
        graded.record.save(record_path(course, assignment.name, student))
        yield graded.record
