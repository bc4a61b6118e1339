"""Every known misbehaviour in one batch with nine honest submissions, through the real command.

Rows 26 (partial credit) and 27, 32, 33 (resubmission, killed grader, two graders) are in tests/autograder.
"""

import os
import stat
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
from tests.small_course import REPOSITORY, answer, submit

pytestmark = pytest.mark.xdist_group("hostile")

HONEST = {
    f"honest-{i}": (RIGHT | wrong, points)
    for i, (wrong, points) in enumerate(
        [({}, 7), ({"half": "def half(n): return n / 2"}, 4), ({"scale_rows": "def scale_rows(x, f): return x"}, None)]
        * 3
    )
}


ORDINARY_USER = 12345
"""The batch is graded once by whoever runs the tests, and, where that is root, once more as nobody in particular."""

USERS = [None, ORDINARY_USER] if os.geteuid() == 0 else [None]


def ordinary_users(command, stage):
    """A command line by which root runs ``command`` as an ordinary user, who sees this Python even in root's home."""
    needed = [Path(sys.base_prefix), REPOSITORY]
    # The outermost folder on the way that others may not enter is covered by one that they may.
    shut = {p: next((f for f in reversed(p.parents) if not f.stat().st_mode & stat.S_IXOTH), None) for p in needed}
    shut = {path: folder for path, folder in shut.items() if folder}
    steps = [f"mkdir -p {stage}/{i} && mount --bind {path} {stage}/{i}" for i, path in enumerate(shut)]
    steps += [f"mount -t tmpfs -o mode=755 none {folder}" for folder in sorted(set(shut.values()))]
    steps += [f"mkdir -p {path} && mount --bind {stage}/{i} {path}" for i, path in enumerate(shut)]
    steps += [f'exec setpriv --reuid={ORDINARY_USER} --regid={ORDINARY_USER} --clear-groups "$@"']
    return ["unshare", "--mount", "sh", "-c", " && ".join(steps), "sh", *map(str, command)]


@pytest.fixture(scope="module", params=USERS, ids=lambda user: "ordinary user" if user else "this user")
def graded(request, kernel_server):
    """Grade all of them; returns (hostile ones by student, records by student, the finished command, course)."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        root = small_course.make_course(Path(folder) / "course")
        exercises = root / "solutions" / "small" / "exercises.py"
        limits = "cell_seconds=8, output_bytes=20_000, reply_bytes=2_000_000, memory_bytes=600_000_000"
        exercises.write_text(exercises.read_text() + f"\nLIMITS = Limits({limits})\n")
        course = Course(root)
        release(course, course.assignment("small"))
        released = course.path("release", ".", "small") / "small.ipynb"
        for student, (answers, _) in HONEST.items():
            submit(root, student, answer(released, answers))
        hostile = {f"hostile-{one.row}": one for one in hostile_submissions(released)}
        for student, one in hostile.items():
            lay_out(root / "submitted" / student / "small", one, released)
        if request.param:
            for path in [Path(folder), *Path(folder).rglob("*")]:
                os.chown(path, request.param, request.param, follow_symlinks=False)
        command = [str(Path(sys.executable).parent / "autograder"), "grade", "small", "--seed", "7"]
        if request.param:
            (Path(folder) / "stage").mkdir()
            command = ordinary_users(command, Path(folder) / "stage")
            tried = subprocess.run([*command, "--help"], cwd=root, capture_output=True, text=True, check=False)
            if tried.returncode:
                pytest.skip(f"root cannot run Python as an ordinary user here: {tried.stderr.strip()}")
        environment = os.environ | {"COLUMNS": "200", "HOME": folder}
        ran = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        yield hostile, {record.student: record for record in load_records(course, "small")}, ran, course


def rows():
    """The rows, known before anything has run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.ipynb"
        nbformat.write(small_course.instructors_notebook(), path)
        return [one.row for one in hostile_submissions(path)]


def test_the_batch_ends_well(graded):
    hostile, records, ran, _ = graded
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert set(records) == set(hostile) | set(HONEST)


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


@pytest.mark.parametrize("student", HONEST)
def test_honest_students_get_their_own_points(graded, student):
    _, records, _, _ = graded
    _, points = HONEST[student]
    assert records[student].status == "graded"
    if points is None:
        assert 3 <= records[student].points < 7
    else:
        assert records[student].points == points


def test_gradebook_holds_what_the_records_say_and_nothing_else(graded):
    _, records, _, course = graded
    with open_gradebook(course) as gradebook:
        scores = {s.student.id: s.score for s in gradebook.assignment_submissions("small")}
        assert gradebook.find_assignment("small").max_score == 8
    assert scores == {student: r.points for student, r in records.items() if r.status != "missing"}


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
