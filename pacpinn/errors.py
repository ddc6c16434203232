"""Every error that pacpinn raises on purpose.

Each message says what was given, what was expected and what to do. All derive from
:class:`PacpinnError`, so ``except pp.PacpinnError`` catches bad input and nothing else.
"""


class PacpinnError(Exception):
    """Base of all errors raised by pacpinn."""


class UnknownProblem(PacpinnError):
    """No problem of that name is installed: choose one from ``pacpinn problems`` or give a file's path."""


class ProblemFileError(PacpinnError):
    """A problem file does not import or holds no problem: mend the line that the message shows."""


class CoefficientError(PacpinnError):
    """A coefficient is unknown, not a finite number, or outside its range: see ``pacpinn problems``."""


class PruningError(PacpinnError):
    """`keep` lies outside (0, 1), or leaves nothing to keep or to free: choose another fraction or criterion."""


class NetworkError(PacpinnError):
    """A network cannot be used, or a new head does not fit into it: mend what the message names."""


class OrderError(PacpinnError):
    """A step of prune-allocate-calibrate came too early: do first what the message names."""


class UnknownSolver(PacpinnError):
    """No solver of that name: choose one from the message, or pass a configured solver."""


class SolverError(PacpinnError):
    """The solver cannot work on this task: choose the kind of solver that the message names."""


class ResidualError(PacpinnError):
    """An equation's residual has the wrong shape or is not finite: mend the residual that is named."""


class DataError(PacpinnError, ValueError):
    """Samples have wrong shapes, are not finite numbers, or do not fit the network: mend what the message names."""


class MeasurementError(PacpinnError):
    """Measurements have the wrong shape, are not finite, too few or outside the domain: mend what the message names."""


class NotIdentifiable(PacpinnError):
    """The measurements do not determine a combination of coefficients: name fewer, or measure what depends on it."""


class NotSolved(PacpinnError, KeyError):
    """The family holds no member at these coefficients: ``family.extend([...])`` solves it."""

    __str__ = Exception.__str__  # KeyError would put the message in quotes


class NotAccurate(PacpinnError):
    """An answer between the members may be wrong by more than the tolerance, or lies outside their range."""


class FamilyFileError(PacpinnError):
    """A file is not a family file, is damaged, or belongs to another problem."""


class FamilyInUse(PacpinnError):
    """Another process or thread is writing the same family file: wait for it, or choose another file."""


class BackendError(PacpinnError):
    """DeepXDE was imported with a backend other than PyTorch: import pacpinn first or set DDE_BACKEND=pytorch."""


class NotEnoughMemory(PacpinnError):
    """A solve would need more memory than there is: take as many points or free weights as the message says fit."""


class DeviceError(PacpinnError):
    """The device asked for is not there: choose one that ``torch`` sees, such as ``cpu``."""


class WorkersError(PacpinnError):
    """A cluster is not reached, has no workers or others than it should, or cannot take the problem."""
