"""Grading single submissions of the small assignment."""

import nbformat
import pytest

from autograder import grading
from autograder.grading import Settings, grade_submission
from autograder.package import Package
from autograder.submission import collect
from tests.small_course import answer, submit

RIGHT = {
    "scale_rows": "def scale_rows(x, factors):\n    return x * factors[:, None]",
    "half": "def half(n):\n    if n < 0:\n        raise ValueError('negative')\n    return n // 2",
}


@pytest.fixture
def released(course):
    return course.path("release", ".", "small") / "small.ipynb"


@pytest.fixture
def grade_folder(course, kernel_server):
    """Grade what lies in ann's folder."""

    def grade():
        handed_in = collect(course.path("submitted", "ann", "small"), "ann", ["small"])
        return grade_submission(handed_in, Package.of(course, "small"), Settings(seed=5), kernel_server)

    return grade


@pytest.fixture
def grade(course, grade_folder):
    """Submit something as 'ann' and grade it."""

    def submit_and_grade(notebook):
        submit(course.root, "ann", notebook)
        return grade_folder()

    return submit_and_grade


def points(graded):
    return [cell.points for cell in graded.record.cells]


def test_right_answers_get_all_points_and_free_text_waits_for_a_person(grade, released):
    graded = grade(answer(released, RIGHT, free_text="Because."))
    assert graded.record.status == "graded"
    assert points(graded) == [4, 2, 1, None]
    assert graded.record.needs_manual_grade
    assert "all 3 checks pass" in graded.record.cells[0].message


def test_blank_notebook_gets_nothing_and_nothing_is_to_do(grade, released):
    graded = grade(nbformat.read(released, as_version=4))
    assert graded.record.status == "graded"
    assert points(graded) == [0, 0, 0, 0]
    assert "not written yet" in graded.record.cells[0].message


def test_mistakes_are_named_and_other_exercises_keep_their_points(grade, released):
    graded = grade(answer(released, RIGHT | {"scale_rows": "def scale_rows(x, f):\n    x *= f[:, None]\n    return x"}))
    assert graded.record.cells[0].mistakes == ["input changed"]
    assert points(graded)[1:3] == [2, 1]


def test_answers_from_a_table_of_the_visible_cases_get_no_points_for_drawn_ones(grade, released):
    table = "def scale_rows(x, factors):\n    return np.array([[2.0, 4, 6], [40, 50, 60]])"
    graded = grade(answer(released, RIGHT | {"scale_rows": table}))
    assert 0 < graded.record.cells[0].points < 2  # only the case that is never drawn afresh


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("None", "yours is None"),
        ("'a'", "yours is the text 'a'"),
        ("np.zeros((7, 7))", "yours has shape (7, 7)"),
        ("np.zeros(10**7)", "MB was returned; the limit is 2 MB"),
        ("lambda: 3", "Your code returned an object of type function"),
        ("np.ma.array([1])", "Your code returned an object of type MaskedArray"),
        ("type('Yes', (), {'__eq__': lambda a, b: True})()", "Your code returned an object of type Yes"),
    ],
)
def test_unusable_results_are_described(grade, released, result, said):
    graded = grade(answer(released, RIGHT | {"scale_rows": f"def scale_rows(x, factors):\n    return {result}"}))
    assert said in graded.record.cells[0].message
    assert points(graded)[1:3] == [2, 1]


def test_name_that_is_not_a_function(grade, released):
    graded = grade(answer(released, RIGHT | {"scale_rows": "scale_rows = 3"}))
    assert "scale_rows should be a function, and is 3" in graded.record.cells[0].message


def test_name_that_is_not_there(grade, released):
    graded = grade(answer(released, RIGHT | {"scale_rows": "1 / 0"}))
    assert "scale_rows is not defined in the notebook" in graded.record.cells[0].message
    assert points(graded)[1:3] == [2, 1]


def test_a_name_of_the_tests_cannot_be_replaced(grade, released):
    graded = grade(answer(released, RIGHT | {"half": "check = print\nnp = None\ndef half(n): return 1"}))
    assert points(graded)[1:3] == [0, 0]


def test_stopped_cell_keeps_the_others_points(grade, released):
    graded = grade(answer(released, RIGHT | {"scale_rows": "while True: pass"}))
    assert graded.record.status == "timed out"
    assert points(graded)[1:3] == [2, 1]


def test_death_keeps_the_points_before_it(grade, released):
    graded = grade(answer(released, RIGHT | {"half": "import os\nos.kill(os.getpid(), 9)"}))
    assert graded.record.status == "died"
    assert points(graded) == [4, 0, 0, 0]
    assert "Not run" in graded.record.cells[1].message


def test_deleted_test_cell_is_put_back(grade, released):
    notebook = answer(released, RIGHT)
    notebook.cells = [cell for cell in notebook.cells if cell.source != "check(scale_rows)"]
    graded = grade(notebook)
    assert points(graded)[:3] == [4, 2, 1]
    assert "Missing, and put back: check_scale_rows." in graded.record.notes


def test_edited_and_disguised_test_cells_are_restored(grade, released):
    notebook = answer(released, RIGHT | {"half": "def half(n): return 'nonsense'"})
    for cell in notebook.cells:
        if cell.source.startswith("check("):
            cell.source = "pass"
            cell.metadata.nbgrader.update(points=100, grade=False, solution=True)
        elif cell.source.startswith("assert"):
            cell.cell_type = "markdown"
            del cell["outputs"], cell["execution_count"]
    graded = grade(notebook)
    assert points(graded)[:3] == [4, 0, 0]
    assert graded.record.max_points == 8


def test_copied_cells_do_not_count_twice(grade, released):
    notebook = answer(released, RIGHT | {"half": "def half(n): return 0"})
    copy = nbformat.from_dict({**notebook.cells[3], "id": "copy"})
    notebook.cells.insert(4, copy)
    graded = grade(notebook)
    assert points(graded)[0] == 4
    assert any("copy of the cell 'check_scale_rows'" in note for note in graded.record.notes)


def test_stripped_metadata_is_recovered_by_cell_id(grade, released):
    notebook = answer(released, RIGHT)
    for cell in notebook.cells:
        cell.metadata = {}
    assert points(grade(notebook))[:3] == [4, 2, 1]


def test_a_notebook_of_something_else_is_unreadable(grade):
    graded = grade(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]))
    assert graded.record.status == "unreadable"
    assert "none of the assignment's cells" in graded.record.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{nope", "not valid JSON"),
        (b"", "is empty"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"[1, 2]", "not a notebook"),
        (b'{"cells": [{"cell_type": 7}]}', "not a notebook"),
        (b"[" * 100_000, "not valid JSON"),
        (b" " * 20_000_001, "at most 20 MB are read"),
    ],
)
def test_unreadable_files(grade, content, reason):
    graded = grade(content)
    assert graded.record.status == "unreadable"
    assert reason in graded.record.reason
    assert graded.record.max_points == 8 and graded.record.points == 0


def test_links_and_folders_are_not_read(course, released, grade_folder):
    path = submit(course.root, "ann", b"x")
    path.unlink()
    path.symlink_to(released)
    assert "is a link" in grade_folder().record.reason
    path.unlink()
    path.mkdir()
    assert "is a folder" in grade_folder().record.reason


def test_missing_and_renamed_notebooks(course, released, grade_folder):
    assert grade_folder().record.status == "missing"
    folder = course.path("submitted", "ann", "small")
    folder.mkdir(parents=True)
    nbformat.write(answer(released, RIGHT), folder / "small (2).ipynb")
    record = grade_folder().record
    assert record.points == 7
    assert "was called small (2).ipynb" in record.notes[0]


def test_files_handed_in_are_there_but_links_are_not(course, released, grade_folder):
    notebook = answer(released, RIGHT | {"half": "def half(n): return int(open('seven.txt').read())"})
    path = submit(course.root, "ann", notebook)
    (path.parent / "seven.txt").write_text("7")
    (path.parent / "secret.txt").symlink_to("/etc/passwd")
    graded = grade_folder()
    assert "should be 2, and yours is 7" in graded.record.cells[1].message
    assert "Left out: secret.txt is a link." in graded.record.notes


@pytest.mark.parametrize(
    ("value", "expected"), [("0.25", 0.25), ("7", 1), ("-3", 0), ("float('nan')", 0), ("None", 1), ("False", 1)]
)
def test_partial_credit_of_plain_tests_is_clamped(course, grade, released, value, expected):
    path = course.path("source", ".", "small") / "small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    next(cell for cell in notebook.cells if cell.source.startswith("assert")).source = f"half(10)\n{value}"
    nbformat.write(notebook, path)
    graded = grade(answer(released, RIGHT))
    assert graded.record.cells[2].points == expected


def test_the_students_cells_keep_their_outputs_in_the_graded_notebook(grade, released):
    notebook = answer(released, RIGHT)
    notebook.cells.append(nbformat.v4.new_code_cell("print('hello')"))
    graded = grade(notebook)
    assert any(
        out.get("text") == "hello\n" for cell in graded.notebooks["small"].cells for out in cell.get("outputs", [])
    )
    nbformat.validate(graded.notebooks["small"])


def test_same_seed_same_questions(grade, released):
    first = grade(answer(released, RIGHT | {"scale_rows": "def scale_rows(x, factors):\n    return x"}))
    again = grade(answer(released, RIGHT | {"scale_rows": "def scale_rows(x, factors):\n    return x"}))
    assert first.record.cells == again.record.cells


def test_time_that_ran_out_on_a_busy_machine_is_tried_again(grade, released, monkeypatch):
    """The students' processes wait for a processor, as the first attempt pretends: then the machine is free."""
    attempts = []
    grade_once = grading._grade_once

    def starved_at_first(*arguments):
        graded = grade_once(*arguments)
        attempts.append(arguments[-1].cell_seconds)
        if len(attempts) == 1:
            graded.record.status, graded.record.cpu_seconds, graded.waited_seconds = "timed out", 2.5, 2.5
        return graded

    monkeypatch.setattr(grading, "_grade_once", starved_at_first)
    graded = grade(answer(released, RIGHT))
    assert attempts == [attempts[0], 4 * attempts[0]]  # twice as slow, and as much again to be sure
    assert graded.record.status == "graded" and points(graded)[:3] == [4, 2, 1]


def test_a_machine_that_stays_busy_is_told(grade, released, monkeypatch):
    monkeypatch.setattr(grading, "STARVED", -1)
    graded = grade(answer(released, RIGHT | {"half": "def half(n):\n    while True: pass"}))
    assert graded.record.status == "timed out"
    assert "busy with other things" in graded.record.notes[-1]
