"""A new assignment: a folder with a notebook and one proven example exercise, to be changed into one's own."""

import re
from pathlib import Path

from autograder.assignment import AssignmentError

TEMPLATES = Path(__file__).parent / "templates" / "new_assignment"
PLACEHOLDER = "NAME"


def new_assignment(course, name):
    """Make the folder of a new assignment, which `autograder verify` and `autograder release` accept as it is.

    Parameters
    ----------
    course : Course
    name : str
        Letters, digits and underscores, beginning with a letter: what the folder and the notebook are called.

    Returns
    -------
    Path
        The folder made.

    Raises
    ------
    AssignmentError
        If the name cannot be one, or is taken; nothing is written then.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise AssignmentError(
            f"{name!r} cannot be the name of an assignment. Take letters, digits and underscores, beginning with a "
            f"letter{_suggestion(name)}."
        )
    source, released = course.path("source", ".", name), course.path("release", ".", name)
    for folder in (source, released):
        if folder.exists():
            raise AssignmentError(f"{folder.relative_to(course.root)} is there already: choose another name.")
    source.mkdir(parents=True)
    for template in sorted(TEMPLATES.iterdir()):
        if template.is_file():
            text = template.read_text(encoding="utf-8").replace(PLACEHOLDER, name)
            (source / template.name.replace(PLACEHOLDER, name)).write_text(text, encoding="utf-8")
    return source


def _suggestion(name):
    better = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
    return f": {better}, for example" if re.match(r"[a-z]", better) else ""
