"""The repository's assignments: proven, and released in step with their sources."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course import Course
from autograder.release import same_release
from autograder.verify import verify
from tools.bars import GRADED_WEIGHTS, bars_of, chance_of_failing, measured
from tools.proof import PAGE, bars, row
from visionlab.checks.plain import arrays_in

COURSE = Course(Path(__file__).resolve().parent.parent)
NOTEBOOKS = [(name, notebook) for name in COURSE.assignment_names() for notebook in COURSE.assignment(name).notebooks]


def takes_arrays(assignment, exercise):
    """Whether an exercise's first case hands over an array."""
    (case,) = assignment.prepare(exercise, assignment.exercises[exercise].visible[:1], [0])
    arguments = [argument for call in case.expected.calls for argument in call.arguments.items()]
    return any(list(arrays_in(name, value)) for name, value in arguments)


@pytest.mark.parametrize("name", COURSE.assignment_names())
def test_proven(name):
    assignment = COURSE.assignment(name)
    proofs = list(verify(assignment))
    assert proofs
    assert [f"{proof.exercise}: {problem}" for proof in proofs for problem in proof.problems] == []
    for proof in proofs:
        assert len(proof.bugs) >= (8 if takes_arrays(assignment, proof.exercise) else 4), proof.exercise
        for bug in proof.bugs:
            assert "Traceback" not in bug.message
        bugs, visible, *_ = proof.counts
        personal = any(case.personal for case in assignment.exercises[proof.exercise].cases)  # never visible
        assert personal or visible >= 0.9 * bugs, proof.exercise
    written = PAGE.read_text("utf-8")
    assert [row(proof) for proof in proofs if row(proof) not in written] == [], "make proof writes the page anew"


@pytest.mark.parametrize("name", GRADED_WEIGHTS)
def test_the_reference_clears_its_bars_whatever_the_seed(name):
    assignment, shares = COURSE.assignment(name), measured(COURSE.assignment(name))
    assert len(shares) >= 10 and len(bars_of(assignment)) >= 2
    assert max(chance_of_failing(shares, bar) for bar in bars_of(assignment)) < 0.01
    assert bars(assignment, shares) in PAGE.read_text("utf-8"), "make proof writes the page anew"


@pytest.mark.parametrize("name", COURSE.assignment_names())
def test_release_is_in_step(name):
    assert same_release(COURSE, COURSE.assignment(name)) == []


@pytest.mark.parametrize(("name", "notebook"), NOTEBOOKS)
def test_committed_without_outputs(name, notebook):
    for step in ("source", "release"):
        read = nbformat.read(COURSE.path(step, ".", name) / f"{notebook}.ipynb", as_version=4)
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in read.cells)


@pytest.mark.parametrize(("name", "notebook"), NOTEBOOKS)
def test_solution_runs_from_top_to_bottom(name, notebook, tmp_path):
    """The instructor's notebook runs as it is, beside the released checks, within its time, and all its checks pass."""
    shutil.copytree(COURSE.path("release", ".", name), tmp_path / name)
    run = nbformat.read(COURSE.path("source", ".", name) / f"{notebook}.ipynb", as_version=4)
    NotebookClient(run, timeout=120, resources={"metadata": {"path": str(tmp_path / name)}}).execute()
    cards = [out.data["text/plain"] for cell in run.cells for out in cell.get("outputs", []) if "data" in out]
    passed = [card for card in cards if card.startswith("✓")]
    assignment = COURSE.assignment(name)
    own = [one for one in assignment.exercises if assignment.notebook_of(one).name == notebook]
    assert [card.split(":")[0] for card in passed] == [f"✓ {exercise}" for exercise in own]
