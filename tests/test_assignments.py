"""The repository's assignments: proven, and released in step with their sources."""

from pathlib import Path

import nbformat
import pytest

from autograder.course import Course
from autograder.release import same_release
from autograder.verify import verify

COURSE = Course(Path(__file__).resolve().parent.parent)


@pytest.mark.parametrize("name", COURSE.assignment_names())
def test_proven(name):
    proofs = list(verify(COURSE.assignment(name)))
    assert proofs
    assert [f"{proof.exercise}: {problem}" for proof in proofs for problem in proof.problems] == []
    for proof in proofs:
        least = 8 if proof.exercise in ("conv_forward", "max_pool_forward") else 4
        assert len(proof.bugs) >= least
        for bug in proof.bugs:
            assert "Traceback" not in bug.message


@pytest.mark.parametrize("name", COURSE.assignment_names())
def test_release_is_in_step(name):
    assert same_release(COURSE, COURSE.assignment(name)) == []


@pytest.mark.parametrize("name", COURSE.assignment_names())
def test_committed_without_outputs(name):
    for step in ("source", "release"):
        notebook = nbformat.read(COURSE.path(step, ".", name) / f"{name}.ipynb", as_version=4)
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


@pytest.mark.parametrize("name", COURSE.assignment_names())
def test_solution_runs_from_top_to_bottom(name, tmp_path):
    """The instructor's notebook runs as it is, beside the released checks, within its time."""
    import shutil

    from nbclient import NotebookClient

    shutil.copytree(COURSE.path("release", ".", name), tmp_path / name)
    notebook = nbformat.read(COURSE.path("source", ".", name) / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path / name)}}).execute()
    cards = [out.data["text/plain"] for cell in notebook.cells for out in cell.get("outputs", []) if "data" in out]
    passed = [card for card in cards if card.startswith("✓")]
    assert len(passed) == len(COURSE.assignment(name).exercises)
