"""The grader's end of a student's process: run cells in it, and call what the student wrote through proxies."""

import contextlib
import dataclasses
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

import msgpack
import numpy as np

from autograder import sandbox, wire
from autograder.fork_server import CANNOT_SEPARATE
from visionlab.checks.cases import Recorder
from visionlab.checks.handle import Handle, StudentError

GRACE_SECONDS = 2.0
"""Time that a process gets to stop by itself after its time is over, before it is killed."""


START_SECONDS = 60.0
"""Time that a fresh process gets to import what it needs."""


class CannotStart(Exception):
    """No process for student code can be started on this machine: nothing that a student did."""


class StudentGone(BaseException):
    """The student's process has ended, or had to be ended.

    Not an Exception: no ``except Exception`` of a test may take it for an ordinary wrong answer.

    Attributes
    ----------
    status : str
        'died', 'timed out' or 'out of memory'.
    message : str
        What happened, to the student.
    """

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


class Deadline:
    """A point in time by which something must be done."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self):
        """Seconds left, at least zero."""
        return max(0.0, self._end - time.monotonic())


@dataclasses.dataclass(frozen=True)
class Usage:
    """What a student's process has used.

    Attributes
    ----------
    cpu_seconds : float
        Processor time.
    waited_seconds : float
        Time in which it could have run, and the machine was busy with others.
    memory_bytes : int
        Most memory, beyond what it shares with the fork server.
    """

    cpu_seconds: float = 0.0
    waited_seconds: float = 0.0
    memory_bytes: int = 0


class KernelServer:
    """Starts students' processes, by forking a warm one.

    Parameters
    ----------
    isolated : bool
        False runs them without a sandbox: for trusted code only.
    gpu : bool
        Whether the sandbox lets them use this machine's GPUs.
    full_data : bool
        Whether they find the full training sets.

    Raises
    ------
    SandboxUnavailable
    """

    def __init__(self, isolated=True, gpu=False, full_data=False):
        self._isolated = isolated
        self._numbers = itertools.count()
        argv = [sys.executable, "-I", "-m", "autograder.fork_server", "isolated" if isolated else "open"]
        self._commands = sandbox.commands(argv, gpu, full_data) if isolated else [argv]
        self._ready = False
        self._start()

    def _start(self):
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the server)
        with theirs:
            self._process = subprocess.Popen(
                self._commands[0],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                env={} if self._isolated else None,
            )

    def wait_until_ready(self):
        """Wait until processes can be started; the server takes seconds to import what notebooks import.

        Raises
        ------
        CannotStart
        """
        reasons = []
        while not self._ready:
            self._control.settimeout(START_SECONDS)
            with contextlib.suppress(OSError):
                self._ready = bool(self._control.recv(100))
            if self._ready:
                return
            self.close()
            self._said.seek(0)
            lines = self._said.read().decode(errors="replace").strip().splitlines()
            reasons.append(lines[-1] if lines else "it gave no reason")
            self._commands = self._commands[1:]
            if not self._commands:
                hint = (
                    " On Ubuntu 24.04 and later, AppArmor must allow bubblewrap user namespaces; in a container, the "
                    "container must. To grade without isolation, if you trust the code, pass --no-sandbox."
                )
                reason = "; ".join(reasons)
                raise CannotStart(f"No process for student code can be started: {reason}.{hint * self._isolated}")
            self._start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the server and all students' processes."""
        self._control.close()
        self._process.kill()
        self._process.wait()

    def start(self, limits, files=None):
        """Start a student's process.

        Parameters
        ----------
        limits : Limits
        files : dict of str to bytes
            Files to lay into its working directory.

        Returns
        -------
        StudentProcess
        """
        return StudentProcess(self, limits, files or {}, self._isolated)

    def fork(self, limits, kernel_socket, status):
        """Ask for a fork that serves ``kernel_socket`` and whose end is reported on ``status``; return its number."""
        self.wait_until_ready()
        # Workers forked from the grader share the server: the process id keeps their numbers apart.
        number = os.getpid() << 32 | next(self._numbers)
        request = msgpack.packb({"fork": number, "limits": limits})
        socket.send_fds(self._control, [request], [kernel_socket, status])
        return number

    def kill(self, number):
        """Kill a student's process and all that it has started."""
        with contextlib.suppress(OSError):
            self._control.send(msgpack.packb({"kill": number}))


class StudentProcess:
    """A process that runs one student's code, apart from everything else: made by `KernelServer.start`."""

    def __init__(self, server, limits, files, isolated):
        self._server = server
        self.limits = limits
        self._folder = None if isolated else tempfile.TemporaryDirectory()
        settings = dataclasses.asdict(limits) | {"folder": self._folder.name if self._folder else ""}
        self._socket, theirs = socket.socketpair()
        self._status, status = os.pipe()
        self._end = None
        self._imported = {}
        self._number = server.fork(settings, theirs.fileno(), status)
        theirs.close()
        os.close(status)
        # Laying files there is not the student's time.
        self.deadline = Deadline(START_SECONDS)
        try:
            self._request({"do": "files", "files": files})
        except StudentGone as gone:
            raise CannotStart(f"A process for student code could not be started: {gone.message}") from None
        self.deadline = Deadline(limits.cell_seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the process, whatever it is doing, and wait until it is gone."""
        if self._socket.fileno() >= 0:
            self._socket.close()
            self._server.kill(self._number)
            self._end = self._end or self._read_end()
            os.close(self._status)
            if self._folder:
                self._folder.cleanup()

    def _read_end(self):
        """How the process ended, as the fork server reports it."""
        if select.select([self._status], [], [], START_SECONDS)[0]:
            with contextlib.suppress(ValueError, msgpack.UnpackException):
                return msgpack.unpackb(os.read(self._status, 4096))
        return {"reason": "", "code": None}

    @property
    def usage(self):
        """What it has used, once it has ended, as far as it was seen: see `Usage`."""
        end = self._end or {}
        return Usage(**{field.name: end.get(field.name, 0) for field in dataclasses.fields(Usage)})

    def run_cell(self, source):
        """Run a cell.

        Returns
        -------
        dict
            ``outputs`` (notebook outputs), ``cut`` (whether some were left out), ``count`` (the execution count),
            ``failed`` (`StudentError` or None).

        Raises
        ------
        StudentGone
        """
        try:
            reply = self._request({"do": "run", "source": source})
        except StudentError as error:  # also where the student has broken what runs cells
            reply, failed = {}, error
        else:
            failed = _student_error(reply["failed"]) if reply.get("failed") else None
        outputs, count = reply.get("outputs"), reply.get("count")
        return {
            "outputs": outputs if type(outputs) is list else [],
            "cut": reply.get("cut") is True,
            "count": count if type(count) is int else None,
            "failed": failed,
        }

    def get(self, name):
        """The student's object of this name: plain data by value, anything else as a `Proxy`.

        Raises
        ------
        NameError
            If the student has not defined it.
        StudentGone
        """
        try:
            value = self._request({"do": "get", "name": name})["value"]
        except StudentError as error:
            if error.kind == "KeyError":
                raise NameError(f"{name} is not defined in the notebook") from None
            raise
        if isinstance(value, Proxy):
            # What a function calls itself is the student's word; the grader goes by the name it asked for.
            value.__name__ = name
        return value

    def call(self, number, args, kwargs):
        """Call an object of the student's; return its result and the arguments changed in place."""
        reply = self._request({"do": "call", "target": _Number(number), "args": list(args), "kwargs": kwargs})
        return reply.get("value"), dict(reply.get("changed") or [])

    def attribute(self, number, name):
        """Read an attribute of an object of the student's."""
        return self._request({"do": "attribute", "target": _Number(number), "name": name})["value"]

    def imported(self, function):
        """The function or class of a library that the student's process has too, as a `Proxy` of it there."""
        if function not in self._imported:
            importing = self.get("__builtin__")._attribute("__import__")
            module = importing(function.__module__, fromlist=[function.__name__])
            self._imported[function] = module._attribute(function.__name__)
        return self._imported[function]

    def _request(self, request):
        if self._socket.fileno() < 0:
            raise StudentGone("died", "The notebook's process had ended before.")
        if not self.deadline.left:
            raise StudentError("TimeLimit", message=self._time_is_over())
        functions, end = [], Deadline(self.deadline.left + GRACE_SECONDS)
        try:
            self._send(request | {"seconds": self.deadline.left}, functions)
            reply = self._receive()
            while isinstance(reply, dict) and "callback" in reply:
                if not end.left:  # each answer alone is quick, and there is no end of them
                    raise TimeoutError
                self._send(_answer(reply, functions), functions)
                reply = self._receive()
        except (TimeoutError, EOFError, OSError, wire.WireError) as error:
            raise self._gone(error) from None
        if not isinstance(reply, dict):
            raise self._gone(wire.WireError("a reply that is none"))
        if error := reply.get("error"):
            error = _student_error(error)
            raise StudentError("TimeLimit", message=self._time_is_over()) if error.kind == "TimeLimit" else error
        return reply

    def _send(self, message, functions):
        data = wire.encode(message, lambda item: _to_handle(item, functions))
        self._socket.settimeout(self.deadline.left + GRACE_SECONDS)
        wire.send(self._socket, data)

    def _receive(self):
        # A process that trickles bytes must not stretch its time: the deadline holds for the whole reply.
        end = Deadline(self.deadline.left + GRACE_SECONDS)
        if not select.select([self._socket], [], [], end.left)[0]:
            raise TimeoutError
        self._socket.settimeout(max(end.left, 0.01))
        data = wire.receive(self._socket, self.limits.reply_bytes + self.limits.output_bytes + 100_000)
        return wire.decode(data, lambda parts: Proxy(self, *parts))

    def _gone(self, error):
        """Close down after an error of the connection; return what to raise."""
        if isinstance(error, EOFError | OSError) and not isinstance(error, TimeoutError):
            # It ended by itself, or the fork server has killed it: wait for the report of which.
            self._end = self._read_end()
        self.close()
        reason, code = self._end["reason"], self._end["code"]
        if isinstance(error, TimeoutError):
            return StudentGone("timed out", f"{self._time_is_over()} It did not stop when asked to, and was ended.")
        if isinstance(error, wire.WireError):
            return StudentGone("died", f"The notebook's process was ended: it sent {error}.")
        if reason == "memory":
            gigabytes = self.limits.memory_bytes / 1e9
            return StudentGone("out of memory", f"The code needed more than the {gigabytes:g} GB it may use.")
        if reason == "processes":
            most = self.limits.processes
            return StudentGone("died", f"The code started more than the {most} processes it may have, and was ended.")
        if code == CANNOT_SEPARATE:
            raise CannotStart("This machine does not let the sandbox part students' processes from one another.")
        how = f" by signal {signal.Signals(code - 128).name}" if code and code > 128 else f" with exit status {code}"
        return StudentGone("died", f"The notebook's Python process ended{how} in the middle of this cell.")

    def _time_is_over(self):
        return f"The code took longer than the {self.deadline.seconds:g} seconds it may take."


class _Number(int):
    """A handle's number on its way back to the student's process."""


def _to_handle(item, functions):
    """The handle of an object that is not plain data; functions of the tests get one for as long as the call lasts."""
    if isinstance(item, _Number):
        return int(item)
    if isinstance(item, Proxy):
        return int(item._number)
    if callable(item) and not isinstance(item, type):
        functions.append(item)
        return ["function", len(functions) - 1]
    raise wire.WireError(f"an object of type {type(item).__name__} cannot be passed to student code")


def _answer(request, functions):
    """Call a function of the tests for the student's code, which gave the arguments; return what to send back."""
    try:
        number, args, kwargs = request["callback"], request["args"], request["kwargs"]
        return {"value": functions[number](*args, **kwargs)}
    except Exception as error:  # whatever the student's arguments lead to is the student's to hear
        return {"problem": f"{type(error).__name__}: {error}"[:1000]}


def _student_error(parts):
    try:
        kind, bases, message, line, line_number = parts
        return StudentError(str(kind), tuple(map(str, bases)), str(message), str(line), int(line_number))
    except (TypeError, ValueError):
        return StudentError("Exception", message="(an error that could not be read)")


class Proxy(Handle):
    """A handle of an object in the student's process."""

    def __init__(self, process, number, type_name):
        self._process = process
        self._number = int(number)
        self._stands_for = str(type_name)[:100]
        self._changed = {}

    def __call__(self, *args, **kwargs):
        """Call the student's object with plain data or other proxies."""
        result, self._changed = self._process.call(self._number, args, kwargs)
        if result is None:
            # A function that returns nothing works in place: let the caller see it.
            given = dict(enumerate(args)) | kwargs
            for key, value in self._changed.items():
                if isinstance(given[key], np.ndarray):
                    given[key][...] = value
        return result

    def _attribute(self, name):
        return self._process.attribute(self._number, name)

    def _imported(self, function):
        return self._process.imported(function)


class ProxyRecorder(Recorder):
    """A `Recorder` around a `Proxy`: arguments changed in place are those that the student's process reports."""

    def _after_call(self, arguments):
        changed = getattr(self._student, "_changed", {})
        names = list(arguments)
        return arguments | {names[key] if isinstance(key, int) else key: value for key, value in changed.items()}
