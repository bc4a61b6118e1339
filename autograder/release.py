"""Releasing an assignment: the student's notebook by nbgrader's own steps, and the compiled checks beside it."""

import ast
import builtins
import inspect
import json
import logging
import math
import shutil
import tempfile
from pathlib import Path

from nbgrader.converters import GenerateAssignment
from traitlets.config import Config

from autograder.assignment import AssignmentError
from autograder.course import Course
from autograder.notebook import names_used
from visionlab.checks.cases import parameters_of
from visionlab.checks.stored import FILE_NAME, FORMAT, case_to_json

ALLOWED_IMPORTS = {"collections", "itertools", "math", "numpy", "torch", "visionlab"}


def release(course, assignment, destination=None):
    """Generate the student's version of an assignment.

    Parameters
    ----------
    course : Course
    assignment : Assignment
    destination : path, optional
        Folder to write to; by default the course's release folder. What it held before is replaced.

    Returns
    -------
    Path
        The folder written.
    """
    final = Path(destination) if destination else course.path("release", ".", assignment.name)
    config = Config(course.config)
    config.GenerateAssignment.no_database = True
    config.GenerateAssignment.post_convert_hook = None
    config.SaveCells.enabled = False
    config.CourseDirectory.assignment_id = assignment.name
    if destination:
        config.CourseDirectory.directory_structure = course.nbgrader.directory_structure
        config.CourseDirectory.release_directory = str(final.parent)
    working = type(course.nbgrader)(config=config)
    if final.exists():
        shutil.rmtree(final)
    # nbgrader logs each file it touches; only what goes wrong is of interest here.
    log = logging.getLogger("autograder.release")
    log.setLevel(logging.ERROR)
    GenerateAssignment(coursedir=working, config=config, log=log).start()
    write_checks(assignment, final)
    return final


def add_checks(assignment, **_):
    """Write the compiled checks beside a notebook that nbgrader generated: the hook in ``nbgrader_config.py``."""
    course = Course.find()
    write_checks(course.assignment(assignment), course.path("release", ".", assignment))


def write_checks(assignment, folder):
    """Compile the visible cases of an assignment into ``folder/checks.json``."""
    data = {
        "format": FORMAT,
        "assignment": assignment.name,
        "exercises": {name: _compile(assignment, exercise) for name, exercise in assignment.exercises.items()},
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # A line a case keeps the file's history readable.
    text = text.replace('{"name":', '\n{"name":')
    Path(folder, FILE_NAME).write_text(text + "\n", encoding="utf-8")


def _compile(assignment, exercise):
    cases = exercise.visible
    prepared = assignment.prepare(exercise.name, cases, [case.seed for case in cases])
    return {
        "parameters": list(parameters_of(assignment.references[exercise.name])),
        "source": source_of([case.name for case in cases], module_of(cases[0])) if cases else "",
        "bugs": assignment.explanations(exercise.name),
        "cases": [case_to_json(case) for case in prepared],
    }


def module_of(case):
    """Path of the module that a case stands in; all cases of an exercise stand in the same."""
    return Path(inspect.getsourcefile(case.observe))


def source_of(names, path):
    """Cut the definitions of ``names``, and of all they use at module level, out of a Python file.

    Parameters
    ----------
    names : sequence of str
        Functions of the module.
    path : Path
        The module's file.

    Returns
    -------
    str
        Source that runs on its own.

    Raises
    ------
    AssignmentError
        If it needs a module that students do not have.
    """
    text = path.read_text(encoding="utf-8")
    definitions = {}
    for node in ast.parse(text).body:
        for name in _bound_by(node):
            definitions[name] = node
    wanted, nodes = list(names), []
    while wanted:
        name = wanted.pop()
        node = definitions.get(name)
        if node is None:
            if not hasattr(builtins, name):
                raise AssignmentError(f"{path}: a visible case uses {name!r}, which the module does not define.")
            continue
        if node in nodes:
            continue
        nodes.append(node)
        if not isinstance(node, ast.Import | ast.ImportFrom):
            wanted += sorted(names_used(ast.get_source_segment(text, node)))
    return "\n\n".join(_released(node, text, path) for node in sorted(nodes, key=lambda node: node.lineno))


def _bound_by(node):
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _released(node, text, path):
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return ast.get_source_segment(text, node)
    if isinstance(node, ast.ImportFrom) and node.module == "autograder.exercise":
        # `outcome` is at home in visionlab.checks, which students have; the declarations they do not need.
        return "from visionlab.checks import outcome"
    modules = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    for module in modules:
        if module.split(".")[0] not in ALLOWED_IMPORTS:
            raise AssignmentError(f"{path}: a visible case uses the module {module!r}, which students may not have.")
    return ast.unparse(node)


def same_release(course, assignment):
    """Compare the released assignment with a fresh one.

    Returns
    -------
    list of str
        The differences, in words; [] if there are none. Numbers in the checks may differ by rounding.
    """
    released = course.path("release", ".", assignment.name)
    with tempfile.TemporaryDirectory() as folder:
        fresh = release(course, assignment, Path(folder) / assignment.name)
        names = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
        there = {path.relative_to(released) for path in released.rglob("*") if path.is_file()}
        differences = [f"{name} is missing" for name in sorted(names - there)]
        differences += [
            f"{name} should not be there" for name in sorted(there - names) if ".ipynb_checkpoints" not in name.parts
        ]
        for name in sorted(names & there):
            new, old = (fresh / name).read_bytes(), (released / name).read_bytes()
            if new != old and not (name.name == FILE_NAME and _alike(json.loads(new), json.loads(old))):
                differences.append(f"{name} differs")
    return differences


def _alike(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (one != one and other != other)
    return one == other
