"""Grading all submissions of an assignment: what need not be graded again, who grades, and who writes."""

import contextlib
import fcntl
import os

from autograder.course import CourseError
from autograder.gradebook import GradebookWriter, students
from autograder.grading import grading_key
from autograder.record import Record
from autograder.submission import collect


def record_path(course, assignment, student):
    """Where the record of a submission is kept."""
    return course.root / "records" / assignment / f"{student}.json"


def load_records(course, assignment):
    """Load the records of an assignment, sorted by student.

    Raises
    ------
    CourseError
        If one is damaged, or of another version of the grader.
    """
    records = []
    for path in sorted((course.root / "records" / assignment).glob("*.json")):
        try:
            records.append(Record.load(path))
        except (ValueError, TypeError, KeyError):
            raise CourseError(
                f"{path.relative_to(course.root)} is damaged, or was written by another version of the grader. Run: "
                f"autograder grade {assignment} {path.stem}"
            ) from None
    return records


def submitters(course, assignment):
    """Students to grade: those who have handed in anything, and those whom the gradebook knows."""
    everybody = course.path("submitted", "*", assignment).parent.parent
    handed_in = {path.name for path in everybody.glob("*") if path.is_dir()}
    return sorted(handed_in | set(students(course)))


def hand_in(course, package, student):
    """Read what a student has handed in."""
    return collect(course.path("submitted", student, package.name), student, package.assignment.notebooks)


def earlier_record(course, package, student):
    """The record of a student's last grading; None if there is none that can be read."""
    try:
        return Record.load(record_path(course, package.name, student))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def unchanged(course, package, handed_in, rerun=False):
    """The record of an earlier grading of exactly this submission with exactly these tests, or None.

    One whose trainings were run again stands also for a grading that does not ask for it.
    """
    record = earlier_record(course, package, handed_in.student)
    same = record and record.key == grading_key(handed_in, package) and (record.rerun or not rerun)
    return record if same else None


@contextlib.contextmanager
def only_grader(course):
    """Hold the course's lock while grading.

    Raises
    ------
    CourseError
        If another grader holds it.
    """
    path = course.root / "records" / ".lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CourseError(
                f"Another grader is at work on this course (process {lock.read().strip() or 'unknown'}). Wait until it "
                "has finished; nothing has been changed."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def grade_batch(course, package, chosen, grade, force=False, rerun=False):
    """Grade submissions, writing each result as soon as it is there.

    A result goes into the gradebook first and then into its record, which is the sign that all of it is done: a batch
    that was cut short goes on with the rest.

    Parameters
    ----------
    course : Course
    package : Package
    chosen : sequence of str
        Students.
    grade : callable
        ``grade(submissions) -> iterable of Graded``; see `autograder.pool`.
    force : bool
        Grade again what has not changed.
    rerun : bool
        Whether `grade` runs trainings again.

    Yields
    ------
    record : Record
    fresh : bool
        False if the record of an earlier, unchanged grading was kept.
    """
    todo = []
    for student in chosen:
        handed_in = hand_in(course, package, student)
        if not force and (record := unchanged(course, package, handed_in, rerun)):
            yield record, False
        else:
            todo.append(student)
    # Read again when its turn comes: a class's notebooks need not all be in memory.
    submissions = (hand_in(course, package, student) for student in todo)
    yield from ((record, True) for record in write_results(course, package, grade(submissions) if todo else ()))


def write_results(course, package, results):
    """Write results as they come; yield their records."""
    with GradebookWriter(course, package.assignment) as writer:
        for graded in results:
            writer.write(graded, earlier_record(course, package, graded.record.student))
            graded.record.save(record_path(course, package.name, graded.record.student))
            yield graded.record
        writer.assess_lateness()


def regrade(course, package, students, grade):
    """Grade again without writing anything.

    Yields
    ------
    earlier : Record or None
    graded : Graded
    """
    earlier = {record.student: record for record in load_records(course, package.name)}
    for graded in grade(hand_in(course, package, student) for student in students):
        yield earlier.get(graded.record.student), graded
