"""The bubblewrap sandbox that the student's process runs in."""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib

HOME = "/submission"
"""The student's working directory inside the sandbox."""

PACKAGE_ROOT = Path(__file__).resolve().parent.parent
KERNEL_FILES = ("autograder/__init__.py", "autograder/wire.py", "autograder/student_kernel.py", "visionlab", "data")
"""What the student's process needs of the course: nothing of the grader but the kernel itself."""


class SandboxUnavailable(Exception):
    """This machine cannot isolate student code; the message says what to install."""


@functools.cache
def require():
    """Make sure that a sandbox can be started here.

    Raises
    ------
    SandboxUnavailable
    """
    if not shutil.which("bwrap"):
        raise SandboxUnavailable(
            "Student code runs in a bubblewrap sandbox, and bubblewrap is not installed here. Install it "
            "(Debian, Ubuntu: sudo apt-get install bubblewrap), or trust the code and pass --no-sandbox."
        )
    trial = subprocess.run([*_isolation(), "true"], capture_output=True, text=True, env={})
    if trial.returncode:
        raise SandboxUnavailable(
            f"bubblewrap cannot make a sandbox here: {trial.stderr.strip() or 'it failed without a word'}. On Ubuntu "
            "24.04 and later, AppArmor must allow it user namespaces; in a container, the container must. To grade "
            "without isolation, if you trust the code, pass --no-sandbox."
        )


def _isolation():
    """Options that make a fresh, read-only world with an interpreter in it and nothing else."""
    command = ["bwrap", "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    command += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    for path in ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts"):
        command += ["--ro-bind-try", path, path]
    for path in dict.fromkeys([sys.base_prefix, sys.prefix]):
        command += ["--ro-bind", path, path]
    return [*command, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]


def command(argv, files):
    """Wrap a command so that it runs isolated.

    Parameters
    ----------
    argv : sequence of str
        The command.
    files : dict of str to Path
        Files to lay into the working directory, by name.

    Returns
    -------
    list of str
        To be started with an *empty* environment: bubblewrap's own can be read from inside.
    """
    wrapped = _isolation()
    for name in KERNEL_FILES:
        path = PACKAGE_ROOT / name
        if path.exists():
            wrapped += ["--ro-bind", str(path), str(path)]
    wrapped += ["--tmpfs", HOME, "--chdir", HOME]
    for name, path in files.items():
        wrapped += ["--ro-bind", str(path), f"{HOME}/{name}"]
    # Without its font list matplotlib would search all fonts anew in each sandbox, for seconds.
    for path in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        wrapped += ["--ro-bind", str(path), f"/tmp/matplotlib/{path.name}"]
    environment = {"HOME": HOME, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TMPDIR": "/tmp"}
    environment |= {"MPLCONFIGDIR": "/tmp/matplotlib", "IPYTHONDIR": "/tmp/ipython", "OMP_NUM_THREADS": "1"}
    for key, value in environment.items():
        wrapped += ["--setenv", key, value]
    return [*wrapped, "--remount-ro", "/", "--", *argv]
