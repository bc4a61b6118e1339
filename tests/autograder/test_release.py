import json

import nbformat
import pytest

from autograder.assignment import AssignmentError
from autograder.release import release, same_release, source_of


def read(course):
    return nbformat.read(course.path("release", ".", "small") / "small.ipynb", as_version=4)


def test_students_get_no_solution_hidden_case_or_catalogue(course):
    folder = course.path("release", ".", "small")
    assert sorted(path.name for path in folder.iterdir()) == ["checks.json", "small.ipynb"]
    text = "".join(path.read_text() for path in folder.iterdir())
    for secret in ("SOLUTION", "x * factors[:, None]", "n // 2", "no rows at all", "np.resize"):
        assert secret not in text
    assert "raise NotImplementedError" in text


def test_cells_keep_their_ids_and_metadata(course):
    source = nbformat.read(course.path("source", ".", "small") / "small.ipynb", as_version=4)
    assert [cell.id for cell in read(course).cells] == [cell.id for cell in source.cells]
    points = {c.metadata.nbgrader.grade_id: c.metadata.nbgrader.get("points") for c in read(course).cells if c.metadata}
    assert points["check_scale_rows"] == 4


def test_release_is_in_step_until_its_source_changes(course):
    assignment = course.assignment("small")
    assert same_release(course, assignment) == []
    exercises = course.path("source", ".", "small") / "exercises.py"
    exercises.write_text(exercises.read_text().replace("You scale the columns.", "You scaled the columns."))
    assert same_release(course, course.assignment("small")) == ["checks.json differs"]
    (course.path("release", ".", "small") / "extra.txt").write_text("x")
    assert "extra.txt should not be there" in same_release(course, course.assignment("small"))


def test_release_replaces_what_was_there(course):
    folder = course.path("release", ".", "small")
    (folder / "old.txt").write_text("x")
    release(course, course.assignment("small"))
    assert not (folder / "old.txt").exists()


def test_compiled_source_runs_on_its_own(course):
    data = json.loads((course.path("release", ".", "small") / "checks.json").read_text())
    source = data["exercises"]["scale_rows"]["source"]
    assert "def _factors" in source  # what a case uses goes with it
    assert "def empty" not in source  # hidden
    assert "autograder" not in source
    exec(source, {})


def test_a_case_may_not_use_what_students_do_not_have(tmp_path):
    path = tmp_path / "exercises.py"
    path.write_text("import sqlalchemy\ndef case(f, rng):\n    return {'a': sqlalchemy.func(f)}\n")
    with pytest.raises(AssignmentError, match="uses the module 'sqlalchemy'"):
        source_of(["case"], path)
    path.write_text("def case(f, rng):\n    return {'a': nowhere(f)}\n")
    with pytest.raises(AssignmentError, match="uses 'nowhere'"):
        source_of(["case"], path)


def test_exercises_may_be_a_package(course):
    """Released and listed as when they stand in one file; an edited module is read anew."""
    folder, released = course.path("source", ".", "small"), course.path("release", ".", "small")
    before = (released / "checks.json").read_text()
    package = folder / "exercises"
    package.mkdir()
    (folder / "exercises.py").rename(package / "all_of_them.py")
    (package / "__init__.py").write_text("from .all_of_them import EXERCISES, LIMITS\n")
    assert course.assignment_names() == ["small"]
    assert release(course, course.assignment("small")) == released
    assert sorted(path.name for path in released.iterdir()) == ["checks.json", "small.ipynb"]
    assert (released / "checks.json").read_text() == before
    module = package / "all_of_them.py"
    module.write_text(module.read_text().replace("You divide with /.", "You divided."))
    assert same_release(course, course.assignment("small")) == ["checks.json differs"]
