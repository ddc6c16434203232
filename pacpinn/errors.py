"""Every error that pacpinn raises on purpose.

Each message says what was given, what was expected and what to do. All errors derive from :class:`PacpinnError`, so
that ``except pp.PacpinnError`` catches bad input and no fault of the library. Each docstring says what is wrong and how
to mend it.
"""


class PacpinnError(Exception):
    """Base of all errors raised by pacpinn."""


class UnknownProblem(PacpinnError):
    """No problem of that name is installed: choose a name from ``pacpinn problems``, or give the path of a file."""


class ProblemFileError(PacpinnError):
    """A problem file cannot be imported, or defines no problem: mend the line that the message shows."""


class CoefficientError(PacpinnError):
    """A coefficient is unknown, not a finite number, or outside its range: see the ranges in ``pacpinn problems``."""


class PruningError(PacpinnError):
    """`keep` lies outside (0, 1), or leaves no weight kept or none free: choose another fraction or criterion."""


class NetworkError(PacpinnError):
    """A network cannot be used, or a new head does not fit it: mend what the message names."""


class OrderError(PacpinnError):
    """A step of prune, allocate, calibrate was called too early: do first what the message names."""


class UnknownSolver(PacpinnError):
    """No solver has that name: choose a name from the message, or pass a configured solver."""


class SolverError(PacpinnError):
    """The solver cannot work on this task: choose the kind of solver that the message names."""


class ResidualError(PacpinnError):
    """An equation's residual has the wrong shape or is not finite: mend the residual that is named."""


class SizeError(PacpinnError):
    """A size of an input, output or residual block is no finite number above 0: give another, or leave it out."""


class DataError(PacpinnError, ValueError):
    """Samples have wrong shapes, are not finite numbers, or do not fit the network: mend what the message names."""


class MeasurementError(PacpinnError):
    """Measurements have the wrong shape, are not finite, too few or outside the domain: mend what the message names."""


class NotIdentifiable(PacpinnError):
    """The measurements do not determine some combination of coefficients: name fewer, or measure what depends on it."""


class NotSolved(PacpinnError, KeyError):
    """The family holds no member at these coefficients: ``family.extend([...])`` solves it."""

    __str__ = Exception.__str__  # KeyError would put the message in quotes


class NotAccurate(PacpinnError):
    """An answer may be wrong by more than the tolerance, or is outside the members' range: extend the family there."""


class FamilyFileError(PacpinnError):
    """A file is no family file, is damaged, or belongs to another run: choose another file, or its own problem."""


class FamilyInUse(PacpinnError):
    """Another process or thread is writing the same family file: wait until it has ended, or choose another file."""


class BackendError(PacpinnError):
    """DeepXDE was imported with a backend other than PyTorch: import pacpinn first or set DDE_BACKEND=pytorch."""


class NotEnoughMemory(PacpinnError):
    """A solve would need more memory than is available: take as few points or free weights as the message says."""


class DeviceError(PacpinnError):
    """This machine has no such device: choose one that ``torch`` sees, such as ``cpu``."""


class WorkersError(PacpinnError):
    """A cluster does not answer, or its workers cannot solve the problem: start or mend what the message names."""
