"""The sample submissions through the real command: every score, every status, every named mistake."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.assignment import declaration
from autograder.batch import load_records
from autograder.course import Course
from tests.samples import ASSIGNMENT, hand_in, samples
from tests.small_course import REPOSITORY


@pytest.fixture(scope="module")
def graded(tmp_path_factory, kernel_server):
    """Grade all samples in one batch; returns (samples, records by student, the command's result, the course)."""
    root = make_course(tmp_path_factory.mktemp("samples"))
    course = Course(root)
    made = samples(course.assignment(ASSIGNMENT), course.path("release", ".", ASSIGNMENT))
    for sample in made:
        hand_in(root, sample.student, sample)
    environment = os.environ | {"COLUMNS": "200"}
    autograder = Path(sys.executable).parent / "autograder"
    ran = subprocess.run([autograder, "grade", ASSIGNMENT], cwd=root, env=environment, capture_output=True, text=True)
    return made, {record.student: record for record in load_records(course, ASSIGNMENT)}, ran, course


def make_course(root):
    """A course that holds the repository's assignment, as solved and as released, with little patience for loops."""
    for place in ("solutions", "assignments"):
        shutil.copytree(REPOSITORY / place / ASSIGNMENT, root / place / ASSIGNMENT)
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    with declaration(root / "solutions" / ASSIGNMENT).open("a") as exercises:
        exercises.write("\nfrom autograder.exercise import Limits\n\nLIMITS = Limits(cell_seconds=20)\n")
    return root


def names():
    course = Course(REPOSITORY)
    released = course.path("release", ".", ASSIGNMENT)
    return [sample.student for sample in samples(course.assignment(ASSIGNMENT), released)]


@pytest.mark.xdist_group("samples")
def test_the_batch_ends_well(graded):
    made, records, ran, _ = graded
    assert ran.returncode == 0, ran.stderr
    assert len(made) >= 14
    assert set(records) == {sample.student for sample in made}


@pytest.mark.xdist_group("samples")
@pytest.mark.parametrize("student", names())
def test_sample(graded, student):
    made, records, _, _ = graded
    sample = next(sample for sample in made if sample.student == student)
    record = records[student]
    assert record.status == sample.status
    cells = {cell.grade_id.removeprefix("check_"): cell for cell in record.cells}
    for exercise, expected in sample.points.items():
        least, most = expected if isinstance(expected, tuple) else (expected, expected)
        cell = cells[exercise]
        assert least <= cell.points <= most, f"{exercise}: {cell.message}"
    for exercise, name in (sample.mistakes or {}).items():
        assert cells[exercise].mistakes == [name]


@pytest.mark.xdist_group("samples")
def test_nothing_of_the_students_is_left_running(graded):
    _, _, _, course = graded
    listing = subprocess.run(["ps", "-eo", "args", "-ww"], capture_output=True, text=True).stdout
    assert "ps -eo args" in listing
    assert str(course.root) not in listing  # a sandbox names the files it was given


@pytest.mark.xdist_group("samples")
def test_solutions_and_gradebook_are_untouched(graded):
    _, _, _, course = graded
    originals = list((REPOSITORY / "solutions" / ASSIGNMENT).glob("*.ipynb"))
    assert originals
    for original in originals:
        assert (course.path("source", ".", ASSIGNMENT) / original.name).read_bytes() == original.read_bytes()
    assert (course.root / "gradebook.db").stat().st_size > 0
