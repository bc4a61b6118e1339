"""The bubblewrap sandbox that the fork server, and so every student's process, lives in."""

import glob
import os
import shutil
import sys
from pathlib import Path

import matplotlib

from autograder.fork_server import CACHE, HOME
from visionlab.downloads import cache_folder

PACKAGE_ROOT = Path(__file__).resolve().parent.parent
VISIBLE = (
    "autograder/__init__.py",
    "autograder/fork_server.py",
    "autograder/isolation.py",
    "autograder/student_kernel.py",
    "autograder/wire.py",
    "visionlab",
    "data",
)
"""What there is of the course inside: of the grader, nothing but what runs there."""


GPU_NODES = ("/dev/nvidia*", "/dev/nvidia-caps/*", "/dev/kfd", "/dev/dri/renderD*", "/dev/dxg")
"""Devices through which CUDA and ROCm reach a GPU; the driver's libraries are in /usr."""


FULL_DATA = "/full_data"


class SandboxUnavailable(Exception):
    """This machine cannot isolate student code; the message says what to do."""


def commands(argv, gpu=False, full_data=False):
    """Ways to run the fork server's command in a world of its own, the better one first.

    Set up by root, a sandbox can give up root for good, so that student code has no user's rights on this machine: if
    the course and its Python can be read by everybody. Otherwise it is set up in a user namespace.

    Parameters
    ----------
    argv : sequence of str
    gpu : bool
        Whether GPUs can be used inside.
    full_data : bool
        Whether the full training sets that this machine has are there: for trainings that are run again. Test sets
        never are, as hidden images may be among them.

    Returns
    -------
    list of list of str
        To be started with an *empty* environment: bubblewrap's own can be read from inside.

    Raises
    ------
    SandboxUnavailable
    """
    if not shutil.which("bwrap"):
        raise SandboxUnavailable(
            "Student code runs in a bubblewrap sandbox, and bubblewrap is not installed here. Install it "
            "(Debian, Ubuntu: sudo apt-get install bubblewrap), or trust the code and pass --no-sandbox."
        )
    ways = (True, False) if os.geteuid() == 0 else (False,)
    return [[*_world(privileged, gpu, full_data), "--", *argv] for privileged in ways]


def _training_sets():
    """Options that show the full training sets."""
    paths = sorted(cache_folder().glob("*/train-*.npy"))
    shown = ["--setenv", "VISIONLAB_DATA", FULL_DATA]
    for folder in sorted({FULL_DATA, *(f"{FULL_DATA}/{path.parent.name}" for path in paths)}):
        shown += ["--perms", "0755", "--dir", folder]
    for path in paths:
        shown += ["--ro-bind", str(path), f"{FULL_DATA}/{path.parent.name}/{path.name}"]
    return shown


def _world(privileged, gpu, full_data):
    """Options of bubblewrap that make a read-only world with a Python in it and nothing else."""
    world = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    world += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    if not privileged:
        world += ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    world += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp", "--dir", HOME]
    if gpu:
        world += ["--ro-bind-try", "/sys", "/sys"]  # where drivers look up the topology
        for node in sorted(path for pattern in GPU_NODES for path in glob.glob(pattern) if not os.path.isdir(path)):
            world += ["--dev-bind", node, node]
    for path in ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts"):
        world += ["--ro-bind-try", path, path]
    shown = [Path(sys.base_prefix), Path(sys.prefix), *(PACKAGE_ROOT / name for name in VISIBLE)]
    # Folders on the way would be made for bubblewrap's own user only.
    for folder in sorted({parent for path in shown for parent in path.parents} - {Path("/"), Path("/usr")}):
        world += ["--perms", "0755", "--dir", str(folder)]
    for path in dict.fromkeys(map(str, shown)):
        world += ["--ro-bind-try", path, path]
    if full_data:
        world += _training_sets()
    # Without its font list matplotlib would search all fonts anew, for seconds.
    world += ["--perms", "1777", "--tmpfs", CACHE, "--perms", "0777", "--dir", f"{CACHE}/matplotlib"]
    for path in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        world += ["--ro-bind", str(path), f"{CACHE}/matplotlib/{path.name}"]
    environment = {"HOME": HOME, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TMPDIR": CACHE, "OMP_NUM_THREADS": "1"}
    environment |= {"MPLCONFIGDIR": f"{CACHE}/matplotlib", "IPYTHONDIR": f"{CACHE}/ipython"}
    for key, value in environment.items():
        world += ["--setenv", key, value]
    return [*world, "--chdir", "/", "--remount-ro", "/", "--remount-ro", "/tmp"]
