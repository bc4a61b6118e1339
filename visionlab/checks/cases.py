"""Running one case of an exercise: from a student's object to plain, named observations.

A *case* is a function ``observe(student, rng)``: it calls the student's object (a function or a class) on inputs drawn
from the random generator and returns a dict of named observations, all plain data. The same case runs in the
student's notebook and, with the student's object replaced by a proxy of it in another process, in the grader.
"""

import inspect
from dataclasses import dataclass, field

import numpy as np

from visionlab.checks.handle import Handle, StudentError
from visionlab.checks.plain import NotPlain, arrays_in, changes, describe, snapshot, to_plain


@dataclass(frozen=True)
class Raised:
    """The observation that a call raised an exception instead of returning."""

    kind: str
    bases: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class Share:
    """An observation that is told and not compared: the share, 0 … 1, of something that went right."""

    value: float


def outcome(function, *args, **kwargs):
    """Call the student's ``function``; return its result, or `Raised` if it raises.

    For cases that expect an error, side by side with calls that must not raise.
    """
    try:
        return function(*args, **kwargs)
    except StudentError as error:
        if error.kind in ("NotImplementedError", "TimeLimit"):  # no answer yet, or cut short: not an answer
            raise
        return Raised(error.kind, error.bases, error.message)


@dataclass
class Call:
    """One recorded call of the student's object.

    Attributes
    ----------
    arguments : dict
        Plain copies of the arguments by parameter name, as they were before the call.
    result : object
        What came back.
    changed : dict
        Arguments that the call changed: name -> (before, after).
    names : tuple of str
        Names of all arguments, also of those that are not plain data.
    """

    arguments: dict
    result: object = None
    changed: dict = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def size(self):
        """How many numbers a reader has to look at to follow the call."""
        return sum(
            sum(array.size for _, array in arrays_in(name, value)) or 1 for name, value in self.arguments.items()
        )


class Recorder:
    """Stands in for the student's object in a case and remembers its calls.

    Parameters
    ----------
    student : callable
        The student's function or class, or a handle of it.
    parameters : sequence of str
        The reference's parameter names, to name positional arguments.
    """

    def __init__(self, student, parameters=()):
        self._student = student if isinstance(student, Handle) else Handle(student)
        self._parameters = tuple(parameters)
        self.calls = []

    @property
    def itself(self):
        """The student's object without the recorder: what a case hands to `visionlab.checks.handle.beside`."""
        return self._student

    def __getattr__(self, name):
        return getattr(self._student, name)

    def __call__(self, *args, **kwargs):
        """Call the student's object and record the call; exceptions become `StudentError`."""
        names = self._parameters + tuple(f"argument {i + 1}" for i in range(len(self._parameters), len(args)))
        arguments = dict(zip(names, args, strict=False)) | kwargs
        call = Call(snapshot(arguments), names=tuple(arguments))
        self.calls.append(call)
        try:
            call.result = self._student(*args, **kwargs)
        finally:
            call.changed = changes(call.arguments, self._after_call(arguments))
        return call.result

    def _after_call(self, arguments):
        """The arguments as the call left them; a grader's recorder asks the student's process."""
        return arguments


@dataclass
class Outcome:
    """All that a case saw.

    Attributes
    ----------
    observations : dict
        The named observations, plain data or `Raised`.
    shares : dict of str to float
        The observations that are told and not compared.
    error : StudentError or None
        Set if the case could not be finished because the student's code raised.
    unusable : str
        Set if the case could not be finished because of *what* the student's code returned: that, in words.
    returned : str
        What the last call returned, in words.
    changed : dict
        Arguments that a call changed in place: name -> (before, after).
    calls : list of Call
        The calls made, in order.
    sources : dict
        The call that gave an observation, by the observation's name, where it can be told.
    """

    observations: dict = field(default_factory=dict)
    shares: dict = field(default_factory=dict)
    error: StudentError | None = None
    unusable: str = ""
    returned: str = ""
    changed: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)
    sources: dict = field(default_factory=dict)


def run_case(observe, recorder, seed):
    """Run one case on the student's object.

    Parameters
    ----------
    observe : callable
        ``observe(student, rng) -> dict`` of named observations.
    recorder : Recorder
        A fresh recorder around the student's function or class.
    seed : int
        Seed of the generator the case draws its inputs from.

    Returns
    -------
    Outcome
        Never raises for what the student's code did.
    """
    seen = Outcome(calls=recorder.calls)
    try:
        observations = observe(recorder, np.random.default_rng(seed))
    except StudentError as error:
        seen.error = error
    except Exception:
        # The case itself is proven to run on the reference, so what it stumbled over is the student's result.
        seen.unusable = describe_result(recorder.calls[-1].result) if recorder.calls else "something unexpected"
    else:
        _keep_observations(seen, observations)
    for call in recorder.calls:
        seen.changed = call.changed | seen.changed
        seen.returned = describe_result(call.result)
    return seen


def _keep_observations(seen, observations):
    for name, value in observations.items():
        if isinstance(value, Share):
            seen.shares[name] = value.value
            continue
        for call in seen.calls:
            parts = call.result if type(call.result) is tuple else (call.result,)
            if isinstance(value, np.ndarray) and any(part is value for part in parts):
                seen.sources[name] = call
        try:
            seen.observations[name] = value if isinstance(value, Raised) else to_plain(value)
        except NotPlain as error:
            seen.unusable = str(error)
            return


def describe_result(result):
    """Say in words what a call returned; a tuple is what a function with several results returns.

    >>> describe_result((np.zeros((2, 3)), None))
    '2 things (an array of shape (2, 3), None)'
    """
    if type(result) is tuple:
        return f"{len(result)} things ({', '.join(describe(part) for part in result)})"
    return describe(result)


def parameters_of(function):
    """Names of the parameters of a function, or of a class's constructor.

    >>> parameters_of(outcome)
    ('function', 'args', 'kwargs')
    """
    return tuple(inspect.signature(function).parameters)
