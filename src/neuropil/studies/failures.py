"""How a run can fail: each failure is one sentence that says what to do next."""


class StudyFailed(RuntimeError):
    """A run did not reach its end; what was finished is kept."""


class OutputFailed(StudyFailed):
    """A file of the run could not be written: no permission, no space, or no such folder."""


class RunHeld(StudyFailed):
    """Another run is writing the same folder."""


class RunDamaged(StudyFailed):
    """A stored run cannot be read, or does not hold what its checksums promise."""


class ShardFailed(StudyFailed):
    """A piece of the study raised an error, or the worker that computed it was lost.

    `details` holds the traceback where there is one, for the log.
    """

    def __init__(self, message: str, details: str = ""):
        super().__init__(message)
        self.details = details

    def __reduce__(self):
        return type(self), (self.args[0], self.details)


class RunInterrupted(KeyboardInterrupt):
    """The user stopped the run; repeating the same call continues it."""
