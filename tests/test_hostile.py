"""Every known misbehaviour in one batch with nine honest submissions, through the real command.

Rows 26 (partial credit) and 27, 32, 33 (resubmission, killed grader, two graders) are in tests/autograder.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

from autograder.batch import load_records
from autograder.course import Course
from autograder.gradebook import open_gradebook
from autograder.release import release
from tests import small_course
from tests.hostile import RIGHT, hostile_submissions, lay_out
from tests.small_course import answer, submit

HONEST = {
    f"honest-{i}": (RIGHT | wrong, points)
    for i, (wrong, points) in enumerate(
        [({}, 7), ({"half": "def half(n): return n / 2"}, 4), ({"scale_rows": "def scale_rows(x, f): return x"}, None)]
        * 3
    )
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory, kernel_server):
    """Grade all of them; returns (hostile ones by student, records by student, the finished command, course)."""
    root = small_course.make_course(tmp_path_factory.mktemp("hostile"))
    exercises = root / "solutions" / "small" / "exercises.py"
    limits = "LIMITS = Limits(cell_seconds=8, output_bytes=20_000, reply_bytes=2_000_000, memory_bytes=500_000_000)"
    exercises.write_text(exercises.read_text() + f"\n{limits}\n")
    course = Course(root)
    release(course, course.assignment("small"))
    released = course.path("release", ".", "small") / "small.ipynb"
    for student, (answers, _) in HONEST.items():
        submit(root, student, answer(released, answers))
    hostile = {f"hostile-{one.row}": one for one in hostile_submissions(released)}
    for student, one in hostile.items():
        lay_out(root / "submitted" / student / "small", one, released)
    command = [Path(sys.executable).parent / "autograder", "grade", "small", "--seed", "7"]
    ran = subprocess.run(command, cwd=root, env=os.environ | {"COLUMNS": "200"}, capture_output=True, text=True)
    return hostile, {record.student: record for record in load_records(course, "small")}, ran, course


def rows():
    """The rows, known before anything has run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.ipynb"
        nbformat.write(small_course.instructors_notebook(), path)
        return [one.row for one in hostile_submissions(path)]


@pytest.mark.xdist_group("hostile")
def test_the_batch_ends_well(graded):
    hostile, records, ran, _ = graded
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert set(records) == set(hostile) | set(HONEST)


@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize("row", rows())
def test_misbehaviour(graded, row):
    hostile, records, _, _ = graded
    one, record = hostile[f"hostile-{row}"], records[f"hostile-{row}"]
    statuses = one.status if isinstance(one.status, tuple) else (one.status,)
    assert record.status in statuses, record.reason
    least, most = one.points if isinstance(one.points, tuple) else (one.points, one.points)
    assert least <= record.points <= most, [(cell.points, cell.message) for cell in record.cells]
    told = " ".join([record.reason, *record.notes, *(cell.message for cell in record.cells)])
    assert one.said in told
    assert record.max_points == 8


@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize("student", HONEST)
def test_honest_students_get_their_own_points(graded, student):
    _, records, _, _ = graded
    _, points = HONEST[student]
    assert records[student].status == "graded"
    if points is None:
        assert 3 <= records[student].points < 7
    else:
        assert records[student].points == points


@pytest.mark.xdist_group("hostile")
def test_gradebook_holds_what_the_records_say_and_nothing_else(graded):
    _, records, _, course = graded
    with open_gradebook(course) as gradebook:
        scores = {s.student.id: s.score for s in gradebook.assignment_submissions("small")}
        assert gradebook.find_assignment("small").max_score == 8
    assert scores == {student: r.points for student, r in records.items() if r.status != "missing"}


@pytest.mark.xdist_group("hostile")
def test_nothing_is_left_behind(graded):
    _, _, _, course = graded
    listing = subprocess.run(["ps", "-eo", "args", "-ww"], capture_output=True, text=True).stdout
    assert "sleep 86399" not in listing
    source = (course.path("source", ".", "small") / "exercises.py").read_text()
    assert "LIMITS" in source
    kept = {path.relative_to(course.root).parts[0] for path in course.root.rglob("*") if path.is_file()}
    assert kept <= {
        "solutions", "assignments", "submitted", "autograded", "records", "gradebook.db", "nbgrader_config.py",
    }  # fmt: skip
    for path in course.root.glob("records/**/*.json"):
        assert path.stat().st_size < 5_000_000
    for path in course.root.glob("autograded/**/*.ipynb"):
        assert path.stat().st_size < 5_000_000
