"""An instructor's notebook taken apart."""

import nbformat

from autograder.notebook import InstructorNotebook
from tests.small_course import code, instructors_notebook


def test_a_pictures_variables_are_not_what_a_solution_needs(tmp_path):
    """The solution's own `n` is a parameter: the cell that happens to bind another `n` isn't executed for it."""
    notebook = instructors_notebook()
    shown = code("for n in shown_nowhere:\n    print(n)")
    shown.id = "shown"
    notebook.cells.insert(3, shown)
    nbformat.write(notebook, tmp_path / "small.ipynb")
    own = InstructorNotebook(tmp_path / "small.ipynb")
    assert own.support_sources == ["from visionlab.checks import check\nimport numpy as np"]
    assert own.define("half")(5) == 2
