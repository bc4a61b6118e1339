"""A warm process that becomes a student's kernel by forking: what all notebooks import is imported once.

It runs no student code itself. For each submission it forks a process that parts itself from everything (see
`isolation`), in three generations: one that enters new namespaces, one that is process 1 there and only waits, and the
kernel. Killing the first ends all of them, and whatever the student's code has started.
"""

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgpack

WARM = ("numpy", "torch", "matplotlib.pyplot", "visionlab.checks", "visionlab.plots", "visionlab.widgets")
"""Imported before the first fork; any that is not installed is left out."""

WATCH_SECONDS = 0.05
"""How often memory and processes of the students' processes are looked at."""

HOME = "/submission"
CACHE = "/cache"
"""Inside the sandbox: a student's working directory, and what the fork server itself writes to."""

CANNOT_SEPARATE = 97
"""Exit status of a process that could not isolate itself: no student code has run in it."""


def main():
    """Serve fork requests that come on standard input, a socket; the argument is 'isolated' or 'open'."""
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    isolated = sys.argv[1] == "isolated"
    if isolated and os.getuid() == 0:
        from autograder import isolation

        isolation.become_nobody()
    make_shell = warm_up()
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page that holds an object
    control.send(b"ready")
    ForkServer(control, isolated, make_shell).serve()


def warm_up():
    """Import what notebooks import; return a function that makes the kernel of one notebook."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if "torch" in sys.modules:
        import torch

        # A forked child of a process that has used several threads hangs in its first parallel loop.
        torch.set_num_threads(1)
        weight = torch.zeros(2, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)  # the first step imports hundreds of modules
        weight.sum().backward()
        optimizer.step()
    from autograder.student_kernel import make_kernel, make_shell

    shell = make_shell()

    if threading.active_count() > 1 or len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError(f"the fork server has several threads: {threading.enumerate()}")
    return partial(make_kernel, shell)


@dataclass
class Child:
    """A forked student's process.

    Attributes
    ----------
    pid : int
        Of the first generation.
    watch : int
        A pidfd, readable when it has ended.
    status : int
        Descriptor that its end is reported on.
    limits : dict
    reason : str
        Why it was killed from here, if it was.
    cpu_seconds : float
        Processor time of its family, when last seen.
    waited_seconds : float
        Time in which its family could have run, and the machine was busy with others.
    memory_bytes : int
        Most memory its family was seen to have beyond what it shares with the fork server.
    """

    pid: int
    watch: int
    status: int
    limits: dict
    reason: str = ""
    cpu_seconds: float = 0.0
    waited_seconds: float = 0.0
    memory_bytes: int = 0


class ForkServer:
    """Forks on request, watches memory and processes, kills on request, and reports every end."""

    def __init__(self, control, isolated, make_kernel):
        self.control = control
        self.isolated = isolated
        self.make_kernel = make_kernel
        self.children = {}

    def serve(self):
        """Serve until the grader closes the control socket."""
        while True:
            watched = [self.control, *(child.watch for child in self.children.values())]
            ready, _, _ = select.select(watched, [], [], WATCH_SECONDS if self.children else None)
            for number, child in list(self.children.items()):
                if child.watch in ready:
                    self.report(number)
            self.look_after_children()
            if self.control in ready and not self.take_request():
                return

    def take_request(self):
        """Take one request; return False if there will be no more."""
        message, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 2)
        if not message:
            return False
        request = msgpack.unpackb(message)
        if "kill" in request:
            if child := self.children.get(request["kill"]):
                self.measure(child, descendants(child.pid, read_parents()))
                os.kill(child.pid, signal.SIGKILL)
        else:
            self.fork(request["fork"], request["limits"], *descriptors)
        return True

    def fork(self, number, limits, kernel_socket, status):
        """Fork a student's process that serves ``kernel_socket``."""
        pid = os.fork()
        if pid == 0:
            try:
                close_all_but(kernel_socket)
                first_generation(socket.socket(fileno=kernel_socket), limits, self.isolated, self.make_kernel)
            except BaseException:
                os._exit(1)
        os.close(kernel_socket)
        self.children[number] = Child(pid, os.pidfd_open(pid), status, limits)

    def report(self, number):
        """Report how a child has ended, and forget it."""
        child = self.children.pop(number)
        _, status = os.waitpid(child.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(OSError):
            end = {"reason": child.reason, "code": code}
            end |= {name: getattr(child, name) for name in ("cpu_seconds", "waited_seconds", "memory_bytes")}
            os.write(child.status, msgpack.packb(end))
        os.close(child.status)
        os.close(child.watch)

    def look_after_children(self):
        """Kill the children that use too much memory, or have too many processes."""
        if not self.children:
            return
        parents = read_parents()
        for child in self.children.values():
            family = descendants(child.pid, parents)
            self.measure(child, family)
            if len(family) > child.limits["processes"] + 3:
                child.reason = "processes"
            # Pages shared between a process and its fork count twice in the rough sum: look again, properly.
            elif all(
                sum(map(measure, family)) > child.limits["memory_bytes"] for measure in (rough_memory, exact_memory)
            ):
                child.reason = "memory"
            if child.reason:
                os.kill(child.pid, signal.SIGKILL)

    @staticmethod
    def measure(child, family):
        """Note what a family uses."""
        shared = rough_memory(os.getpid())
        own = sum(max(rough_memory(pid) - shared, 0) for pid in family)
        child.memory_bytes = max(child.memory_bytes, own)
        child.cpu_seconds = max(child.cpu_seconds, sum(map(processor_seconds, family)))
        child.waited_seconds = max(child.waited_seconds, sum(map(waiting_seconds, family)))


def first_generation(sock, limits, isolated, make_kernel):
    """Enter new namespaces, fork process 1 there, and end as it ends. Never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not isolated:
        os.setsid()
        os.chdir(limits["folder"])
        third_generation(sock, limits, make_kernel)
    from autograder import isolation

    try:
        isolation.die_with_parent()
        isolation.separate()
    except OSError:
        os._exit(CANNOT_SEPARATE)
    pid = os.fork()
    if pid == 0:
        second_generation(sock, limits, make_kernel)
    sock.close()
    os._exit(exit_status(os.waitpid(pid, 0)[1]))


def second_generation(sock, limits, make_kernel):
    """Be process 1: furnish the new world, fork the kernel, and wait for whatever ends. Never returns."""
    from autograder import isolation

    try:
        isolation.die_with_parent()
        # Where the course itself is installed under /tmp, that stays as it is: read-only.
        in_tmp = any(path.startswith("/tmp/") for path in (sys.prefix, sys.base_prefix, __file__))
        folders = (HOME, CACHE, "/dev/shm") if in_tmp else (HOME, CACHE, "/dev/shm", "/tmp")
        isolation.furnish(folders, limits["disk_bytes"], limits["files"])
    except OSError:
        os._exit(CANNOT_SEPARATE)
    pid = os.fork()
    if pid == 0:
        try:
            # CUDA reserves far more addresses than it uses memory: there only what is used is watched.
            memory = None if limits["gpu"] else limits["memory_bytes"]
            isolation.limit(memory, limits["disk_bytes"], limits["processes"], limits["cpu_seconds"])
            isolation.renounce()
            isolation.filter_system_calls()
        except (OSError, ValueError):
            os._exit(CANNOT_SEPARATE)
        third_generation(sock, limits, make_kernel)
    sock.close()
    isolation.renounce()
    isolation.hide_from_others()
    while True:
        ended, status = os.wait()
        if ended == pid:
            os._exit(exit_status(status))


def third_generation(sock, limits, make_kernel):
    """Be the kernel. Never returns."""
    try:
        make_kernel(sock, limits).serve()
    except BaseException:
        os._exit(1)
    os._exit(0)


def exit_status(status):
    """A wait status as an exit status, signals as a shell does: 128 and the signal's number."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def close_all_but(descriptor):
    """Close everything inherited but the standard streams and one descriptor: others belong to other students."""
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, 1 << 16)


def read_parents():
    """The parent of each process: pid -> pid."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parents[int(name)] = int(Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1])
    return parents


def descendants(pid, parents):
    """A process and all that descend from it."""
    family, newest = {pid}, {pid}
    while newest:
        newest = {child for child, parent in parents.items() if parent in newest} - family
        family |= newest
    return family


def rough_memory(pid):
    """Private and shared memory of a process in bytes, pages shared with forks included."""
    return _kilobytes(f"/proc/{pid}/status", ("RssAnon:", "RssShmem:"))


def exact_memory(pid):
    """The same, with pages shared by several processes counted in parts."""
    return _kilobytes(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:"))


def processor_seconds(pid):
    """Processor time of a process and of those of its children that it has waited for."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def waiting_seconds(pid):
    """Time that a process has waited for a processor; 0 where the kernel does not say."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def _kilobytes(path, keys):
    with contextlib.suppress(OSError):
        lines = Path(path).read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(keys))
    return 0


if __name__ == "__main__":
    main()
