"""Whether what is installed is new enough for the course: asked once, when a notebook imports visionlab."""

import re
import sys
import warnings
from importlib import metadata

PYTHON = (3, 11)
LOOKED_AT = ("numpy", "torch", "anywidget", "ipywidgets", "matplotlib")
"""The packages whose older versions break a notebook in ways that are hard to understand."""


class OldVersion(UserWarning):
    """A package is missing, or older than what the course was made with; the message says what to do."""


def too_old():
    """Say what is too old, in a sentence each; [] if all is well.

    A package is compared, by the first two numbers of its version, with what pyproject.toml asks for, as installed
    beside visionlab. Newer ones are trusted.

    Returns
    -------
    list of str

    Examples
    --------
    >>> too_old()
    []
    """
    problems = []
    for wanted in _requirements():
        name, _, version = wanted.partition("==")
        if name in LOOKED_AT:
            try:
                found = metadata.version(name)
            except metadata.PackageNotFoundError:
                problems.append(f"{name} is not installed here. {_remedy(wanted)}")
                continue
            if _series(found) < _series(version):
                problems.append(f"{name} {found} is older than the course needs ({version}). {_remedy(wanted)}")
    return problems


def look():
    """Refuse a Python that is too old, and warn of packages that are.

    Raises
    ------
    ImportError
        If Python itself is too old.
    """
    if sys.version_info < PYTHON:
        needed, found = (".".join(map(str, numbers[:2])) for numbers in (PYTHON, sys.version_info))
        raise ImportError(
            f"The course needs Python {needed} or newer, and this is Python {found}. Install a newer one, then run in "
            f"the course's folder: make clean, and make lab PYTHON=python{needed}."
        )
    for problem in too_old():
        warnings.warn(problem, OldVersion, stacklevel=2)


def _requirements():
    try:
        return metadata.requires("visionlab") or []
    except metadata.PackageNotFoundError:  # used from its folder without being installed
        return []


def _series(version):
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def _remedy(wanted):
    return (
        "Close JupyterLab and run make lab in the course's folder; in an environment of your own, run "
        f'"{sys.executable}" -m pip install "{wanted}" and restart the kernel.'
    )
