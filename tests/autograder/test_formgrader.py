"""nbgrader's own ways to grade lead to our sandbox: its API, which formgrader's buttons call, and its commands."""

import os
import subprocess
import sys

import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.preprocessors import Execute
from typer.testing import CliRunner

from autograder.batch import load_records
from autograder.cli import app
from autograder.gradebook import scores
from tests.autograder.test_grading import RIGHT
from tests.small_course import answer, submit

ESCAPE = """
def half(n): return n // 2
import pathlib
pathlib.Path({path!r}).touch()
"""


@pytest.fixture
def api(course, monkeypatch):
    """nbgrader's API on the small course, whose configuration has replaced two methods for the time of a test."""
    for converter in (Autograde, GenerateFeedback):
        monkeypatch.setattr(converter, "start", converter.start)  # so that the end of the test undoes the replacement
    monkeypatch.setattr(Execute, "preprocess", lambda *_: pytest.fail("nbgrader ran a student's notebook"))
    return NbGraderAPI(course.nbgrader, config=course.config)


def test_buttons_lead_to_our_engine(course, api, kernel_server, tmp_path):
    released = course.path("release", ".", "small") / "small.ipynb"
    escaped = tmp_path / "escaped"
    submit(course.root, "ann", answer(released, RIGHT, free_text="Because."))
    submit(course.root, "bob [2]", answer(released, RIGHT | {"half": ESCAPE.format(path=str(escaped))}))

    graded = api.autograde("small", "bob [2]")
    assert graded["success"], graded
    assert "│ bob [2] │ graded │" in graded["log"]
    assert [record.student for record in load_records(course, "small")] == ["bob [2]"]
    assert not escaped.exists()
    assert scores(course, "small").keys() == {"bob [2]"}
    assert api.get_submission("small", "bob [2]")["autograded"]

    early = api.generate_feedback("small", "ann")
    assert not early["success"] and "Not graded yet: ann." in early["log"]
    assert not course.path("feedback", "ann", "small").exists()


def test_commands_take_some_students(course, kernel_server):
    released = course.path("release", ".", "small") / "small.ipynb"
    for student in ("ann", "anton", "bob"):
        submit(course.root, student, answer(released, RIGHT))
    command = [sys.executable, "-m", "nbgrader", "autograde", "small"]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(course.root / "none")}
    run = {"cwd": course.root, "env": environment, "capture_output": True, "text": True}
    nobody = subprocess.run([*command, "--student=z*"], **run)
    assert nobody.returncode == 1
    assert "Nobody whose name fits 'z*' has submitted 'small'." in nobody.stderr
    some = subprocess.run([*command, "--student=[ab]*", "--CourseDirectory.student_id_exclude=anton"], **run)
    assert some.returncode == 0, some.stderr
    assert [record.student for record in load_records(course, "small")] == ["ann", "bob"]
    one = CliRunner().invoke(app, ["feedback", "small", "bob", "--course", str(course.root)])
    assert one.exit_code == 0, one.output
    assert [path.parent.parent.name for path in course.root.glob("feedback/*/small/small.html")] == ["bob"]
