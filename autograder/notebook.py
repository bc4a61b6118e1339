"""An instructor's notebook taken apart: what it defines for students, what it tests, and what both of them need."""

import ast
import re
import symtable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

LEFT_OUT = "not-when-grading"
"""Tag of cells that are left out when grading."""


@dataclass(frozen=True)
class GradedCell:
    """A graded (test) cell of the instructor's notebook: its nbgrader id, points and source."""

    grade_id: str
    points: float
    source: str


def python_source(source):
    """Translate a cell's source to plain Python: magics and shell lines become calls of ``get_ipython()``."""
    return TransformerManager().transform_cell(source)


def names_bound(source, imports=True):
    """Names that a cell's top level binds: functions, classes, assigned variables and, if wanted, imports.

    >>> sorted(names_bound("import numpy as np\\na, (b, c) = 1, (2, 3)\\ndef f(): d = 1"))
    ['a', 'b', 'c', 'f', 'np']
    """
    tree = ast.parse(python_source(source))
    bound = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound.update((alias.asname or alias.name).split(".")[0] for alias in node.names if imports)
        else:
            bound.update(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return bound


def names_used(source):
    """Names that a cell looks up at its top level, or from within its functions as names of the notebook.

    >>> sorted(names_used("def f(a):\\n    b = a + c\\n    return [d for d in b]\\nf(e)"))
    ['c', 'e', 'f']
    """
    names, tables = set(), [symtable.symtable(python_source(source), "<cell>", "exec")]
    while tables:
        table = tables.pop()
        at_top = table.get_type() == "module"
        names.update(s.get_name() for s in table.get_symbols() if s.is_referenced() and (at_top or s.is_global()))
        tables += table.get_children()
    return names


class InstructorNotebook:
    """One notebook of an assignment, as its instructor wrote it.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    name : str
        The file's name without the suffix, nbgrader's notebook id.
    cells : list of NotebookNode
    metadata : NotebookNode
    """

    def __init__(self, path):
        self.name = Path(path).stem
        notebook = nbformat.read(path, as_version=4)
        self.cells, self.metadata = notebook.cells, notebook.metadata

    @cached_property
    def graded_cells(self):
        """The graded code cells in order, as a list of `GradedCell`."""
        return [
            GradedCell(cell.metadata.nbgrader.grade_id, float(cell.metadata.nbgrader.points), cell.source)
            for cell in self.cells
            if cell.cell_type == "code" and is_graded(cell) and not is_solution(cell)
        ]

    @cached_property
    def left_out(self):
        """Sources of the cells that are left out when grading: what they train or show gives nothing to any test.

        They bear the tag `LEFT_OUT`. A student's cell is left out only if it is as it was released.
        """
        return {cell.source.strip() for cell in self.cells if LEFT_OUT in cell.metadata.get("tags", ())}

    @cached_property
    def solution_sources(self):
        """Sources of the solution cells in order, without the markers of nbgrader."""
        return [
            re.sub(r"^ *### (BEGIN|END) SOLUTION *\n", "", cell.source + "\n", flags=re.M)
            for cell in self.cells
            if cell.cell_type == "code" and is_solution(cell)
        ]

    @cached_property
    def student_names(self):
        """The names that the solution cells bind: what tests may ask the student's process for, and nothing else."""
        return set().union(*(names_bound(source, imports=False) for source in self.solution_sources))

    @cached_property
    def support_sources(self):
        """Sources of the cells that bind names which solutions or tests use: imports, constants, helpers.

        Cells that only show something (plots made with the student's functions) are not among them.
        """
        graded = {cell.grade_id for cell in self.graded_cells}
        free = [
            cell.source
            for cell in self.cells
            if cell.cell_type == "code"
            and not is_solution(cell)
            and cell.metadata.get("nbgrader", {}).get("grade_id") not in graded
        ]
        readers = [*self.solution_sources, *(cell.source for cell in self.graded_cells)]
        needed = set().union(*map(names_used, readers))
        chosen = []
        for source in reversed(free):
            if names_bound(source) & needed and not names_used(source) & self.student_names:
                chosen.insert(0, source)
                needed |= names_used(source)
        return chosen

    def support(self):
        """Execute the support cells; return the names they bind, as a fresh namespace."""
        namespace = {"__name__": "__main__"}
        for text in self.support_sources:
            exec(compile(python_source(text), f"<{self.name}>", "exec"), namespace)
        return namespace

    def define(self, name, source=None):
        """Execute the instructor's definitions and return the object called ``name``.

        Parameters
        ----------
        name : str
        source : str, optional
            Used in place of the solution cell that defines it.
        """
        namespace = self.support()
        for text in self.solution_sources:
            own = name in names_bound(text)
            exec(compile(source if own and source else text, f"<{self.name}: {name}>", "exec"), namespace)
        return namespace[name]


def is_graded(cell):
    """Whether nbgrader gives points for this cell: tests, free answers, and tasks."""
    own = cell.metadata.get("nbgrader", {})
    return bool(own.get("grade") or own.get("task"))


def is_solution(cell):
    """Whether the student writes this cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
