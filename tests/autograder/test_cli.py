"""The command line on a batch: gradebook, records, pages, and problems told in one sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from tests.small_course import answer, submit

RIGHT = {
    "scale_rows": "def scale_rows(x, factors):\n    return x * factors[:, None]",
    "half": "def half(n):\n    if n < 0:\n        raise ValueError('negative')\n    return n // 2",
}


@pytest.fixture
def autograder(course):
    def run(*arguments):
        environment = os.environ | {"COLUMNS": "160", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        return subprocess.run(
            ["autograder", *arguments], cwd=course.root, env=environment, capture_output=True, text=True, timeout=120
        )

    return run


def scores(course):
    with Gradebook(course.nbgrader.db_url) as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions("small")}


@pytest.mark.usefixtures("kernel_server")
def test_a_batch_ends_in_gradebook_records_and_pages(course, autograder):
    released = course.path("release", ".", "small") / "small.ipynb"
    submit(course.root, "ann", answer(released, RIGHT, free_text="Because."))
    submit(course.root, "bob", answer(released, RIGHT | {"half": "def half(n):\n    return n / 2"}))
    submit(course.root, "cyd", b"{nope")
    (course.root / "submitted" / "dan").mkdir()
    graded = autograder("grade", "small", "--seed", "3")
    assert graded.returncode == 0, graded.stderr
    assert "float division" in graded.stdout
    for status in ("2 graded · 1 unreadable · 1 missing", "A person must still grade answers of 1, in formgrader"):
        assert status in graded.stdout
    assert scores(course) == {"ann": 7, "bob": 4, "cyd": 0}

    record = json.loads((course.root / "records/small/ann.json").read_text())
    assert record["seed"] == 3 and record["cells"][0]["points"] == 4
    nbformat.read(course.root / "autograded/ann/small/small.ipynb", as_version=4)

    with Gradebook(course.nbgrader.db_url) as gradebook:
        grade = gradebook.find_grade("why", "small", "small", "ann")
        grade.manual_score, grade.needs_manual_grade = 0.5, False
        gradebook.find_comment("why", "small", "small", "ann").manual_comment = "Say <why>."
        gradebook.db.commit()
    assert autograder("feedback", "small").returncode == 0
    page = (course.root / "feedback/ann/small/small.html").read_text()
    assert "7.5 <small>of 8 points" in page
    assert "Say &lt;why&gt;." in page
    assert "float division" in (course.root / "feedback/bob/small/small.html").read_text()
    assert "not valid JSON" in (course.root / "feedback/cyd/small/small.html").read_text()

    assert autograder("report", "small").returncode == 0
    assert "float division (1)" in (course.root / "reports/small.html").read_text()

    # A resubmission replaces the old result; what a person gave stays.
    submit(course.root, "ann", answer(released, {}, free_text="Because."))
    assert autograder("grade", "small", "ann").returncode == 0
    assert scores(course)["ann"] == 0.5


@pytest.mark.usefixtures("kernel_server")
def test_regrade_shows_changes_before_it_writes_and_export_gives_them_on(course, autograder):
    released = course.path("release", ".", "small") / "small.ipynb"
    submit(course.root, "ann", answer(released, RIGHT))
    submit(course.root, "bob", answer(released, RIGHT | {"half": "def half(n):\n    return max(n, 0) // 2"}))
    assert autograder("grade", "small").returncode == 0
    assert scores(course) == {"ann": 7, "bob": 5}
    exercises = course.path("source", ".", "small") / "exercises.py"
    exercises.write_text(exercises.read_text().replace("for n in (4, 7, -1)}", "for n in (4, 7)}"))
    asked = autograder("regrade", "small")
    assert "bob" in asked.stdout and "gains" in asked.stdout and "ann" not in asked.stdout
    assert asked.returncode == 1 and scores(course) == {"ann": 7, "bob": 5}
    assert autograder("regrade", "small", "--yes").returncode == 0
    assert scores(course) == {"ann": 7, "bob": 7}

    assert autograder("export", "small").returncode == 0
    assert "bob,small,graded,7,8,no," in (course.root / "reports/small-csv.csv").read_text()
    assert "needs --roster" in autograder("export", "small", "--to", "canvas").stderr
    (course.root / "canvas.csv").write_text("Student,ID,SIS Login ID,Section\nAnn,1,ann,A\n")
    exported = autograder("export", "small", "--to", "canvas", "--roster", "canvas.csv")
    assert exported.returncode == 3 and "Not in the roster, and so not in the file: bob." in exported.stderr
    assert "Ann,1,ann,A,7" in (course.root / "reports/small-canvas.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("grade", "nothing"), "There is no assignment 'nothing'. Assignments here: small."),
        (("grade", "small"), "Nothing has been submitted"),
        (("feedback", "small"), "has not been graded yet"),
        (("verify", "small", "--course", "/"), "There is no nbgrader_config.py in /"),
    ],
)
def test_problems_are_told_in_a_sentence(autograder, arguments, said):
    ran = autograder(*arguments)
    assert ran.returncode != 0
    assert said in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr


def test_without_a_sandbox_untrusted_work_is_refused(course, autograder, monkeypatch, tmp_path):
    submit(course.root, "ann", b"{}")
    only_python = tmp_path / "bin"
    only_python.mkdir()
    for name in ("python", "autograder", "alembic"):
        (only_python / name).symlink_to(Path(sys.executable).parent / name)
    monkeypatch.setenv("PATH", str(only_python))
    environment = {"PATH": str(only_python), "HOME": str(tmp_path)}
    command = [Path(sys.executable).parent / "autograder", "grade", "small"]
    ran = subprocess.run(command, cwd=course.root, env=environment, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "bubblewrap is not installed" in " ".join(ran.stderr.split())


@pytest.mark.usefixtures("kernel_server")
def test_the_report_shows_who_is_alike_and_what_was_used(course, autograder):
    released = course.path("release", ".", "small") / "small.ipynb"
    odd = RIGHT["half"] + "\n\ndef unasked(values, scale):\n    total = 0\n    for value in values:\n"
    odd += "        total += scale * value ** 2 if value > 0 else -value  # strnage\n    return total / len(values)\n"
    odd += "def unasked_too(a, b):\n    return [x if x > y else y - 1 for x, y in zip(a, b)] + [len(a) * 3]\n"
    submit(course.root, "ann", answer(released, RIGHT | {"half": odd}))
    submit(course.root, "bob", answer(released, RIGHT | {"half": odd.replace("total", "summe")}))
    for student in ("cyd", "dan", "eve", "fay"):
        submit(course.root, student, answer(released, RIGHT))
    assert autograder("grade", "small", "--seed", "3").returncode == 0
    assert autograder("report", "small").returncode == 0
    text = (course.root / "reports/small.html").read_text()
    assert "Suspiciously alike" in text and "ann, bob" in text and "cyd, dan" not in text
    assert "def unasked_too(a, b):" in text
    assert "Seconds to grade" in text and "Memory, MB" in text
