"""A new assignment: proven and released as it is made, and made only where nothing is."""

import shutil
import tomllib
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder.assignment import AssignmentError
from autograder.cli import app
from autograder.course import Course
from autograder.new_assignment import new_assignment
from autograder.release import release, same_release
from autograder.verify import verify

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def empty_course(tmp_path):
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    return Course(tmp_path)


def test_it_is_proven_and_released_as_it_is(empty_course):
    told = CliRunner().invoke(app, ["new-assignment", "hw7_colours", "--course", str(empty_course.root)])
    assert told.exit_code == 0 and "autograder verify hw7_colours" in told.output

    assignment = empty_course.assignment("hw7_colours")
    (proof,) = verify(assignment)
    assert proof.problems == []
    bugs, visible, _, named, right = proof.counts
    assert bugs == visible == named >= 3 and right >= 2

    folder = release(empty_course, assignment)
    assert sorted(path.name for path in folder.iterdir()) == ["checks.json", "hw7_colours.ipynb"]
    assert same_release(empty_course, assignment) == []
    notebook = nbformat.read(folder / "hw7_colours.ipynb", as_version=4)
    assert notebook.cells[0].source.startswith("# hw7_colours")
    assert [cell.source[-25:] for cell in notebook.cells if "YOUR CODE HERE" in cell.source] == [
        "raise NotImplementedError"
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My colours", r"letters, digits and underscores.*: my_colours, for example"),
        ("../hw7", "hw7, for example"),
        ("7", "beginning with a letter\\.$"),
        ("", "cannot be the name"),
    ],
)
def test_a_name_that_cannot_be_one_is_told(empty_course, name, said):
    with pytest.raises(AssignmentError, match=said):
        new_assignment(empty_course, name)
    assert [path.name for path in empty_course.root.iterdir()] == ["nbgrader_config.py"]


@pytest.mark.parametrize("taken", ["solutions", "assignments"])
def test_what_is_there_is_never_touched(empty_course, taken):
    folder = empty_course.root / taken / "hw7"
    folder.mkdir(parents=True)
    with pytest.raises(AssignmentError, match=f"^{taken}/hw7 is there already"):
        new_assignment(empty_course, "hw7")
    assert list(empty_course.root.rglob("*.ipynb")) == []


def test_templates_are_part_of_the_package():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["autograder"]
    packed = {path for pattern in patterns for path in (ROOT / "autograder").glob(pattern)}
    there = {path for path in (ROOT / "autograder/templates").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert there <= packed
