"""The ways a run ends that are no fault of the program; each becomes one line and an exit status."""


class UsageError(ValueError):
    """A flag, file or variable of the user's breaks a rule. Its message names which, and the rule; exit status 2."""


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number. Exit status 3."""


class StorageError(OSError):
    """The run's output can no longer be written, as on a full disk. Exit status 4."""


class StoppedError(KeyboardInterrupt):
    """The program was told to stop. Exit status 128 and the signal's number, so 129, 130 or 143."""


class MachineLostError(RuntimeError):
    """Another machine of the cluster is gone, or has been silent for too long. Exit status 134."""
