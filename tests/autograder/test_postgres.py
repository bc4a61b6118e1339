"""The gradebook in PostgreSQL, which is started for the test."""

import contextlib
import glob
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from autograder import batch, pool
from autograder.course import Course
from autograder.gradebook import scores
from autograder.grading import Settings
from autograder.package import Package
from tests.autograder.test_grading import RIGHT
from tests.small_course import answer, submit


def program(name):
    """Path of one of PostgreSQL's programs; Debian keeps them off the PATH."""
    return shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[-1:]), None)


@pytest.fixture(scope="module")
def database():
    """URL of an empty database in a server of its own, reachable through a socket in a folder."""
    if not program("initdb"):
        pytest.skip("PostgreSQL is not installed here")
    # As root the server would refuse to run; its package comes with a user for it.
    as_user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder:
        if as_user:
            shutil.chown(folder, **as_user)

        def run(name, *arguments):
            command = [program(name), *arguments]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **as_user)
            assert done.returncode == 0, done.stderr

        run("initdb", "--pgdata", f"{folder}/data", "--username", "teacher", "--auth", "trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "--pgdata", f"{folder}/data", "--log", f"{folder}/log", "-o", options)
        try:
            run("createdb", "--host", folder, "--username", "teacher", "gradebook")
            yield f"postgresql+psycopg://teacher@/gradebook?host={folder}"
        finally:
            with contextlib.suppress(AssertionError):
                run("pg_ctl", "stop", "--mode", "immediate", "--pgdata", f"{folder}/data")


def test_a_class_is_graded_into_postgresql(database, course, kernel_server):
    config = Path(course.root) / "nbgrader_config.py"
    config.write_text(config.read_text() + f'\nc.CourseDirectory.db_url = "{database}"\n')
    course = Course(course.root)
    released = course.path("release", ".", "small") / "small.ipynb"
    for student, wrong in (("ann", {}), ("bob", {"half": "half = None"})):
        submit(course.root, student, answer(released, RIGHT | wrong, free_text="Because."))
    package = Package.of(course, "small")
    for _ in range(2):  # into an empty database, and into one that has it all
        graded = list(
            batch.grade_batch(
                course,
                package,
                batch.submitters(course, "small"),
                lambda work: pool.grade_here(work, package, Settings(seed=1), kernel_server),
                force=True,
            )
        )
        assert len(graded) == 2
        assert {student: score.points for student, score in scores(course, "small").items()} == {"ann": 7, "bob": 4}
    assert not (course.root / "gradebook.db").exists()
