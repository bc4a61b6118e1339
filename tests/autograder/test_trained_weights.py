"""Weights that students hand in: graded without training again, or trained again on demand."""

import re
import shutil

import nbformat
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from autograder import batch, pages
from autograder.course import Course
from autograder.exercise import Limits
from autograder.grading import Settings, grade_submission
from autograder.leaderboard import pseudonyms, standings
from autograder.package import Package
from autograder.record import CellResult, Record
from autograder.release import release
from autograder.student_process import KernelServer
from tests.small_course import REPOSITORY, code, submit

EXERCISES = '''
import numpy as np

from autograder.exercise import Case, Exercise, Limits
from visionlab.checks.trained import observed

LABELS = np.arange(40) % 4
IMAGES = np.full((40, 1, 2, 2), 10, np.uint8)
IMAGES[np.arange(40), 0, LABELS // 2, LABELS % 2] = 200


def images(student, rng):
    """your weights know most images"""
    return observed(student, "images", IMAGES, LABELS, 0.6, classes=4)


EXERCISES = [Exercise("Reader", 2, cases=[Case(images, hidden=True)])]
LIMITS = Limits(cell_seconds=20)
RERUN_LIMITS = Limits(cell_seconds=40, gpu=True)
'''

IMPORTS = """
import torch
from safetensors.torch import save_file
from torch import nn
from visionlab.checks import check
"""
READER = """
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.linear(x.flatten(1))
        ### END SOLUTION
"""
TRAIN = 'save_file({"linear.weight": torch.eye(4), "linear.bias": torch.zeros(4)}, "model.safetensors")'
ANSWER = READER.replace("        ### BEGIN SOLUTION\n", "").replace("        ### END SOLUTION\n", "")


def weights(diagonal):
    """The weights of a reader that knows the classes whose number on the diagonal is 1."""
    return {"linear.weight": torch.diag(torch.tensor(diagonal, dtype=torch.float32)), "linear.bias": torch.zeros(4)}


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    root = tmp_path_factory.mktemp("weights")
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    folder = root / "solutions/trained"
    (folder / "exercises").mkdir(parents=True)
    (folder / "exercises/__init__.py").write_text(EXERCISES)
    save_file(weights([1, 1, 1, 1]), folder / "exercises/model.safetensors")
    train = code(TRAIN)
    train.metadata["tags"] = ["not-when-grading"]
    cells = [
        code(IMPORTS, "imports", locked=True),
        code(READER, "reader", solution=True),
        train,
        code("check(Reader)", "check_reader", grade=True, locked=True, points=2),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "trained.ipynb")
    course = Course(root)
    release(course, course.assignment("trained"))
    return root


@pytest.fixture
def course(released, tmp_path):
    shutil.copytree(released, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def hand_in(course):
    """Hand in a notebook, and weights beside it if there are any; return its package and submission."""

    def hand_in(file=None, student="ann", training=TRAIN):
        notebook = nbformat.read(course.path("release", ".", "trained") / "trained.ipynb", 4)
        notebook.cells[1].source, notebook.cells[2].source = ANSWER.strip(), training
        folder = submit(course.root, student, notebook, "trained").parent
        if file is not None:
            save_file(file, folder / "model.safetensors")
        package = Package.of(course, "trained")
        return package, batch.hand_in(course, package, student)

    return hand_in


def test_only_what_students_need_is_released(course):
    assert sorted(p.name for p in course.path("release", ".", "trained").iterdir()) == ["checks.json", "trained.ipynb"]


def test_what_was_handed_in_is_graded_and_nothing_is_trained(hand_in, kernel_server):
    package, submission = hand_in(weights([1, 1, 1, 0]))
    graded = grade_submission(submission, package, Settings(0), kernel_server)
    (cell,) = graded.record.cells
    assert cell.points == 2 and cell.shares == {"right answers among the images": 0.75}
    assert "right answers among the images: 75.0%" in cell.message
    assert "Left out when grading" in graded.notebooks["trained"].cells[2].outputs[0].text


def test_without_weights_there_are_no_points_and_a_reason(hand_in, kernel_server):
    package, submission = hand_in()
    (cell,) = grade_submission(submission, package, Settings(0), kernel_server).record.cells
    assert cell.points == 0 and "There is no model.safetensors beside the notebook" in cell.message


def test_a_huge_file_is_left_out_and_the_student_told(hand_in, course, kernel_server):
    hand_in(weights([1, 1, 1, 1]))
    with (course.path("submitted", "ann", "trained") / "model.safetensors").open("r+b") as file:
        file.truncate(2_000_000_000)
    package, submission = hand_in()
    record = grade_submission(submission, package, Settings(0), kernel_server).record
    assert record.points == 0 and "model.safetensors has 2000 MB; at most 100 MB are read" in record.notes[0]


def test_small_files_are_read_first(hand_in, course):
    """A checkpoint that lies beside the weights, and is larger, must not take their place."""
    hand_in(weights([1, 1, 1, 1]))
    with (course.path("submitted", "ann", "trained") / "checkpoint.pt").open("wb") as file:
        file.truncate(99_999_999)
    _, submission = hand_in()
    assert list(submission.files) == ["model.safetensors"]


def test_a_cell_that_a_student_has_changed_is_the_students(hand_in, kernel_server):
    package, submission = hand_in(weights([0, 0, 0, 0]), training=TRAIN + "\nprint('trained')")
    graded = grade_submission(submission, package, Settings(0), kernel_server)
    assert graded.record.points == 2 and graded.notebooks["trained"].cells[2].outputs[0].text == "trained\n"


def test_a_rerun_trains_again_and_believes_no_file(hand_in, course, kernel_server):
    package, submission = hand_in(weights([0, 0, 0, 0]))
    assert grade_submission(submission, package, Settings(0), kernel_server).record.points == 0
    again = grade_submission(submission, package, Settings(0, rerun=True), kernel_server).record
    assert again.points == 2 and again.rerun
    again.save(batch.record_path(course, "trained", "ann"))
    assert batch.unchanged(course, package, submission) and batch.unchanged(course, package, submission, rerun=True)
    again.rerun = False
    again.save(batch.record_path(course, "trained", "ann"))
    assert batch.unchanged(course, package, submission) and not batch.unchanged(course, package, submission, rerun=True)
    assert package.assignment.limits_of(True).gpu and not package.assignment.limits_of(False).gpu


def test_a_rerun_gives_nothing_for_weights_that_nothing_trains(hand_in, kernel_server):
    package, submission = hand_in(weights([1, 1, 1, 1]), training="print('trained at home')")
    assert grade_submission(submission, package, Settings(0), kernel_server).record.points == 2
    (cell,) = grade_submission(submission, package, Settings(0, rerun=True), kernel_server).record.cells
    assert cell.points == 0 and "There is no model.safetensors" in cell.message


def test_trainings_find_the_full_training_sets_and_no_test_set(tmp_path, monkeypatch, kernel_server):
    """Hidden photographs may be among the test images of a set that is on the grader's machine."""
    monkeypatch.setenv("VISIONLAB_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    for split in ("train", "test"):
        np.save(tmp_path / f"mnist/{split}-images.npy", np.zeros((3, 28, 28), np.uint8))
        np.save(tmp_path / f"mnist/{split}-labels.npy", np.arange(3))
    look = (
        "import os\nfrom pathlib import Path\nfrom visionlab import datasets\n"
        "found = sorted(p.name for p in Path(os.environ.get('VISIONLAB_DATA', '/nowhere')).rglob('*.npy'))\n"
        "full = len(datasets.load('mnist', 'train', 'full').labels) if found else 0"
    )
    with KernelServer(full_data=True) as server, server.start(Limits()) as process:
        assert process.run_cell(look)["failed"] is None
        assert process.get("found") == ["train-images.npy", "train-labels.npy"] and process.get("full") == 3
    with kernel_server.start(Limits()) as process:
        process.run_cell(look)
        assert process.get("found") == []


def record(student, **shares):
    return Record(student, "trained", cells=[CellResult("trained", "check_reader", 2, 2.0, shares=shares)])


def test_the_leaderboard_names_nobody_and_everybody_knows_the_own_place(course):
    records = [record("ann", test=0.5, hidden=0.6), record("bob", hidden=0.7), record("cid"), record("dan", hidden=0.6)]
    headings, rows = standings(records)
    assert headings == ["test", "hidden"]
    assert rows == [(1, "bob", [None, 0.7]), (2, "ann", [0.5, 0.6]), (2, "dan", [None, 0.6])]
    names = pseudonyms(course, ["ann", "bob", "dan"])
    assert names == pseudonyms(course, ["dan", "bob", "ann"])
    assert (course.root / "records/.pseudonyms").stat().st_mode & 0o077 == 0
    page = pages.write_leaderboard(course, "trained", records).read_text()
    assert not re.search("ann|bob|cid|dan", page.split("<h1>")[1])
    assert page.index(names["bob"]) < page.index(names["ann"]) and "70.0 %" in page
    report = pages.write_report(course, "trained", records, leaderboard=True).read_text()
    assert names["bob"] in report and "Leaderboard" not in pages.write_report(course, "trained", records).read_text()
    (feedback,) = pages.write_feedback(course, records[0], None, names["ann"])
    assert names["ann"] in feedback.read_text()


def test_pseudonyms_are_unlike_and_cannot_be_worked_out(course):
    students = [f"student {number}" for number in range(1000)]
    names = pseudonyms(course, students)
    assert len(set(names.values())) == 1000
    (course.root / "records/.pseudonyms").write_bytes(b"another secret")
    others = pseudonyms(course, students)
    assert sum(names[student] == others[student] for student in students) < 20
