"""What this machine can and cannot isolate, found out by trying."""

import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from autograder.exercise import Limits
from autograder.sandbox import SandboxUnavailable
from autograder.student_process import CannotStart, KernelServer, StudentGone
from visionlab.checks.handle import StudentError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    state : str
        'good', 'bad' (grading is not possible or not safe) or 'note'.
    message : str
    """

    state: str
    message: str


PROBES = (
    ("reach the network", "import socket; socket.create_connection(('192.0.2.1', 9), 1)"),
    ("read this machine's files", "open('/etc/hostname')"),
    ("write outside its folder", "open('/usr/written', 'w')"),
    ("make new namespaces", "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0"),
    ("see other processes", "import os; assert len([n for n in os.listdir('/proc') if n.isdigit()]) > 2"),
    ("fill the disk", "open('full', 'wb').write(b'x' * 300_000_000)"),
    ("take more memory than it may", "kept = bytearray(3_000_000_000)"),
)
"""What student code must not be able to do, and code that succeeds if it can."""


def examine():
    """Look at this machine.

    Yields
    ------
    Finding
    """
    if platform.system() != "Linux":
        yield Finding("bad", f"Student code can be isolated on Linux only; this is {platform.system()}.")
        return
    if bwrap := shutil.which("bwrap"):
        said = subprocess.run([bwrap, "--version"], capture_output=True, text=True).stdout.strip()
        yield Finding("good", f"{said} is installed.")
    try:
        with KernelServer() as server:
            server.wait_until_ready()
            yield Finding("good", "The sandbox starts.")
            yield from _try_to_break_out(server)
    except (SandboxUnavailable, CannotStart) as problem:
        yield Finding("bad", str(problem))
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        yield Finding("note", "Memory is watched by looking at the processes 20 times a second, not by cgroups.")
    devices = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    yield Finding("note", f"GPUs on this machine: {', '.join(devices) or 'none'}.")


def _try_to_break_out(server):
    limits = Limits(cell_seconds=10, memory_bytes=2_000_000_000)
    with server.start(limits) as process:
        process.run_cell("import os\nme = os.getuid()")
        owner = process.get("me")
    if owner == 65534:
        yield Finding("good", "Student code runs as nobody.")
    else:
        yield Finding("note", f"Student code runs with user id {owner}.")
    for what, source in PROBES:
        with server.start(limits) as process:
            try:
                stopped = process.run_cell(source)["failed"] is not None
            except (StudentGone, StudentError):
                stopped = True
        if stopped:
            yield Finding("good", f"Student code cannot {what}.")
        else:
            yield Finding("bad", f"Student code can {what}.")
