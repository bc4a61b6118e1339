"""nbgrader's own ways to grade and to write feedback, its formgrader's buttons among them, lead to our commands."""

import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from nbgrader.converters import Autograde, GenerateFeedback, NbGraderException


def use_engine():
    """From now on ``Autograde`` runs ``autograder grade``, and ``GenerateFeedback`` runs ``autograder feedback``.

    ``nbgrader_config.py`` calls it. All of nbgrader goes through these two classes: formgrader's buttons, the commands
    ``nbgrader autograde`` and ``nbgrader generate_feedback``, and `nbgrader.apps.api.NbGraderAPI`. Their methods are
    replaced, as there is no setting for it: hooks and preprocessors come after nbgrader has read, copied and deleted
    files. So no student's code runs in nbgrader's process or one that it starts outside the sandbox.
    """
    Autograde.start = _autograde
    GenerateFeedback.start = _generate_feedback


def _autograde(converter):
    # Formgrader's button always forces: who presses it twice wants another grading.
    _run(converter, "grade", ["--force"] if converter.force else [])


def _generate_feedback(converter):
    _run(converter, "feedback", [])


def _run(converter, command, options):
    """Run one of our commands for what a converter was asked to do; its log gets what the command prints.

    Raises
    ------
    NbGraderException
        If the command fails: nbgrader expects it, and shows the log.
    """
    course, root = converter.coursedir, Path(converter.coursedir.root).resolve()
    # -P: no module is imported from the folder that happens to be the current one.
    argv = [sys.executable, "-P", "-m", "autograder", command, "--course", str(root), *options, "--"]
    argv += [course.assignment_id, *_students(converter)]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    # A process of its own, as for the command: tests do not run in Jupyter's server, which holds the user's rights.
    with subprocess.Popen(argv, **streams, cwd=root, env=os.environ | {"COLUMNS": "120"}, encoding="utf-8") as process:
        for line in filter(str.strip, process.stdout):
            converter.log.info(line.rstrip())
    if process.returncode:
        raise NbGraderException(f"`autograder {command}` ended with exit status {process.returncode}.")


def _students(converter):
    """Whom a converter was asked for: nbgrader takes a pattern; [] stands for everybody.

    Raises
    ------
    NbGraderException
        If the pattern fits nobody.
    """
    course = converter.coursedir
    pattern, left_out = course.student_id, [name for name in course.student_id_exclude.split(",") if name]
    if pattern == "*" and not left_out:
        return []
    folders = Path(course.format_path(course.submitted_directory, "*", course.assignment_id)).parent.parent
    handed_in = sorted(path.name for path in folders.glob("*") if (path / course.assignment_id).is_dir())
    # A name stands for itself: with a submission, whatever characters it is made of; also without one.
    is_name = pattern in handed_in or not set("*?[") & set(pattern)
    named = [pattern] if is_name else [name for name in handed_in if fnmatchcase(name, pattern)]
    chosen = [name for name in named if name not in left_out]
    if not chosen:
        message = f"Nobody whose name fits {pattern!r} has submitted {course.assignment_id!r}."
        converter.log.error(message)
        raise NbGraderException(message)
    return chosen
