"""Make the course work in a hosted notebook (Colab, Kaggle …), from its zip, unpacked there.

The first cell of an assignment runs this where visionlab is not installed, with the assignment's name in ASSIGNMENT.
PyTorch and whatever else the host has stay as they are; what is missing is installed, in the course's version.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
NOT_NEEDED = {"alembic", "jupyterlab", "msgpack", "nbgrader", "rich", "typer"}
"""What only a notebook server or a grader needs."""


def lacking(requirements):
    """The requirements whose packages are not installed, in whatever version.

    Examples
    --------
    >>> lacking(["pip==1.0", "no-such-package==2.0", "nbgrader==0.9"])
    ['no-such-package==2.0']
    """
    missing = []
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement).group()
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name not in NOT_NEEDED:
                missing.append(requirement)
    return missing


def main(assignment):
    """Install what is missing, let Python find visionlab, and go to the assignment's folder."""
    project = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    missing = lacking(project["dependencies"])
    if any(requirement.startswith("torch==") for requirement in missing):
        raise SystemExit(
            "This host has no PyTorch. Choose a runtime that has it, or install it, and run the cell again."
        )
    if missing:
        print("Installing", ", ".join(missing), "…")
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *missing], check=True)
    sys.path.insert(0, str(COURSE))
    os.chdir(COURSE / "assignments" / assignment)
    print(f"The course is ready. Files that you make here, to hand in with the notebook, lie in {os.getcwd()}")


if "ASSIGNMENT" in globals():
    main(globals()["ASSIGNMENT"])
