"""The ways a run ends that are no fault of the program; each becomes one line and an exit status."""


class UsageError(ValueError):
    """A flag, file or variable of the user's breaks a rule. Its message names which, and the rule; exit status 2."""


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number. Exit status 3."""


class MachineLostError(RuntimeError):
    """Another machine of the cluster is gone, or has been silent for too long. Exit status 134."""
